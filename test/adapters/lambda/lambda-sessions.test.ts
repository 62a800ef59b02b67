import { createServer } from 'node:net'

import { describe, expect, it, onTestFinished } from 'vitest'

import {
  type LambdaHandler,
  type LambdaHttpResult,
  type LambdaSessions,
  lambdaSessions,
} from '../../../src/adapters/lambda.ts'
import type { WebSessionSettings } from '../../../src/adapters/web.ts'
import { SessionStore } from '../../../src/index.ts'
import { engine } from '../../support/engines.ts'
import { listen } from '../../support/loopback.ts'
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

function open(settings: WebSessionSettings = {}, options = subject.options): LambdaSessions<Visit> {
  const store = subject.closeLater(new SessionStore<Visit>(options))
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

/** Sessions in a table that never responds, and the cookie of one. */
async function unreachable(): Promise<{ handler: LambdaHandler<object, object, object>; event: object }> {
  const { cookies } = (await returned('function URL', { statusCode: 200 })) as { cookies: string[] }
  const silent = createServer()
  onTestFinished(() => {
    silent.close()
  })
  const handler = open({}, { ...subject.options, endpoint: await listen(silent) }).handler(
    (_event, session) => {
      session.set('visits', 1)
      return { statusCode: 200 }
    },
  )
  return { handler, event: { version: '2.0', cookies: [cookies[0]?.split(';')[0]] } }
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

  it('has no header without a value, and takes one with several', async () => {
    const headers = {
      'x-none': undefined,
      'x-null': null,
      'x-many': ['a', 'b'],
      'set-cookie': [theirs, 'a=b'],
    }
    expect(await returned('function URL', { statusCode: 200, headers } as never)).toMatchObject({
      headers: { 'x-many': 'a, b', 'cache-control': 'no-store', vary: 'Cookie' },
      cookies: [theirs, 'a=b', ours],
    })
    const multiValueHeaders = { 'x-none': undefined, 'x-one': 'a' }
    const result = { statusCode: 200, headers: null, multiValueHeaders }
    const kept = await returned('REST API', result as never)
    expect(kept).toMatchObject({ multiValueHeaders: { 'x-one': ['a'], 'set-cookie': [ours] } })
    expect(kept).not.toHaveProperty(['multiValueHeaders', 'x-none'])
  })

  it('keeps a body as it is, and bytes in base64', async () => {
    const result = { statusCode: 200, body: 'AP8=', isBase64Encoded: true }
    expect(await returned('HTTP API, payload 2.0', result)).toMatchObject(result)
  })

  it.each([undefined, 'text', {}, { statusCode: '200' }, { statusCode: 101 }, { statusCode: 600 }])(
    'must have a status: %j is refused, and nothing is stored',
    async result => {
      const before = await stored()
      await expect(returned('function URL', result as never)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: 'a handler with a session must return an object with a "statusCode" from 200 to 599',
      })
      expect(await stored()).toBe(before)
    },
  )
})

describe('the event', () => {
  it('has the cookie where its sender has it, or a client or an emulator may have put it', async () => {
    const handler = open().handler((_event: object, session): LambdaHttpResult & { body: string } => {
      const visits = (session.get('visits') ?? 0) + 1
      session.set('visits', visits)
      return { statusCode: 200, body: String(visits) }
    })
    const { cookies = [] } = await handler({ version: '2.0' }, {})
    const cookie = cookies[0]?.split(';')[0] ?? ''
    const events: readonly object[] = [
      { version: '2.0', cookies: ['theme=dark', cookie] },
      { version: '2.0', cookies: [], headers: { cookie } },
      { version: '2.0', cookies: null, headers: { Cookie: `theme=dark; ${cookie}` } },
      { version: '2.0', cookies: cookie },
      { headers: { COOKIE: cookie } },
      { headers: { cookie: [cookie] } },
      { headers: {}, multiValueHeaders: { cOOkie: ['theme=dark', cookie] } },
      { headers: { cookie }, multiValueHeaders: null },
      { multiValueHeaders: { cookie } },
      { multiValueHeaders: { cookie: [null, cookie] } },
    ]
    for (const [index, event] of events.entries()) {
      expect(await handler(event, {})).toMatchObject({ body: String(index + 2) })
    }
    const without: readonly object[] = [
      {},
      [],
      { headers: null, multiValueHeaders: null },
      { headers: { cookie: undefined }, multiValueHeaders: { cookie: undefined } },
      { version: '2.0', cookies: [1, {}], headers: { cookie: 7 } },
      { Records: [{ body: cookie }] },
    ]
    for (const event of without) expect(await handler(event, {})).toMatchObject({ body: '1' })
  })

  it('of a REST API without headers takes two cookies', async () => {
    const handler = open().handler((_event, session) => {
      session.set('visits', 1)
      return { statusCode: 200, headers: { 'set-cookie': theirs } }
    })
    expect(await handler({ headers: null, multiValueHeaders: null }, {})).toMatchObject({
      multiValueHeaders: { 'set-cookie': [theirs, ours] },
    })
  })

  it.each([undefined, null, 'text', 7])('must be an object: %j is refused', async event => {
    const refusal = {
      code: 'INVALID_ARGUMENT',
      message: 'the event of a handler with a session must be an object',
    }
    const sessions = open()
    const handler = sessions.handler(() => ({ statusCode: 200 }))
    await expect(handler(event as never, {})).rejects.toMatchObject(refusal)
    await expect(sessions.openSession(event as never)).rejects.toMatchObject(refusal)
  })
})

describe('the timeout of the function', () => {
  it.each([
    { leftMs: 1000, givenUpAfterMs: 750 },
    { leftMs: 100, givenUpAfterMs: 50 },
  ])(
    'is not waited for: reading and storing end ahead of it, $leftMs ms',
    async ({ leftMs, givenUpAfterMs }) => {
      const { handler, event } = await unreachable()
      const context = { getRemainingTimeInMillis: () => leftMs }
      const early = {
        code: 'DEADLINE_EXCEEDED',
        message: expect.stringMatching(
          `^the call was given up after ${givenUpAfterMs} ms, ahead of the timeout of the Lambda function; `,
        ) as string,
      }
      await expect(handler(event, context)).rejects.toMatchObject(early)
      await expect(handler({ version: '2.0' }, context)).rejects.toMatchObject(early)
    },
  )

  it.each([
    {},
    { getRemainingTimeInMillis: () => 0 },
    { getRemainingTimeInMillis: () => undefined },
    { getRemainingTimeInMillis: () => Number.MAX_SAFE_INTEGER },
    { getRemainingTimeInMillis: 7 },
  ])('is unknown to what stands for a context in tests, %#', async context => {
    const handler = open().handler((_event, session) => {
      session.set('visits', 1)
      return { statusCode: 200 }
    })
    expect(await handler({ version: '2.0' }, context)).toMatchObject({ cookies: [ours] })
  })
})

it('invocations at the same time have a session each, in a warm process, too', async () => {
  const handler = open().handler((_event: object, session): LambdaHttpResult & { body: string } => {
    session.set('visits', (session.get('visits') ?? 0) + 1)
    return { statusCode: 200, body: String(session.get('visits')) }
  })
  const started = await Promise.all(Array.from({ length: 20 }, () => handler({ version: '2.0' }, {})))
  const cookies = started.map(({ cookies: [cookie = ''] = [] }) => cookie.split(';')[0])
  expect(new Set(cookies).size).toBe(20)
  for (const visits of ['2', '3']) {
    const again = await Promise.all(cookies.map(cookie => handler({ version: '2.0', cookies: [cookie] }, {})))
    expect(again.map(({ body }) => body)).toEqual(Array.from({ length: 20 }, () => visits))
  }
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
