import { describe, expect, it } from 'vitest'

import { type LambdaHttpResult, type LambdaSessions, lambdaSessions } from '../../../src/adapters/lambda.ts'
import type { WebSessionSettings } from '../../../src/adapters/web.ts'
import { SessionStore } from '../../../src/index.ts'
import { engine } from '../../support/engines.ts'
import { tableSubject } from '../../support/table-subject.ts'
import { eventSources } from './http-events.ts'

interface Visit {
  visits?: number
}

const subject = tableSubject(engine)
const ours: unknown = expect.stringMatching(
  /^__Host-session=[^;]+; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
)
const theirs = 'theme=dark; Path=/'

function open(settings: WebSessionSettings = {}): LambdaSessions<Visit> {
  const store = subject.closeLater(new SessionStore<Visit>(subject.options))
  return lambdaSessions<Visit>({ store, secrets: 'a long random text', ...settings })
}

/** What the sender of an event is returned by a function that begins a session. */
async function returned(
  source: string,
  result: LambdaHttpResult,
  settings?: WebSessionSettings,
): Promise<object> {
  const handler = open(settings).handler((_event, session) => {
    session.set('visits', 1)
    return result
  })
  return handler(eventSources[source]?.eventOf('/', []) ?? {}, {})
}

const is503 = ({ status }: Response): boolean => status === 503

/** How many sessions are stored. */
async function stored(): Promise<number> {
  return (await subject.table.items()).length
}

describe('the result', () => {
  it.each(['HTTP API, payload 2.0', 'function URL'])('has its cookies in "cookies" for %s', async source => {
    const headers = { 'Content-Type': 'text/plain', 'X-Count': 3, 'Set-Cookie': theirs }
    expect(await returned(source, { statusCode: 201, headers, cookies: ['a=b'] })).toEqual({
      statusCode: 201,
      headers: { 'content-type': 'text/plain', 'x-count': '3', 'cache-control': 'no-store', vary: 'Cookie' },
      cookies: [theirs, 'a=b', ours],
    })
  })

  it.each(['REST API', 'HTTP API, payload 1.0', 'load balancer with multi-value headers'])(
    'has all headers in "multiValueHeaders" for %s',
    async source => {
      const result = {
        statusCode: 200,
        body: 'text',
        isBase64Encoded: false,
        headers: { 'Content-Type': 'text/plain', Vary: 'Accept', Accept: 'lost' },
        multiValueHeaders: { 'set-cookie': [theirs], accept: ['a', 'b'] },
      }
      expect(await returned(source, result)).toEqual({
        statusCode: 200,
        body: 'text',
        isBase64Encoded: false,
        multiValueHeaders: {
          'content-type': ['text/plain'],
          accept: ['a', 'b'],
          'cache-control': ['no-store'],
          vary: ['Accept, Cookie'],
          'set-cookie': [theirs, ours],
        },
      })
    },
  )

  it('has the cookie among "headers" for a load balancer, which can carry one', async () => {
    const result = { statusCode: 200, statusDescription: '200 OK', headers: { 'cache-control': 'private' } }
    expect(await returned('load balancer', result)).toEqual({
      statusCode: 200,
      statusDescription: '200 OK',
      headers: { 'cache-control': 'private', vary: 'Cookie', 'set-cookie': ours },
    })
    const second = returned('load balancer', { statusCode: 200, headers: { 'Set-Cookie': theirs } })
    await expect(second).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('lambda.multi_value_headers.enabled=true') as string,
    })
  })

  it('takes headers that no Response would take', async () => {
    const headers = { 'x-name': 'Привет' }
    expect(await returned('function URL', { statusCode: 200, headers })).toMatchObject({ headers })
  })

  it('is as it was for a visitor of whom nothing is kept', async () => {
    const before = await stored()
    const handler = open().handler(() => ({ statusCode: 204 }))
    expect(await handler({ version: '2.0' }, {})).toEqual({ statusCode: 204, headers: {}, cookies: [] })
    expect(await handler({}, {})).toEqual({ statusCode: 204, headers: {} })
    expect(await stored()).toBe(before)
  })

  it.each([undefined, 'text', {}, { statusCode: '200' }])(
    'must have a status: %j is refused, and nothing is stored',
    async result => {
      const before = await stored()
      await expect(returned('function URL', result as never)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: 'a handler with a session must return an object with a "statusCode"',
      })
      expect(await stored()).toBe(before)
    },
  )
})

describe('a failure', () => {
  it('of the function is passed on, and nothing is stored', async () => {
    const before = await stored()
    const failure = new RangeError('no such page')
    const handler = open().handler((_event, session) => {
      session.set('visits', 1)
      throw failure
    })
    await expect(handler({}, {})).rejects.toBe(failure)
    expect(await stored()).toBe(before)
  })

  it('may be a status, by the option isFailure', async () => {
    const before = await stored()
    const result = await returned('function URL', { statusCode: 503 }, { isFailure: is503 })
    expect(result).toEqual({ statusCode: 503, headers: { vary: 'Cookie' }, cookies: [] })
    expect(await stored()).toBe(before)
  })
})

it('passes event and context on', async () => {
  const event = { version: '2.0', rawPath: '/' }
  const context = { awsRequestId: 'request' }
  const handler = open().handler((given: typeof event, _session, givenContext: typeof context) => {
    return { statusCode: 200, given, givenContext }
  })
  expect(await handler(event, context)).toMatchObject({ given: event, givenContext: context })
})

it('refuses a missing secret', () => {
  expect(() => lambdaSessions({ table: 'sessions' })).toThrow('the option "secrets" is missing')
})
