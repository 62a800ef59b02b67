import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { build } from 'esbuild'

/** Bundles a program, with the package inside, as it is now. */
export async function bundleOf(program: URL): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(program)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}

/**
 * A process of its own that answers questions, and that can be suspended, as a function-as-a-service platform does
 * between two requests, and killed.
 */
export class SuspendableProcess<Question extends object, Reply> {
  readonly #child: ChildProcess

  /** Starts a bundled program, which finds `options` as JSON in its first argument. */
  constructor(bundle: string, options: object) {
    this.#child = spawn(process.execPath, ['--input-type=module', '-', JSON.stringify(options)], {
      stdio: ['pipe', 'inherit', 'inherit', 'ipc'],
    })
    this.#child.stdin?.end(bundle)
  }

  /** Asks the process for something; one question at a time. */
  async ask(question: Question): Promise<Reply> {
    const reply = once(this.#child, 'message')
    this.#child.send(question)
    const [message] = (await reply) as [Reply]
    return message
  }

  /** Suspends it: it does not notice anything until {@link resume}. */
  suspend(): void {
    this.#child.kill('SIGSTOP')
  }

  /** Lets it go on. */
  resume(): void {
    this.#child.kill('SIGCONT')
  }

  /** Kills it, as a machine that loses power would. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }
}
