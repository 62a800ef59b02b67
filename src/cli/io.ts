/** Where a command writes to. */
export interface Output {
  /** Writes, and waits until that has been taken. Rejects when nobody reads any more. */
  write(text: string): Promise<void>
  /** Whether a person is looking at it. */
  readonly isTerminal: boolean
  /** Width of the terminal in characters. */
  readonly columns: number
}

/** What a command has to do with besides DynamoDB. */
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

/** Writes one line. */
export async function writeLine(output: Output, line: string): Promise<void> {
  await output.write(`${line}\n`)
}

/** Writes a value as JSON on lines of its own. */
export async function writeJson(output: Output, value: unknown): Promise<void> {
  await output.write(`${JSON.stringify(value, undefined, 2)}\n`)
}
