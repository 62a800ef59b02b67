import { AttemptTimeoutError, ConnectionError, DynamoDBSessionsError } from '../errors.ts'
import type { Connection } from './connection.ts'
import { ConnectionPool, type ConnectionPoolOptions } from './connection-pool.ts'
import type { ParsedResponse } from './response-parser.ts'
import type { Transport, TransportRequest, TransportResponse } from './transport.ts'

/** Options of {@link SocketTransport}. */
export type SocketTransportOptions = Partial<ConnectionPoolOptions>

const DEFAULT_MAX_SOCKETS = 64
const DEFAULT_MAX_QUEUED = 10_000
const DEFAULT_IDLE_TIMEOUT_MS = 30_000

/**
 * Keep-alive HTTP/1.1 over `node:net` and `node:tls`: one request at a time per connection, a pool of
 * connections per endpoint.
 *
 * A request on a reused connection that is lost before the first byte of an answer is sent again at once, on a
 * new connection, once: servers close idle connections, and the close may be on its way when the request
 * leaves. Every other failure is the caller's to retry; when a reused connection did not answer in time, the idle
 * ones are closed, so that the retry has a new one.
 */
export class SocketTransport implements Transport {
  readonly #options: ConnectionPoolOptions
  readonly #pools = new Map<string, ConnectionPool>()
  #closed = false

  constructor(options: SocketTransportOptions = {}) {
    this.#options = {
      maxSockets: options.maxSockets ?? DEFAULT_MAX_SOCKETS,
      maxQueued: options.maxQueued ?? DEFAULT_MAX_QUEUED,
      idleTimeoutMs: options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS,
      clock: options.clock ?? { now: () => Date.now() },
      ca: options.ca,
    }
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    request.signal?.throwIfAborted()
    if (this.#closed) {
      throw new DynamoDBSessionsError('STORE_CLOSED', 'the store has been closed and takes no more requests')
    }
    const encoded = encodeRequest(request)
    const pool = this.#poolOf(request)
    const connection = await pool.acquire(request)
    try {
      return await exchange(pool, connection, request, encoded)
    } catch (error) {
      if (!wasStale(connection, error)) {
        if (wasDeadSilently(connection, error)) pool.discardIdle()
        pool.discard(connection)
        throw error
      }
    }
    const fresh = await pool.replace(connection, request)
    try {
      return await exchange(pool, fresh, request, encoded)
    } catch (error) {
      pool.discard(fresh)
      throw error
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#pools.values()].map(pool => pool.close()))
  }

  #poolOf({ endpoint }: TransportRequest): ConnectionPool {
    let pool = this.#pools.get(endpoint.origin)
    if (pool === undefined) {
      pool = new ConnectionPool(endpoint, this.#options)
      this.#pools.set(endpoint.origin, pool)
    }
    return pool
  }
}

async function exchange(
  pool: ConnectionPool,
  connection: Connection,
  { attemptTimeoutMs, deadlineAtMs, signal }: TransportRequest,
  { text, encoding }: EncodedRequest,
): Promise<ParsedResponse> {
  const timeoutMs = Math.ceil(Math.max(0, Math.min(attemptTimeoutMs, deadlineAtMs - performance.now())))
  const response = await connection.exchange(text, encoding, { timeoutMs, signal })
  // What is no success and has no ID comes from something in between, and a copy of it could not be recognised.
  const isRecognisable = response.statusCode < 300 || response.headers.has('x-amzn-requestid')
  if (response.keepAlive && isRecognisable) pool.release(connection)
  else pool.discard(connection)
  return response
}

function wasStale(connection: Connection, error: unknown): boolean {
  return (
    connection.reused &&
    !connection.answered &&
    error instanceof ConnectionError &&
    error.code === 'CONNECTION_LOST'
  )
}

/** Whether a connection that had carried requests before did not answer at all. */
function wasDeadSilently(connection: Connection, error: unknown): boolean {
  return connection.reused && !connection.answered && error instanceof AttemptTimeoutError
}

const FORBIDDEN_IN_HEADER = /[^\t\x20-\x7e]/

/** A request as text, and how that goes on the wire. */
interface EncodedRequest {
  readonly text: string
  readonly encoding: 'latin1' | 'utf8'
}

function encodeRequest({ method, path, headers, body }: TransportRequest): EncodedRequest {
  let head = `${method} ${path} HTTP/1.1\r\n`
  for (const [name, value] of headers) {
    // A line break in a value would end the header and start whatever follows it (request smuggling).
    if (FORBIDDEN_IN_HEADER.test(value)) {
      throw new TypeError(
        `the value of the request header ${name} contains a character that is not printable ASCII`,
      )
    }
    head += `${name}: ${value}\r\n`
  }
  const bodyBytes = Buffer.byteLength(body)
  return {
    text: `${head}content-length: ${bodyBytes}\r\n\r\n${body}`,
    // As many bytes as characters: all of it is ASCII.
    encoding: bodyBytes === body.length ? 'latin1' : 'utf8',
  }
}
