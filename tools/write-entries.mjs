/*
 * The last step of the build: makes a package of the merged files in `dist`. It adds the declarations; for every entry an ES
 * module with the same exports, so that there is one instance of everything however it is loaded; what kind of module a `.js`
 * file is; and folders for the resolvers that do not know `exports` (TypeScript's `node10`, Jest before 28), which find
 * entries by them.
 */
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const root = fileURLToPath(new URL('..', import.meta.url))

/** @typedef {{ path: string, module: string | undefined, main: string, types: string }} Entry */

await copy('build', 'dist', file => file.endsWith('.d.ts'))
await copy('src', 'dist', file => /\.(?:cjs|d\.cts)$/.test(file))
await writeJson('dist/package.json', {
  type: 'commonjs',
  sideEffects: ['./register/*.js', './cli/main.js'],
})
await writeJson('dist/esm/package.json', { type: 'module', sideEffects: false })
for (const { path, module, main, types } of await readEntries()) {
  if (module !== undefined) await writeModule(module)
  if (path === '.') continue
  const [fromFolder, typesFromFolder] = [main, types].map(file => posix.relative(path, file))
  await writeJson(`${path}/package.json`, { main: fromFolder, types: typesFromFolder })
}

/**
 * The entries of the package, by package.json: the path after its name, the ES module if it has one of its own, the CommonJS
 * module and its declarations.
 *
 * @returns {Promise<Entry[]>}
 */
async function readEntries() {
  const { exports } = /** @type {typeof import('../package.json')} */ (
    JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  )
  /** @type {Entry[]} */
  const found = []
  for (const [key, target] of Object.entries(exports)) {
    if (typeof target === 'string') continue
    const path = posix.normalize(key)
    const required = 'require' in target ? target.require : target
    const module = 'import' in target ? target.import.default : undefined
    found.push({ path, module, main: required.default, types: required.types })
  }
  return found
}

/**
 * Writes the ES module and its declarations beside the CommonJS module of the same name.
 *
 * @param {string} module
 */
async function writeModule(module) {
  const withoutEnding = module.replace(/\.mjs$/, '')
  const source = `./${posix.basename(withoutEnding)}.js`
  const exported = /** @type {Readonly<Record<string, unknown>>} */ (
    require(join(root, `${withoutEnding}.js`))
  )
  const names = Object.keys(exported).filter(name => name !== 'default')
  // The default export of a CommonJS module is all of it, for whoever imports it.
  const main = names.find(name => exported[name] === exported['default'])
  if ('default' in exported && main === undefined)
    throw new Error(`The default export of ${source} has no name.`)
  const ofMain = main === undefined ? '' : `export { ${main} as default } from '${source}'\n`
  await write(module, `export { ${names.join(', ')} } from '${source}'\n${ofMain}`)
  await write(`${withoutEnding}.d.mts`, `export * from '${source}'\n${ofMain}`)
}

/**
 * @param {string} from
 * @param {string} to
 * @param {(file: string) => boolean} isWanted
 */
async function copy(from, to, isWanted) {
  const files = await readdir(join(root, from), { recursive: true })
  for (const file of files.filter(isWanted)) {
    await mkdir(dirname(join(root, to, file)), { recursive: true })
    await copyFile(join(root, from, file), join(root, to, file))
  }
}

/**
 * @param {string} file
 * @param {object} value
 */
async function writeJson(file, value) {
  await write(file, `${JSON.stringify(value, undefined, 2)}\n`)
}

/**
 * @param {string} file
 * @param {string} text
 */
async function write(file, text) {
  await mkdir(dirname(join(root, file)), { recursive: true })
  await writeFile(join(root, file), text)
}
