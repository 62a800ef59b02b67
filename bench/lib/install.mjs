import { createHash } from 'node:crypto'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { x } from 'tinyexec'

import { benchFolder, modulesFolder, repositoryFolder, workFolder } from './folders.mjs'

const stampFile = join(modulesFolder, '.installed')

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
  await x('npm', ['ci', '--prefix', benchFolder, '--no-audit', '--no-fund'], { throwOnError: true })
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
