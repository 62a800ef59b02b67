import { describe, expect, test } from 'vitest'

import { AccessDeniedError, DeadlineExceededError } from '../../../src/errors.ts'
import { createTable, type CreateTableOptions } from '../../../src/table/index.ts'
import { connectionTo, engineCredentials } from '../../support/engines.ts'
import { rejectionOf } from '../../support/failure.ts'
import { type StubAnswer, StubEndpoint, type StubRequest } from '../../support/stub-endpoint.ts'

const notFound = failure('ResourceNotFoundException')
const enabled = success({ TimeToLiveDescription: { TimeToLiveStatus: 'ENABLED', AttributeName: 'expires' } })

describe('createTable', () => {
  test('waits while the table is being created, then enables the time to live', async () => {
    const { result, operations } = await runOn({
      DescribeTable: [notFound, notFound, table('CREATING'), table('CREATING'), table('ACTIVE')],
    })
    expect(await result).toEqual({ created: true, warnings: [] })
    expect(operations()).toEqual([
      'DescribeTable',
      'CreateTable',
      'DescribeTable',
      'DescribeTable',
      'DescribeTable',
      'DescribeTable',
      'UpdateTimeToLive',
    ])
  })

  test('waits for a table that somebody else is creating, and sees to its time to live', async () => {
    const { result, operations } = await runOn({ DescribeTable: [table('CREATING'), table('ACTIVE')] })
    expect(await result).toEqual({ created: false, warnings: [] })
    expect(operations()).toEqual(['DescribeTable', 'DescribeTable', 'UpdateTimeToLive'])
  })

  test('waits for a table that somebody else has begun to create a moment earlier', async () => {
    const { result, operations } = await runOn({
      DescribeTable: [notFound, table('CREATING'), table('ACTIVE')],
      CreateTable: [failure('ResourceInUseException')],
      UpdateTimeToLive: [failure('ValidationException', 'TimeToLive is already enabled')],
      DescribeTimeToLive: [enabled],
    })
    expect(await result).toEqual({ created: false, warnings: [] })
    expect(operations().slice(-2)).toEqual(['UpdateTimeToLive', 'DescribeTimeToLive'])
  })

  test('has created a table whose creation got no usable response the first time', async () => {
    const { result } = await runOn({
      DescribeTable: [notFound, table('ACTIVE')],
      CreateTable: [{ statusCode: 500, body: {} }, failure('ResourceInUseException')],
    })
    expect(await result).toEqual({ created: true, warnings: [] })
  })

  test('uses a table that is being updated as it is', async () => {
    const { result, operations } = await runOn({
      DescribeTable: [table('UPDATING')],
      DescribeTimeToLive: [enabled],
    })
    expect(await result).toEqual({ created: false, warnings: [] })
    expect(operations()).toEqual(['DescribeTable', 'DescribeTimeToLive'])
  })

  test('creates the table anew when it is just being deleted', async () => {
    const { result, operations } = await runOn({
      DescribeTable: [table('DELETING'), table('DELETING'), notFound, table('CREATING'), table('ACTIVE')],
    })
    expect(await result).toEqual({ created: true, warnings: [] })
    expect(operations().filter(operation => operation !== 'DescribeTable')).toEqual([
      'CreateTable',
      'UpdateTimeToLive',
    ])
  })

  test.each([
    ['is still being created', [table('CREATING')], 'CREATING'],
    ['is still being deleted', [table('DELETING')], 'DELETING'],
    ['never appears', [notFound], 'not there'],
  ])('gives up after waitTimeoutMs when the table %s', async (_name, answers, status) => {
    const { result } = await runOn({ DescribeTable: answers }, { waitTimeoutMs: 200 })
    const error = await rejectionOf(result)
    expect(error).toBeInstanceOf(DeadlineExceededError)
    expect(String(error)).toContain('"some-table"')
    expect(String(error)).toContain(status)
  })

  test('gives up when its signal is aborted', async () => {
    const controller = new AbortController()
    const reason = new Error('the deployment was cancelled')
    const { result } = await runOn(
      {
        DescribeTable: [
          notFound,
          () => {
            setTimeout(() => {
              controller.abort(reason)
            }, 20)
            return table('CREATING')
          },
        ],
      },
      { signal: controller.signal },
    )
    await expect(result).rejects.toBe(reason)
  })

  test('warns of an index that is still being built, and does not wait for it', async () => {
    const { result } = await runOn({
      DescribeTable: [table('UPDATING', 'CREATING')],
      DescribeTimeToLive: [enabled],
    })
    expect(await result).toEqual({
      created: false,
      warnings: [expect.stringMatching(/"user-index".* is CREATING.*; wait until it is ACTIVE/)],
    })
  })

  test('warns of an index that somebody else has left out', async () => {
    const { result } = await runOn({
      DescribeTable: [notFound, table('ACTIVE', 'none')],
      CreateTable: [failure('ResourceInUseException')],
    })
    expect(await result).toEqual({
      created: false,
      warnings: [expect.stringMatching(/no index "user-index"/)],
    })
  })

  test('passes on an error that is not about the table, and creates nothing', async () => {
    const { result, operations } = await runOn({
      DescribeTable: [failure('AccessDeniedException', 'not for you')],
    })
    await expect(result).rejects.toBeInstanceOf(AccessDeniedError)
    expect(operations()).toEqual(['DescribeTable'])
  })

  test('passes on an error of the time to live that is not about the engine', async () => {
    const { result } = await runOn({
      DescribeTable: [table('ACTIVE')],
      DescribeTimeToLive: [failure('AccessDeniedException', 'not for you')],
    })
    await expect(result).rejects.toThrow(/dynamodb:DescribeTimeToLive/)
  })

  test('closes its connections, after success and after failure', async () => {
    for (const describeTable of [table('ACTIVE'), failure('AccessDeniedException')]) {
      const { result, stub } = await runOn({ DescribeTable: [describeTable], DescribeTimeToLive: [enabled] })
      await result.catch(() => undefined)
      await expect.poll(() => stub.openConnections()).toBe(0)
    }
  })

  test.each([
    ['an unknown option', { tabel: 'sessions' }, /"tabel"/],
    ['a table name that is none', { table: 'a b' }, /"table"/],
    ['an empty partition key', { partitionKey: '' }, /"partitionKey"/],
    ['a wait of no time', { waitTimeoutMs: 0 }, /"waitTimeoutMs".*milliseconds/],
    ['a listener that is no function', { onWarning: 'console' }, /"onWarning".*function/],
    ['billing of another kind', { billing: 'free' }, /"billing".*'on-demand'.*readCapacityUnits/],
    ['capacity of nothing', { billing: { readCapacityUnits: 0, writeCapacityUnits: 1 } }, /"billing"/],
    ['half a capacity', { billing: { readCapacityUnits: 1 } }, /"billing"/],
    ['more than a capacity', { billing: { readCapacityUnits: 1, writeCapacityUnits: 1, x: 1 } }, /"billing"/],
    ['an index of another kind', { userIndex: 'user-index' }, /"userIndex".*true or false/],
    ['the index’s key as partition key', { partitionKey: 'user' }, /"partitionKey" cannot be "user"/],
    ['it without the index, too', { partitionKey: 'user', userIndex: false }, /cannot be "user"/],
    ['the expiry as partition key', { partitionKey: 'expires' }, /"partitionKey" cannot be "expires"/],
    ['the data as partition key', { partitionKey: 'data' }, /"partitionKey" cannot be "data"/],
    [
      'the data of another layout as partition key',
      { layout: 'connect-dynamodb', partitionKey: 'sess' },
      /"partitionKey" cannot be "sess"/,
    ],
    [
      'the expiry of another layout as partition key',
      { layout: 'php', ttlAttribute: 'until', partitionKey: 'until' },
      /"partitionKey" cannot be "until"/,
    ],
    ['a layout that there is not', { layout: 'redis' }, /"layout" must be one of 'native', 'php'/],
    [
      'another expiry in the native layout',
      { ttlAttribute: 'until' },
      /"ttlAttribute" is for the layout "php"/,
    ],
    ['an expiry without a name', { layout: 'php', ttlAttribute: '' }, /"ttlAttribute" must be the name/],
    [
      'an index that the layout cannot use',
      { layout: 'adonis', userIndex: true },
      /"userIndex" is for the layout "native" only; the layout is "adonis"/,
    ],
    ['a signal that is none', { signal: {} }, /"signal".*AbortSignal/],
    ['a region that is none', { region: 'eu west 1' }, /"region"/],
    ['an option of SessionStore alone', { ttlSeconds: 60 }, /"ttlSeconds"/],
  ])('refuses %s', async (_name, options, message) => {
    const result = createTable(options as CreateTableOptions)
    await expect(result).rejects.toMatchObject({ name: 'TypeError', code: 'INVALID_OPTION' })
    await expect(result).rejects.toThrow(message)
  })

  test('says what is missing when there is no region', async () => {
    await expect(createTable({ table: 'some-table', credentials: engineCredentials })).rejects.toMatchObject({
      code: 'REGION_MISSING',
    })
  })
})

type Script = Readonly<Record<string, readonly (StubAnswer | (() => StubAnswer))[]>>

/** Runs createTable against answers by operation, the last of which is repeated; `{}` where there are none. */
async function runOn(script: Script, options: CreateTableOptions = {}): Promise<StubRun> {
  const seen = new Map<string, number>()
  const stub = await StubEndpoint.start(({ operation }: StubRequest) => {
    const count = seen.get(operation) ?? 0
    seen.set(operation, count + 1)
    const answers = script[operation] ?? [success({})]
    const answer = answers[Math.min(count, answers.length - 1)] ?? success({})
    return typeof answer === 'function' ? answer() : answer
  })
  const result = createTable({
    ...connectionTo({ endpoint: stub.url }),
    table: 'some-table',
    onWarning: () => undefined,
    ...options,
  })
  return { stub, result, operations: () => stub.operations }
}

interface StubRun {
  readonly stub: StubEndpoint
  readonly result: ReturnType<typeof createTable>
  readonly operations: () => readonly string[]
}

/** The description of a table; `'none'` is one without the index. */
function table(status: string, indexStatus: string = status): StubAnswer {
  const index = {
    IndexName: 'user-index',
    IndexStatus: indexStatus,
    KeySchema: [{ AttributeName: 'user', KeyType: 'HASH' }],
    Projection: { ProjectionType: 'ALL' },
  }
  return success({
    Table: {
      TableStatus: status,
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: ['id', 'user'].map(name => ({ AttributeName: name, AttributeType: 'S' })),
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      ...(indexStatus !== 'none' && { GlobalSecondaryIndexes: [index] }),
    },
  })
}

function success(body: object): StubAnswer {
  return { statusCode: 200, body }
}

function failure(code: string, message = 'as scripted'): StubAnswer {
  return { statusCode: 400, body: { __type: `com.amazonaws.dynamodb.v20120810#${code}`, message } }
}
