import { execFile } from 'node:child_process'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { root } from '../../support/packed-package.ts'
import { areInstalled } from '../../support/packages.ts'
import { addPackageTo, type ServerCommand } from '../served-app.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const appFolder = join(folder, 'built')

/**
 * Installs NestJS, and compiles the app in `app`, decorators and their metadata included, into CommonJS, with the package as it would
 * be published.
 *
 * @returns whether that is done; NestJS is no development dependency.
 */
export async function isAppBuilt(): Promise<boolean> {
  if (!(await areInstalled(folder, 'NestJS'))) return false
  await rm(appFolder, { recursive: true, force: true })
  await cp(join(folder, 'app'), appFolder, { recursive: true })
  await addPackageTo(appFolder)
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  await promisify(execFile)(process.execPath, [compiler, '-p', '.'], { cwd: appFolder })
  return true
}

/** Serves the app on one of the platforms of NestJS. */
export function serverOn(platform: 'express' | 'fastify'): ServerCommand {
  return { cwd: appFolder, args: [`dist/${platform}/main.js`] }
}
