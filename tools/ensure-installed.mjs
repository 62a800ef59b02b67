import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { root, runNpm } from './run-tool.mjs'

const stampFile = join(root, 'node_modules', '.installed')

/**
 * Installs the development dependencies with `npm ci` when `node_modules` is not the one that the lock file,
 * this version of Node and this platform ask for. Otherwise it does nothing.
 *
 * @returns {Promise<void>}
 * @throws {Error} when Node is too old or npm fails.
 */
export async function ensureInstalled() {
  requireNode()
  const wanted = await installationStamp()
  if ((await readFile(stampFile, 'utf8').catch(() => '')) === wanted) return

  console.log('Installing the development dependencies; this happens once and takes about a minute ...')
  // Without --include=dev an inherited NODE_ENV=production would leave out everything that is needed.
  const { exitCode, output } = await runNpm(['ci', '--include=dev', '--no-audit', '--no-fund'])
  if (exitCode !== 0) {
    throw new Error(`npm ci failed (exit code ${exitCode}):\n${output}`)
  }
  await writeFile(stampFile, wanted)
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new Error(`Node 20.19 or newer is needed; this is Node ${process.versions.node}`)
  }
}

async function installationStamp() {
  const lock = await readFile(join(root, 'package-lock.json'))
  const [nodeMajor] = process.versions.node.split('.')
  return `${createHash('sha256').update(lock).digest('hex')} node${nodeMajor} ${process.platform} ${process.arch}\n`
}
