/*
 * `npm run layer`: packs the built package into a Lambda layer. Lambda unpacks it into `/opt`: the package is then
 * `/opt/nodejs/node_modules/dynamodb-sessions`, and `/opt/dynamodb-sessions` a script for AWS_LAMBDA_EXEC_WRAPPER.
 *
 * The same package gives the same bytes on every machine: the order of the files, their dates and their permissions are fixed,
 * and what compresses is JavaScript, not the zlib of the Node that runs it.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { zipSync } from 'fflate'

/** @typedef {{ files: { path: string }[] }} Pack */

const root = fileURLToPath(new URL('..', import.meta.url))
const layer = resolve(process.argv[2] ?? join(root, 'build/dynamodb-sessions-layer.zip'))

/** What a running program needs of the published files: no types, no documents, no modules for bundlers. */
const NEEDED = /^(?:dist\/(?!esm\/).+\.(?:js|mjs|cjs|json)|(?:[\w-]+\/)?package\.json|LICENSE)$/
/** A zip file has no time zone: the date is made in that of this machine, so that the fields are the same in all. */
const DATE = new Date(1980, 0, 1)
const UNIX = 3
const REGULAR_FILE = 0o100_000

const files = [
  { path: 'dynamodb-sessions', source: 'tools/lambda-layer/dynamodb-sessions', permissions: 0o755 },
  ...publishedFiles()
    .filter(path => NEEDED.test(path))
    .sort()
    .map(path => ({
      path: `nodejs/node_modules/dynamodb-sessions/${path}`,
      source: path,
      permissions: 0o644,
    })),
]

let unpackedBytes = 0
/** @type {import('fflate').Zippable} */
const entries = {}
for (const { path, source, permissions } of files) {
  const bytes = readFileSync(join(root, source))
  const attrs = (REGULAR_FILE | permissions) * 0x1_00_00
  entries[path] = [bytes, { level: 9, mtime: DATE, os: UNIX, attrs }]
  unpackedBytes += bytes.length
}
const zip = zipSync(entries)
mkdirSync(dirname(layer), { recursive: true })
writeFileSync(layer, zip)
console.log(`${layer}: ${files.length} files, ${zip.length} bytes; ${unpackedBytes} bytes unpacked`)

/** What `npm publish` would publish, as paths from the root. */
function publishedFiles() {
  const command = ['pack', '--dry-run', '--json', '--ignore-scripts']
  // On Windows npm is a batch file, which only a shell can start.
  const shell = process.platform === 'win32'
  const output = execFileSync('npm', command, {
    cwd: root,
    encoding: 'utf8',
    shell,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [pack] = /** @type {[Pack]} */ (JSON.parse(output))
  return pack.files.map(({ path }) => path)
}
