import { createHash } from 'node:crypto'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { x } from 'tinyexec'

import { benchFolder, modulesFolder, repositoryFolder, workFolder } from './folders.mjs'

const stampFile = join(modulesFolder, '.installed')
const quietly = ['--no-audit', '--no-fund']

/**
 * Installs the contenders with `npm ci`, when `node_modules` is not what the lock file, this version of Node and
 * this platform ask for.
 *
 * @throws {Error} when npm fails.
 */
export async function ensureContendersInstalled() {
  const lock = await readFile(join(benchFolder, 'package-lock.json'))
  const [nodeMajor] = process.versions.node.split('.')
  const lockHash = createHash('sha256').update(lock).digest('hex')
  const wanted = `${lockHash} node${nodeMajor} ${process.platform} ${process.arch}\n`
  if ((await readFile(stampFile, 'utf8').catch(() => '')) === wanted) return

  console.log('Installing the contenders; this happens once ...')
  await x('npm', ['ci', '--prefix', benchFolder, ...quietly], { throwOnError: true })
  await writeFile(stampFile, wanted)
}

/**
 * Puts a copy of the built package next to the contenders, where an app would have it. A copy, so that a build that
 * happens meanwhile changes nothing.
 */
export async function installOurPackage() {
  const target = join(modulesFolder, 'dynamodb-sessions')
  await rm(target, { recursive: true, force: true })
  await mkdir(target, { recursive: true })
  await mkdir(workFolder, { recursive: true })
  for (const name of ['package.json', 'dist']) {
    await cp(join(repositoryFolder, name), join(target, name), { recursive: true })
  }
}

/** @type {Map<string, Promise<string>>} */
const binaries = new Map()

/**
 * A program of another version of Node, which npm installs when it is asked for first.
 *
 * @param {string | undefined} major Without one, the program that runs the benchmark.
 * @returns {Promise<string>} Its path.
 * @throws {Error} when npm fails, for example because there is none for this platform.
 */
export async function nodeBinary(major) {
  if (major === undefined) return process.execPath
  const known = binaries.get(major) ?? installNode(major)
  binaries.set(major, known)
  return known
}

/** @param {string} major */
async function installNode(major) {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${platform}-${process.arch}`
  const folder = join(workFolder, `node-${major}`)
  await mkdir(folder, { recursive: true })
  await x('npm', ['install', '--prefix', folder, ...quietly, `${name}@${major}`], { throwOnError: true })
  return join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
}

/**
 * The version of an installed package.
 *
 * @param {string} packageName
 */
export async function installedVersion(packageName) {
  /** @type {unknown} */
  const manifest = JSON.parse(await readFile(join(modulesFolder, packageName, 'package.json'), 'utf8'))
  return /** @type {{ version: string }} */ (manifest).version
}
