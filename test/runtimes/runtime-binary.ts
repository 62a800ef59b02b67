import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The folder whose `package.json` names the runtimes. */
export const runtimesFolder: string = fileURLToPath(new URL('packages/', import.meta.url))

/** The binary of a runtime, which npm has installed for this platform: of Bun, one for every kind of processor and libc. */
export function runtimeBinary(scope: string, path: string): string {
  const parent = `${runtimesFolder}node_modules/${scope}`
  const found = readdirSync(parent)
    .map(name => `${parent}/${name}/${path}`)
    .find(candidate => spawnSync(candidate, ['--version']).status === 0)
  if (found === undefined) throw new Error(`no package of ${scope} runs on this machine`)
  return found
}
