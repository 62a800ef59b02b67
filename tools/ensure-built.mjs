import { createHash } from 'node:crypto'
import { readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { pathToFileURL } from 'node:url'

import { root, runTool } from './run-tool.mjs'
import { entryFolders, writeEntries } from './write-entries.mjs'

const stampFile = join(root, 'node_modules', '.built')
const inputs = [
  'src',
  'tools/ensure-built.mjs',
  'tools/write-entries.mjs',
  'rolldown.config.mjs',
  'tsconfig.json',
  'tsconfig.build.json',
  'package.json',
  'package-lock.json',
]
const outputs = ['build', 'dist', ...entryFolders]

/**
 * Compiles `src` into a clean `build`, and makes of that a clean `dist` and the folders of the entries. Does nothing when all
 * are exactly what the last build made of the same sources.
 *
 * @returns {Promise<boolean>} Whether there was something to build.
 * @throws {Error} with the tool's messages, when the sources do not compile or cannot be merged.
 */
export async function ensureBuilt() {
  const inputHash = await hashOf(inputs)
  if ((await readFile(stampFile, 'utf8').catch(() => '')) === stamp(inputHash, await hashOf(outputs))) {
    return false
  }

  for (const folder of outputs) await rm(join(root, folder), { recursive: true, force: true })
  await run('typescript', ['-p', 'tsconfig.build.json', '--noEmitOnError'])
  await run('rolldown', ['-c', '--log-level', 'warn'])
  await writeEntries()
  await writeFile(stampFile, stamp(inputHash, await hashOf(outputs)))
  return true
}

/**
 * @param {import('./run-tool.mjs').Tool} tool
 * @param {readonly string[]} args
 */
async function run(tool, args) {
  const { exitCode, output } = await runTool(tool, args)
  if (exitCode !== 0) throw new Error(`The package cannot be built:\n${output}`)
}

/**
 * @param {string} inputHash
 * @param {string} outputHash
 */
function stamp(inputHash, outputHash) {
  return `${inputHash} ${outputHash}\n`
}

/**
 * Hash of the names and contents of files and folders; what does not exist counts as absent.
 *
 * @param {readonly string[]} paths Relative to the repository.
 */
async function hashOf(paths) {
  const hash = createHash('sha256')
  for (const path of paths) {
    for (const file of await filesOf(path)) {
      const content = await readFile(join(root, file))
      hash.update(`${file.replaceAll(sep, '/')}\0${content.length}\0`).update(content)
    }
  }
  return hash.digest('hex')
}

/**
 * @param {string} path
 * @returns {Promise<string[]>} The path itself when it is a file, else every file below it, sorted.
 */
async function filesOf(path) {
  let entries
  try {
    entries = await readdir(join(root, path), { recursive: true, withFileTypes: true })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOTDIR') return [path]
    if (code === 'ENOENT') return []
    throw error
  }
  return entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort()
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    // npm pack --json reads standard output, and prepack runs this script.
    console.error((await ensureBuilt()) ? 'Built dist.' : 'dist is up to date.')
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
