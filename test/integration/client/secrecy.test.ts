import { inspect } from 'node:util'

import { describe, expect, onTestFinished, test, vi } from 'vitest'

import type { DynamoDBClient } from '../../../src/aws/dynamodb/client.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import type { Item } from '../../../src/types.ts'
import { rejectionOf } from '../../support/failure.ts'
import { incompressibleText } from '../../support/incompressible-text.ts'
import type { StubHttpAnswer, StubRequest, StubStep } from '../../support/stub-dynamodb.ts'
import { controlTime } from '../transport/harness.ts'
import { openTestClient, passPauses, testCredentials, useStub } from './test-client.ts'

/*
 * G9: no credential, session ID or session data in errors or `util.inspect` output, whatever the server answers.
 */

const stub = useStub()

const sessionId = 'q7Wn_PLAIN-SESSION-ID_zT4kd9Xb2'
const dataText = 'hunter2 is the pass phrase of "Zoë"'
const longData = {
  note: dataText,
  padding: 'lorem ipsum dolor sit amet '.repeat(40),
  last: 'the-end-of-the-data',
}
const longJson = JSON.stringify(longData)

/** Pieces of what must stay secret, none of which occurs anywhere else. */
const secretPieces = [
  'PLAIN-SESSION-ID',
  'hunter2',
  'pass phrase',
  'lorem ipsum',
  'dolor sit',
  'the-end-of-the-data',
  'SeCrEt/AcCeSs+KeY',
  'abcdefghijkl',
  'EXAMPLETOKEN',
  'DHNlc3Npb24tdG9r',
]

/** Everything that a program could print of an error, its causes and their properties included. */
function everythingAbout(error: unknown): string {
  const parts = [inspect(error, { depth: Infinity, showHidden: true, getters: true, breakLength: Infinity })]
  for (let current = error; current instanceof Error; current = current.cause) {
    parts.push(current.message, String(current), current.stack ?? '', JSON.stringify(current))
    for (const name of Reflect.ownKeys(current)) parts.push(String(Reflect.get(current, name)))
  }
  return parts.join('\n')
}

/** The secrets that a text gives away. */
function secretsIn(text: string): readonly string[] {
  return secretPieces.filter(piece => text.includes(piece))
}

function print(value: unknown): string {
  return inspect(value, { depth: Infinity, showHidden: true, getters: true }) + JSON.stringify(value)
}

function openStore(options: SessionStoreOptions = {}): SessionStore {
  const store = new SessionStore({
    endpoint: stub().endpoint,
    region: 'eu-west-1',
    credentials: testCredentials,
    hashIds: false,
    maxAttempts: 1,
    ...options,
  })
  onTestFinished(() => store.close())
  return store
}

const session: Item = { id: { S: sessionId }, data: { S: longJson } }

const calls: Readonly<Record<string, (client: DynamoDBClient) => Promise<unknown>>> = {
  GetItem: client => client.send('GetItem', { TableName: 'sessions', Key: { id: { S: sessionId } } }),
  PutItem: client => client.send('PutItem', { TableName: 'sessions', Item: session }),
  UpdateItem: client =>
    client.send('UpdateItem', {
      TableName: 'sessions',
      Key: { id: { S: sessionId } },
      UpdateExpression: 'SET #data = :data',
      ExpressionAttributeNames: { '#data': 'data' },
      ExpressionAttributeValues: { ':data': { M: { deep: { L: [{ S: longJson }, { SS: [dataText] }] } } } },
    }),
  DeleteItem: client => client.send('DeleteItem', { TableName: 'sessions', Key: { id: { S: sessionId } } }),
  Scan: client => client.send('Scan', { TableName: 'sessions', ExclusiveStartKey: { id: { S: sessionId } } }),
}

/** The ways in which a server, or something in between, could repeat what it was sent. */
const echoes: Readonly<Record<string, (request: StubRequest) => string>> = {
  'the request body': ({ body }) => body,
  'the request body, written as JSON once more': ({ body }) => JSON.stringify(body),
  'the request body without its beginning': ({ body }) => body.slice(body.indexOf('"S":"') + 8),
  'the beginning of the request body, and an ellipsis': ({ body }) => `${body.slice(0, 90)}...`,
  'the end of the request body': ({ body }) => `... ${body.slice(-90)}`,
  'the middle of the request body': ({ body }) => body.slice(body.length * 0.4, body.length * 0.6),
  'the session ID': () => `1 validation error detected: Value '${sessionId}' at 'key' is invalid`,
  'the session data': ({ body }) => `Value '${dataIn(body)}' at 'item' is invalid`,
  'the session data as it is in the request': ({ body }) =>
    `Value ${JSON.stringify(dataIn(body))} is invalid`,
  'the request headers': ({ headers }) => JSON.stringify(headers),
  'the session token': () => `The security token ${testCredentials.sessionToken} is invalid`,
  'a part of the session token': () => `The token ${testCredentials.sessionToken.slice(0, 30)}... is invalid`,
  'the secret access key': () => `bad secret ${testCredentials.secretAccessKey}`,
  'a part of the secret access key': () => `bad secret ${testCredentials.secretAccessKey.slice(5)}`,
  'the canonical request': ({ headers }) =>
    `Wrong signature.\n\nThe Canonical String was\nx-amz-security-token:${String(headers['x-amz-security-token'])}`,
}

/** The session data, where the request has it. */
function dataIn(body: string): string {
  return body.includes('hunter2') ? longJson : ''
}

/** The places of an answer in which the echo could be. */
const answers: Readonly<Record<string, (echo: string) => StubHttpAnswer>> = {
  'the message of an exception': message => ({
    statusCode: 400,
    body: { __type: 'a.b#ValidationException', message },
  }),
  'the Message of a rejected signature': Message => ({
    statusCode: 403,
    body: { __type: 'InvalidSignatureException', Message },
  }),
  'the message of a missing table': message => ({
    statusCode: 400,
    body: { __type: 'a.b#ResourceNotFoundException', message },
  }),
  'the name of an exception': echo => ({ statusCode: 400, body: { __type: echo, message: 'see the type' } }),
  'a server error': message => ({ statusCode: 500, body: { message } }),
  throttling: message => ({ statusCode: 429, body: { code: 'Throttling', message } }),
  'an error page': echo => ({ statusCode: 502, body: `<html>${echo}</html>` }),
  'a success that is not JSON': echo => ({ statusCode: 200, body: `<html>${echo}</html>` }),
  'a success that is a text': echo => ({ statusCode: 200, body: JSON.stringify(echo) }),
  'a success that is an array': echo => ({ statusCode: 200, body: [echo] }),
}

describe.each(Object.keys(calls))('%s', operation => {
  test.each(Object.keys(answers))('keeps secrets that come back in %s', async place => {
    const told: string[] = []
    for (const [name, echo] of Object.entries(echoes)) {
      stub().answer(request => answers[place]?.(echo(request)) ?? 'hang')
      const client = openTestClient(stub().endpoint, { maxAttempts: 2 })
      const error = await rejectionOf(calls[operation]?.(client) ?? Promise.resolve())
      told.push(...secretsIn(everythingAbout(error)).map(secret => `${secret}, by ${name}`))
    }
    expect(told).toEqual([])
  })
})

test('a deadline that quotes the error before it keeps secrets', async () => {
  stub().answer(({ body }) => ({ statusCode: 500, body: { message: body } }), 'hang')
  controlTime()
  const client = openTestClient(stub().endpoint, { attemptTimeoutMs: 60_000, deadlineMs: 60_000 })
  const failed = rejectionOf(client.send('PutItem', { TableName: 'sessions', Item: session }))
  await passPauses(() => stub().requests.length === 2)
  vi.advanceTimersByTime(60_000)
  const error = await failed
  expect(error).toMatchObject({ name: 'DeadlineExceededError', cause: { httpStatusCode: 500 } })
  expect(secretsIn(everythingAbout(error))).toEqual([])
})

test('a message that repeats nothing is passed on', async () => {
  const message = 'Value provided in ExpressionAttributeValues unused in expressions: keys: {:data}'
  stub().answer({ statusCode: 400, body: { __type: 'ValidationException', message } })
  const error = await rejectionOf(
    openTestClient(stub().endpoint).send('PutItem', { TableName: 'sessions', Item: session }),
  )
  expect((error as Error).message).toContain(message)
})

describe('a SessionStore with plain session IDs', () => {
  const storeCalls: Readonly<Record<string, (store: SessionStore) => Promise<unknown>>> = {
    read: store => store.read(sessionId),
    write: store => store.write(sessionId, longData),
    touch: store => store.touch(sessionId),
    destroy: store => store.destroy(sessionId),
  }

  test.each(Object.entries(storeCalls))('%s fails without telling secrets', async (_name, call) => {
    const steps: readonly StubStep[] = [
      ({ body }) => ({ statusCode: 400, body: { __type: 'ValidationException', message: body } }),
      ({ body }) => ({ body: [body] }),
      'reset',
    ]
    for (const step of steps) {
      stub().answer(step)
      expect(secretsIn(everythingAbout(await rejectionOf(call(openStore()))))).toEqual([])
    }
  })

  test.each<[string, unknown]>([
    ['an item without types', { id: sessionId, data: longJson }],
    ['an item of other types', { id: { S: sessionId }, data: { M: { note: { S: dataText } } } }],
    ['data that is not JSON', { id: { S: sessionId }, data: { S: dataText }, expiresMs: { N: '9e15' } }],
    [
      'data that is no object',
      { id: { S: sessionId }, data: { S: `["${dataText}"]` }, expires: { N: '9e9' } },
    ],
    ['an item that never expires', { id: { S: sessionId }, data: { S: longJson } }],
    ['an expiry that is a text', { id: { S: sessionId }, data: { S: longJson }, expiresMs: { S: dataText } }],
    [
      'an expiry that is no number',
      { id: { S: sessionId }, data: { S: longJson }, expiresMs: { N: dataText } },
    ],
    ['the item of another session', { id: { S: `${sessionId}-other` }, data: { S: longJson } }],
  ])('reading %s tells no secrets', async (_name, item) => {
    stub().answer({ body: { Item: item } })
    const error = await rejectionOf(openStore().read(sessionId))
    expect(error).toMatchObject({
      code: expect.stringMatching(/^(?:SESSION_CORRUPT|INVALID_RESPONSE)$/) as string,
    })
    expect(secretsIn(everythingAbout(error))).toEqual([])
  })

  test('shows nothing when it is printed, before and after use', async () => {
    const store = openStore()
    expect(secretsIn(print(store))).toEqual([])
    const record = await store.write(sessionId, longData)
    expect(secretsIn(print(store))).toEqual([])
    // With the option `getters`, `inspect` asks for the properties, as the application itself can.
    expect(secretsIn(inspect(record, { depth: Infinity, showHidden: true }))).toEqual([])
    expect(secretsIn(JSON.stringify(record))).toEqual([])
  })

  test('a session that is too large is refused without being quoted', async () => {
    const error = await rejectionOf(
      openStore().write(sessionId, { ...longData, more: incompressibleText(600_000) }),
    )
    expect(error).toMatchObject({ code: 'SESSION_TOO_LARGE' })
    expect(secretsIn(everythingAbout(error))).toEqual([])
    expect(stub().requests).toHaveLength(0)
  })
})

test('a DynamoDBClient shows nothing when it is printed', async () => {
  const client = openTestClient(stub().endpoint)
  await client.send('PutItem', { TableName: 'sessions', Item: session })
  expect(secretsIn(print(client))).toEqual([])
})
