import { describe, expect, onTestFinished, test } from 'vitest'

import { SessionStore } from '../../../src/store/session-store.ts'
import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import { engine } from '../../support/engines.ts'
import { SessionTable } from '../../support/session-table.ts'
import { StubEndpoint } from '../../support/stub-endpoint.ts'

const operations: Readonly<Record<string, (store: SessionStore) => Promise<unknown>>> = {
  keys: async store => {
    for await (const key of store.keys()) throw new Error(`it found ${key}`)
  },
  records: async store => {
    for await (const { key } of store.records()) throw new Error(`it found ${key}`)
  },
  count: store => store.count(),
  clear: store => store.clear(),
  collectGarbage: store => store.collectGarbage(),
}

async function setUp(options: SessionStoreOptions): Promise<{ table: SessionTable; wrong: SessionStore }> {
  const table = await SessionTable.create(engine)
  const right = new SessionStore({ ...table.options, ...options })
  await right.write('alive', { user: 'ada' })
  await right.write('expired', {}, { expiresMs: 1 })
  await right.close()
  const wrong = new SessionStore({ ...table.options, ...options, partitionKey: 'sid' })
  onTestFinished(() => wrong.close())
  return { table, wrong }
}

describe('the option partitionKey names another attribute than the key of the table', () => {
  describe.each([
    ['hashed IDs', {}],
    ['plain IDs', { hashIds: false }],
    ['a prefix', { hashIds: false, prefix: 'shop:' }],
    ['another layout', { layout: 'connect-dynamodb' }],
  ] as const)('with %s', (_name, options) => {
    test.each(Object.entries(operations))('%s fails, again and again', async (_operation, call) => {
      const { table, wrong } = await setUp(options)
      for (let time = 1; time <= 2; time++) {
        const calling = call(wrong)
        await expect(calling).rejects.toMatchObject({
          code: 'TABLE_MISMATCH',
          differences: [expect.any(String)],
        })
        await expect(calling).rejects.toThrow(
          `the key of table "${table.name}" is not sid (HASH, S), so that its sessions cannot be found; name its partition ` +
            'key in the option "partitionKey"',
        )
      }
      expect(await table.items()).toHaveLength(2)
    })
  })

  test.each<[string, (store: SessionStore) => Promise<unknown>]>([
    ['read', store => store.read('alive')],
    ['write', store => store.write('alive', {})],
    ['touch', store => store.touch('alive')],
    ['destroy', store => store.destroy('alive')],
    ['lock', store => store.lock('alive')],
  ])('%s of one session says which option to change', async (_operation, call) => {
    const { wrong } = await setUp({})
    await expect(call(wrong)).rejects.toThrow('name it in the option "partitionKey"')
  })

  test('an empty table says nothing of its key', async () => {
    const table = await SessionTable.create(engine)
    const wrong = new SessionStore({ ...table.options, partitionKey: 'sid' })
    expect(await wrong.count()).toBe(0)
    await wrong.close()
  })

  test('it is asked for once, and not where it may not be', async () => {
    const { table } = await setUp({})
    const stub = await StubEndpoint.inFrontOf(engine.endpoint, ({ operation }) =>
      operation === 'GetItem'
        ? {
            statusCode: 400,
            body: { __type: 'com.amazon.coral.service#AccessDeniedException', message: 'no' },
          }
        : undefined,
    )
    onTestFinished(() => stub.close())
    const other = new SessionStore({ ...table.options, endpoint: stub.url, prefix: 'other:' })
    expect(await other.count()).toBe(0)
    expect(await other.count()).toBe(0)
    await other.clear()
    await other.close()
    expect(stub.operations).toEqual(['Scan', 'GetItem', 'Scan', 'Scan'])
  })

  test('it is not asked for where items or further pages show it', async () => {
    const { table } = await setUp({})
    const stub = await StubEndpoint.inFrontOf(engine.endpoint, () => undefined)
    onTestFinished(() => stub.close())
    const store = new SessionStore({ ...table.options, endpoint: stub.url })
    for await (const { data } of store.records()) expect(data).toEqual({ user: 'ada' })
    await store.collectGarbage({ segments: 1 })
    await store.close()
    expect(stub.operations).toEqual(['Scan', 'Scan', 'DeleteItem'])
  })
})
