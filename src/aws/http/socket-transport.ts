import { AttemptTimeoutError, ConnectionError, storeClosed } from '../../errors.ts'
import type { Connection, Exchange } from './connection.ts'
import { ConnectionPool, type ConnectionPoolOptions } from './connection-pool.ts'
import { ResolverCache } from './resolver-cache.ts'
import type { ParsedResponse } from './response-parser.ts'
import { systemClock } from './server-clock.ts'
import {
  type ConnectionCounts,
  type EncodedRequest,
  encodeHead,
  type Transport,
  type TransportRequest,
  type TransportResponse,
} from './transport.ts'

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
      clock: options.clock ?? systemClock,
      ca: options.ca,
      route: options.route,
      resolver: options.resolver ?? new ResolverCache(),
    }
  }

  request(request: TransportRequest | EncodedRequest): Promise<TransportResponse> {
    // Neither this function nor what it calls is async: each async function costs every request promises and turns of
    // the microtask queue. Only what does not happen to every request is written with them.
    return new Promise((resolve, reject) => {
      request.signal?.throwIfAborted()
      if (this.#closed) throw storeClosed()
      new Sending(this.#poolOf(request), request, resolve, reject).start()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#options.resolver.close()
    await Promise.all([...this.#pools.values()].map(pool => pool.close()))
  }

  connections(): ConnectionCounts {
    const pools = [...this.#pools.values()].map(({ counts }) => counts)
    const total = (count: keyof ConnectionCounts): number =>
      pools.reduce((sum, counts) => sum + counts[count], 0)
    return { open: total('open'), idle: total('idle'), waiting: total('waiting') }
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

/** One request on its way: on an idle connection at once, else when there is one. */
class Sending implements Exchange {
  readonly text: string
  readonly encoding: 'latin1' | 'utf8'
  readonly signal: AbortSignal | undefined
  readonly attemptTimeoutMs: number
  readonly deadlineAtMs: number
  limitAtMs: number
  readonly #pool: ConnectionPool
  readonly #request: TransportRequest
  readonly #resolve: (response: TransportResponse) => void
  readonly #reject: (error: unknown) => void
  #connection: Connection | undefined

  constructor(
    pool: ConnectionPool,
    request: TransportRequest | EncodedRequest,
    resolve: (response: TransportResponse) => void,
    reject: (error: unknown) => void,
  ) {
    const bodyBytes = Buffer.byteLength(request.body)
    const head = 'head' in request ? request.head : encodeHead(request)
    this.text = `${head}\r\ncontent-length: ${bodyBytes}\r\n\r\n${request.body}`
    // As many bytes as characters: all of it is ASCII.
    this.encoding = bodyBytes === request.body.length ? 'latin1' : 'utf8'
    this.signal = request.signal
    this.attemptTimeoutMs = request.attemptTimeoutMs
    this.deadlineAtMs = request.deadlineAtMs
    this.limitAtMs = request.limitAtMs ?? request.deadlineAtMs
    this.#pool = pool
    this.#request = request
    this.#resolve = resolve
    this.#reject = reject
  }

  start(): void {
    const nowMs = performance.now()
    const connection = this.#pool.takeIdle(nowMs, this.#request)
    if (connection === undefined) this.#startOn(this.#pool.acquire(this.#request))
    else this.#sendOn(connection, nowMs)
  }

  accept(response: ParsedResponse): boolean {
    return this.#request.recipient?.accept(response) ?? false
  }

  answered(response: ParsedResponse, isReusable: boolean): void {
    const connection = this.#connection
    if (connection !== undefined) {
      if (isReusable) this.#pool.release(connection)
      else this.#pool.discard(connection)
    }
    this.#resolve(response)
  }

  failed(error: unknown): void {
    const connection = this.#connection
    if (connection === undefined) {
      this.#reject(error)
      return
    }
    if (connection.mayHaveBeenStale) {
      if (wasLostBefore(connection, error)) {
        this.#request.onDoubt?.()
        this.#startOn(this.#pool.replace(connection, this.#request))
        return
      }
      // The connection was dead without a word, and the other idle ones may be, too.
      if (error instanceof AttemptTimeoutError) this.#pool.discardIdle()
    }
    this.#pool.discard(connection)
    this.#reject(error)
  }

  #startOn(coming: Promise<Connection>): void {
    const { givenBackMs } = this.#pool
    coming.then(connection => {
      this.limitAtMs += this.#pool.givenBackMs - givenBackMs
      this.#sendOn(connection, performance.now())
    }, this.#reject)
  }

  #sendOn(connection: Connection, nowMs: number): void {
    this.#connection = connection
    if (connection.address !== undefined) this.#request.sentTo?.add(connection.address)
    connection.carry(this, nowMs)
  }
}

/** Whether a connection that was kept open was lost before it could carry the request. */
function wasLostBefore(connection: Connection, error: unknown): boolean {
  return error instanceof ConnectionError && (error.code === 'CONNECTION_LOST' || !connection.isSent)
}
