import { ConnectionError } from '../../errors.ts'
import { type Deferred, deferred, inBackground, offAbort, onAbort } from '../../internal/timers.ts'
import type { Clock } from '../../types.ts'
import { type ConnectTerms, openConnection } from './connect.ts'
import { type Connection, type ConnectionContext, DuplicateResponseDetector } from './connection.ts'
import type { Endpoint } from './endpoint.ts'
import { Timeouts } from './tick-queue.ts'
import type { ConnectionCounts, TransportRequest } from './transport.ts'

/** Limits of a {@link ConnectionPool}. */
export interface ConnectionPoolOptions extends Omit<ConnectTerms, 'context'> {
  /** Most connections open at a time, idle ones included. */
  readonly maxSockets: number
  /** Most requests waiting for a connection. */
  readonly maxQueued: number
  /** How long an idle connection is kept, in milliseconds. */
  readonly idleTimeoutMs: number
  /** The time on the wall, by which connections age too while the machine is suspended. */
  readonly clock: Clock
}

/**
 * The connections to one endpoint.
 *
 * Idle connections are reused last in, first out, so that the surplus of a busy moment ages and is closed; they
 * do not keep the process alive. When `maxSockets` are busy, requests wait first in, first out (G12: for no
 * longer than their deadline, and no more than `maxQueued` of them).
 */
export class ConnectionPool {
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

  /** How much time it has given back that the event loop was blocked, in all. Milliseconds. */
  get givenBackMs(): number {
    return this.#context.timeouts.givenBackMs
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

interface Waiter {
  /** Settles with a connection, or with `undefined`: a place in which to open one. */
  readonly turn: Deferred<Connection | undefined>
  /** From when on there would be too little time left to use a connection, by `performance.now()`. */
  readonly untilMs: number
  /** Ends the wait without one. */
  readonly giveUp: () => void
}

/**
 * How long a request may wait for a connection. It has to leave time for an attempt: when more is asked than is
 * answered, a queue that hands connections to whoever is about to give up has all of them closed in the middle of an answer, and
 * nobody is served any more.
 */
function longestWaitMs(
  { attemptTimeoutMs, deadlineAtMs, limitAtMs = deadlineAtMs }: TransportRequest,
  nowMs: number,
): number {
  const leftMs = Math.max(0, limitAtMs - nowMs)
  return leftMs - Math.min(attemptTimeoutMs, leftMs / 2)
}
