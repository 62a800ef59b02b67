import { gzipSync } from 'node:zlib'

import { build } from 'esbuild'

import { benchFolder } from './folders.mjs'

/** @type {import('esbuild').BuildOptions} */
const options = {
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  legalComments: 'none',
  // The SDK's ES modules shake better than its CommonJS: the smaller bundle is what it is compared with.
  mainFields: ['module', 'main'],
  absWorkingDir: benchFolder,
  logLevel: 'error',
}

/**
 * Bundles an app into one file, for a start from there.
 *
 * @param {string} entryFile
 * @param {string} outputFile
 */
export async function bundleApp(entryFile, outputFile) {
  await build({
    ...options,
    entryPoints: [entryFile],
    outfile: outputFile,
    // CommonJS packages in an ES module bundle need a `require` for what Node brings along.
    banner: {
      js: "import { createRequire as createRequireOfNode } from 'node:module'; const require = createRequireOfNode(import.meta.url);",
    },
  })
}

/**
 * Bundles a process with what it takes from the tests, which are in TypeScript. Packages stay packages.
 *
 * @param {string} entryFile
 * @param {string} outputFile
 */
export async function bundleProcess(entryFile, outputFile) {
  await build({
    ...options,
    minify: false,
    packages: 'external',
    entryPoints: [entryFile],
    outfile: outputFile,
  })
}

/**
 * How much of what is only loaded with `import()` counts: all, nothing, or what finds settings and credentials.
 *
 * @typedef {'whole' | 'without lazy parts' | 'with the credential chain'} Extent
 */

/**
 * Size of a bundle of some source text, express-session left out.
 *
 * @param {string} source
 * @param {Extent} extent
 */
export async function bundleSize(source, extent) {
  const { file } = await bundleText(source, extent)
  return {
    gzipKilobytes: gzipSync(file.contents, { level: 9 }).length / 1024,
    minifiedKilobytes: file.contents.length / 1024,
  }
}

/**
 * What a bundle of our modules consists of, by their folders.
 *
 * @param {string} source Imports the modules as they are compiled: the published files have them merged.
 * @returns {Promise<Map<string, number>>} Minified bytes by folder, the largest first.
 */
export async function bundleParts(source) {
  const { inputs } = await bundleText(source, 'without lazy parts')
  /** @type {Map<string, number>} */
  const parts = new Map()
  for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
    const [, folder] = /\/build\/([^/]+?)(?:\.js)?(?:\/|$)/.exec(path) ?? []
    if (folder !== undefined) parts.set(folder, (parts.get(folder) ?? 0) + bytesInOutput)
  }
  return new Map([...parts].sort(([, one], [, other]) => other - one))
}

/**
 * @param {string} source
 * @param {Extent} extent
 */
async function bundleText(source, extent) {
  const { outputFiles, metafile } = await build({
    ...options,
    stdin: { contents: source, resolveDir: benchFolder, sourcefile: 'app.mjs' },
    external: ['express-session'],
    plugins: [lazyPartsLeftOut(extent)],
    write: false,
    metafile: true,
  })
  const [file] = outputFiles
  const [output] = Object.values(metafile.outputs)
  if (file === undefined || output === undefined || outputFiles.length > 1) {
    throw new Error('the bundle is not one file')
  }
  return { file, inputs: output.inputs }
}

/**
 * @param {Extent} extent
 * @returns {import('esbuild').Plugin}
 */
function lazyPartsLeftOut(extent) {
  return {
    name: 'lazy-parts-left-out',
    setup: builder => {
      builder.onResolve({ filter: /./ }, ({ kind, path, importer }) => {
        if (kind !== 'dynamic-import' || extent === 'whole') return undefined
        return extent === 'with the credential chain' && isOfTheChain(path, importer)
          ? undefined
          : { path, external: true }
      })
    },
  }
}

/**
 * Whether the chain is what asks for a file, or is asked for itself, by the files that every store loads.
 *
 * @param {string} path
 * @param {string} importer
 */
function isOfTheChain(path, importer) {
  return !/\/(?:core|http)\.js$/.test(importer) || /\/(?:settings|default-provider)\.js$/.test(path)
}
