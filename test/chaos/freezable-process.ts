import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { build } from 'esbuild'

import type { SessionStoreOptions } from '../../src/session/store-options.ts'
import type { Question, Reply } from './freezable-app.ts'

/** Bundles the program, with the package inside, as it is now. */
export async function bundleFreezableApp(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('freezable-app.ts', import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}

/** A process that can be suspended, as a function-as-a-service platform does between two requests. */
export class FreezableProcess {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** Starts the bundled program. */
  static start(bundle: string, options: SessionStoreOptions): FreezableProcess {
    const child = spawn(process.execPath, ['--input-type=module', '-', JSON.stringify(options)], {
      stdio: ['pipe', 'inherit', 'inherit', 'ipc'],
    })
    child.stdin?.end(bundle)
    return new FreezableProcess(child)
  }

  /** Asks the process for something; one question at a time. */
  async ask(question: Question): Promise<Reply> {
    const reply = once(this.#child, 'message')
    this.#child.send(question)
    const [message] = (await reply) as [Reply]
    return message
  }

  /** Suspends it: it does not notice anything until {@link thaw}. */
  freeze(): void {
    this.#child.kill('SIGSTOP')
  }

  /** Lets it go on. */
  thaw(): void {
    this.#child.kill('SIGCONT')
  }

  /** Ends it. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }
}
