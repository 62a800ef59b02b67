import { describe, expect, test } from 'vitest'

import { Interruption } from '../../../src/cli/output.ts'
import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import { connectionTo, engine } from '../../support/engines.ts'
import { SessionTable } from '../../support/session-table.ts'
import { type Finished, runCli } from './command-line.ts'
import { engineEnvironment } from './engine-environment.ts'

const open = (table: string, options: SessionStoreOptions): SessionStore =>
  new SessionStore({ ...connectionTo(engine), table, ...options })

describe.runIf(engine.supports.transactions)('migrate', () => {
  const environment = engineEnvironment(engine)
  const cli = (...args: string[]): Promise<Finished> => runCli(['migrate', ...args], { environment })

  test('moves what is alive, once', async () => {
    const { name: table } = await SessionTable.create(engine)
    const old = open(table, { layout: 'connect-dynamodb' })
    const ids = Array.from({ length: 70 }, (_, index) => `visitor-${index}`)
    await Promise.all(ids.map(id => old.write(id, { id })))
    const store = open(table, {})
    await store.write('visitor-0', { newer: true })

    const counted = await cli('--table', table, '--from', 'connect-dynamodb', '--dry-run', '--json')
    expect(JSON.parse(counted.stdout)).toEqual({ found: 70, moved: 0, passedOver: 0, failed: 0 })
    expect(await old.count()).toBe(70)

    const moved = await cli('--table', table, '--from', 'connect-dynamodb')
    expect(moved).toMatchObject({
      exitCode: 0,
      stdout: '70 sessions found, 69 moved, 1 moved, ended or locked by others\n',
    })
    expect(await store.count()).toBe(70)
    expect((await store.read('visitor-0'))?.data).toEqual({ newer: true })
    expect((await store.read('visitor-69'))?.data).toEqual({ id: 'visitor-69' })
    expect(await old.count()).toBe(1)
    await Promise.all([old.close(), store.close()])
  })

  test('has limits of its own, and says how far it came when it is ended', async () => {
    const { name: table } = await SessionTable.create(engine)
    const old = open(table, { layout: 'connect-dynamodb' })
    await Promise.all(Array.from({ length: 70 }, (_, index) => old.write(`visitor-${index}`, { index })))
    const args = ['migrate', '--table', table, '--from', 'connect-dynamodb']
    const interruption = new AbortController()
    const ended = await runCli(args, {
      environment: {
        ...environment,
        DYNAMODB_SESSIONS_DEADLINE_MS: '1',
        DYNAMODB_SESSIONS_ATTEMPT_TIMEOUT_MS: '1',
        NO_COLOR: '1',
      },
      isTerminal: true,
      signal: interruption.signal,
      onWrite: text => {
        if (text.includes(' sessions found, ')) interruption.abort(new Interruption('SIGINT'))
      },
    })
    expect(ended).toMatchObject({ exitCode: 130, stdout: '' })
    const [, moved = ''] =
      /until then: \d+ sessions found, (\d+) moved.*\ninterrupted\n$/.exec(ended.stderr) ?? []
    expect(Number(moved)).toBeGreaterThan(0)

    const over = await runCli([...args, '--timeout', '0.001'], { environment })
    expect(over).toMatchObject({ exitCode: 1, stdout: '' })
    expect(over.stderr).toMatch(/: the call did not finish within 1 ms; completed work is kept\n$/)

    const rest = await runCli([...args, '--json'], { environment })
    expect(rest.exitCode).toBe(0)
    const store = open(table, {})
    expect([await store.count(), await old.count()]).toEqual([70, 0])
    await Promise.all([old.close(), store.close()])
  })

  test('moves from another table, prefix and plain IDs', async () => {
    const [{ name: from }, { name: to }] = await Promise.all([
      SessionTable.create(engine, 'sid'),
      SessionTable.create(engine),
    ])
    const old = open(from, { prefix: 'a:', hashIds: false, partitionKey: 'sid' })
    await old.write('one', { a: 1 })
    const args = ['--from-table', from, '--from-prefix', 'a:', '--from-partition-key', 'sid']
    const moving = ['--table', to, '--from', 'native', '--from-no-hash-ids', ...args]
    expect((await cli(...moving)).stdout).toBe('1 session found, 1 moved\n')
    const store = open(to, {})
    expect((await store.read('one'))?.data).toEqual({ a: 1 })
    await Promise.all([old.close(), store.close()])
  })

  test('leaves alone what a request has locked', async () => {
    const { name: table } = await SessionTable.create(engine)
    const old = open(table, { prefix: 'a:', hashIds: false })
    await old.write('one', { a: 1 })
    const lock = await old.lock('one', { leaseSeconds: 900 })
    const args = ['--table', table, '--from', 'native', '--from-prefix', 'a:', '--from-no-hash-ids']
    expect((await cli(...args)).stdout).toBe('1 session found, 0 moved, 1 moved, ended or locked by others\n')
    await old.write('one', { a: 2 }, { basis: lock?.record })
    expect((await cli(...args)).stdout).toBe('1 session found, 1 moved\n')
    await old.close()
  })

  test('moves what has no prefix, where the layout has one by default', async () => {
    const { name: table } = await SessionTable.create(engine)
    const old = open(table, { layout: 'connect-dynamodb', prefix: '' })
    await old.write('one', { a: 1 })
    const args = ['--table', table, '--from', 'connect-dynamodb']
    expect((await cli(...args)).stdout).toBe('0 sessions found, 0 moved\n')
    expect((await cli(...args, '--from-prefix=')).stdout).toBe('1 session found, 1 moved\n')
    const store = open(table, {})
    expect((await store.read('one'))?.data).toEqual({ a: 1 })
    await Promise.all([old.close(), store.close()])
  })

  test('leaves sessions under hashes where they can be found', async () => {
    const [{ name: from }, { name: to }] = await Promise.all([
      SessionTable.create(engine),
      SessionTable.create(engine),
    ])
    const old = open(from, {})
    await old.write('one', { a: 1 })
    const moving = await cli('--table', to, '--from', 'native', '--from-table', from)
    expect(moving).toMatchObject({ exitCode: 2, stdout: '' })
    expect((await old.read('one'))?.data).toEqual({ a: 1 })
    await old.close()
  })

  test('what cannot be moved stays, and is told', async () => {
    const table = await SessionTable.create(engine)
    const corrupt = {
      id: { S: 'sess:odd' },
      sess: { S: 'no JSON' },
      expires: { N: String(Math.ceil(Date.now() / 1000) + 600) },
    }
    await table.put(corrupt)
    const result = await cli('--table', table.name, '--from', 'connect-dynamodb')
    expect(result).toMatchObject({ exitCode: 1 })
    expect(result.stdout).toContain('1 cannot be moved and stay where they are')
    expect(await table.item('sess:odd')).toEqual(corrupt)
  })

  test.each([
    [[], /migrate needs --from/],
    [
      ['--from', 'connect-dynamo'],
      /: --from must be the name of a layout \(native, php, .+; did you mean connect-dynamodb\?/,
    ],
    [['--from', 'nothing-alike'], /: --from must be the name of a layout \(native, php, [^;]+\)\n/],
    [['--from', 'native'], /: --from native moves sessions only .* add --from-no-hash-ids; .* migrateFrom/],
    [['--from', 'php', '--from-no-hash-ids'], /: --from-no-hash-ids is for --from native alone/],
    [
      ['--from', 'native', '--from-no-hash-ids'],
      /: --from names the place where this store keeps sessions itself/,
    ],
    [['--from', 'php', 'more'], /migrate takes options only/],
  ])('refuses %j', async (args, words) => {
    const { name: table } = await SessionTable.create(engine)
    const result = await cli('--table', table, '--no-hash-ids', ...args)
    expect(result).toMatchObject({ exitCode: 2, stdout: '' })
    expect(result.stderr).toMatch(words)
  })
})
