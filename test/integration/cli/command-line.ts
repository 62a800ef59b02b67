import { onTestFinished, vi } from 'vitest'

import { type CommandLineIo, Interruption, type Output } from '../../../src/cli/output.ts'
import { runCommandLine } from '../../../src/cli/run.ts'

/** What a command wrote, and how it ended. */
export interface Finished {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** What a command line meets in a test. */
export interface Surroundings {
  /** Variables besides those that every test process has. */
  readonly environment?: Readonly<Record<string, string>>
  /** Whether a person is looking at what is written. `@default` false */
  readonly isTerminal?: boolean
  /** Width of the terminal. `@default` 100 */
  readonly columns?: number
  /** What the standard input holds. */
  readonly stdin?: string
  readonly signal?: AbortSignal
  /** Told every text as it is written. */
  readonly onWrite?: (text: string) => void
}

/** Runs a command line in this process, with streams of its own. */
export async function runCli(args: readonly string[], surroundings: Surroundings = {}): Promise<Finished> {
  const { environment = {}, stdin = '', signal = new AbortController().signal } = surroundings
  // Not all code is told the environment: some of it looks at that of the process.
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
  const stdout = new CollectingOutput(surroundings)
  const stderr = new CollectingOutput(surroundings)
  const io: CommandLineIo = { stdout, stderr, stdin: chunksOf(stdin), environment: process.env, signal }
  const exitCode = await runCommandLine(args, io)
  vi.unstubAllEnvs()
  return { exitCode, stdout: stdout.text, stderr: stderr.text }
}

/** A signal as Ctrl-C aborts it. */
export function interrupted(): AbortSignal {
  return AbortSignal.abort(new Interruption('SIGINT'))
}

class CollectingOutput implements Output {
  readonly isTerminal: boolean
  readonly columns: number
  readonly #onWrite: ((text: string) => void) | undefined
  text = ''

  constructor({ isTerminal = false, columns = 100, onWrite }: Surroundings) {
    this.isTerminal = isTerminal
    this.columns = columns
    this.#onWrite = onWrite
  }

  async write(text: string): Promise<void> {
    this.text += text
    this.#onWrite?.(text)
  }
}

async function* chunksOf(text: string): AsyncGenerator<Buffer, void, undefined> {
  const bytes = Buffer.from(text)
  for (let start = 0; start < bytes.length; start += 5) yield bytes.subarray(start, start + 5)
}
