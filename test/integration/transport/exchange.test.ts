import { once } from 'node:events'
import { crc32 } from 'node:zlib'

import { describe, expect, it, vi } from 'vitest'

import { AttemptTimeoutError, ConnectionError } from '../../../src/errors.ts'
import { SocketTransport } from '../../../src/aws/http/socket-transport.ts'
import type { TransportRequest, TransportResponse } from '../../../src/aws/http/transport.ts'
import { rejectionOf } from '../../support/failure.ts'
import { httpResponse } from '../../support/raw-server.ts'
import {
  answerWithIndex,
  bodyOf,
  controlTime,
  forbidUnhandledRejections,
  requestTo,
  serve,
  settleDown,
} from './harness.ts'

forbidUnhandledRejections()

const invalidResponse = { name: 'ConnectionError', code: 'INVALID_RESPONSE', retryable: true }
const connectionLost = { name: 'ConnectionError', code: 'CONNECTION_LOST', retryable: true }

describe('what is sent', () => {
  it('is the request line, the headers in their order, the length in bytes, and the body', async () => {
    const server = await serve()
    const response = new SocketTransport().request(
      requestTo(server, {
        method: 'PUT',
        path: '/base/?a=b',
        headers: [
          ['host', 'example.com'],
          ['x-tab', 'a\tb ~'],
          ['x-empty', ''],
        ],
        body: '{"name":"Zo\u{eb} \u{1f36a}"}',
      }),
    )
    const connection = await server.accept()
    expect(await connection.request()).toEqual({
      requestLine: 'PUT /base/?a=b HTTP/1.1',
      headerLines: ['host: example.com', 'x-tab: a\tb ~', 'x-empty: ', 'content-length: 20'],
      body: '{"name":"Zo\u{eb} \u{1f36a}"}',
    })
    connection.send(httpResponse('', { statusCode: 201 }))
    expect(await response).toMatchObject({ statusCode: 201, body: Buffer.alloc(0) })
  })

  it('has a length of 0 without a body', async () => {
    const server = await serve()
    const response = new SocketTransport().request(requestTo(server, { method: 'GET', body: '' }))
    const connection = await server.accept()
    expect(await connection.request()).toMatchObject({
      requestLine: 'GET / HTTP/1.1',
      headerLines: [expect.stringContaining('host: '), 'content-length: 0'],
    })
    connection.send(httpResponse())
    expect(await bodyOf(response)).toBe('{}')
  })

  it.each(['a\r\nx-injected: b', 'a\nb', 'a\rb', 'a\0b', 'a\x7fb', 'caf\u{e9}', '\u{10a}'])(
    'is nothing at all when a header value holds %j',
    async value => {
      const server = await serve()
      const transport = new SocketTransport()
      const request = requestTo(server, {
        headers: [
          ['host', 'h'],
          ['x-secret', value],
        ],
      })
      const error = await rejectionOf(transport.request(request))
      expect(error).toBeInstanceOf(TypeError)
      expect(error).toHaveProperty('message', expect.stringContaining('request header x-secret'))
      expect(error).not.toHaveProperty('message', expect.stringContaining(value))
      await settleDown()
      expect(server.connections).toHaveLength(0)
      await transport.close()
    },
  )
})

describe('an answer', () => {
  it('is the same whether it comes at once or in single bytes', async () => {
    const server = await serve()
    const transport = new SocketTransport()
    const response = transport.request(requestTo(server))
    const connection = await server.accept()
    await connection.request()
    const bytes = httpResponse('{"Item":{}}', { statusCode: 400, headers: { 'X-Amzn-RequestId': 'ABC' } })
    for (const byte of bytes) {
      connection.send(Buffer.of(byte))
      await settleDown()
    }
    const { statusCode, headers, body } = await response
    expect(statusCode).toBe(400)
    expect(headers.get('x-amzn-requestid')).toBe('ABC')
    expect(body.toString()).toBe('{"Item":{}}')
  })

  it('may come in chunks, behind an interim response, and leaves the connection for the next', async () => {
    const server = await serve(async connection =>
      connection.answerAll(
        () =>
          'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
      ),
    )
    const transport = new SocketTransport()
    expect(await bodyOf(transport.request(requestTo(server)))).toBe('{}')
    expect(await bodyOf(transport.request(requestTo(server)))).toBe('{}')
    expect(server.connections).toHaveLength(1)
  })

  it('may be several megabytes long', async () => {
    const large = Buffer.alloc(5_000_000, 'abcdefg')
    const server = await serve(async connection =>
      connection.answerAll(() => httpResponse(large, { headers: { 'x-amz-crc32': crc32(large) } })),
    )
    const { body } = await new SocketTransport().request(requestTo(server, { body: 'x'.repeat(5_000_000) }))
    expect(body.toString() === large.toString()).toBe(true)
  })

  it('may last until the server closes its side', async () => {
    const server = await serve(async connection => {
      await connection.request()
      connection.send('HTTP/1.1 200 OK\r\n\r\nuntil the')
      await settleDown()
      connection.send(' end')
      connection.end()
    })
    const transport = new SocketTransport()
    expect(await bodyOf(transport.request(requestTo(server)))).toBe('until the end')
    await server.connections[0]?.closed
    expect(await bodyOf(transport.request(requestTo(server)))).toBe('until the end')
    expect(server.connections).toHaveLength(2)
  })

  it('that says "Connection: close" is the last on its connection, which is closed', async () => {
    const server = await serve(async connection =>
      connection.answerAll(() => httpResponse(`${connection.index}`, { headers: { Connection: 'close' } })),
    )
    const transport = new SocketTransport({ maxSockets: 1 })
    expect(await bodyOf(transport.request(requestTo(server)))).toBe('0')
    await server.connections[0]?.closed
    expect(await bodyOf(transport.request(requestTo(server)))).toBe('1')
  })

  it('that comes before the request was read is delivered, and its connection is not used again', async () => {
    const server = await serve(async connection => {
      if (connection.index === 1) return connection.answerAll(() => httpResponse('second'))
      await once(connection.socket, 'data')
      connection.socket.pause()
      connection.send(httpResponse('too large', { statusCode: 413 }))
    })
    const transport = new SocketTransport({ maxSockets: 1 })
    const request = requestTo(server, { body: 'x'.repeat(32 * 1024 * 1024) })
    expect(await transport.request(request)).toMatchObject({
      statusCode: 413,
      body: 'too large',
    })
    const next = [1, 2].map(async () => bodyOf(transport.request(requestTo(server))))
    expect(await Promise.all(next)).toEqual(['second', 'second'])
    expect(server.connections).toHaveLength(2)
    const [first] = server.connections
    first?.socket.resume()
    await first?.closed
  })
})

describe('the checksum x-amz-crc32', () => {
  it('is compared with the body', async () => {
    const server = await serve(async connection =>
      connection.answerAll(() => httpResponse('{"a":1}', { headers: { 'x-amz-crc32': crc32('{"a":1}') } })),
    )
    const transport = new SocketTransport()
    expect(await bodyOf(transport.request(requestTo(server)))).toBe('{"a":1}')
    expect(await bodyOf(transport.request(requestTo(server)))).toBe('{"a":1}')
    expect(server.connections).toHaveLength(1)
  })

  it.each([String(crc32('{"a":2}')), 'none', `${crc32('{"a":1}')}, ${crc32('{"a":1}')}`])(
    'of %j does not match: the answer is refused and the connection closed',
    async checksum => {
      const server = await serve(async connection =>
        connection.answerAll(() => httpResponse('{"a":1}', { headers: { 'x-amz-crc32': checksum } })),
      )
      const transport = new SocketTransport()
      const error = await rejectionOf(transport.request(requestTo(server)))
      expect(error).toMatchObject({
        ...invalidResponse,
        message: `unusable response from ${server.url}: the body does not match its x-amz-crc32 checksum`,
      })
      await server.connections[0]?.closed
      expect(server.connections).toHaveLength(1)
    },
  )

  it('says nothing about a body that is encoded', async () => {
    const headers = { 'x-amz-crc32': 1, 'content-encoding': 'gzip' }
    const server = await serve(async connection => connection.answerAll(() => httpResponse('x', { headers })))
    expect(await bodyOf(new SocketTransport().request(requestTo(server)))).toBe('x')
  })
})

describe('an answer that cannot be trusted is an error, and its connection is closed', () => {
  it.each([
    ['another protocol', '220 mail.example.com\r\n\r\n', /did not respond in HTTP/],
    ['a byte too many', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab', /bytes behind the end of the body/],
    [
      'two lengths',
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
      /repeated Content-Length/,
    ],
    ['endless headers', `HTTP/1.1 200 OK\r\n${'x-filler: y\r\n'.repeat(6000)}`, /head is larger/],
  ])('%s', async (_, wire, because) => {
    const server = await serve(async connection => {
      await connection.request()
      connection.send(wire)
    })
    const transport = new SocketTransport({ maxSockets: 1 })
    const error = await rejectionOf(transport.request(requestTo(server)))
    expect(error).toBeInstanceOf(ConnectionError)
    expect(error).toMatchObject(invalidResponse)
    expect(error).toHaveProperty('message', expect.stringMatching(because))
    await server.connections[0]?.closed
    await transport.close()
  })

  it.each([
    ['the head', 'HTTP/1.1 200 OK\r\ncontent-le'],
    ['the body', 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab'],
    ['the chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n'],
    ['an interim response', 'HTTP/1.1 100 Continue\r\n\r\n'],
  ])('that ends within %s', async (_, wire) => {
    const server = await serve(async connection => {
      await connection.request()
      connection.send(wire)
      connection.end()
    })
    const error = await rejectionOf(new SocketTransport().request(requestTo(server)))
    expect(error).toMatchObject({
      ...invalidResponse,
      message: `unusable response from ${server.url}: the connection was closed in the middle of the response`,
    })
    await server.connections[0]?.closed
  })

  it('that ends before its first byte', async () => {
    const server = await serve(async connection => {
      await connection.request()
      connection.end()
    })
    const error = await rejectionOf(new SocketTransport().request(requestTo(server)))
    expect(error).toMatchObject({
      ...connectionLost,
      message: `the connection to ${server.url} was lost`,
      cause: undefined,
    })
    await server.connections[0]?.closed
  })

  it.each([
    ['before', ''],
    ['within', 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\na'],
    ['within one that lasts until the connection closes,', 'HTTP/1.1 200 OK\r\n\r\na'],
  ])('that is broken off %s', async (_, wire) => {
    const server = await serve(async connection => {
      await connection.request()
      connection.send(wire)
      // The bytes have to be read before the reset discards them.
      await settleDown()
      connection.reset()
    })
    const transport = new SocketTransport({ maxSockets: 1 })
    const error = await rejectionOf(transport.request(requestTo(server)))
    expect(error).toMatchObject({
      ...connectionLost,
      message: `the connection to ${server.url} was lost (ECONNRESET)`,
      cause: { code: 'ECONNRESET' },
    })
    await transport.close()
  })
})

describe('attemptTimeoutMs', () => {
  it('bounds the wait for an answer', async () => {
    const server = await serve()
    const transport = new SocketTransport({ maxSockets: 1 })
    const response = rejectionOf(transport.request(requestTo(server, { attemptTimeoutMs: 20 })))
    const connection = await server.accept()
    await connection.request()
    const error = await response
    expect(error).toBeInstanceOf(AttemptTimeoutError)
    expect(error).toMatchObject({
      code: 'ATTEMPT_TIMEOUT',
      retryable: true,
      message: `no complete response from ${server.url} within 20 ms`,
    })
    await connection.closed
    await transport.close()
  })

  it('is not prolonged by an answer that comes in drops', async () => {
    const server = await serve(async connection => {
      await connection.request()
      connection.send('HTTP/1.1 200 OK\r\n\r\n')
      const drops = setInterval(() => {
        connection.send('x')
      }, 2)
      await connection.closed
      clearInterval(drops)
    })
    const error = await rejectionOf(
      new SocketTransport().request(requestTo(server, { attemptTimeoutMs: 50 })),
    )
    expect(error).toBeInstanceOf(AttemptTimeoutError)
    await server.connections[0]?.closed
  })

  it('gives way to a deadline that is nearer', async () => {
    const server = await serve(async connection => {
      await connection.request()
      connection.send(httpResponse())
    })
    const transport = new SocketTransport()
    await transport.request(requestTo(server))
    const request = requestTo(server, { deadlineAtMs: performance.now() + 50 })
    expect(await rejectionOf(transport.request(request))).toBeInstanceOf(AttemptTimeoutError)
    expect(server.connections).toHaveLength(1)
  })

  it('is not negative in the message when the deadline has passed', async () => {
    const server = await serve(async connection => {
      await connection.request()
      connection.send(httpResponse())
    })
    const transport = new SocketTransport()
    await transport.request(requestTo(server))
    const request = requestTo(server, { deadlineAtMs: performance.now() - 1000 })
    expect(await rejectionOf(transport.request(request))).toMatchObject({
      name: 'AttemptTimeoutError',
      message: `no complete response from ${server.url} within 0 ms`,
    })
  })

  it('does not touch the connection of an answer that came in time', async () => {
    const server = await serve(async connection => connection.answerAll(() => httpResponse()))
    controlTime()
    const transport = new SocketTransport()
    await transport.request(requestTo(server, { attemptTimeoutMs: 200 }))
    vi.advanceTimersByTime(250)
    await transport.request(requestTo(server))
    expect(server.connections).toHaveLength(1)
  })
})

function answerWith(id: string): Buffer {
  return httpResponse(`"${id}"`, { headers: { 'x-amzn-requestid': id } })
}

describe('the ID of an answer', () => {
  it('that the answer before it had makes it a copy, which is refused', async () => {
    const transport = new SocketTransport()
    const server = await serve()
    const first = transport.request(requestTo(server))
    const connection = await server.accept()
    await connection.request()
    connection.send(answerWith('A'))
    expect(await bodyOf(first)).toBe('"A"')

    const second = rejectionOf(transport.request(requestTo(server)))
    await connection.request()
    connection.send(answerWith('A'))
    expect(await second).toMatchObject(invalidResponse)

    const third = transport.request(requestTo(server))
    const other = await server.accept()
    await other.request()
    other.send(answerWith('B'))
    expect(await bodyOf(third)).toBe('"B"')
  })

  it('that an earlier answer on the connection had makes it a copy, too', async () => {
    const transport = new SocketTransport()
    const ids = ['A', 'B', 'C', 'A']
    const server = await serve(async connection =>
      connection.answerAll(() => answerWith(connection.index === 0 ? (ids.shift() ?? '') : 'D')),
    )
    for (const id of ['A', 'B', 'C']) {
      expect(await bodyOf(transport.request(requestTo(server)))).toBe(`"${id}"`)
    }
    expect(await rejectionOf(transport.request(requestTo(server)))).toMatchObject({
      ...invalidResponse,
      message: `unusable response from ${server.url}: it is a copy of an earlier response, or the endpoint repeats its x-amzn-requestid`,
    })
    await server.connections[0]?.closed
    expect(await bodyOf(transport.request(requestTo(server)))).toBe('"D"')
  })

  it('that only one answer lacks casts doubt on its connection, which is closed', async () => {
    const transport = new SocketTransport()
    const ids = ['A', undefined]
    const server = await serve(async connection =>
      connection.answerAll(() => {
        const id = connection.index === 0 ? ids.shift() : 'B'
        return id === undefined ? httpResponse('"none"') : answerWith(id)
      }),
    )
    for (const body of ['"A"', '"none"', '"B"']) {
      expect(await bodyOf(transport.request(requestTo(server)))).toBe(body)
    }
    expect(server.connections).toHaveLength(2)
    await server.connections[0]?.closed
  })

  it('that all answers have means nothing', async () => {
    const transport = new SocketTransport()
    const server = await serve(async connection => connection.answerAll(() => answerWith('same')))
    expect(await bodyOf(transport.request(requestTo(server)))).toBe('"same"')
    await rejectionOf(transport.request(requestTo(server)))
    for (let count = 0; count < 20; count++) {
      expect(await bodyOf(transport.request(requestTo(server)))).toBe('"same"')
    }
    expect(server.connections).toHaveLength(2)
  })
})

describe('the recipient of a request', () => {
  const refusal = new Error('it is not for me')

  it('has the response before its connection carries another request', async () => {
    const server = await serve(answerWithIndex)
    const transport = new SocketTransport({ maxSockets: 1 })
    const order: string[] = []
    const send = async (name: string): Promise<void> => {
      const accept = ({ body }: TransportResponse): boolean => {
        order.push(`${name} accepts ${body.toString()}`)
        return true
      }
      await transport.request(requestTo(server, { recipient: { accept } }))
      order.push(`${name} is told`)
    }
    await Promise.all([send('first'), send('second')])
    expect(order).toEqual(['first accepts 0', 'first is told', 'second accepts 0', 'second is told'])
  })

  it('that refuses a response has its request fail with the reason, and the connection closed', async () => {
    const server = await serve(answerWithIndex)
    const transport = new SocketTransport({ maxSockets: 1 })
    const refusing = {
      accept: () => {
        throw refusal
      },
    }
    expect(await bodyOf(transport.request(requestTo(server)))).toBe('0')
    const refused = rejectionOf(transport.request(requestTo(server, { recipient: refusing })))
    const next = bodyOf(transport.request(requestTo(server)))
    expect(await refused).toBe(refusal)
    expect(await next).toBe('1')
    await server.connections[0]?.closed
  })

  it.each<[string, TransportRequest['recipient']]>([
    ['that does not trust it', { accept: () => false }],
    ['that is not there', undefined],
  ])('%s has the connection closed, and the response delivered', async (_, recipient) => {
    const server = await serve(answerWithIndex)
    const transport = new SocketTransport({ maxSockets: 1 })
    const responses = [recipient, undefined].map(async who =>
      bodyOf(transport.request(requestTo(server, { recipient: who }))),
    )
    expect(await Promise.all(responses)).toEqual(['0', '1'])
    await server.connections[0]?.closed
  })
})

describe('a response that nobody asked for', () => {
  it.each<[string, (send: () => void) => void]>([
    [
      'in the same turn',
      send => {
        send()
      },
    ],
    [
      'at the end of the turn',
      send => {
        setImmediate(send)
      },
    ],
  ])('behind another one, %s, reaches no request that follows at once', async (_, later) => {
    const server = await serve(async connection => connection.answerAll(({ body }) => httpResponse(body)))
    const transport = new SocketTransport()
    const send = async (body: string): Promise<string> =>
      bodyOf(transport.request(requestTo(server, { body })))
    expect(await send('first')).toBe('first')
    const second = send('second')
    later(() => server.connections[0]?.send(httpResponse('stray')))
    expect(await second).toBe('second')
    expect(server.connections).toHaveLength(2)
  })

  it('that comes before all of a request was written is no success', async () => {
    const server = await serve(async connection => {
      if (connection.index > 0) return connection.answerAll(() => httpResponse('second'))
      await once(connection.socket, 'data')
      connection.socket.pause()
      connection.send(httpResponse('too early'))
    })
    const transport = new SocketTransport({ maxSockets: 1 })
    const request = requestTo(server, { body: 'x'.repeat(32 * 1024 * 1024) })
    const error = rejectionOf(transport.request(request))
    expect(await error).toMatchObject({
      ...invalidResponse,
      message: `unusable response from ${server.url}: it came before all of the request had been sent`,
    })
    expect(await bodyOf(transport.request(requestTo(server)))).toBe('second')
    const [first] = server.connections
    first?.socket.resume()
    await first?.closed
  })
})
