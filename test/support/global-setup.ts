import { execFile, fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import type { TestProject } from 'vitest/node'

import type { Engine } from './engines.ts'

const oldestJava = 17

/** What all projects of a run share, of which each loads this file for itself. */
interface Run {
  readonly folder: string
  readonly engines: readonly Engine[]
}

const RUN = Symbol.for('dynamodb-sessions.test-run')
const shared = globalThis as { [RUN]?: Promise<Run> | undefined }
const processes: ChildProcess[] = []

declare module 'vitest' {
  interface ProvidedContext {
    /** A new folder, deleted at the end of the run. */
    runFolder: string
  }
}

/** Starts every engine once for the whole run, each in a child process that ends with this one; and makes its folder. */
export async function setup(project: TestProject): Promise<void> {
  shared[RUN] ??= startRun()
  const { folder, engines } = await shared[RUN]
  project.provide('runFolder', folder)
  project.provide('engines', engines)
}

/** Ends the engines: the project that has started them does, at the end of the run. */
export async function teardown(): Promise<void> {
  if (processes.length === 0) return
  await Promise.all(processes.map(endProcess))
  const run = await shared[RUN]
  shared[RUN] = undefined
  if (run !== undefined) await rm(run.folder, { recursive: true, force: true })
}

async function startRun(): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), 'dynamodb-sessions-run-'))
  const starting = (await hasJava()) ? [startDynalite(), startDynamoDBLocal()] : [startDynalite()]
  return { folder, engines: await Promise.all(starting) }
}

async function hasJava(): Promise<boolean> {
  const major = await javaMajorVersion()
  if (major !== undefined && major >= oldestJava) return true
  const found = major === undefined ? 'there is no Java' : `this is Java ${major}`
  const problem = `DynamoDB Local needs Java ${oldestJava} or newer, and ${found} on the PATH`
  if (process.env['CI']) throw new Error(`${problem}; CI must run the tests on every engine`)
  process.stderr.write(`${problem}: the tests run on dynalite only.\n`)
  return false
}

async function startDynalite(): Promise<Engine> {
  return {
    name: 'dynalite',
    endpoint: await startProcess('dynalite.mjs'),
    supports: { ttl: false, oldItemOnConditionFailure: false, transactions: false },
  }
}

async function startDynamoDBLocal(): Promise<Engine> {
  return {
    name: 'DynamoDB Local',
    endpoint: await startProcess('dynamodb-local.mjs'),
    supports: { ttl: true, oldItemOnConditionFailure: true, transactions: true },
  }
}

async function startProcess(file: string): Promise<string> {
  const child = fork(fileURLToPath(new URL(`../../tools/processes/${file}`, import.meta.url)), {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  processes.push(child)
  const message = await Promise.race([firstMessage(child), endedTooEarly(child, file)])
  if (hasText(message, 'endpoint')) return message.endpoint
  throw new Error(hasText(message, 'error') ? message.error : `${file} did not report an endpoint`)
}

async function firstMessage(child: ChildProcess): Promise<unknown> {
  return new Promise(resolve => {
    child.once('message', resolve)
  })
}

async function endedTooEarly(child: ChildProcess, file: string): Promise<never> {
  await once(child, 'exit')
  throw new Error(`${file} ended with exit code ${child.exitCode} before it reported an endpoint`)
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  if (child.connected) child.disconnect()
  await exited
}

async function javaMajorVersion(): Promise<number | undefined> {
  try {
    const { stderr } = await promisify(execFile)('java', ['-version'])
    const major = /version "(\d+)/.exec(stderr)?.[1]
    return major === undefined ? undefined : Number(major)
  } catch {
    return undefined
  }
}

function hasText<Name extends string>(value: unknown, name: Name): value is Record<Name, string> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, name) === 'string'
}
