/*
 * Runs `npm ci` unless it has run since package-lock.json changed, so that `npm start` and `npm test` are all that a new
 * clone needs.
 */
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'

const [lockedMs = 0, installedMs = 0] = ['package-lock.json', 'node_modules/.package-lock.json'].map(
  file => statSync(file, { throwIfNoEntry: false })?.mtimeMs,
)
if (installedMs < lockedMs) {
  console.log('Installing the development dependencies; this takes about a minute ...')
  // Without --include=dev an inherited NODE_ENV=production would leave out everything that is needed.
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund']
  // On Windows npm is a batch file, which only a shell can start.
  const { status, error } = spawnSync('npm', args, { stdio: 'inherit', shell: process.platform === 'win32' })
  if (error !== undefined) throw error
  process.exitCode = status ?? 1
}
