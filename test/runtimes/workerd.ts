import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'

import { onTestFinished } from 'vitest'

/** How a Worker is started. */
export interface WorkerSettings {
  /** The binary of workerd. */
  readonly binary: string
  /** The Worker as a bundle. */
  readonly bundle: string
  /** @default ['nodejs_compat'] */
  readonly flags?: readonly string[]
}

/**
 * Starts a Worker, as for a deployment; it ends with the running test.
 *
 * @returns its URL.
 * @throws {Error} with what workerd printed when it does not start.
 */
export async function startWorker({
  binary,
  bundle,
  flags = ['nodejs_compat'],
}: WorkerSettings): Promise<string> {
  const config = `${bundle}.capnp`
  await writeFile(config, configuration(basename(bundle), flags))
  const child = spawn(binary, ['serve', '--control-fd=3', config], {
    stdio: ['ignore', 'inherit', 'pipe', 'pipe'],
  })
  const ended = once(child, 'exit')
  onTestFinished(async () => {
    child.kill()
    await ended
  })
  const printed = text(child.stderr as Readable)
  const failed = ended.then(async () => {
    throw new Error(await printed)
  })
  failed.catch(() => undefined)
  const control = child.stdio[3] as Readable
  const [message] = (await Promise.race([once(control, 'data'), failed])) as [Buffer]
  const { port } = JSON.parse(message.toString()) as { readonly port: number }
  return `http://127.0.0.1:${port}/`
}

function configuration(bundle: string, flags: readonly string[]): string {
  return `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed ${JSON.stringify(bundle)})],
  compatibilityDate = "2025-09-15",
  compatibilityFlags = ${JSON.stringify(flags)},
);
`
}
