import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Loads one of the installed packages; they are CommonJS. */
export type LoadPackage = (name: string) => unknown

const folder = dirname(fileURLToPath(import.meta.url))
const MOST_WAITS = 600
const WAIT_MS = 200
const stampFile = join(folder, 'node_modules', '.installed')

/**
 * Installs the session stores that the tests take turns with, when `node_modules` is not what the lock file asks for.
 *
 * They are not development dependencies of the package because they are 130 MB, most of it the AWS SDK, twice.
 *
 * @returns `undefined`, and says so on standard error, when there is no registry to install them from.
 * @throws {Error} in CI, which has to run these tests.
 */
export async function loadInstalled(): Promise<LoadPackage | undefined> {
  const lock = await readFile(join(folder, 'package-lock.json'))
  const wanted = createHash('sha256').update(lock).digest('hex')
  if ((await readFile(stampFile, 'utf8').catch(() => '')) !== wanted) {
    try {
      await oneAtATime(npmCi, wanted)
    } catch (cause) {
      const problem = 'the session stores of test/interop could not be installed'
      if (process.env['CI']) throw new Error(`${problem}; CI must test with them`, { cause })
      process.stderr.write(`${problem}: their tests are skipped.\n`)
      return undefined
    }
  }
  return createRequire(join(folder, 'package.json'))
}

/** Test files run in processes of their own: one of them installs, and the others wait for it. */
async function oneAtATime(install: () => Promise<void>, wanted: string): Promise<void> {
  const lockFolder = join(
    tmpdir(),
    `dynamodb-sessions-interop-${createHash('sha256').update(folder).digest('hex')}`,
  )
  for (let attempt = 0; ; attempt++) {
    try {
      await mkdir(lockFolder)
      break
    } catch (error) {
      // A run that was killed leaves the folder behind.
      if (attempt === MOST_WAITS) await rm(lockFolder, { recursive: true, force: true })
      else if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
      await setTimeout(WAIT_MS)
    }
  }
  try {
    if ((await readFile(stampFile, 'utf8').catch(() => '')) === wanted) return
    await install()
    await writeFile(stampFile, wanted)
  } finally {
    await rm(lockFolder, { recursive: true, force: true })
  }
}

async function npmCi(): Promise<void> {
  const options = [
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--fetch-retries=1',
    '--fetch-timeout=30000',
  ]
  await promisify(execFile)('npm', ['ci', ...options], {
    cwd: folder,
    // On Windows npm is a batch file, which only a shell can start.
    shell: process.platform === 'win32',
  })
}
