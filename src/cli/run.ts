import { codeOf } from '../internal/core-objects.ts'
import { EXIT, UsageError } from './command.ts'
import { type CommandEntry, commands } from './commands.ts'
import { globalHelp } from './help.ts'
import { type CommandLineIo, Interruption, writeLine } from './io.ts'

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
    return reportFailure(error, entry?.name, io).catch(() => EXIT.failure)
  }
}

async function runGlobal(
  first: string | undefined,
  rest: readonly string[],
  io: CommandLineIo,
): Promise<number> {
  switch (first) {
    case undefined:
      await writeGlobalHelp(io, io.stderr)
      return EXIT.usage
    case '--help':
    case '-h':
    case 'help': {
      const entry = commands.find(({ name }) => name === rest[0])
      if (entry !== undefined) return writeCommandHelp(entry, io)
      if (rest[0] !== undefined) throw await unknownCommand(rest[0])
      await writeGlobalHelp(io, io.stdout)
      return EXIT.ok
    }
    case '--version':
    case '-V': {
      const { packageVersion } = await import('./package-version.ts')
      await writeLine(io.stdout, await packageVersion())
      return EXIT.ok
    }
    default:
      if (first.startsWith('-')) {
        throw new UsageError('the command comes first: dynamodb-sessions <command> [options]')
      }
      throw await unknownCommand(first)
  }
}

async function runCommand(entry: CommandEntry, args: readonly string[], io: CommandLineIo): Promise<number> {
  const ownArgs = args.includes('--') ? args.slice(0, args.indexOf('--')) : args
  if (ownArgs.includes('--help') || ownArgs.includes('-h')) return writeCommandHelp(entry, io)
  const [command, { commonOptionsOf }, { parseInvocation }] = await Promise.all([
    entry.load(),
    import('./common-options.ts'),
    import('./invocation.ts'),
  ])
  const invocation = parseInvocation(args, [...command.options, ...commonOptionsOf(command)])
  io.signal.throwIfAborted()
  return command.run(invocation, io)
}

async function writeGlobalHelp(io: CommandLineIo, output: CommandLineIo['stdout']): Promise<void> {
  await output.write(globalHelp({ output, environment: io.environment }))
}

async function writeCommandHelp(
  { name, load }: CommandEntry,
  { stdout: output, environment }: CommandLineIo,
): Promise<number> {
  const { commandHelp } = await import('./command-help.ts')
  await output.write(commandHelp(name, await load(), { output, environment }))
  return EXIT.ok
}

async function unknownCommand(word: string): Promise<UsageError> {
  const { didYouMean, nearest } = await import('../internal/closest-match.ts')
  const names = commands.map(({ name }) => name)
  // What is in the place of the command may be a session ID that slipped in.
  const shown = /^[a-z][a-z-]{0,19}$/i.test(word) ? `"${word}"` : 'of that name'
  return new UsageError(`there is no command ${shown}${didYouMean(nearest(word, names))}`)
}

async function reportFailure(
  error: unknown,
  command: string | undefined,
  io: CommandLineIo,
): Promise<number> {
  if (io.signal.aborted) {
    await writeLine(io.stderr, 'interrupted')
    const reason: unknown = io.signal.reason
    return reason instanceof Interruption && reason.signal === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted
  }
  // Whoever read the output (`| head`) has seen enough.
  if (codeOf(error) === 'EPIPE') return EXIT.ok
  const { describeFailure } = await import('./failure.ts')
  const { lines, exitCode } = describeFailure(error, command, io)
  await io.stderr.write(`${lines.join('\n')}\n`)
  return exitCode
}
