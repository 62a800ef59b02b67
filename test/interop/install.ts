import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { areInstalled } from '../support/packages.ts'

/** Loads one of the installed packages; they are CommonJS. */
export type LoadPackage = (name: string) => unknown

const folder = dirname(fileURLToPath(import.meta.url))

/**
 * Installs the session stores that the tests take turns with, when `node_modules` is not what the lock file asks for.
 *
 * They are not development dependencies of the package because they are 130 MB, most of it the AWS SDK, twice.
 *
 * @returns `undefined` when there is no registry to install them from.
 * @throws {Error} in CI, which has to run these tests.
 */
export async function loadInstalled(): Promise<LoadPackage | undefined> {
  return (await areInstalled(folder, 'the session stores of test/interop'))
    ? createRequire(join(folder, 'package.json'))
    : undefined
}
