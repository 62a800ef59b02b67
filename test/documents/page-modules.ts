import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
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

/**
 * Compiles the modules of a page, strictly, beside the package as it would be published. A module is a block of code whose first
 * line is a comment with its name.
 *
 * @param page path in the repository.
 * @param tables names of tables in the page, and those to take in their place.
 * @returns the folder that has them as JavaScript.
 */
export async function compiledModulesOf(
  page: string,
  tables: Readonly<Record<string, string>>,
): Promise<string> {
  const app = join(folder, 'pages', page.replaceAll(/\W+/g, '-'))
  await rm(app, { recursive: true, force: true })
  await mkdir(join(app, 'node_modules'), { recursive: true })
  const { installed } = await packedPackage()
  await cp(installed, join(app, 'node_modules/dynamodb-sessions'), { recursive: true })
  await writeFile(join(app, 'package.json'), JSON.stringify({ type: 'module', private: true }))
  await writeFile(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
  for (const [name, code] of await filesOf(page)) {
    if (!name.endsWith('.ts')) continue
    await mkdir(dirname(join(app, name)), { recursive: true })
    await writeFile(join(app, name), withTables(code, tables))
  }
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { stdout, exitCode } = await x(process.execPath, [tsc], { nodeOptions: { cwd: app } })
  if (exitCode !== 0) throw new Error(`the modules of ${page} do not compile:\n${stdout}`)
  return app
}

const compilerOptions = {
  strict: true,
  target: 'es2022',
  module: 'nodenext',
  types: ['node'],
  // The declarations of some packages do not compile by themselves.
  skipLibCheck: true,
}
