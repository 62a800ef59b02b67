import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, posix, relative, sep } from 'node:path'

import { RUNTIME_MODULE_ID, rolldown } from 'rolldown'

import { relativePathsIn } from './relative-paths.mjs'

/** @typedef {import('rolldown').OutputChunk} OutputChunk */
/** @typedef {import('rolldown').Plugin} Plugin */
/** @typedef {Pick<OutputChunk, 'code' | 'fileName' | 'isEntry' | 'moduleIds' | 'name'>} MergedFile */
/**
 * A file that is planned, and the modules that lead to what is in it: these, what they import statically, and so on, as
 * far as no earlier group has it.
 *
 * @typedef {readonly [name: string, ...modules: string[]]} ModuleGroup
 */
/** @typedef {ReadonlyMap<string, readonly string[]>} PathsOfModules Relative paths that modules load, by their names. */

/**
 * Merges compiled modules into the few files that are published.
 *
 * Every file that package.json names in `exports` or `bin` keeps its path and its exports, and so does every module that
 * another one loads by its path. Groups become files in `chunks`, as does what else several files need, under the name of
 * one of the modules. Nothing is minified, and no module is in two files.
 *
 * @param {{ root: string, from: string, to: string }} folders The package; the names of its folder with the modules, and
 *   of the one for the merged files.
 * @param {readonly ModuleGroup[]} groups
 * @throws {Error} when a merged file would not find what it loads by a relative path, or the names of two would differ in
 *   a number alone.
 */
export async function mergeModules({ root, from, to }, groups) {
  const modulesFolder = join(root, from)
  const entries = await publishedFiles(root, to)
  for (const file of [...entries, ...groups.flatMap(([, ...modules]) => modules)]) {
    if (!existsSync(join(modulesFolder, file))) throw new Error(`There is no ${from}/${file} to merge.`)
  }

  /** @type {Map<string, readonly string[]>} */
  const pathsOfModules = new Map()
  const bundle = await rolldown({
    cwd: modulesFolder,
    input: Object.fromEntries(entries.map(file => [withoutEnding(file), `./${file}`])),
    platform: 'node',
    external: id => !id.startsWith('.') && !id.startsWith(modulesFolder),
    plugins: [entriesOfPaths(modulesFolder, entries, pathsOfModules)],
    // That modules of a group are loaded together, whoever asks for one, is what groups are for.
    checks: { bundlerTimings: false, ineffectiveDynamicImport: false },
    onLog: (_level, { message }) => {
      throw new Error(message)
    },
  })
  try {
    const { output } = await bundle.generate({
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: 'chunks/[name].js',
      // What tells other bundlers that they may leave out a call stays.
      comments: { legal: false, jsdoc: false, annotation: true },
      minifyInternalExports: false,
      codeSplitting: {
        groups: groups.map(([name, ...modules]) => ({
          name,
          test: id => modules.includes(moduleName(modulesFolder, id)),
        })),
      },
    })
    const files = withRuntimeInPlace(output.filter(file => file.type === 'chunk'))
    checkNames(files)
    checkModules(files, modulesFolder, pathsOfModules, join(root, to))
    for (const { fileName, code } of files) {
      const file = join(root, to, fileName)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, code)
    }
  } finally {
    await bundle.close()
  }
}

/**
 * The modules that users or npm load, by their names in the folder of the merged files.
 *
 * @param {string} root
 * @param {string} to
 */
async function publishedFiles(root, to) {
  const { exports, bin } = /** @type {typeof import('../package.json')} */ (
    JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  )
  return [...Object.values(exports), ...Object.values(bin)]
    .map(target => (typeof target === 'string' ? target : target.default))
    .filter(path => path.startsWith(`./${to}/`))
    .map(path => path.slice(`./${to}/`.length))
}

/**
 * Makes an entry of every module that another one loads by its path, and notes the paths.
 *
 * @param {string} modulesFolder
 * @param {readonly string[]} entries Those that are entries anyway.
 * @param {Map<string, readonly string[]>} pathsOfModules
 * @returns {Plugin}
 */
function entriesOfPaths(modulesFolder, entries, pathsOfModules) {
  /** @type {Set<string>} */
  const known = new Set(entries)
  return {
    name: 'entries of paths',
    transform(code, id) {
      const module = moduleName(modulesFolder, id)
      const paths = relativePathsIn(code, text => this.parse(text))
      pathsOfModules.set(module, paths)
      for (const target of paths.map(path => targetOf(module, path))) {
        if (known.has(target) || !existsSync(join(modulesFolder, target)) || target.startsWith('../'))
          continue
        known.add(target)
        this.emitFile({ type: 'chunk', id: join(modulesFolder, target), fileName: target })
      }
    },
  }
}

/**
 * Puts the helper of the bundler (it makes the namespace of a module that `import()` loads from a file with more modules)
 * where it is needed: as a file of its own it would be one more to load.
 *
 * @param {readonly OutputChunk[]} chunks
 * @returns {readonly MergedFile[]}
 */
function withRuntimeInPlace(chunks) {
  const runtime = chunks.find(({ moduleIds }) => moduleIds.length === 1 && moduleIds[0] === RUNTIME_MODULE_ID)
  if (runtime === undefined) return chunks
  const [helper = ''] = /^var [^]*^};\n/m.exec(runtime.code) ?? []
  const importOfHelper = /^import \{ __exportAll \} from ".+\/rolldown-runtime\.js";\n/m
  const files = chunks
    .filter(chunk => chunk !== runtime)
    .map(({ code, fileName, isEntry, moduleIds, name }) => {
      return { code: code.replace(importOfHelper, () => helper), fileName, isEntry, moduleIds, name }
    })
  if (!helper.includes('__exportAll =') || files.some(({ code }) => code.includes('rolldown-runtime'))) {
    throw new Error(`The bundler has other helpers than this build knows:\n${runtime.code}`)
  }
  return files
}

/**
 * @param {readonly MergedFile[]} files
 * @throws {Error} when a name has got a number because two files would have the same.
 */
function checkNames(files) {
  for (const { isEntry, name, fileName } of files) {
    if (isEntry || fileName === `chunks/${name}.js`) continue
    throw new Error(
      `Two merged files would be ${name}.js: put what is in one of them into a group of another name.`,
    )
  }
}

/**
 * @param {readonly MergedFile[]} files
 * @param {string} modulesFolder
 * @param {PathsOfModules} pathsOfModules
 * @param {string} mergedFolder
 * @throws {Error} when a module is in two files, or in one where its relative paths lead elsewhere or nowhere.
 */
function checkModules(files, modulesFolder, pathsOfModules, mergedFolder) {
  /** @type {Map<string, string>} */
  const fileOfModule = new Map()
  const fileNames = new Set(files.map(({ fileName }) => fileName))
  for (const { fileName, moduleIds } of files) {
    for (const module of moduleIds.map(id => moduleName(modulesFolder, id))) {
      const other = fileOfModule.get(module)
      if (other !== undefined) throw new Error(`${module} is in ${other} and in ${fileName}.`)
      fileOfModule.set(module, fileName)
      for (const path of pathsOfModules.get(module) ?? []) {
        const target = targetOf(module, path)
        const exists = target.startsWith('../')
          ? existsSync(join(mergedFolder, target))
          : fileNames.has(target)
        if (exists && targetOf(fileName, path) === target) continue
        throw new Error(
          `${module} loads "${path}", which it does not find from ${fileName}, where it is merged into.`,
        )
      }
    }
  }
}

/**
 * @param {string} module
 * @param {string} path
 */
function targetOf(module, path) {
  return posix.join(posix.dirname(module), path)
}

/**
 * @param {string} modulesFolder
 * @param {string} id
 */
function moduleName(modulesFolder, id) {
  return relative(modulesFolder, id).replaceAll(sep, '/')
}

/** @param {string} file */
function withoutEnding(file) {
  return file.replace(/\.js$/, '')
}
