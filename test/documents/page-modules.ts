import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

import { x } from 'tinyexec'

import { packedPackage, root } from '../support/packed-package.ts'
import { areInstalled } from '../support/packages.ts'
import { filesOf, withTables } from './page-files.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))

/** Whether the packages that the pages use are there; they are no development dependencies. */
export function arePackagesInstalled(): Promise<boolean> {
  return areInstalled(folder, 'The packages of the documentation')
}

/** What a page leaves to its reader, or takes from a framework. */
interface PageSurroundings {
  /** Modules that the page calls yours, by name. */
  readonly yours?: Readonly<Record<string, string>>
  /** @see compiledModulesOf */
  readonly nextPackages?: string
}

/**
 * Compiles the modules of a page, strictly, beside the package as it would be published. A module is a block of code whose first
 * line is a comment with its name. Those in JavaScript are taken as they are.
 *
 * @param page path in the repository.
 * @param tables names of tables in the page, and those to take in their place.
 * @param surroundings `nextPackages` is where Next.js is installed, for pages of modules that its bundlers resolve: `@/` is the folder of the app.
 * @returns the folder that has them as JavaScript.
 */
export async function compiledModulesOf(
  page: string,
  tables: Readonly<Record<string, string>>,
  { yours = {}, nextPackages }: PageSurroundings = {},
): Promise<string> {
  const app = join(folder, 'pages', page.replaceAll(/\W+/g, '-'))
  await rm(app, { recursive: true, force: true })
  await mkdir(join(app, 'node_modules'), { recursive: true })
  const { installed } = await packedPackage()
  await cp(installed, join(app, 'node_modules/dynamodb-sessions'), { recursive: true })
  await writeFile(join(app, 'package.json'), JSON.stringify({ type: 'module', private: true }))
  const bundled = nextPackages === undefined ? {} : bundledOptions
  await writeFile(
    join(app, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...compilerOptions, ...bundled } }),
  )
  if (nextPackages !== undefined) {
    await symlink(join(nextPackages, 'next'), join(app, 'node_modules/next'), 'junction')
  }
  const files = [...(await filesOf(page)), ...Object.entries(yours)]
  const modules = files.filter(([name]) => /\.[jt]sx?$/.test(name))
  for (const [name, code] of modules) {
    await mkdir(dirname(join(app, name)), { recursive: true })
    await writeFile(join(app, name), withTables(code, tables))
  }
  if (modules.every(([name]) => name.endsWith('.js'))) return app
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { stdout, exitCode } = await x(process.execPath, [tsc], { nodeOptions: { cwd: app } })
  if (exitCode !== 0) throw new Error(`the modules of ${page} do not compile:\n${stdout}`)
  if (nextPackages !== undefined) {
    for (const [name] of modules) await resolveFor(app, name.replace(/tsx?$/, 'js'))
  }
  return app
}

/** Names for Node.js what only bundlers find. */
async function resolveFor(app: string, name: string): Promise<void> {
  const code = await readFile(join(app, name), 'utf8')
  const own = (path: string): string => `./${relative(dirname(name), path).replaceAll('\\', '/')}.js`
  const resolved = code
    .replaceAll(/ from '@\/([^']+)'/g, (_, path: string) => ` from '${own(path)}'`)
    .replaceAll(/ from '(next\/\w+)'/g, ` from '$1.js'`)
  await writeFile(join(app, name), resolved)
}

const compilerOptions = {
  strict: true,
  target: 'es2022',
  module: 'nodenext',
  types: ['node'],
  // The declarations of some packages do not compile by themselves.
  skipLibCheck: true,
}

/** As the starter of Next.js has them. */
const bundledOptions = {
  module: 'esnext',
  moduleResolution: 'bundler',
  jsx: 'react-jsx',
  paths: { '@/*': ['./*'] },
}
