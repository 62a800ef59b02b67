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
 * Size of a bundle of some source text, express-session left out.
 *
 * @param {string} source
 * @param {'whole' | 'without lazy parts'} extent Whether code that is only loaded with `import()` counts.
 */
export async function bundleSize(source, extent) {
  const { outputFiles } = await build({
    ...options,
    stdin: { contents: source, resolveDir: benchFolder, sourcefile: 'app.mjs' },
    external: ['express-session'],
    plugins: extent === 'whole' ? [] : [lazyPartsLeftOut],
    write: false,
  })
  const [file] = outputFiles
  if (file === undefined || outputFiles.length > 1) throw new Error('the bundle is not one file')
  return { minifiedBytes: file.contents.length, gzipBytes: gzipSync(file.contents, { level: 9 }).length }
}

/** @type {import('esbuild').Plugin} */
const lazyPartsLeftOut = {
  name: 'lazy-parts-left-out',
  setup: builder => {
    builder.onResolve({ filter: /./ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    )
  },
}
