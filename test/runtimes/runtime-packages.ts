import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { areInstalled } from '../support/packages.ts'
import { runtimeBinary } from './runtime-binary.ts'

/** A runtime that npm has, and a version of it or a range of versions. */
export interface RuntimeVersion {
  readonly name: 'Node' | 'Bun' | 'Deno' | 'workerd'
  readonly version: string
}

/** The Node that the suite uses for what the Node that runs the tests may be too old for. */
const newerNode: RuntimeVersion = { name: 'Node', version: '24.21.0' }

const versions = fileURLToPath(new URL('versions/', import.meta.url))
const platform = process.platform === 'win32' ? 'win' : process.platform

const packages = {
  Node: { name: `node-${platform}-${process.arch}`, binary: ['', 'bin/node'] },
  Bun: { name: 'bun', binary: ['@oven', 'bin/bun'] },
  Deno: { name: 'deno', binary: ['@deno', 'deno'] },
  workerd: { name: 'workerd', binary: ['@cloudflare', 'bin/workerd'] },
} as const

/**
 * Installs a version of a runtime from npm, if that is not done yet.
 *
 * @returns the path of its binary; `undefined` where there is no registry to install it from.
 */
export async function installedRuntime({ name, version }: RuntimeVersion): Promise<string | undefined> {
  const runtime = packages[name]
  const folder = join(versions, `${name}-${version}`)
  await mkdir(folder, { recursive: true })
  const manifest = { private: true, dependencies: { [runtime.name]: version } }
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
  if (!(await areInstalled(folder, `${name} ${version}`))) return undefined
  return runtimeBinary(runtime.binary[0], runtime.binary[1], folder)
}

/** A Node, or a newer one where that one has no `module.registerHooks`; `undefined` where none can be installed. */
export async function withHooks(node: string): Promise<string | undefined> {
  const print = "process.stdout.write(typeof require('node:module').registerHooks)"
  const { stdout } = await promisify(execFile)(node, ['--print', print])
  return stdout.startsWith('function') ? node : installedRuntime(newerNode)
}
