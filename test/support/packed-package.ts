import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { x } from 'tinyexec'

import { oncePerRun } from './once-per-run.ts'

/** The repository. */
export const root: string = fileURLToPath(new URL('../..', import.meta.url))

/** The package as it would be published. */
export interface PackedPackage {
  readonly tarball: string
  /** The package as npm has installed it from the tarball. To be read only: test files share it. */
  readonly installed: string
}

/** Builds, packs and installs the package; in a run once, whoever needs it. */
export async function packedPackage(): Promise<PackedPackage> {
  const folder = await oncePerRun('package', async app => {
    // `npm test` has built it before it started the tests.
    if (process.env['npm_lifecycle_event'] !== 'test') await npm(root, 'run', 'build')
    await npm(root, 'pack', '--ignore-scripts', '--pack-destination', app)
    await writeFile(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }))
    await npm(app, 'install', '--offline', '--no-audit', '--no-fund', tarballIn(app))
  })
  return { tarball: tarballIn(folder), installed: join(folder, 'node_modules/dynamodb-sessions') }
}

function tarballIn(folder: string): string {
  return join(folder, 'dynamodb-sessions-0.1.0.tgz')
}

async function npm(folder: string, ...args: readonly string[]): Promise<void> {
  await x('npm', [...args], { throwOnError: true, nodeOptions: { cwd: folder } })
}
