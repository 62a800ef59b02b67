import { describe, expect, test } from 'vitest'

import { TableMismatchError } from '../../../src/errors.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import { addIndexCommand } from '../../../src/layouts/user-index.ts'
import { createTable, type CreateTableOptions, type CreateTableResult } from '../../../src/table/index.ts'
import { connectionTo, engines, uniqueTableName } from '../../support/engines.ts'
import { rejectionOf } from '../../support/failure.ts'
import { warningDuring } from '../../support/process-events.ts'
import { sendToEngine } from '../../support/send-to-engine.ts'

const hashKey = (name: string): object => ({ AttributeName: name, KeyType: 'HASH' })
const definition = (name: string, type: string): object => ({ AttributeName: name, AttributeType: type })

const plainKey = { KeySchema: [hashKey('id')], AttributeDefinitions: [definition('id', 'S')] }

const indexInput = {
  IndexName: 'user-index',
  KeySchema: [hashKey('user')],
  Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['expires', 'expiresMs', 'created'] },
}
const indexedKey = {
  KeySchema: [hashKey('id')],
  AttributeDefinitions: [definition('id', 'S'), definition('user', 'S')],
  GlobalSecondaryIndexes: [indexInput],
}

const otherKeys: readonly (readonly [string, object, readonly string[]])[] = [
  [
    'another key name',
    { KeySchema: [hashKey('sid')], AttributeDefinitions: [definition('sid', 'S')] },
    ['sid (HASH, S)', 'id (HASH, S)', 'the option "partitionKey"'],
  ],
  [
    'a number as key',
    { KeySchema: [hashKey('id')], AttributeDefinitions: [definition('id', 'N')] },
    ['id (HASH, N)', 'id (HASH, S)', 'use another table: '],
  ],
  [
    'a range key',
    {
      KeySchema: [hashKey('id'), { AttributeName: 'sort', KeyType: 'RANGE' }],
      AttributeDefinitions: [definition('id', 'S'), definition('sort', 'S')],
    },
    ['sort (RANGE, S)', 'id (HASH, S)', 'use another table: '],
  ],
]

describe.each(engines)('$name, createTable', ({ endpoint, supports }) => {
  const connection = connectionTo({ endpoint })

  const run = async (options: CreateTableOptions): Promise<CreateTableResult> => {
    const told: string[] = []
    const result = await createTable({ ...connection, onWarning: message => told.push(message), ...options })
    expect(told).toEqual(result.warnings)
    return result
  }
  const send = async (operation: string, table: string, input: object = {}): Promise<unknown> => {
    const { statusCode, body } = await sendToEngine(endpoint, operation, { TableName: table, ...input })
    if (statusCode !== 200) throw new Error(`${operation}: ${JSON.stringify(body)}`)
    return body
  }
  const ttlStatus = async (table: string): Promise<unknown> => send('DescribeTimeToLive', table)

  const createPlainTable = async (table: string, key: object = indexedKey): Promise<void> => {
    await send('CreateTable', table, { ...key, BillingMode: 'PAY_PER_REQUEST' })
    await expect.poll(() => send('DescribeTable', table)).toMatchObject({ Table: { TableStatus: 'ACTIVE' } })
  }

  test('creates a table with on-demand billing and the key, ready for use', async () => {
    const table = uniqueTableName()
    const { created } = await run({ table })
    expect(created).toBe(true)
    expect(await send('DescribeTable', table)).toMatchObject({
      Table: {
        TableStatus: 'ACTIVE',
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        AttributeDefinitions: [definition('id', 'S'), definition('user', 'S')],
        BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
        GlobalSecondaryIndexes: [{ ...indexInput, IndexStatus: 'ACTIVE' }],
      },
    })
    const store = new SessionStore({ ...connection, table })
    await store.write('some-id', { user: 'ada' })
    expect((await store.read('some-id'))?.data).toEqual({ user: 'ada' })
    await store.close()
  })

  test('creates a table with another partition key', async () => {
    const table = uniqueTableName()
    await run({ table, partitionKey: 'session-id' })
    const store = new SessionStore({ ...connection, table, partitionKey: 'session-id' })
    await store.write('some-id', { user: 'ada' })
    expect((await store.read('some-id'))?.data).toEqual({ user: 'ada' })
    await store.close()
    expect((await run({ table, partitionKey: 'session-id' })).created).toBe(false)
  })

  test.runIf(supports.ttl)('enables the time to live on `expires`', async () => {
    const table = uniqueTableName()
    expect(await run({ table })).toEqual({ created: true, warnings: [] })
    expect(await ttlStatus(table)).toEqual({
      TimeToLiveDescription: { AttributeName: 'expires', TimeToLiveStatus: 'ENABLED' },
    })
  })

  test.skipIf(supports.ttl)('warns, and does not fail, where time to live cannot be enabled', async () => {
    const table = uniqueTableName()
    const first = await run({ table })
    expect(first).toEqual({ created: true, warnings: [expect.stringMatching(/no time to live/)] })
    const second = await run({ table })
    expect(second).toEqual({ created: false, warnings: [expect.stringMatching(/time to live is DISABLED/)] })
  })

  test('does nothing to a table that is there as asked', async () => {
    const table = uniqueTableName()
    await run({ table })
    const before = await send('DescribeTable', table)
    const { created, warnings } = await run({ table })
    expect(created).toBe(false)
    expect(warnings).toHaveLength(supports.ttl ? 0 : 1)
    expect(await send('DescribeTable', table)).toEqual(before)
  })

  test('may be called by several at the same time, of whom one creates the table', async () => {
    const table = uniqueTableName()
    const results = await Promise.all(Array.from({ length: 6 }, () => run({ table })))
    expect(results.filter(({ created }) => created)).toHaveLength(1)
    expect(new Set(results.map(({ warnings }) => warnings.length))).toEqual(new Set([supports.ttl ? 0 : 1]))
  })

  test.each(otherKeys)(
    'refuses a table with %s, says what differs and leaves it alone',
    async (_, key, parts) => {
      const table = uniqueTableName()
      await createPlainTable(table, key)
      const before = await send('DescribeTable', table)
      const error = await rejectionOf(run({ table }))
      expect(error).toBeInstanceOf(TableMismatchError)
      expect(error).toMatchObject({ code: 'TABLE_MISMATCH', differences: [expect.any(String)] })
      for (const part of [table, ...parts]) expect(String(error)).toContain(part)
      expect(await send('DescribeTable', table)).toEqual(before)
    },
  )

  test.runIf(supports.ttl)('warns of a table without time to live, and does not change it', async () => {
    const table = uniqueTableName()
    await createPlainTable(table)
    const { created, warnings } = await run({ table })
    expect(created).toBe(false)
    expect(warnings).toEqual([expect.stringMatching(/time to live is DISABLED.*update-time-to-live/)])
    expect(warnings[0]).toContain(table)
    expect(await ttlStatus(table)).toMatchObject({ TimeToLiveDescription: { TimeToLiveStatus: 'DISABLED' } })
  })

  test.runIf(supports.ttl)(
    'warns of a time to live on another attribute, and does not change it',
    async () => {
      const table = uniqueTableName()
      await createPlainTable(table)
      await send('UpdateTimeToLive', table, {
        TimeToLiveSpecification: { AttributeName: 'expiresMs', Enabled: true },
      })
      const { warnings } = await run({ table })
      expect(warnings).toEqual([expect.stringMatching(/"expiresMs".*"expires"/)])
      expect(await ttlStatus(table)).toMatchObject({ TimeToLiveDescription: { AttributeName: 'expiresMs' } })
    },
  )

  test('creates a table without the index where that is not wanted', async () => {
    const table = uniqueTableName()
    await run({ table, userIndex: false })
    const description = await send('DescribeTable', table)
    expect(description).toMatchObject({ Table: { AttributeDefinitions: [definition('id', 'S')] } })
    expect(JSON.stringify(description)).not.toContain('user-index')
    expect((await run({ table, userIndex: false })).warnings.join('\n')).not.toContain('user-index')
  })

  test('warns of a table without the index, says how to add it, and does not change it', async () => {
    const table = uniqueTableName()
    await createPlainTable(table, plainKey)
    const before = await send('DescribeTable', table)
    const { created, warnings } = await run({ table })
    expect(created).toBe(false)
    expect(warnings).toContainEqual(expect.stringContaining(addIndexCommand(table)))
    expect(warnings.join('\n')).toMatch(/has no index "user-index".*the option "userIndex" to false/)
    expect(await send('DescribeTable', table)).toEqual(before)
  })

  // dynalite adds no index to a table that is there.
  test.runIf(supports.ttl)('knows the index that has been added', async () => {
    const table = uniqueTableName()
    await run({ table, userIndex: false })
    expect((await run({ table })).warnings).toEqual([expect.stringContaining('no index')])
    await send('UpdateTable', table, {
      AttributeDefinitions: [definition('user', 'S')],
      GlobalSecondaryIndexUpdates: [{ Create: indexInput }],
    })
    // DynamoDB Local builds it in its own time.
    const { warnings } = await run({ table })
    expect(warnings.filter(warning => !warning.includes('is CREATING'))).toEqual([])
  })

  test('creates a table with provisioned capacity, index and all', async () => {
    const table = uniqueTableName()
    const { created } = await run({ table, billing: { readCapacityUnits: 3, writeCapacityUnits: 2 } })
    expect(created).toBe(true)
    const throughput = { ReadCapacityUnits: 3, WriteCapacityUnits: 2 }
    const description = await send('DescribeTable', table)
    expect(description).toMatchObject({
      Table: {
        ProvisionedThroughput: throughput,
        GlobalSecondaryIndexes: [{ ...indexInput, ProvisionedThroughput: throughput }],
      },
    })
    expect(JSON.stringify(description)).not.toContain('PAY_PER_REQUEST')
    const other = await run({ table, billing: { readCapacityUnits: 5, writeCapacityUnits: 5 } })
    expect(other.warnings.join('\n')).not.toContain('capacity')
  })

  test('creates a table with provisioned capacity and without the index', async () => {
    const table = uniqueTableName()
    await run({ table, userIndex: false, billing: { readCapacityUnits: 1, writeCapacityUnits: 1 } })
    expect(await send('DescribeTable', table)).toMatchObject({
      Table: { ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 } },
    })
  })

  test('warns of a table that is paid for in another way, where one was asked for', async () => {
    const table = uniqueTableName()
    await run({ table })
    expect((await run({ table })).warnings.join('\n')).not.toContain('billing')
    const { warnings } = await run({ table, billing: { readCapacityUnits: 3, writeCapacityUnits: 2 } })
    expect(warnings).toContainEqual(
      expect.stringMatching(
        /on-demand billing, which is not what was asked for; change it: .*ReadCapacityUnits=3,WriteCapacityUnits=2/,
      ),
    )
    expect(await send('DescribeTable', table)).toMatchObject({
      Table: { BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' } },
    })
  })

  test('emits a process warning where nobody asked to be told', async () => {
    const table = uniqueTableName()
    await createPlainTable(table, plainKey)
    const warning = await warningDuring(async () => {
      await createTable({ ...connection, table })
    })
    expect(warning).toMatchObject({ name: 'DynamoDBSessionsWarning' })
    expect(String(warning)).toContain(table)
  })
})
