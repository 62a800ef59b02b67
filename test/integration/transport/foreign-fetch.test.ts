import { once } from 'node:events'
import { Readable } from 'node:stream'

import { beforeAll, describe, expect, it } from 'vitest'

import { AttemptTimeoutError, ConnectionError } from '../../../src/errors.ts'
import { fetchTransport } from '../../../src/aws/http/fetch-transport.ts'
import { deferred } from '../../../src/internal/timers.ts'
import { createCertificate, type KeyPair } from '../../support/certificates.ts'
import { rejectionOf } from '../../support/failure.ts'
import { httpResponse } from '../../support/raw-server.ts'
import {
  abortListeners,
  answerWithIndex,
  bodyOf,
  forbidUnhandledRejections,
  requestTo,
  serve,
  settleDown,
} from './harness.ts'

forbidUnhandledRejections()

const somewhere = { url: 'http://127.0.0.1:8000' }
const soon = { connectTimeoutMs: 10, attemptTimeoutMs: 10 }

async function never(): Promise<never> {
  return new Promise(() => undefined)
}

/** A body of which the first bytes come and nothing more, and whether somebody has ended it. */
function stuckBody(): { readonly body: ReadableStream<Uint8Array>; readonly isEnded: () => boolean } {
  let isEnded = false
  const body = new ReadableStream<Uint8Array>({
    start: controller => {
      controller.enqueue(Buffer.from('{'))
    },
    cancel: () => {
      isEnded = true
    },
  })
  return { body, isEnded: () => isEnded }
}

describe('a fetch that does not heed its signal', () => {
  it('is left behind when the time is up, whatever it makes of it later', async () => {
    const late = deferred<Response>()
    const transport = fetchTransport({ fetch: async () => late.promise })
    expect(await rejectionOf(transport.request(requestTo(somewhere, soon)))).toBeInstanceOf(
      AttemptTimeoutError,
    )
    late.reject(new Error('too late, and nobody has to handle it'))
    await settleDown()
    await transport.close()
  })

  it('ends with the reason of the caller, and leaves no listener', async () => {
    const controller = new AbortController()
    const { signal } = controller
    const reason = new Error('enough')
    const failed = rejectionOf(fetchTransport({ fetch: never }).request(requestTo(somewhere, { signal })))
    await settleDown()
    controller.abort(reason)
    expect(await failed).toBe(reason)
    expect(abortListeners(signal)).toBe(0)
  })

  it('does not keep the transport from closing for longer than its request may take', async () => {
    const transport = fetchTransport({ fetch: never })
    const failed = rejectionOf(transport.request(requestTo(somewhere, soon)))
    await transport.close()
    expect(await failed).toBeInstanceOf(AttemptTimeoutError)
  })

  it('has the body ended that does not come', async () => {
    const { body, isEnded } = stuckBody()
    const transport = fetchTransport({ fetch: async () => new Response(body) })
    expect(await rejectionOf(transport.request(requestTo(somewhere, soon)))).toBeInstanceOf(
      AttemptTimeoutError,
    )
    expect(isEnded()).toBe(true)
  })

  it('has the body ended that comes when the time is up', async () => {
    const { body, isEnded } = stuckBody()
    const late = deferred<Response>()
    const transport = fetchTransport({ fetch: async () => late.promise })
    await rejectionOf(transport.request(requestTo(somewhere, soon)))
    late.resolve(new Response(body))
    await settleDown()
    expect(isEnded()).toBe(true)
  })
})

/** An answer as implementations of `fetch` give it whose bodies are streams of Node. */
function nodeResponse(body: Readable): Response {
  return Object.defineProperty(new Response(null), 'body', { value: body })
}

describe('a fetch whose bodies are streams of Node', () => {
  it('is read to the end', async () => {
    const body = Readable.from([Buffer.from('{"a"'), Buffer.from(':1}')])
    const transport = fetchTransport({ fetch: async () => nodeResponse(body) })
    expect(await bodyOf(transport.request(requestTo(somewhere)))).toBe('{"a":1}')
  })

  it('has the body ended that does not come', async () => {
    const body = new Readable({ read: () => undefined })
    const closed = once(body, 'close')
    const transport = fetchTransport({ fetch: async () => nodeResponse(body) })
    expect(await rejectionOf(transport.request(requestTo(somewhere, soon)))).toBeInstanceOf(
      AttemptTimeoutError,
    )
    await closed
  })
})

describe('what a fetch fails with', () => {
  const secret = 'AWS4-HMAC-SHA256 Credential=AKIDSECRET'

  const withoutCode =
    'failed, and fetch gave no error code, as where a proxy asks for a user name and password; see the cause'

  it.each<[string, unknown, string, boolean]>([
    ['a text', new Error(secret), withoutCode, true],
    ['no text', new Error(''), withoutCode, true],
    ['no error', 'a text', withoutCode, true],
    ['a code that is a text', Object.assign(new Error(secret), { code: secret }), withoutCode, true],
    ['a code', Object.assign(new Error(secret), { code: 'UND_ERR_SOCKET' }), 'failed (UND_ERR_SOCKET)', true],
    [
      'the code of what caused it',
      new TypeError(secret, {
        cause: new Error(secret, { cause: Object.assign(new Error(secret), { code: 'ECONNRESET' }) }),
      }),
      'failed (ECONNRESET)',
      true,
    ],
    [
      'the codes of both address families',
      new TypeError(secret, {
        cause: new AggregateError([Object.assign(new Error(secret), { code: 'EMFILE' })]),
      }),
      'failed (EMFILE)',
      true,
    ],
  ])('is told by its codes alone: %s', async (_, thrown, message, retryable) => {
    const transport = fetchTransport({
      fetch: async () => {
        throw thrown
      },
    })
    const error = await rejectionOf(transport.request(requestTo(somewhere)))
    expect(error).toBeInstanceOf(ConnectionError)
    expect(error).toMatchObject({
      code: 'CONNECTION_FAILED',
      message: `the request to ${somewhere.url} ${message}`,
      retryable,
      cause: thrown,
    })
  })

  it('may be a cause of itself', async () => {
    const thrown = new Error('round')
    thrown.cause = thrown
    const transport = fetchTransport({ fetch: async () => Promise.reject(thrown) })
    expect(await rejectionOf(transport.request(requestTo(somewhere)))).toMatchObject({ cause: thrown })
  })

  it.each([
    undefined,
    null,
    'text',
    {},
    { status: 200 },
    { status: 200, headers: {} },
    { status: 200, headers: null },
  ])('may be no answer at all: %j', async value => {
    const transport = fetchTransport({ fetch: async () => value as unknown as Response })
    expect(await rejectionOf(transport.request(requestTo(somewhere)))).toMatchObject({
      code: 'INVALID_RESPONSE',
      message: 'the fetch function did not return a Response',
      retryable: false,
    })
  })
})

describe('the fetch of Node', () => {
  let selfSigned: KeyPair

  beforeAll(async () => {
    selfSigned = await createCertificate()
  })

  it('says how to have a certificate trusted', async () => {
    const { port } = await serve(answerWithIndex, { tls: selfSigned })
    const url = `https://localhost:${port}`
    const error = await rejectionOf(fetchTransport().request(requestTo({ url })))
    expect(error).toMatchObject({
      name: 'ConnectionError',
      code: 'CERTIFICATE_REJECTED',
      retryable: false,
      message:
        `the TLS certificate of ${url} was rejected (DEPTH_ZERO_SELF_SIGNED_CERT); ` +
        'if it is signed by a certificate authority of your own, name its file in NODE_EXTRA_CA_CERTS, ' +
        'or pass fetchTransport a fetch that trusts it',
    })
  })

  it('says where no TLS is spoken', async () => {
    const { port } = await serve(connection => {
      connection.send('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
    })
    const error = await rejectionOf(fetchTransport().request(requestTo({ url: `https://127.0.0.1:${port}` })))
    expect(error).toMatchObject({ code: 'CONNECTION_FAILED', retryable: false })
    expect(error).toHaveProperty('message', expect.stringContaining('there is no TLS at https://127.0.0.1:'))
  })

  it('says where nobody listens', async () => {
    const server = await serve()
    await server.stopListening()
    expect(await rejectionOf(fetchTransport().request(requestTo(server)))).toMatchObject({
      code: 'CONNECTION_FAILED',
      retryable: true,
      message:
        `could not connect to ${server.url} (ECONNREFUSED); ` +
        'check that the server is running, and host and port of the endpoint',
    })
  })
})

describe('a proxy that does not let a request through', () => {
  it('says what it wants, where it answers itself', async () => {
    const transport = fetchTransport({ fetch: async () => new Response('who are you?', { status: 407 }) })
    expect(await rejectionOf(transport.request(requestTo(somewhere)))).toMatchObject({
      code: 'CONNECTION_FAILED',
      retryable: false,
      message:
        `the proxy on the way to ${somewhere.url} refused with HTTP status 407; ` +
        'pass fetchTransport a fetch that gives the proxy the user name and password that it asks for',
    })
  })

  it('is hinted at where the fetch of Node keeps it to itself', async () => {
    const proxy = await serve(async connection =>
      connection.answerAll(() => httpResponse('who are you?', { statusCode: 407 })),
    )
    const error = await rejectionOf(fetchTransport().request(requestTo(proxy)))
    expect(error).toMatchObject({ code: 'CONNECTION_FAILED' })
    expect(error).toHaveProperty('message', expect.stringContaining('a proxy asks for a user name'))
  })

  it.each([
    [407, false, /the user name and password/],
    [403, false, /let the endpoint through/],
    [502, true, /let the endpoint through/],
  ])('says so where it refuses a tunnel with %i', async (statusCode, retryable, remedy) => {
    // In the words of the fetch of Node.
    const cause = Object.assign(new Error(`Proxy response (${statusCode}) !== 200 when HTTP Tunneling`), {
      code: 'UND_ERR_ABORTED',
    })
    const transport = fetchTransport({
      fetch: async () => Promise.reject(new TypeError('fetch failed', { cause })),
    })
    const error = await rejectionOf(transport.request(requestTo(somewhere)))
    expect(error).toMatchObject({ code: 'CONNECTION_FAILED', retryable })
    expect(error).toHaveProperty('message', expect.stringContaining(`refused with HTTP status ${statusCode}`))
    expect(error).toHaveProperty('message', expect.stringMatching(remedy))
  })
})
