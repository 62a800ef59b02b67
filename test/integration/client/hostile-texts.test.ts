import { tracingChannel } from 'node:diagnostics_channel'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import type { DynamoDBError } from '../../../src/errors.ts'
import { boundedTransport } from '../../../src/aws/http/bounded-transport.ts'
import type { Transport } from '../../../src/aws/http/transport.ts'
import { describeTable } from '../../../src/table/index.ts'
import { rejectionOf } from '../../support/failure.ts'
import { openTestClient, someKey, testCredentials, useStub } from './test-client.ts'

const stub = useStub()

const session = 'session-id-0123456789-abcdefghij'
const data = 'the-data-of-a-session-with-a-number-4711'
const item = { id: { S: session }, data: { S: JSON.stringify({ data }) } }
const secrets = [session, data, testCredentials.secretAccessKey, testCredentials.sessionToken]

/** What something in between may put where a request ID, a code or a message belongs. */
const texts: readonly (readonly [name: string, text: string])[] = [
  ['a text of 1 MB', 'x'.repeat(1024 * 1024)],
  ['escape sequences', 'a\u001B[2J\u001B[31mred\u001B]0;title\u0007'],
  ['line breaks', 'one\r\ntwo\u2028three\u0085four'],
  ['changes of direction', 'abc\u202Etxt.exe\u2066'],
  ['a lone surrogate', 'a\uD800b'],
  ['NUL', 'a\u0000b'],
  ...secrets.map((secret, index) => [`secret ${index}`, secret] as const),
  ...secrets.map((secret, index) => [`a part of secret ${index}`, `x${secret.slice(3, 30)}`] as const),
]

/** A transport that answers everything with one response, whose fields no wire could carry. */
function answering(statusCode: number, id: string, body: unknown): Transport {
  return boundedTransport({
    request: async () => ({
      statusCode,
      headers: new Map([
        ['content-type', 'application/x-amz-json-1.0'],
        ['x-amzn-requestid', id],
      ]),
      body: Buffer.from(JSON.stringify(body)),
    }),
    close: async () => {},
  })
}

/** Fails where a text is long, holds what a terminal obeys, or repeats a part of a secret. */
function expectHarmless(told: unknown): void {
  const text = typeof told === 'string' ? told : JSON.stringify(told)
  expect(text.length).toBeLessThan(2000)
  expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
  expect(secrets.filter(secret => text.includes(secret.slice(3, 25)))).toEqual([])
}

describe.each(texts)('%s', (_, text) => {
  test.each<[string, string, object]>([
    ['the request ID', text, { __type: 'ValidationException', message: 'no' }],
    ['the name of the exception', 'ID-1', { __type: text, message: 'no' }],
    ['the message', 'ID-1', { __type: 'ValidationException', message: text }],
    [
      'the reasons of a cancellation',
      'ID-1',
      { __type: 'TransactionCanceledException', CancellationReasons: [{ Code: text, Message: text }] },
    ],
  ])('as %s harms no log', async (place, id, body) => {
    const client = openTestClient('http://127.0.0.1:1', { transport: answering(400, id, body) })
    const call = place.startsWith('the reasons')
      ? client.send('TransactWriteItems', {
          ClientRequestToken: 'token',
          TransactItems: [{ Put: { TableName: 'sessions', Item: item } }],
        })
      : client.send('PutItem', { TableName: 'sessions', Item: item })
    const { message, awsCode, requestId, stack } = (await rejectionOf(call)) as DynamoDBError
    expectHarmless(message)
    expectHarmless([awsCode, requestId])
    expect(stack?.slice(0, message.length + 100)).toContain(message)
  })
})

describe('traces', () => {
  const names = ['operation', 'attempt'] as const
  const channels = names.map(name => tracingChannel<unknown, object>(`dynamodb-sessions:${name}`))
  let seen: unknown[] = []
  const subscribers = {
    start: () => {},
    end: () => {},
    asyncStart: () => {},
    asyncEnd: (trace: object) => {
      seen.push({ ...trace })
    },
    error: () => {},
  }

  beforeEach(() => {
    seen = []
    for (const channel of channels) channel.subscribe(subscribers)
  })

  afterEach(() => {
    for (const channel of channels) channel.unsubscribe(subscribers)
  })

  test.each(texts)('tell no request ID that is %s', async (_, text) => {
    const success = openTestClient('http://127.0.0.1:1', { transport: answering(200, text, {}) })
    await success.send('PutItem', { TableName: 'sessions', Item: item })
    const failure = openTestClient('http://127.0.0.1:1', { transport: answering(400, text, {}) })
    await rejectionOf(failure.send('PutItem', { TableName: 'sessions', Item: item }))
    expect(seen).toHaveLength(4)
    for (const trace of seen) expectHarmless(trace)
  })

  test('tell one that is one', async () => {
    const success = openTestClient('http://127.0.0.1:1', { transport: answering(200, 'OK-1.a:b', {}) })
    await success.send('GetItem', someKey)
    expect(seen).toMatchObject([{ requestId: 'OK-1.a:b' }, { requestId: 'OK-1.a:b' }])
  })
})

test('a field of 60 KB over a socket is no request ID', async () => {
  stub().answer({
    statusCode: 400,
    headers: { 'x-amzn-requestid': 'x'.repeat(15_000) },
    body: { __type: 'ValidationException', message: 'no' },
  })
  const error = await rejectionOf(openTestClient(stub().endpoint).send('GetItem', someKey))
  expect(error).toMatchObject({ awsCode: 'ValidationException', requestId: undefined })
})

test('the description of a table has names of limited length, without what a terminal obeys', async () => {
  const long = `\u001B[31m${'x'.repeat(100_000)}`
  stub().answer(
    {
      body: {
        Table: {
          TableStatus: long,
          KeySchema: [{ AttributeName: long, KeyType: 'HASH' }],
          AttributeDefinitions: [{ AttributeName: long, AttributeType: long }],
        },
      },
    },
    { body: { TimeToLiveDescription: { TimeToLiveStatus: long, AttributeName: long } } },
  )
  const state = await describeTable({
    table: 'sessions',
    region: 'eu-west-1',
    endpoint: stub().endpoint,
    credentials: testCredentials,
  })
  expectHarmless(state)
  expect(state?.key[0]?.name).toBe(`[31m${'x'.repeat(250)}`)
})
