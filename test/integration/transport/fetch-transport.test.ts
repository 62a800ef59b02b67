import { crc32 } from 'node:zlib'

import { describe, expect, it, onTestFinished, vi } from 'vitest'

import { AttemptTimeoutError, ConnectionError } from '../../../src/errors.ts'
import { fetchTransport, type FetchTransportOptions } from '../../../src/aws/http/fetch-transport.ts'
import { SessionStore } from '../../../src/index.ts'
import { rejectionOf, thrownBy } from '../../support/failure.ts'
import { httpResponse } from '../../support/raw-server.ts'
import { abortListeners, bodyOf, forbidUnhandledRejections, requestTo, serve } from './harness.ts'

forbidUnhandledRejections()

describe('what is sent', () => {
  it('is the method, the path, the headers and the body', async () => {
    const server = await serve()
    const response = fetchTransport().request(
      requestTo(server, {
        path: '/base/?a=b',
        headers: [
          ['host', 'example.com'],
          ['x-amz-target', 'DynamoDB_20120810.GetItem'],
        ],
        body: '{"name":"Zo\u{eb}"}',
      }),
    )
    const connection = await server.accept()
    const { requestLine, headerLines, body } = await connection.request()
    expect(requestLine).toBe('POST /base/?a=b HTTP/1.1')
    const headers = headerLines.map(line => line.toLowerCase())
    expect(headers).toContain('x-amz-target: dynamodb_20120810.getitem')
    expect(headers).toContain('accept-encoding: identity')
    expect(headers).toContain('content-length: 15')
    expect(body).toBe('{"name":"Zo\u{eb}"}')
    connection.send(httpResponse('answer', { statusCode: 400 }))
    expect(await response).toMatchObject({ statusCode: 400 })
    expect(await bodyOf(response)).toBe('answer')
  })

  it('is not sent on where the answer redirects to', async () => {
    const server = await serve()
    const response = fetchTransport().request(requestTo(server))
    const connection = await server.accept()
    await connection.request()
    connection.send('HTTP/1.1 307 Elsewhere\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n')
    expect(await response).toMatchObject({ statusCode: 307 })
  })
})

describe('a body that is too large', () => {
  it('is not read any further, however it comes', async () => {
    const chunk = new Uint8Array(1024 * 1024)
    let sent = 0
    let isCancelled = false
    const body = new ReadableStream<Uint8Array>({
      pull: controller => {
        sent++
        controller.enqueue(chunk)
      },
      cancel: () => {
        isCancelled = true
      },
    })
    const transport = fetchTransport({ fetch: async () => new Response(body) })
    const server = await serve()
    expect(await rejectionOf(transport.request(requestTo(server)))).toMatchObject({
      name: 'ConnectionError',
      code: 'INVALID_RESPONSE',
      message: `unusable response from ${server.url}: the body is larger than 67108864 bytes`,
    })
    expect(isCancelled).toBe(true)
    expect(sent).toBeLessThan(70)
  })

  it('leaves no connection behind', async () => {
    const server = await serve()
    const response = rejectionOf(fetchTransport().request(requestTo(server)))
    const connection = await server.accept()
    await connection.request()
    connection.send('HTTP/1.1 200 OK\r\ncontent-length: 70000000\r\n\r\n{')
    expect(await response).toMatchObject({ code: 'INVALID_RESPONSE' })
    await connection.closed
  })
})

describe('a request without an answer to trust', () => {
  it.each<[string, string, object]>([
    ['the connection is closed in the head', 'HTTP/1.1 200 OK\r\ncontent-', { retryable: true }],
    [
      'the connection is closed in the body',
      'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}',
      { retryable: true },
    ],
    [
      'the checksum is another',
      'HTTP/1.1 200 OK\r\nx-amz-crc32: 1\r\ncontent-length: 2\r\n\r\n{}',
      { code: 'INVALID_RESPONSE' },
    ],
    ['nothing at all comes', '', { retryable: true }],
  ])('is an error: %s', async (_, bytes, expected) => {
    const server = await serve()
    const failed = rejectionOf(fetchTransport().request(requestTo(server)))
    const connection = await server.accept()
    await connection.request()
    connection.send(bytes)
    connection.end()
    const error = await failed
    expect(error).toBeInstanceOf(ConnectionError)
    expect(error).toMatchObject(expected)
  })

  it('is an error where nobody listens', async () => {
    const error = await rejectionOf(fetchTransport().request(requestTo({ url: 'http://127.0.0.1:1' })))
    expect(error).toMatchObject({ code: 'CONNECTION_FAILED', retryable: true })
    expect(String(error)).toContain('http://127.0.0.1:1')
  })

  it('is an error after both timeouts, and not later than the deadline', async () => {
    const server = await serve()
    const limits = { connectTimeoutMs: 20, attemptTimeoutMs: 20 }
    expect(await rejectionOf(fetchTransport().request(requestTo(server, limits)))).toBeInstanceOf(
      AttemptTimeoutError,
    )
    const late = requestTo(server, { deadlineAtMs: performance.now() + 20 })
    expect(await rejectionOf(fetchTransport().request(late))).toBeInstanceOf(AttemptTimeoutError)
  })

  it('ends with the reason of its signal, and leaves no listener', async () => {
    const server = await serve()
    const abort = new AbortController()
    const failed = rejectionOf(fetchTransport().request(requestTo(server, { signal: abort.signal })))
    await (await server.accept()).request()
    abort.abort(new Error('enough'))
    expect(await failed).toMatchObject({ message: 'enough' })
    expect(abortListeners(abort.signal)).toBe(0)
    const again = fetchTransport().request(requestTo(server, { signal: abort.signal }))
    expect(await rejectionOf(again)).toMatchObject({ message: 'enough' })
  })
})

describe('closing', () => {
  it('waits for requests under way and refuses new ones', async () => {
    const server = await serve()
    const transport = fetchTransport()
    const response = transport.request(requestTo(server))
    const connection = await server.accept()
    await connection.request()
    const closed = transport.close()
    expect(await rejectionOf(transport.request(requestTo(server)))).toMatchObject({ code: 'STORE_CLOSED' })
    connection.send(httpResponse())
    expect(await bodyOf(response)).toBe('{}')
    await closed
  })
})

describe('its options', () => {
  it.each([
    [42, 'the options of fetchTransport() must be an object, such as { fetch }'],
    [null, 'the options of fetchTransport() must be an object, such as { fetch }'],
    [fetch, 'the options of fetchTransport() must be an object, such as { fetch }'],
    [[fetch], 'the options of fetchTransport() must be an object, such as { fetch }'],
    [{ fetch: 'x' }, 'the option "fetch" must be a function like globalThis.fetch'],
    [{ fetch: null }, 'the option "fetch" must be a function like globalThis.fetch'],
    [{ fecth: fetch }, 'there is no option "fecth" (the only option of fetchTransport is: fetch)'],
  ])('%o are refused', (options, message) => {
    expect(thrownBy(() => fetchTransport(options as FetchTransportOptions))).toMatchObject({
      name: 'TypeError',
      code: 'INVALID_OPTION',
      message,
    })
  })

  it('are needed where the runtime has no fetch', async () => {
    vi.stubGlobal('fetch', undefined)
    onTestFinished(() => {
      vi.unstubAllGlobals()
    })
    const message = 'this runtime has no fetch function; pass one to fetchTransport as the option "fetch"'
    expect(thrownBy(() => fetchTransport())).toMatchObject({ code: 'INVALID_OPTION', message })
    const transport = fetchTransport({ fetch: async () => new Response('{}') })
    expect(await bodyOf(transport.request(requestTo({ url: 'http://127.0.0.1:1' })))).toBe('{}')
  })
})

describe('as an option of a store', () => {
  it('uses the fetch that is given, and accepts a body with its checksum', async () => {
    const urls: string[] = []
    const body = '{}'
    const transport = fetchTransport({
      fetch: async input => {
        urls.push(input instanceof Request ? input.url : input.toString())
        return new Response(body, { headers: { 'x-amz-crc32': String(crc32(body)) } })
      },
    })
    const credentials = { accessKeyId: 'AKID', secretAccessKey: 'secret' }
    const store = new SessionStore({ region: 'eu-west-1', credentials, transport, maxAttempts: 1 })
    expect(await store.read('a')).toBeUndefined()
    expect(urls).toEqual(['https://dynamodb.eu-west-1.amazonaws.com/'])
    await store.close()
    expect(await rejectionOf(store.read('a'))).toMatchObject({ code: 'STORE_CLOSED' })
  })

  it.each([{ maxSockets: 1 }, { ca: '-----BEGIN CERTIFICATE-----' }])(
    'cannot be combined with %o, which would have no effect',
    options => {
      expect(() => new SessionStore({ transport: fetchTransport(), ...options })).toThrow(TypeError)
    },
  )
})
