import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { builtinModules, createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { build as buildByEsbuild } from 'esbuild'
import { build as buildByRolldown } from 'rolldown'
import { esmExternalRequirePlugin } from 'rolldown/plugins'

import { areInstalled } from '../support/packages.ts'

/** What is made of a program that imports the package: one ES module. */
export interface Bundle {
  readonly entry: string
  readonly file: string
  /** Whether it is for a Worker, where only modules of Node are not part of it. */
  readonly isWorker: boolean
}

/** A bundler. */
export type BundlerName = 'esbuild' | 'rolldown' | 'webpack' | 'Vite (SSR)'

type Bundler = (bundle: Bundle) => Promise<unknown>

const workerConditions = ['workerd', 'module']
const modulesOfRuntimes = [/^node:/, /^cloudflare:/]
/** What older packages call the modules of Node, which a Worker has under their whole names only. */
const wholeNames = Object.fromEntries(
  builtinModules.filter(name => !name.startsWith('_')).map(name => [name, `node:${name}`]),
)
const versions = fileURLToPath(new URL('versions/', import.meta.url))

const bundlers: Readonly<Record<BundlerName, Bundler>> = {
  esbuild: async ({ entry, file, isWorker }) =>
    buildByEsbuild({
      entryPoints: [entry],
      outfile: file,
      bundle: true,
      format: 'esm',
      ...(isWorker
        ? { conditions: workerConditions, external: ['node:*', 'cloudflare:*'] }
        : { platform: 'node' }),
    }),
  rolldown: async ({ entry, file, isWorker }) =>
    buildByRolldown({
      input: entry,
      logLevel: 'silent',
      output: { file, format: 'esm', codeSplitting: false, paths: isWorker ? wholeNames : {} },
      ...(isWorker
        ? {
            plugins: [
              esmExternalRequirePlugin({ external: [...modulesOfRuntimes, ...Object.keys(wholeNames)] }),
            ],
            resolve: { conditionNames: workerConditions },
          }
        : { platform: 'node' }),
    }),
  webpack: buildByWebpack,
  'Vite (SSR)': buildByVite,
}

/** The bundlers that are development dependencies, and those that are not. */
export const bundlerNames: Readonly<Record<'usual' | 'long', readonly BundlerName[]>> = {
  usual: ['esbuild'],
  long: ['rolldown', 'webpack', 'Vite (SSR)'],
}

/**
 * Bundles a program of an application.
 *
 * @param entry its file, in the folder of the application.
 * @returns the path of the bundle, in a folder of its own: no package is installed there that it could load.
 */
export async function bundledBy(name: BundlerName, entry: string, isWorker: boolean): Promise<string> {
  const folder = await mkdtemp(join(dirname(dirname(entry)), 'bundle-'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  const file = join(folder, basename(entry))
  await bundlers[name]({ entry, file, isWorker })
  return file
}

/** The part of webpack that is used. */
type Webpack = (
  options: object,
  done: (error: Error | null, stats?: { hasErrors: () => boolean; toString: () => string }) => void,
) => void

async function buildByWebpack({ entry, file, isWorker }: Bundle): Promise<void> {
  const webpack = createRequire(await installed('webpack', '5.113.0'))('webpack') as Webpack
  const output = {
    path: dirname(file),
    filename: basename(file),
    module: true,
    chunkFormat: 'module',
    library: { type: 'module' },
  }
  const options = {
    mode: 'production',
    entry,
    output,
    experiments: { outputModule: true },
    optimization: { minimize: false },
    module: { parser: { javascript: { dynamicImportMode: 'eager' } } },
    ...(isWorker
      ? {
          target: ['webworker', 'es2022'],
          resolve: { conditionNames: [...workerConditions, '...'] },
          externalsType: 'module',
          externals: modulesOfRuntimes,
        }
      : { target: 'node20' }),
  }
  await new Promise<void>((resolve, reject) => {
    webpack(options, (error, stats) => {
      if (error !== null) reject(error)
      else if (stats?.hasErrors() === true) reject(new Error(stats.toString()))
      else resolve()
    })
  })
}

/** The part of Vite that is used. */
interface Vite {
  readonly build: (options: object) => Promise<unknown>
}

async function buildByVite({ entry, file, isWorker }: Bundle): Promise<void> {
  const path = createRequire(await installed('vite', '8.4.0')).resolve('vite')
  const { build } = (await import(pathToFileURL(path).href)) as Vite
  await build({
    configFile: false,
    root: dirname(entry),
    logLevel: 'error',
    ssr: {
      noExternal: true,
      ...(isWorker && { target: 'webworker', resolve: { conditions: workerConditions } }),
    },
    build: {
      ssr: entry,
      outDir: dirname(file),
      emptyOutDir: false,
      minify: false,
      rolldownOptions: {
        ...(isWorker && { external: modulesOfRuntimes }),
        output: { format: 'es', entryFileNames: basename(file), codeSplitting: false },
      },
    },
  })
}

/** The package file of a folder in which a bundler is installed. */
async function installed(name: string, version: string): Promise<string> {
  const folder = join(versions, `${name}-${version}`)
  const file = join(folder, 'package.json')
  await mkdir(folder, { recursive: true })
  await writeFile(file, JSON.stringify({ private: true, dependencies: { [name]: version } }))
  if (!(await areInstalled(folder, `${name} ${version}`)))
    throw new Error(`${name} ${version} could not be installed`)
  return file
}
