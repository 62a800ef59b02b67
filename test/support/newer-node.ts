import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { areInstalled } from './packages.ts'

const folder = fileURLToPath(new URL('newer-node', import.meta.url))

/**
 * The executable of a Node that is new enough for frameworks that need 22.19: this one, or one that is installed.
 *
 * @returns `undefined` where there is none for this platform.
 */
export async function newerNode(): Promise<string | undefined> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 19)) return process.execPath
  if (!(await areInstalled(folder, 'a newer Node'))) return undefined
  const name = readdirSync(join(folder, 'node_modules')).find(entry => entry.startsWith('node-'))
  return name && join(folder, 'node_modules', name, 'bin/node')
}
