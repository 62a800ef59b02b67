import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'

import { deferred } from '../../../src/internal/timers.ts'
import { createTable } from '../../../src/table/create-table.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import { filesLoadedBy } from '../../package/merged-files.ts'
import {
  type Engine,
  engineCredentials,
  engineRegion,
  engine,
  uniqueTableName,
} from '../../support/engines.ts'
import { packedPackage } from '../../support/packed-package.ts'
import { StubEndpoint } from '../../support/stub-endpoint.ts'
import { engineEnvironment } from './engine-environment.ts'

let root: string
let main: string

interface Ended {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

beforeAll(async () => {
  root = (await packedPackage()).installed
  main = join(root, 'dist/cli/main.js')
})

function start(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): ReturnType<typeof spawn> {
  const child = spawn(process.execPath, [main, ...args], {
    env: {
      PATH: process.env['PATH'],
      AWS_EC2_METADATA_DISABLED: 'true',
      HOME: '/nonexistent',
      ...environment,
    },
    stdio: 'pipe',
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  return child
}

async function end(child: ReturnType<typeof spawn>): Promise<Ended> {
  const { stdout, stderr } = child
  if (stdout === null || stderr === null) throw new Error('the process has no pipes')
  const [out, err] = await Promise.all([text(stdout), text(stderr), once(child, 'close')])
  return { exitCode: child.exitCode, stdout: out, stderr: err }
}

async function run(args: readonly string[], environment?: Readonly<Record<string, string>>): Promise<Ended> {
  const child = start(args, environment)
  child.stdin?.end()
  return end(child)
}

describe('the executable', () => {
  test('begins with what the shell needs to run it', async () => {
    expect((await readFile(main, 'utf8')).split('\n')[0]).toBe('#!/usr/bin/env node')
  })

  test('shows its help, its version and its mistakes', async () => {
    const help = await run(['--help'])
    expect([help.exitCode, help.stderr]).toEqual([0, ''])
    expect(help.stdout).toContain('create-table')
    expect(help.stdout).not.toContain('\u001B')
    expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(await run(['lst'])).toMatchObject({ exitCode: 2, stdout: '' })
  })

  test('loads no more for its help than the help, in three files', async () => {
    const { files, modules } = await filesLoadedBy(join(root, 'dist'), record => run(['--help'], record))
    expect(files).toEqual(['chunks/cli.js', 'chunks/errors.js', 'cli/main.js'])
    expect(modules).toEqual([
      'cli/help.js',
      'cli/main.js',
      'cli/output.js',
      'cli/run.js',
      'diagnostics.js',
      'errors.js',
      'internal/core-objects.js',
      'internal/message-text.js',
      'internal/option-mistakes.js',
      'internal/option.js',
      'internal/process-environment.js',
      'options/preload-options.js',
    ])
  })

  test('ends quietly when its reader does', async () => {
    const child = start(['--help'])
    child.stdout?.destroy()
    const { stderr } = child
    if (stderr === null) throw new Error('the process has no pipes')
    const [message] = await Promise.all([text(stderr), once(child, 'close')])
    expect([child.exitCode, message]).toEqual([0, ''])
  })
})

describe('the executable', () => {
  const environment = engineEnvironment(engine)

  test('reads a session ID from the standard input, and ends by itself', async () => {
    const table = await tableWith(engine, 'SECRET-ID')
    const child = start(['show', '-', '--json'], { ...environment, DYNAMODB_SESSIONS_TABLE: table })
    child.stdin?.end('SECRET-ID\n')
    const { exitCode, stdout, stderr } = await end(child)
    expect([exitCode, stderr]).toEqual([0, ''])
    expect(JSON.parse(stdout)).toMatchObject({ live: true })
    expect(await run(['destroy', 'SECRET-ID', '--table', table], environment)).toMatchObject({
      exitCode: 0,
      stdout: 'destroyed\n',
    })
  })

  test('has the exit code of what doctor finds', async () => {
    const table = await tableWith(engine)
    expect((await run(['doctor', '--table', table], environment)).exitCode).toBe(0)
    expect((await run(['doctor', '--table', uniqueTableName()], environment)).exitCode).toBe(3)
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends with %s at once, while it waits for an answer', async (signal, exitCode) => {
    const asked = deferred<void>()
    const stub = await StubEndpoint.start(() => {
      asked.resolve()
      return new Promise(() => {})
    })
    onTestFinished(() => stub.close())
    const child = start(['gc'], { ...environment, AWS_ENDPOINT_URL_DYNAMODB: stub.url })
    const ended = end(child)
    await asked.promise
    child.kill(signal)
    expect(await ended).toEqual({
      exitCode,
      stdout: '',
      stderr: expect.stringMatching(/interrupted\n$/) as unknown,
    })
  })
})

async function tableWith({ endpoint }: Engine, ...ids: readonly string[]): Promise<string> {
  const table = uniqueTableName()
  const options = { table, region: engineRegion, endpoint, credentials: engineCredentials }
  await createTable({ ...options, onWarning: () => {} })
  await using store = new SessionStore(options)
  for (const id of ids) await store.write(id, {})
  return table
}
