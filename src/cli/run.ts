import { readFile } from 'node:fs/promises'

import { closestMatch, didYouMean } from '../internal/message-text.ts'
import { codeOf } from '../internal/core-objects.ts'
import type { Command } from './args.ts'
import { commandHelp, globalHelp } from './help.ts'
import {
  type CommandLineIo,
  EXIT,
  Interruption,
  Progress,
  reportFailure,
  UsageError,
  writeLine,
} from './output.ts'

/** What is known of a command before its code is loaded. */
interface CommandEntry {
  readonly name: string
  /** What it does, in a few words. */
  readonly summary: string
  readonly load: () => Promise<{ readonly command: Command }>
}

/** Every command, in the order of the help. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'create-table',
    summary: 'create the table, or print it as infrastructure code',
    load: () => import('./commands/create-table.ts'),
  },
  {
    name: 'doctor',
    summary: 'check credentials, region, clock, table and permissions, and say how to mend them',
    load: () => import('./commands/doctor.ts'),
  },
  {
    name: 'list',
    summary: 'list the sessions that are alive, or those of one user',
    load: () => import('./commands/list.ts'),
  },
  { name: 'show', summary: 'show one session', load: () => import('./commands/show.ts') },
  {
    name: 'destroy',
    summary: 'end one session, or all sessions of a user',
    load: () => import('./commands/destroy.ts'),
  },
  { name: 'gc', summary: 'delete the sessions that have expired', load: () => import('./commands/gc.ts') },
  {
    name: 'migrate',
    summary: 'move the sessions of another store here, all at once',
    load: () => import('./commands/migrate.ts'),
  },
  {
    name: 'stats',
    summary: 'count the sessions, and measure their size and age',
    load: () => import('./commands/stats.ts'),
  },
]

/**
 * Runs a command line.
 *
 * It loads the code of one command only, writes nothing but what the command is asked for to `stdout`, and everything
 * else to `stderr`.
 *
 * @param args what follows the name of the program.
 * @returns the exit code; it does not reject.
 */
export async function runCommandLine(args: readonly string[], io: CommandLineIo): Promise<number> {
  const [first, ...rest] = args
  const entry = commands.find(({ name }) => name === first)
  try {
    return entry === undefined ? await runGlobal(first, rest, io) : await runCommand(entry, rest, io)
  } catch (error) {
    return endWith(error, entry?.name, io).catch(() => EXIT.failure)
  }
}

async function runGlobal(
  first: string | undefined,
  rest: readonly string[],
  io: CommandLineIo,
): Promise<number> {
  switch (first) {
    case undefined:
      await writeHelp(undefined, io.stderr, io)
      return EXIT.usage
    case '--help':
    case '-h':
    case 'help': {
      const entry = commands.find(({ name }) => name === rest[0])
      if (entry === undefined && rest[0] !== undefined) throw unknownCommand(rest[0])
      return writeHelp(entry, io.stdout, io)
    }
    case '--version':
    case '-V': {
      const manifest = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
      const { version } = JSON.parse(manifest) as { readonly version: string }
      await writeLine(io.stdout, version)
      return EXIT.ok
    }
    default:
      if (first.startsWith('-')) {
        throw new UsageError('the command comes first: dynamodb-sessions <command> [options]')
      }
      throw unknownCommand(first)
  }
}

async function runCommand(entry: CommandEntry, rest: readonly string[], io: CommandLineIo): Promise<number> {
  const own = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest
  if (own.includes('--help') || own.includes('-h')) return writeHelp(entry, io.stdout, io)
  const [{ command }, { commonOptionsOf, parseCommandArgs }] = await Promise.all([
    entry.load(),
    import('./args.ts'),
  ])
  const args = parseCommandArgs(rest, [...command.options, ...commonOptionsOf(command)])
  if (command.optionsOnly !== undefined && args.positionals.length > 0) {
    throw new UsageError(`${entry.name} ${command.optionsOnly}`)
  }
  io.signal.throwIfAborted()
  const progress = new Progress(io.stderr)
  try {
    return (await command.run({ ...io, args, progress })) ?? EXIT.ok
  } finally {
    await progress.clear()
  }
}

async function writeHelp(
  entry: CommandEntry | undefined,
  output: CommandLineIo['stdout'],
  { environment }: CommandLineIo,
): Promise<number> {
  const target = { output, environment }
  if (entry === undefined) await output.write(globalHelp(commands, target))
  else {
    const { describedOptionsOf } = await import('./args.ts')
    const { command } = await entry.load()
    await output.write(commandHelp(entry.name, command, await describedOptionsOf(command), target))
  }
  return EXIT.ok
}

function unknownCommand(word: string): UsageError {
  const names = commands.map(({ name }) => name)
  // What is in the place of the command may be a session ID that slipped in.
  const shown = /^[a-z][a-z-]{0,19}$/i.test(word) ? `"${word}"` : 'of that name'
  return new UsageError(`there is no command ${shown}${didYouMean(closestMatch(word, names))}`)
}

async function endWith(error: unknown, command: string | undefined, io: CommandLineIo): Promise<number> {
  if (io.signal.aborted) {
    await writeLine(io.stderr, 'interrupted')
    const reason: unknown = io.signal.reason
    return reason instanceof Interruption && reason.signal === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted
  }
  // Whoever read the output (`| head`) has seen enough.
  if (codeOf(error) === 'EPIPE') return EXIT.ok
  return reportFailure(error, command, io)
}
