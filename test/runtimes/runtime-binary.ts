import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder whose `package.json` names the runtimes. */
export const runtimesFolder: string = fileURLToPath(new URL('packages/', import.meta.url))

/**
 * The binary of a runtime, which npm has installed for this platform: of Bun, one for every kind of processor and libc.
 *
 * @param scope the scope of its packages, if they have one.
 * @param path the binary in its package.
 * @param folder where it is installed.
 */
export function runtimeBinary(scope: string, path: string, folder: string = runtimesFolder): string {
  const parent = join(folder, 'node_modules', scope)
  const found = readdirSync(parent)
    .map(name => join(parent, name, path))
    .find(candidate => spawnSync(candidate, ['--version']).status === 0)
  if (found === undefined) throw new Error(`no package for ${path} runs on this machine`)
  return found
}
