import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { build } from 'esbuild'

import type { SessionStoreOptions } from '../../src/session/store-options.ts'
import type { Question, Reply } from './locking-app.ts'

/** Bundles the program, with the package inside, as it is now. */
export async function bundleLockingApp(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('locking-app.ts', import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}

/** A process of its own that uses a store, and that can be killed and suspended. */
export class LockingProcess {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** Starts the bundled program. */
  static start(bundle: string, options: SessionStoreOptions): LockingProcess {
    const child = spawn(process.execPath, ['--input-type=module', '-', JSON.stringify(options)], {
      stdio: ['pipe', 'inherit', 'inherit', 'ipc'],
    })
    child.stdin?.end(bundle)
    return new LockingProcess(child)
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
