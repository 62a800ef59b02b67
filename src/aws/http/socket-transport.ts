import { AttemptTimeoutError, ConnectionError, storeClosed } from '../../errors.ts'
import { type Deferred, deferred, inBackground, offAbort, onAbort } from '../../internal/timers.ts'
import type { Clock } from '../../types.ts'
import { type ConnectTerms, openConnection } from './connect.ts'
import {
  type Connection,
  type ConnectionContext,
  DuplicateResponseDetector,
  type Exchange,
} from './connection.ts'
import type { Endpoint } from './endpoint.ts'
import { ResolverCache } from './resolver-cache.ts'
import type { ParsedResponse } from './response-parser.ts'
import { systemClock } from './server-clock.ts'
import { Timeouts } from './tick-queue.ts'
import {
  type ConnectionCounts,
  type EncodedRequest,
  encodeHead,
  type Transport,
  type TransportRequest,
  type TransportResponse,
} from './transport.ts'

/** Limits of a {@link ConnectionPool}. */
interface ConnectionPoolOptions extends Omit<ConnectTerms, 'context'> {
  /** Most connections open at a time, idle ones included. */
  readonly maxSockets: number
  /** Most requests waiting for a connection. */
  readonly maxQueued: number
  /** How long an idle connection is kept, in milliseconds. */
  readonly idleTimeoutMs: number
  /** The time on the wall, by which connections age too while the machine is suspended. */
  readonly clock: Clock
}

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
    coming.then(connection => {
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

interface Waiter {
  /** Settles with a connection, or with `undefined`: a place in which to open one. */
  readonly turn: Deferred<Connection | undefined>
  /** From when on there would be too little time left to use a connection, by `performance.now()`. */
  readonly untilMs: number
  /** Ends the wait without one. */
  readonly giveUp: () => void
}

/**
 * The connections to one endpoint.
 *
 * Idle connections are reused last in, first out, so that the surplus of a busy moment ages and is closed; they
 * do not keep the process alive. When `maxSockets` are busy, requests wait first in, first out (G12: for no
 * longer than their deadline, and no more than `maxQueued` of them).
 */
class ConnectionPool {
  readonly #endpoint: Endpoint
  readonly #options: ConnectionPoolOptions
  readonly #idle: Connection[] = []
  readonly #waiters = new Set<Waiter>()
  readonly #context: ConnectionContext
  #open = 0
  #closed: Deferred<void> | undefined
  #sweepTimer: NodeJS.Timeout | undefined

  constructor(endpoint: Endpoint, options: ConnectionPoolOptions) {
    this.#endpoint = endpoint
    this.#options = options
    this.#context = {
      endpoint,
      duplicates: new DuplicateResponseDetector(),
      timeouts: new Timeouts(),
      onIdleLost: connection => {
        this.#forgetIdle(connection)
      },
      addresses: undefined,
      tlsSession: undefined,
    }
  }

  /**
   * An idle connection for one request, where there is one. Like that of {@link acquire} it has to be handed to
   * {@link release}, {@link replace} or {@link discard} afterwards.
   *
   * @param nowMs the time by `performance.now()`.
   */
  takeIdle(nowMs: number, { isHedge, sentTo }: TransportRequest): Connection | undefined {
    if (isHedge === true && sentTo !== undefined) this.#putOtherAddressLast(sentTo)
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.usable && !this.#isTooOld(connection, nowMs)) return connection
      this.discard(connection)
    }
    return undefined
  }

  /** A connection for one request where none is idle: a new one, or the next one that another request gives back. */
  async acquire(request: TransportRequest): Promise<Connection> {
    return (await this.#waitForTurn(request)) ?? (await this.#connect(request))
  }

  /** How many connections there are. */
  get counts(): ConnectionCounts {
    return { open: this.#open, idle: this.#idle.length, waiting: this.#waiters.size }
  }

  /** Takes a connection back after a complete response: for the next waiter, or to keep it idle. */
  release(connection: Connection): void {
    if (!connection.usable) {
      this.discard(connection)
      return
    }
    const next = this.#nextWaiter()
    if (next !== undefined) {
      next.turn.resolve(connection)
    } else if (this.#closed !== undefined) {
      this.discard(connection)
    } else {
      this.#keepIdle(connection)
    }
  }

  /** Closes a connection that is in doubt; its place goes to the next waiter. */
  discard(connection: Connection): void {
    connection.destroy()
    this.#vacate()
  }

  /**
   * Closes the idle connections. For when one that had been idle has turned out to be dead without a word: the others
   * have been through the same (a suspended process, a network that forgot them).
   */
  discardIdle(): void {
    for (const connection of this.#idle.splice(0)) this.discard(connection)
  }

  /** Closes a connection and opens a new one in its place, ahead of everything that waits. */
  replace(connection: Connection, request: TransportRequest): Promise<Connection> {
    connection.destroy()
    return this.#connect(request)
  }

  /**
   * Lets requests under way and waiting finish, closes the rest, and resolves when no connection is open. The
   * caller sees to it that no request comes after this.
   */
  close(): Promise<void> {
    if (this.#closed === undefined) {
      this.#closed = deferred<void>()
      clearTimeout(this.#sweepTimer)
      this.#context.timeouts.stopWhenUnused()
      this.discardIdle()
      if (this.#open === 0) this.#closed.resolve()
    }
    return this.#closed.promise
  }

  #isTooOld({ idleSinceMs, idleSinceEpochMs }: Connection, nowMs: number): boolean {
    const { clock, idleTimeoutMs } = this.#options
    const idleMs = nowMs - idleSinceMs
    // Only the clock on the wall goes on while the machine is suspended, after which hardly any connection works.
    const suspendedMs = clock.now() - idleSinceEpochMs - idleMs
    if (Math.max(idleMs, idleMs + suspendedMs) < idleTimeoutMs) return false
    return suspendedMs >= idleTimeoutMs || this.#context.addresses?.isOutage !== true
  }

  /** Has the latest idle connection to another address taken next, if there is one. */
  #putOtherAddressLast(addresses: ReadonlySet<string>): void {
    const index = this.#idle.findLastIndex(({ address }) => address !== undefined && !addresses.has(address))
    if (index !== -1) this.#idle.push(...this.#idle.splice(index, 1))
  }

  #keepIdle(connection: Connection): void {
    connection.rest(performance.now(), this.#options.clock.now())
    this.#idle.push(connection)
    if (this.#sweepTimer === undefined) this.#sweepIn(this.#options.idleTimeoutMs)
  }

  #sweepIn(delayMs: number): void {
    this.#sweepTimer = inBackground(
      setTimeout(() => {
        this.#sweep()
      }, delayMs),
    )
  }

  #forgetIdle(connection: Connection): void {
    const index = this.#idle.indexOf(connection)
    // One that is not there is about to carry a request, which will find it lost.
    if (index === -1) return
    this.#idle.splice(index, 1)
    this.#vacate()
  }

  /** Closes what has been idle for too long; the oldest are at the front. */
  #sweep(): void {
    this.#sweepTimer = undefined
    if (this.#context.addresses?.isOutage === true) {
      // What is idle now might not be replaced.
      this.#context.addresses.probe()
      this.#sweepIn(this.#options.idleTimeoutMs)
      return
    }
    const now = performance.now()
    for (let oldest = this.#idle[0]; oldest !== undefined; oldest = this.#idle[0]) {
      const leftMs = oldest.idleSinceMs + this.#options.idleTimeoutMs - now
      if (leftMs > 0) {
        this.#sweepIn(leftMs)
        return
      }
      this.#idle.shift()
      this.discard(oldest)
    }
  }

  /** Waits until the request may use a connection: at once while there are places left. */
  async #waitForTurn(request: TransportRequest): Promise<Connection | undefined> {
    if (this.#open < this.#options.maxSockets) {
      this.#open++
      return undefined
    }
    const { maxQueued, maxSockets } = this.#options
    if (this.#waiters.size >= maxQueued) {
      throw new ConnectionError(
        'QUEUE_FULL',
        `${maxSockets} connections to ${this.#endpoint.origin} are busy and ${maxQueued} requests are waiting for one`,
        { retryable: false },
      )
    }
    if (request.isHedge === true) throw this.#noneBecameFree(0)
    const { signal } = request
    const turn = deferred<Connection | undefined>()
    const leave = (error: unknown): void => {
      this.#waiters.delete(waiter)
      turn.reject(error)
    }
    const nowMs = performance.now()
    const waitMs = longestWaitMs(request, nowMs)
    const waiter: Waiter = {
      turn,
      untilMs: nowMs + waitMs,
      giveUp: () => {
        leave(this.#noneBecameFree(waitMs))
      },
    }
    const leaveAborted = (): void => {
      leave(signal?.reason)
    }
    const timer = setTimeout(waiter.giveUp, waitMs)
    if (signal !== undefined) onAbort(signal, leaveAborted)
    this.#waiters.add(waiter)
    try {
      return await turn.promise
    } finally {
      clearTimeout(timer)
      if (signal !== undefined) offAbort(signal, leaveAborted)
    }
  }

  /** Opens a connection in a place that the caller holds; the place is given up when that fails. */
  async #connect(request: TransportRequest): Promise<Connection> {
    try {
      return await openConnection(request, { ...this.#options, context: this.#context })
    } catch (error) {
      this.#vacate()
      throw error
    }
  }

  /** Passes a free place on to the next waiter. */
  #vacate(): void {
    const next = this.#nextWaiter()
    if (next !== undefined) {
      next.turn.resolve(undefined)
      return
    }
    this.#open--
    if (this.#open === 0) this.#closed?.resolve()
  }

  /** The first in the queue who has the time to use a connection: under load, timers are late. */
  #nextWaiter(): Waiter | undefined {
    const nowMs = performance.now()
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter)
      if (nowMs < waiter.untilMs) return waiter
      waiter.giveUp()
    }
    return undefined
  }

  #noneBecameFree(waitMs: number): ConnectionError {
    const { maxSockets } = this.#options
    return new ConnectionError(
      'POOL_TIMEOUT',
      `none of ${maxSockets} connections to ${this.#endpoint.origin} became free within ${Math.round(waitMs)} ms`,
      { retryable: false },
    )
  }
}

/**
 * How long a request may wait for a connection. It has to leave time for an attempt: when more is asked than is
 * answered, a queue that hands connections to whoever is about to give up has all of them closed in the middle of an answer, and
 * nobody is served any more.
 */
function longestWaitMs({ attemptTimeoutMs, deadlineAtMs }: TransportRequest, nowMs: number): number {
  const leftMs = Math.max(0, deadlineAtMs - nowMs)
  return leftMs - Math.min(attemptTimeoutMs, leftMs / 2)
}
