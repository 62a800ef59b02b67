import type { SessionData } from 'express-session'
import { describe, expect, test, vi } from 'vitest'

import type { DynamoDBStore, DynamoDBStoreOptions } from '../../../src/adapters/connect-dynamodb.ts'
import { describeTable } from '../../../src/table/check-table.ts'
import { callbackValue } from '../../support/callback-outcome.ts'
import { connectionTo, type Engine, engines, uniqueTableName } from '../../support/engines.ts'
import { unhandledErrorsDuring, warningDuring } from '../../support/process-events.ts'
import { sendToEngine } from '../../support/send-to-engine.ts'
import { SessionTable } from '../../support/session-table.ts'
import { connectDynamoDBSubject, get, set, touch } from './subject.ts'

const session = { cookie: { originalMaxAge: 60_000 }, user: 'ada' } as unknown as SessionData
const denied = { __type: 'com.amazon.coral.service#AccessDeniedException', message: 'not for you' }

describe.each(engines)('$name, the table of a store in the place of connect-dynamodb', engine => {
  const subject = connectDynamoDBSubject(engine)

  /** A store on an endpoint that writes down what it is sent, and a table that is not there. */
  const withoutTable = async (
    options: DynamoDBStoreOptions = {},
    refused: ReadonlySet<string> = new Set(),
  ): Promise<{
    table: string
    store: DynamoDBStore
    operations: () => readonly string[]
    refused: Set<string>
  }> => {
    const refusedNow = new Set(refused)
    const stub = await subject.recorder(({ operation }) =>
      refusedNow.has(operation) ? { statusCode: 400, body: denied } : undefined,
    )
    const table = uniqueTableName()
    const store = subject.store({ endpoint: stub.url, table, ...options })
    return { table, store, operations: () => stub.operations, refused: refusedNow }
  }

  describe('that is missing', () => {
    const calls: Readonly<Record<string, [(store: DynamoDBStore) => Promise<unknown>, unknown]>> = {
      get: [store => get(store, 'one'), null],
      set: [store => set(store, 'one', session), undefined],
      touch: [store => touch(store, 'one', session), { expires: expect.any(Number) as number }],
      destroy: [store => callbackValue(done => store.destroy('one', done)), undefined],
      reap: [store => callbackValue(done => store.reap(done)), undefined],
      all: [store => callbackValue<SessionData[] | null>(done => store.all(done)), []],
      ids: [store => callbackValue<string[]>(done => store.ids(done)), []],
      length: [store => callbackValue<number>(done => store.length(done)), 0],
      clear: [store => callbackValue(done => store.clear(done)), undefined],
    }

    test.each(Object.entries(calls))('is created by %s', async (_name, [call, expected]) => {
      const { store, table } = await withoutTable()
      expect(store.initialized).toBe(false)
      expect(await quietly(() => call(store))).toEqual(expected)
      expect(store.initialized).toBe(true)
      expect(await stateOf(engine, table)).toMatchObject({ status: 'ACTIVE' })
    })

    test('gets its key, its capacity and time to live, and no index', async () => {
      const { store, table } = await withoutTable({
        hashKey: 'key',
        readCapacityUnits: 7,
        writeCapacityUnits: '8',
      })
      await quietly(() => store.initialize())
      expect(await stateOf(engine, table, 'key')).toMatchObject({
        key: [{ name: 'key', role: 'HASH', type: 'S' }],
        billing: { readCapacityUnits: 7, writeCapacityUnits: 8 },
        userIndex: undefined,
        ...(engine.supports.ttl && { timeToLive: { status: 'ENABLED', attribute: 'expires' } }),
      })
    })

    test('has 5 units of each capacity when nothing else is said', async () => {
      const { store, table } = await withoutTable()
      await quietly(() => store.initialize())
      expect(await stateOf(engine, table)).toMatchObject({
        billing: { readCapacityUnits: 5, writeCapacityUnits: 5 },
      })
    })

    test('is created once for all calls that come at the same time', async () => {
      const { store, operations } = await withoutTable()
      await quietly(() =>
        Promise.all([
          ...[1, 2, 3, 4].map(number => set(store, `id-${number}`, session)),
          get(store, 'id-1'),
          store.initialize(),
        ]),
      )
      expect(operations().filter(name => name === 'CreateTable')).toHaveLength(1)
      expect(await callbackValue<number>(done => store.length(done))).toBe(4)
    })

    test('is created by several processes at once', async () => {
      const { store, table, operations } = await withoutTable()
      const other = subject.store({ table })
      await quietly(() => Promise.all([store.initialize(), other.initialize()]))
      expect(store.initialized && other.initialized).toBe(true)
      expect(operations().filter(name => name === 'CreateTable').length).toBeLessThanOrEqual(1)
    })

    test('is an error of every call with initialized: true', async () => {
      const { store, operations } = await withoutTable({ initialized: true })
      await store.initialize()
      expect(operations()).toEqual([])
      const unhandled = await unhandledErrorsDuring(async () => {
        for (const name of ['get', 'set', 'touch', 'destroy', 'reap', 'all', 'ids', 'length', 'clear']) {
          await expect(calls[name]?.[0](store)).rejects.toMatchObject({
            code: 'TABLE_NOT_FOUND',
            name: 'ResourceNotFoundException',
          })
        }
      })
      expect(unhandled).toEqual({ uncaughtExceptions: [], unhandledRejections: [] })
      expect(operations()).not.toContain('CreateTable')
    })

    test('is not created again when it is deleted later', async () => {
      const { store, table } = await withoutTable()
      await quietly(() => store.initialize())
      await deleteTable(engine, table)
      await expect(get(store, 'one')).rejects.toMatchObject({
        code: 'TABLE_NOT_FOUND',
      })
    })

    test.each(['DescribeTable', 'CreateTable'])(
      'and cannot be created without the permission %s is an error of each call, until it can',
      async operation => {
        const { store, refused } = await withoutTable({}, new Set([operation]))
        const unhandled = await unhandledErrorsDuring(async () => {
          for (const id of ['one', 'two']) {
            await expect(get(store, id)).rejects.toMatchObject({
              code: 'ACCESS_DENIED',
              name: 'AccessDeniedException',
              message: expect.stringContaining(operation) as string,
            })
          }
          await expect(store.initialize()).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
        })
        expect(unhandled).toEqual({ uncaughtExceptions: [], unhandledRejections: [] })
        expect(store.initialized).toBe(false)
        refused.clear()
        expect(await quietly(() => get(store, 'one'))).toBeNull()
      },
    )

    test('and may not get time to live is created with a warning', async () => {
      const { store, table } = await withoutTable({}, new Set(['UpdateTimeToLive']))
      let loaded: unknown
      const warning = await warningDuring(async () => {
        loaded = await get(store, 'one')
      })
      expect(loaded).toBeNull()
      expect(warning).toMatchObject({
        name: 'DynamoDBSessionsWarning',
        message: expect.stringMatching(new RegExp(`${table}.*dynamodb:UpdateTimeToLive`)) as string,
      })
    })
  })

  describe('that is there', () => {
    test('is not described before it is used', async () => {
      const stub = await subject.recorder()
      const store = subject.store({ endpoint: stub.url })
      await set(store, 'one', session)
      await get(store, 'one')
      expect(stub.operations).toEqual(['PutItem', 'GetItem'])
      expect(store.initialized).toBe(true)
      await store.initialize()
      expect(stub.operations).toEqual(['PutItem', 'GetItem'])
    })

    test('is described and not created by initialize, once', async () => {
      const stub = await subject.recorder()
      const store = subject.store({ endpoint: stub.url })
      await Promise.all([store.initialize(), store.initialize()])
      await store.initialize()
      expect(stub.operations).toEqual(['DescribeTable'])
    })

    test('is described as the AWS SDK describes it', async () => {
      const { Table: description } = await subject.store().describeSessionsTable()
      expect(description).toMatchObject({
        TableName: subject.table.name,
        TableStatus: 'ACTIVE',
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      })
    })

    test('stays as it is when it is created again', async () => {
      const { TableDescription: description } = await quietly(() => subject.store().createSessionsTable())
      expect(description).toMatchObject({ TableName: subject.table.name, TableStatus: 'ACTIVE' })
    })

    test('but has another key is an error that says so', async () => {
      const { name } = await SessionTable.create(engine, 'key')
      const store = subject.store({ table: name })
      await expect(get(store, 'one')).rejects.toMatchObject({
        code: 'DYNAMODB_ERROR',
        name: 'ValidationException',
      })
    })
  })

  test('describeSessionsTable of a missing table rejects as the AWS SDK does', async () => {
    const { store } = await withoutTable()
    await expect(store.describeSessionsTable()).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      code: 'TABLE_NOT_FOUND',
    })
  })

  test('initialize calls the methods of the store, which a subclass or a spy may replace', async () => {
    const { store } = await withoutTable()
    const called: string[] = []
    for (const name of ['describeSessionsTable', 'createSessionsTable'] as const) {
      const original = store[name].bind(store)
      Object.defineProperty(store, name, {
        value: () => {
          called.push(name)
          return original()
        },
      })
    }
    await quietly(() => store.initialize())
    await store.initialize()
    expect(called).toEqual(['describeSessionsTable', 'createSessionsTable'])
  })
})

/** Deletes a table, and waits until it is gone. */
async function deleteTable({ endpoint }: Engine, table: string): Promise<void> {
  const send = async (operation: string): Promise<number> =>
    (await sendToEngine(endpoint, operation, { TableName: table })).statusCode
  await send('DeleteTable')
  await expect.poll(() => send('DescribeTable'), { interval: 5 }).toBe(400)
}

async function stateOf(engine: Engine, table: string, partitionKey = 'id'): ReturnType<typeof describeTable> {
  return describeTable({ ...connectionTo(engine), table, partitionKey })
}

/** Runs something without printing the warning of engines that have no time to live. */
async function quietly<Result>(run: () => Promise<Result>): Promise<Result> {
  const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  try {
    return await run()
  } finally {
    emitWarning.mockRestore()
  }
}
