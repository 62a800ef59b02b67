import { execFile } from 'node:child_process'
import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { filesOf } from '../../documents/page-files.ts'
import { newerNode } from '../../support/newer-node.ts'
import { areInstalled } from '../../support/packages.ts'
import { addPackageTo, plainEnvironment, type ServerCommand } from '../served-app.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const appFolder = join(folder, 'built')
/** The module of the page that decides what browsers are sent of the package; the app has it as it is. */
const middleware = 'src/session-middleware.ts'

/**
 * Installs TanStack Start, and builds the app in `app` for production with the package as it would be published. The build gets
 * neither a secret nor the name of a table.
 *
 * @returns how to serve the app; `undefined` where there is nothing to install from, or no Node for it.
 */
export async function builtServer(): Promise<ServerCommand | undefined> {
  const node = await newerNode()
  if (node === undefined || !(await areInstalled(folder, 'TanStack Start'))) return undefined
  await rm(appFolder, { recursive: true, force: true })
  await cp(join(folder, 'app'), appFolder, { recursive: true })
  const code = (await filesOf('docs/frameworks/tanstack-start.md')).get(middleware)
  if (code === undefined) throw new Error(`the page about TanStack Start has no ${middleware}`)
  await writeFile(join(appFolder, middleware), code)
  await addPackageTo(appFolder)
  const program = join(folder, 'node_modules/vite/bin/vite.js')
  await promisify(execFile)(node, [program, 'build'], { cwd: appFolder, env: plainEnvironment })
  return { cwd: appFolder, args: ['server.js'], node }
}

/** What browsers are sent of the built app. */
export const clientFolder: string = join(appFolder, 'dist/client')
