import { styleText } from 'node:util'

import { codeOf, isError, messageOf } from '../internal/core-objects.ts'

/** What the exit codes mean. They are a contract: `docs/cli.md`. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  doctorFoundFailures: 3,
  noSuchSession: 4,
  interrupted: 130,
  terminated: 143,
} as const

/** Where a command writes to. */
export interface Output {
  /** Writes, and waits until that has been taken. Rejects when nobody reads any more. */
  write(text: string): Promise<void>
  /** Whether a person is looking at it. */
  readonly isTerminal: boolean
  /** Width of the terminal in characters. */
  readonly columns: number
}

/** The width of what a stream writes to. Terminals that do not know theirs, such as those of recorders and CI, say 0. */
export function widthOf({ isTTY, columns }: { readonly isTTY?: boolean; readonly columns?: number }): number {
  return isTTY === true && columns !== undefined && columns > 0 ? columns : 100
}

/** What a command line has to do with besides DynamoDB. */
export interface CommandLineIo {
  readonly stdout: Output
  readonly stderr: Output
  /** Chunks of the standard input. */
  readonly stdin: AsyncIterable<unknown>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Aborted when the user interrupts the command; the reason is an {@link Interruption}. */
  readonly signal: AbortSignal
}

/** The user, or the system, has ended the command by a signal. */
export class Interruption extends Error {
  static {
    this.prototype.name = 'Interruption'
  }

  readonly signal: 'SIGINT' | 'SIGTERM'

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`ended by ${signal}`)
    this.signal = signal
  }
}

/** The command line makes no sense; the message says what is wrong and how to mend it. */
export class UsageError extends Error {
  static {
    this.prototype.name = 'UsageError'
  }
}

/** How a string can look. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

/** Colours a string for an output. */
export type Paint = (style: Style, text: string) => string

/**
 * Makes the function that colours text for an output: only where a person is looking at it, and not where `NO_COLOR`
 * is set or the terminal knows no colours.
 */
export function painter({ isTerminal }: Output, environment: CommandLineIo['environment']): Paint {
  const isPlain = !isTerminal || Boolean(environment['NO_COLOR']) || environment['TERM'] === 'dumb'
  // The streams and the environment of the process decide nothing here: the output is not always one of them.
  return (style, text) => (isPlain ? text : styleText(style, text, { validateStream: false }))
}

/** Writes one line. */
export async function writeLine(output: Output, line: string): Promise<void> {
  await output.write(`${line}\n`)
}

const MIN_INTERVAL_MS = 100
const CLEAR_LINE = '\r\u001B[K'

/**
 * One line about how far long work has come, written over and over again: only where a person is looking at it, which
 * is why it goes to the standard error output.
 */
export class Progress {
  readonly #output: Output
  #shownAtMs = Number.NEGATIVE_INFINITY
  #isShown = false

  constructor(output: Output) {
    this.#output = output
  }

  /** Shows how far the work has come, but not more often than anybody can read. */
  async show(text: string): Promise<void> {
    const nowMs = performance.now()
    if (!this.#output.isTerminal || nowMs - this.#shownAtMs < MIN_INTERVAL_MS) return
    this.#shownAtMs = nowMs
    this.#isShown = true
    await this.#output.write(CLEAR_LINE + text.slice(0, Math.max(10, this.#output.columns - 1)))
  }

  /** Takes the line away. */
  async clear(): Promise<void> {
    if (!this.#isShown) return
    this.#isShown = false
    await this.#output.write(CLEAR_LINE)
  }
}

/** A text without characters that a terminal would act on: what others wrote into a table is not to be trusted. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, character =>
    character === '\n' ? '\n' : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  )
}

/** A time, to the second, in UTC. */
export function isoTime(epochMs: number): string {
  const date = new Date(epochMs)
  return Number.isNaN(date.getTime()) ? 'never' : date.toISOString().replace(/\.\d+Z$/, 'Z')
}

/** A length of time in its two largest units. */
export function duration(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000)
  if (seconds === 0) return `${Math.round(Math.abs(ms))} ms`
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ')
}

const UNITS = ['bytes', 'KB', 'MB', 'GB', 'TB'] as const

/** A number of bytes in the unit that suits it. */
export function byteSize(bytes: number): string {
  let size = bytes
  let unit = 0
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024
    unit++
  }
  return `${unit === 0 ? size : size.toFixed(size < 10 ? 1 : 0)} ${UNITS[unit]}`
}

/** A number with its digits in groups. */
export function grouped(count: number): string {
  return count.toLocaleString('en-US')
}

/** A number and what is counted. */
export function counted(count: number, one: string): string {
  return `${grouped(count)} ${one}${count === 1 ? '' : 's'}`
}

/** Names and what belongs to them, one pair a line. */
export function fields(rows: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(0, ...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')
}

/** Failures that the command line, or a setting, is to blame for. */
const USAGE_CODES: ReadonlySet<string> = new Set(['INVALID_OPTION', 'INVALID_ARGUMENT', 'INVALID_SESSION_ID'])

/** Failures that `doctor` has nothing to say about. */
const UNRELATED_TO_SETUP: ReadonlySet<string> = new Set([
  'SESSION_CORRUPT',
  'SESSION_DECRYPTION_FAILED',
  'SESSION_TOO_LARGE',
])

/**
 * Says what went wrong and what to do about it, without a stack trace unless it is a mistake of this package.
 *
 * @returns the exit code.
 */
export async function reportFailure(
  error: unknown,
  command: string | undefined,
  { stderr, environment }: Pick<CommandLineIo, 'stderr' | 'environment'>,
): Promise<number> {
  // Who asks for help need not load the options.
  const { inOptionNames } = await import('./args.ts')
  const code = codeOf(error)
  const isUsage = error instanceof UsageError || (code !== undefined && USAGE_CODES.has(code))
  const program = command === undefined ? 'dynamodb-sessions' : `dynamodb-sessions ${command}`
  const title = painter(stderr, environment)('red', `${program}:`)
  await writeLine(stderr, `${title} ${printable(inOptionNames(thrownText(error), command))}`)
  if (isUsage) await writeLine(stderr, `see: npx ${program} --help`)
  else if (code === undefined) {
    // Not an error that anybody foresaw: where it happened is all that helps.
    if (isError(error) && error.stack !== undefined) await writeLine(stderr, error.stack)
  } else if (command !== 'doctor' && !UNRELATED_TO_SETUP.has(code) && !isOwnTimeout(error)) {
    await writeLine(
      stderr,
      'npx dynamodb-sessions doctor, with the same common options, finds out what is wrong with the setup',
    )
  }
  return isUsage ? EXIT.usage : EXIT.failure
}

/** Whether `--timeout` ended the command. The deadline of a request has a cause. */
function isOwnTimeout(error: unknown): boolean {
  return isError(error) && codeOf(error) === 'DEADLINE_EXCEEDED' && error.cause === undefined
}

/** The message of whatever was thrown. */
export function thrownText(error: unknown): string {
  return messageOf(error) ?? String(error)
}

/** The name of an option as flags have it. */
export function dashed(name: string): string {
  return name.replaceAll(/[A-Z]/g, '-$&').toLowerCase()
}
