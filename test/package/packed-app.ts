import { execFile } from 'node:child_process'
import { cp, mkdtemp, realpath, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

import { inject } from 'vitest'

import { packedPackage, root } from '../support/packed-package.ts'

/** What a finished process printed. */
export interface Finished {
  readonly stdout: string
  readonly stderr: string
}

/** An application in a folder of its own, deleted at the end of the run, that has installed the packed tarball. */
export interface PackedApp {
  readonly folder: string
  readonly tarball: string
  /** Runs a program in the folder until it ends; rejects when it fails or does not end in time. */
  readonly run: (
    file: string,
    args: readonly string[],
    environment?: Readonly<Record<string, string>>,
  ) => Promise<Finished>
}

const FRAMEWORKS = [
  '@fastify',
  '@hono',
  '@types',
  'better-auth',
  'express',
  'express-session',
  'fastify',
  'hono',
  'hono-sessions',
  'koa',
  'koa-generic-session',
  'koa-session',
  'react-router',
  'unstorage',
  'vitest',
]

/** A new application in which the package is installed as it would be published. */
export async function installPackedApp(): Promise<PackedApp> {
  const { tarball, installed } = await packedPackage()
  const folder = await realpath(await mkdtemp(join(inject('runFolder'), 'app-')))
  const run = async (
    file: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Finished> => {
    const env = { ...process.env, ...environment }
    try {
      return await promisify(execFile)(file, args, {
        cwd: folder,
        env,
        timeout: 180_000,
        maxBuffer: 16 * 1024 * 1024,
      })
    } catch (cause) {
      const { stdout = '', stderr = '' } = cause as Partial<Finished>
      throw new Error(`${file} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause })
    }
  }
  await cp(dirname(dirname(installed)), folder, { recursive: true })
  return { folder, tarball, run }
}

/** Puts the frameworks of this repository beside the installed package, so that nothing is downloaded. */
export async function addFrameworks(
  { folder }: PackedApp,
  frameworks: readonly string[] = FRAMEWORKS,
): Promise<void> {
  await cp(join(root, 'test/package/fixtures'), folder, { recursive: true })
  for (const name of frameworks) {
    await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
}
