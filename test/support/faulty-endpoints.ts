import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'

/** An endpoint with which nothing can be done, and what a store has to make of it. */
export interface FaultyEndpoint {
  readonly name: string
  /** Starts it. */
  readonly start: () => Promise<RunningEndpoint>
  /** Codes of the errors that tell the application what is wrong. */
  readonly codes: readonly string[]
}

/** A {@link FaultyEndpoint} that has been started. */
export interface RunningEndpoint {
  readonly url: string
  readonly close: () => Promise<void>
}

const html502 = '<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>'
const overTime = ['ATTEMPT_TIMEOUT', 'CONNECT_TIMEOUT', 'DEADLINE_EXCEEDED']

/** Everything that an endpoint can do but answer. */
export const faultyEndpoints: readonly FaultyEndpoint[] = [
  answering(
    'answers HTTP 500 of DynamoDB',
    500,
    '{"__type":"com.amazonaws#InternalServerError","message":"oops"}',
  ),
  answering('answers HTTP 500 without a body', 500, ''),
  answering('answers HTTP 503 in plain text', 503, 'Service Unavailable'),
  answering('answers HTTP 502 in HTML', 502, html502, 'text/html'),
  answering('answers HTTP 404 in HTML', 404, '<h1>Not Found</h1>', 'text/html'),
  answering('answers HTTP 302', 302, ''),
  {
    ...answering('answers HTTP 200 in HTML', 200, '<h1>It works!</h1>', 'text/html'),
    codes: ['INVALID_RESPONSE'],
  },
  { ...answering('answers HTTP 200 without a body', 200, ''), codes: ['INVALID_RESPONSE'] },
  {
    ...answering('answers HTTP 200 with JSON that is cut off', 200, '{"Item":{"id":'),
    codes: ['INVALID_RESPONSE'],
  },
  {
    ...answering('answers HTTP 200 as another service', 200, '{"ok":true}', 'application/json'),
    codes: ['INVALID_RESPONSE'],
  },
  { ...answering('answers HTTP 200 with null', 200, 'null'), codes: ['INVALID_RESPONSE'] },
  {
    ...answering(
      'denies',
      400,
      '{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"User is not authorized"}',
    ),
    codes: ['ACCESS_DENIED'],
  },
  {
    ...answering(
      'does not know the key',
      400,
      '{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"The security token is invalid."}',
    ),
    codes: ['CREDENTIALS_UNKNOWN'],
  },
  {
    ...answering(
      'throttles',
      400,
      '{"__type":"com.amazonaws#ProvisionedThroughputExceededException","message":"slow down"}',
    ),
    codes: ['THROTTLED'],
  },
  onRequest('sends garbage', ['INVALID_RESPONSE'], socket => {
    socket.write('garbage, and no HTTP at all\r\n\r\n'.repeat(3))
  }),
  onRequest('sends binary garbage', ['INVALID_RESPONSE', ...overTime], socket => {
    socket.write(Buffer.from(Array.from({ length: 512 }, (_, index) => (index * 37) % 256)))
  }),
  onRequest('resets the connection', ['CONNECTION_LOST'], socket => {
    socket.resetAndDestroy()
  }),
  onRequest('closes after the request', ['CONNECTION_LOST'], socket => {
    socket.end()
  }),
  onRequest('closes in the middle of the answer', ['CONNECTION_LOST', 'INVALID_RESPONSE'], socket => {
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"Item":')
  }),
  onRequest('stops in the middle of the answer', overTime, socket => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"Item":')
  }),
  onRequest('sends a wrong checksum', ['INVALID_RESPONSE'], socket => {
    socket.write('HTTP/1.1 200 OK\r\nx-amz-crc32: 1\r\ncontent-length: 2\r\n\r\n{}')
  }),
  onRequest('never answers', overTime, () => undefined),
  onConnection('closes at once', ['CONNECTION_LOST', 'CONNECTION_FAILED'], socket => {
    socket.destroy()
  }),
  {
    name: 'refuses connections',
    codes: ['CONNECTION_FAILED'],
    start: async () => {
      const { url, close } = await listen(createServer(), 'http')
      await close()
      return { url, close: async () => undefined }
    },
  },
  {
    name: 'is not there (an address that nobody has)',
    codes: [...overTime, 'CONNECTION_FAILED'],
    start: async () => ({ url: 'http://192.0.2.1:8000', close: async () => undefined }),
  },
  {
    name: 'has a name that nobody has',
    codes: [...overTime, 'CONNECTION_FAILED'],
    start: async () => ({ url: 'http://no-such-host.invalid:8000', close: async () => undefined }),
  },
  {
    name: 'does not answer the TLS handshake',
    codes: overTime,
    start: async () => listen(createServer(swallow), 'https'),
  },
]

function answering(name: string, statusCode: number, body: string, type?: string): FaultyEndpoint {
  const head = [
    `HTTP/1.1 ${statusCode} Whatever`,
    `content-type: ${type ?? 'application/x-amz-json-1.0'}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  return onRequest(name, ['DYNAMODB_ERROR'], socket => {
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  })
}

function onRequest(name: string, codes: readonly string[], act: (socket: Socket) => void): FaultyEndpoint {
  return onConnection(name, codes, socket => {
    socket.on('data', () => {
      act(socket)
    })
  })
}

function onConnection(name: string, codes: readonly string[], act: (socket: Socket) => void): FaultyEndpoint {
  const server = (): Server =>
    createServer(socket => {
      // The client may hang up first, and is right to.
      socket.on('error', () => undefined)
      act(socket)
    })
  return { name, codes, start: async () => listen(server(), 'http') }
}

function swallow(socket: Socket): void {
  socket.on('error', () => undefined)
  socket.resume()
}

async function listen(server: Server, protocol: 'http' | 'https'): Promise<RunningEndpoint> {
  const sockets = new Set<Socket>()
  server.on('connection', socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the endpoint is not listening')
  return {
    url: `${protocol}://127.0.0.1:${address.port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}
