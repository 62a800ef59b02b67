import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'

import { dynamoDBSecondaryStorage } from '../../../src/adapters/better-auth.ts'
import { DynamoDBStore as ExpressStore } from '../../../src/adapters/express.ts'
import { DynamoDBStore as FastifyStore } from '../../../src/adapters/fastify.ts'
import { dynamoDBSessions } from '../../../src/adapters/hono.ts'
import { DynamoDBStore as HonoSessionsStore } from '../../../src/adapters/hono-sessions.ts'
import { DynamoDBStore as KoaStore } from '../../../src/adapters/koa.ts'
import { lambdaSessions } from '../../../src/adapters/lambda.ts'
import { nextSessions } from '../../../src/adapters/next.ts'
import { createDynamoDBSessionStorage } from '../../../src/adapters/react-router.ts'
import { sveltekitSessions } from '../../../src/adapters/sveltekit.ts'
import { tanstackStartSessions } from '../../../src/adapters/tanstack-start.ts'
import { dynamoDBDriver } from '../../../src/adapters/unstorage.ts'
import { webSessions } from '../../../src/adapters/web.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import { createTable } from '../../../src/table/create-table.ts'
import { connectionTo, engine, uniqueTableName } from '../../support/engines.ts'
import { SessionTable } from '../../support/session-table.ts'
import { awsError, StubDynamoDB, type StubHttpAnswer } from '../../support/stub-dynamodb.ts'

const connection = connectionTo(engine)

interface Ready {
  ready(options?: { readonly signal?: AbortSignal }): Promise<void>
}

function open(options: SessionStoreOptions): SessionStore {
  const store = new SessionStore(options)
  onTestFinished(() => store.close())
  return store
}

/** The warnings of this package while something runs. */
async function warningsOf(action: () => Promise<unknown>): Promise<string[]> {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  await action()
  const texts = warned.mock.calls.map(([text]) => String(text))
  warned.mockRestore()
  return texts
}

afterEach(() => {
  vi.restoreAllMocks()
})

function operationOf(headers: { readonly [name: string]: unknown }): string {
  return String(headers['x-amz-target']).split('.')[1] ?? ''
}

/** A server that answers each operation as it is told, and others with an empty object. */
async function stubFor(answers: Readonly<Record<string, StubHttpAnswer>>): Promise<{
  store: SessionStore
  operations: () => string[]
}> {
  const stub = await StubDynamoDB.start()
  onTestFinished(() => stub.close())
  stub.answer(({ headers }) => answers[operationOf(headers)] ?? {})
  const store = open({
    endpoint: stub.endpoint,
    region: 'eu-west-1',
    table: 'sessions',
    credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' },
    maxAttempts: 1,
    userId: () => undefined,
  })
  return { store, operations: () => stub.requests.map(({ headers }) => operationOf(headers)) }
}

describe('ready()', () => {
  test('resolves for a table that create-table made, and leaves nothing in it', async () => {
    const table = uniqueTableName()
    await createTable({ ...connection, table, onWarning: () => {} })
    const store = open({ ...connection, table, userId: () => undefined })
    expect(await warningsOf(() => store.ready())).toEqual([])
    expect(await store.count()).toBe(0)
  })

  test('rejects when there is no table, with the command that creates it', async () => {
    const table = uniqueTableName()
    await expect(open({ ...connection, table }).ready()).rejects.toMatchObject({
      code: 'TABLE_NOT_FOUND',
      message: expect.stringContaining(`npx dynamodb-sessions create-table --table ${table}`) as string,
    })
  })

  test('rejects when the table has another key, and says which', async () => {
    const table = await SessionTable.create(engine, 'sid')
    const difference = `the key of table "${table.name}" is sid (HASH, S), not id (HASH, S)`
    await expect(open(table.options).ready()).rejects.toMatchObject({
      code: 'TABLE_MISMATCH',
      differences: [difference],
    })
    await expect(open({ ...table.options, partitionKey: 'sid' }).ready()).resolves.toBeUndefined()
  })

  test('looks for the key of the layout', async () => {
    const table = await SessionTable.create(engine)
    await expect(open({ ...table.options, layout: 'architect' }).ready()).rejects.toMatchObject({
      code: 'TABLE_MISMATCH',
    })
    await expect(open({ ...table.options, layout: 'php' }).ready()).resolves.toBeUndefined()
  })

  test('warns of a missing index where sessions have users', async () => {
    const table = await SessionTable.create(engine)
    const withUsers = open({ ...table.options, userId: () => undefined })
    const warnings = await warningsOf(() => withUsers.ready())
    expect(warnings.filter(text => text.includes('has no index "user-index"'))).toHaveLength(1)
    const without = await warningsOf(() => open(table.options).ready())
    expect(without.filter(text => text.includes('index'))).toEqual([])
  })

  test('warns of time to live on another attribute', async () => {
    const { store } = await stubFor({
      DescribeTimeToLive: {
        body: { TimeToLiveDescription: { TimeToLiveStatus: 'ENABLED', AttributeName: 'ttl' } },
      },
    })
    expect(await warningsOf(() => store.ready())).toEqual([
      expect.stringContaining(
        'time to live of table "sessions" is on the attribute "ttl", not on "expires": expired sessions are never deleted',
      ),
    ])
  })

  test('is content with what an application may do', async () => {
    const denied = awsError('AccessDeniedException')
    const { store, operations } = await stubFor({
      DescribeTable: denied,
      DescribeTimeToLive: denied,
      Query: denied,
    })
    expect(await warningsOf(() => store.ready())).toEqual([])
    expect(operations()).toEqual(['GetItem', 'DescribeTimeToLive', 'Query'])
  })

  test('rejects when the application may not read', async () => {
    const { store } = await stubFor({ GetItem: awsError('AccessDeniedException') })
    await expect(store.ready()).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
  })

  test('says of another key as much as it may see', async () => {
    const { store } = await stubFor({
      GetItem: awsError('ValidationException', 'The provided key element does not match the schema'),
      DescribeTable: awsError('AccessDeniedException'),
    })
    await expect(store.ready()).rejects.toMatchObject({
      code: 'TABLE_MISMATCH',
      differences: ['the key of table "sessions" is not id (HASH, S)'],
    })
  })

  test('never hangs: the deadline of a call is that of all of it', async () => {
    const stub = await StubDynamoDB.start()
    onTestFinished(() => stub.close())
    stub.answer('hang')
    const credentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' }
    const store = open({
      endpoint: stub.endpoint,
      region: 'eu-west-1',
      credentials,
      deadlineMs: 200,
      attemptTimeoutMs: 200,
    })
    await expect(store.ready()).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
    const reason = new Error('given up')
    await expect(store.ready({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  const secrets = 'a secret that is long enough'
  const handles: Readonly<
    Record<string, (options: typeof connection & { readonly table: string }) => Ready>
  > = {
    'better-auth': options => dynamoDBSecondaryStorage(options),
    express: options => new ExpressStore(options),
    fastify: options => new FastifyStore(options),
    hono: options => dynamoDBSessions({ ...options, secrets }),
    'hono-sessions': options => new HonoSessionsStore(options),
    koa: options => new KoaStore(options),
    lambda: options => lambdaSessions({ ...options, secrets }),
    next: options => nextSessions({ ...options, secrets }),
    'react-router': options => createDynamoDBSessionStorage({ ...options, cookie: { secrets: [secrets] } }),
    sveltekit: options => sveltekitSessions({ ...options, secrets }),
    'tanstack-start': options => tanstackStartSessions({ ...options, secrets }),
    unstorage: options => dynamoDBDriver(options),
    web: options => webSessions({ ...options, secrets }),
  }

  test.each(Object.entries(handles))('what ./%s makes has it, too', async (_entry, make) => {
    const missing = make({ ...connection, table: uniqueTableName() })
    await expect(missing.ready()).rejects.toMatchObject({ code: 'TABLE_NOT_FOUND' })
    const table = await SessionTable.create(engine)
    await warningsOf(() => make({ ...connection, table: table.name }).ready())
  })
})
