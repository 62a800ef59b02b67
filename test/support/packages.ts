import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { oncePerRun } from './once-per-run.ts'

/**
 * Installs what the lock file of a folder asks for, or else its `package.json`, when that is not there yet: packages that only
 * some tests need, and that are too large to be development dependencies.
 *
 * @param what they are, for the message.
 * @returns whether they are there. When there is no registry to install them from, it says so on standard error.
 * @throws {Error} in CI, which has to run these tests.
 */
export async function areInstalled(folder: string, what: string): Promise<boolean> {
  const isLocked = existsSync(join(folder, 'package-lock.json'))
  const wish = await readFile(join(folder, isLocked ? 'package-lock.json' : 'package.json'))
  const wanted = createHash('sha256').update(wish).digest('hex')
  if ((await stampOf(folder)) === wanted) return true
  try {
    await oncePerRun(`packages ${wanted}`, async () => {
      await install(folder, isLocked ? ['ci'] : ['install', '--no-package-lock'])
      await writeFile(stampFile(folder), wanted)
    })
    return true
  } catch (cause) {
    const problem = `${what} could not be installed`
    if (process.env['CI']) throw new Error(`${problem}; CI must test with them`, { cause })
    process.stderr.write(`${problem}: their tests are skipped.\n`)
    return false
  }
}

async function stampOf(folder: string): Promise<string> {
  return readFile(stampFile(folder), 'utf8').catch(() => '')
}

function stampFile(folder: string): string {
  return join(folder, 'node_modules', '.installed')
}

async function install(folder: string, command: readonly string[]): Promise<void> {
  const options = [
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--fetch-retries=1',
    '--fetch-timeout=30000',
  ]
  await promisify(execFile)('npm', [...command, ...options], {
    cwd: folder,
    // On Windows npm is a batch file, which only a shell can start.
    shell: process.platform === 'win32',
  })
}
