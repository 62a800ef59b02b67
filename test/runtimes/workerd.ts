import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

import { build } from 'esbuild'
import { onTestFinished } from 'vitest'

const CONFIGURATION = `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "2025-09-15",
  compatibilityFlags = ["nodejs_compat"],
);
`

/** Starts the Worker of this folder, bundled as for a deployment; it ends with the running test. Returns its URL. */
export async function startWorker(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dynamodb-sessions-worker-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await build({
    entryPoints: [fileURLToPath(new URL('fixtures/worker.mjs', import.meta.url))],
    outfile: join(folder, 'worker.js'),
    bundle: true,
    format: 'esm',
    conditions: ['workerd', 'module', 'import'],
    external: ['node:*'],
  })
  await writeFile(join(folder, 'config.capnp'), CONFIGURATION)
  const packages = createRequire(new URL('packages/package.json', import.meta.url))
  const { default: binary } = packages('workerd') as { readonly default: string }
  const child = spawn(binary, ['serve', '--control-fd=3', join(folder, 'config.capnp')], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  })
  onTestFinished(async () => {
    const ended = once(child, 'exit')
    child.kill()
    await ended
  })
  const control = child.stdio[3] as Readable
  const [message] = (await once(control, 'data')) as [Buffer]
  const { port } = JSON.parse(message.toString()) as { readonly port: number }
  return `http://127.0.0.1:${port}/`
}
