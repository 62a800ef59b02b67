import { execFile } from 'node:child_process'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { filesOf, withTables } from '../../documents/page-files.ts'
import { newerNode } from '../../support/newer-node.ts'
import { areInstalled } from '../../support/packages.ts'
import { addPackageTo, plainEnvironment, type ServerCommand } from '../served-app.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))

/** How the app of a page is built and served. */
export interface PageApp {
  /** Of the page in `docs/frameworks`, and of what the tests add to its app, in `app`. */
  readonly name: string
  /** The program that builds it, below `node_modules`. */
  readonly builder: string
  /** What serves it, in its folder. */
  readonly server: string
  /** A path that counts with the driver for unstorage, or the one of Astro's own sessions. */
  readonly storagePath: string
}

/**
 * Whether the frameworks are installed, and a Node that is new enough for them.
 *
 * @returns that Node; `undefined` where there is nothing to install from.
 */
export async function nodeForApps(): Promise<string | undefined> {
  const node = await newerNode()
  return node !== undefined && (await areInstalled(folder, 'Astro, Nitro and Nuxt')) ? node : undefined
}

/**
 * Writes the files of a page into a folder, and builds that for production with the package as it would be published. The build gets
 * no secret.
 *
 * @param table the one to take in place of that of the page.
 */
export async function builtApp(
  { name, builder, server }: PageApp,
  node: string,
  table: string,
): Promise<ServerCommand> {
  const cwd = join(folder, 'built', name)
  await rm(cwd, { recursive: true, force: true })
  await cp(join(folder, 'app', name), cwd, { recursive: true })
  const files = await filesOf(`docs/frameworks/${name}.md`)
  for (const [file, code] of [...files, ['package.json', '{ "type": "module", "private": true }'] as const]) {
    await mkdir(dirname(join(cwd, file)), { recursive: true })
    await writeFile(join(cwd, file), withTables(code, { sessions: table }))
  }
  // Beside the frameworks, as npm installs it: Astro looks for drivers from where it is itself.
  await addPackageTo(folder)
  const env = {
    ...plainEnvironment,
    ASTRO_TELEMETRY_DISABLED: '1',
    NUXT_TELEMETRY_DISABLED: '1',
    HOME: join(cwd, '.home'),
  }
  await promisify(execFile)(node, [join(folder, 'node_modules', builder), 'build'], { cwd, env })
  return { cwd, args: [server], node }
}
