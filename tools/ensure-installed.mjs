/*
 * Runs `npm ci` unless it has run since package-lock.json changed, so that `npm start` and `npm test` are all that a new
 * clone needs. Folders that are named, such as `site`, have packages of their own.
 */
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'

for (const folder of ['.', ...process.argv.slice(2)]) {
  const [lockedMs = 0, installedMs = 0] = ['package-lock.json', 'node_modules/.package-lock.json'].map(
    file => statSync(join(folder, file), { throwIfNoEntry: false })?.mtimeMs,
  )
  if (installedMs < lockedMs) install(folder)
}

/** @param {string} folder */
function install(folder) {
  const what = folder === '.' ? 'the development dependencies' : `the packages of ${folder}`
  console.log(`Installing ${what}; this takes about a minute ...`)
  // Without --include=dev an inherited NODE_ENV=production would leave out everything that is needed.
  const args = [
    'ci',
    '--include=dev',
    '--no-audit',
    '--no-fund',
    ...(folder === '.' ? [] : ['--ignore-scripts']),
  ]
  // On Windows npm is a batch file, which only a shell can start.
  const { status, error } = spawnSync('npm', args, {
    cwd: folder,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (error !== undefined) throw error
  if (status !== 0) process.exit(status ?? 1)
}
