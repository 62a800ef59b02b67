import { hash } from 'node:crypto'

import { invalidOption, SessionConflictError, SessionLockedError, storeClosed } from '../errors.ts'
import type { LockTrace } from '../diagnostics.ts'
import { backoffMs, sleep } from '../internal/timers.ts'
import { Deadline } from '../internal/deadline.ts'
import { type Draft, lockTraces } from '../internal/diagnostics.ts'
import { KeyedMutex, type Turn } from '../internal/keyed-calls.ts'
import type { ItemTable } from '../items/item-table.ts'
import { allOf, type Condition, type LockProtocol, type StoredSession } from '../layouts/layout.ts'
import type { LockingTerms } from '../options/locking-options.ts'
import type { Item, Random } from '../types.ts'
import { Lease, LeaseEnd, newOwner, remainingLockMs } from './lease.ts'

/** How to wait for a lock and for how long to hold it. */
type LockTerms = LockingTerms & { readonly signal: AbortSignal | undefined }

/** A session that was read and locked at the same time. */
interface LockedSession {
  readonly session: StoredSession
  readonly lease: Lease
}

/** Where a session is, in a store with `migrateFrom`, and what it is there. */
export interface FoundSession {
  /** `target`: where the store keeps its sessions; `source`: where they come from. */
  readonly place: 'target' | 'source'
  readonly item: Item
  readonly session: StoredSession
}

/** The other place that a session may be in, in a store with `migrateFrom`. */
export interface LockSource {
  /** How sessions are locked there; absent where they cannot be. */
  readonly protocol: LockProtocol | undefined
  /** Where the session is; `undefined` when it is in neither place. */
  find(): Promise<FoundSession | undefined>
  /**
   * Moves the session here and locks it in the same moment, if it is as it was found and `free` holds there.
   *
   * @param lock the attributes of the lock here.
   * @returns the item here; `undefined` when it was not moved.
   */
  move(found: FoundSession, lock: Item, free: Condition | undefined): Promise<Item | undefined>
}

/** A lock that a call asks for. */
interface LockRequest {
  readonly key: string
  readonly protocol: LockProtocol
  readonly owner: string
  readonly terms: LockTerms
  readonly source: LockSource | undefined
  /** The turn of the call in this process; absent while it has none. */
  readonly turn: Turn<never> | undefined
}

/** A lock that is ours: the item with it, where the engine returns that, and when its lease expires. */
interface Acquired {
  readonly item: Item | undefined
  readonly end: LeaseEnd
}

/** A lock that another call has: until when, as far as the layout says. */
interface Holder {
  readonly remainingMs: number | undefined
}

/** How often a session is looked for that others move to and fro. */
const MOST_MOVES = 20

/** The locks of one store (G10). */
export class LockManager {
  readonly #table: ItemTable
  readonly #random: Random
  readonly #mutex = new KeyedMutex()
  readonly #leases = new Map<string, Lease>()
  readonly #staleLocks = new StaleLockDetector()
  /** Requests for a lock without a response yet. */
  readonly #inFlight = new Set<Promise<unknown>>()
  #isClosed = false

  constructor(table: ItemTable, random: Random) {
    this.#table = table
    this.#random = random
  }

  /**
   * Reads a session and locks it, in one request when it is free.
   *
   * A call that has to wait asks again after a while that grows and is jittered, so that many of them do not throttle the
   * table; the calls of one process take turns.
   *
   * A session that is in the source of a migration is moved, once it is free there.
   *
   * @returns `undefined` when there is no such session; nothing was created.
   * @throws {SessionLockedError} when another call still has it after `maxWaitMs`.
   * @throws {SessionConflictError} when others kept on moving it.
   */
  async lock(key: string, terms: LockTerms, source?: LockSource): Promise<LockedSession | undefined> {
    if (!lockTraces.channels.hasSubscribers) return this.#lock(key, terms, source)
    const trace: Draft<LockTrace> = { table: this.#table.name, attempts: 0 }
    return lockTraces.observe(trace, () => this.#lock(key, terms, source, trace), {
      conclude: result => {
        trace.outcome = outcomeOf(result)
      },
    })
  }

  /** The session is gone, and its lock with it. */
  forget(key: string): void {
    this.#leases.get(key)?.end()
  }

  /** Releases every lock that this process still has, and acquires no more: calls that wait for one are refused. */
  async releaseAll(): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled(this.#inFlight)
    await Promise.allSettled([...this.#leases.values()].map(lease => lease.release()))
  }

  async #lock(
    key: string,
    terms: LockTerms,
    source: LockSource | undefined,
    trace?: Draft<LockTrace>,
  ): Promise<LockedSession | undefined> {
    const protocol = this.#protocol()
    const { maxWaitMs, signal } = terms
    const deadline = new Deadline(maxWaitMs)
    const turn = await this.#mutex.acquire(key, { timeoutMs: maxWaitMs, signal })
    const request = { key, protocol, owner: newOwner(), terms, source, turn }
    if (turn === undefined) {
      const holder = await this.#getHolder(request)
      if (holder === undefined) return undefined
      throw lockedError(holder, maxWaitMs)
    }
    let locked: LockedSession | undefined
    try {
      locked = await this.#acquire(request, deadline, trace)
      return locked
    } finally {
      if (locked === undefined) turn.release()
    }
  }

  async #acquire(
    request: LockRequest,
    deadline: Deadline,
    trace: Draft<LockTrace> | undefined,
  ): Promise<LockedSession | undefined> {
    const { maxWaitMs, signal } = request.terms
    for (let attempt = 0; ; attempt++) {
      if (this.#isClosed) throw storeClosed()
      if (trace !== undefined) trace.attempts++
      const asked = this.#ask(request)
      this.#inFlight.add(asked)
      const result = await asked.finally(() => this.#inFlight.delete(asked))
      if (result === undefined || 'lease' in result) return result
      if (deadline.isExpired()) throw lockedError(result, maxWaitMs)
      await sleep(Math.min(this.#pauseMs(attempt, request.terms, result), deadline.remainingMs), signal)
    }
  }

  /** Asks for the lock once; again while the session is on the move. */
  async #ask(request: LockRequest): Promise<LockedSession | Holder | undefined> {
    const { protocol, source } = request
    const { clock } = this.#table
    for (let moves = 0; moves < MOST_MOVES; moves++) {
      const result = await clock.retryAfterClockCorrection(() => this.#tryAcquire(request))
      if ('end' in result) return this.#open(request, result)
      if (this.#isLive(result.item)) return this.#holderOf(result.item, protocol)
      const found = await source?.find()
      if (source === undefined || found === undefined) return undefined
      if (found.place === 'target') continue
      const free = this.#freeInSource(request, source, found.item)
      if (free !== undefined && 'remainingMs' in free) return free
      const moved = await clock.retryAfterClockCorrection(() => this.#move(request, source, found, free))
      if (moved !== undefined) return this.#open(request, moved)
    }
    throw new SessionConflictError(
      `others kept on moving the session while its lock was asked for; it was given up (attempts: ${MOST_MOVES})`,
      { attempts: MOST_MOVES },
    )
  }

  /**
   * Acquires the lock when it is free, or has expired, or is stale. A process that does not know the server's time acquires
   * only what is free, which tells it the time.
   */
  async #tryAcquire(request: LockRequest): Promise<Acquired | { readonly item: Item | undefined }> {
    const { key, protocol, owner } = request
    const { isKnown, earliestMs } = this.#table.clock.serverNow()
    const result = await this.#acquireIf(request, protocol.freeFor(owner, isKnown ? earliestMs : 0))
    if ('end' in result || !this.#isLive(result.item)) return result
    const unchanged = this.#staleLocks.breakIfStale(key, result.item, protocol, performance.now())
    if (unchanged !== undefined) return this.#acquireIf(request, unchanged)
    if (isKnown || this.#holderOf(result.item, protocol).remainingMs !== 0) return result
    const nowMs = this.#table.clock.serverNow().earliestMs
    return this.#acquireIf(request, protocol.freeFor(owner, nowMs))
  }

  async #acquireIf(
    { key, protocol, owner, terms: { leaseSeconds, signal } }: LockRequest,
    free: Condition,
  ): Promise<Acquired | { readonly item: Item | undefined }> {
    const { clock } = this.#table
    const end = new LeaseEnd(clock, leaseSeconds * 1000)
    const set = protocol.taken(owner, end.untilMs)
    const condition = allOf(this.#table.liveAt(clock.now()), free)
    const update = { set, remove: [], condition, returnsItem: true }
    const { applied, item } = await this.#table.update(key, update, { signal })
    return applied ? { item, end } : { item }
  }

  /** What has to hold for a session to be moved from the source; or which call has locked it there. */
  #freeInSource(
    { key, owner }: LockRequest,
    { protocol }: LockSource,
    item: Item,
  ): Condition | Holder | undefined {
    if (protocol === undefined) return undefined
    const holder = this.#holderOf(item, protocol)
    if (holder.remainingMs === 0) {
      return protocol.freeFor(owner, this.#table.clock.serverNow().earliestMs)
    }
    return this.#staleLocks.breakIfStale(key, item, protocol, performance.now()) ?? holder
  }

  async #move(
    { protocol, owner, terms }: LockRequest,
    source: LockSource,
    found: FoundSession,
    free: Condition | undefined,
  ): Promise<Acquired | undefined> {
    const end = new LeaseEnd(this.#table.clock, terms.leaseSeconds * 1000)
    const item = await source.move(found, protocol.taken(owner, end.untilMs), free)
    return item && { item, end }
  }

  /** Makes a lease of a lock that was acquired. */
  async #open(request: LockRequest, { item, end }: Acquired): Promise<LockedSession | Holder | undefined> {
    const { key, owner, terms, turn } = request
    this.#staleLocks.forget(key)
    const lease = new Lease({
      table: this.#table,
      key,
      owner,
      end,
      maxHoldMs: terms.maxHoldSeconds * 1000,
      onEnd: () => {
        if (this.#leases.get(key) === lease) this.#leases.delete(key)
        turn?.release()
      },
    })
    this.#leases.set(key, lease)
    try {
      // Another process may have acquired what this one, by a wrong clock, had let end too soon.
      if (end.isWrong && !(await lease.renew(terms))) return await this.#getHolder(request)
      // An engine that returns no attributes is asked again; the lock is ours already.
      const whole = item ?? (await this.#table.get(key, true, terms))
      if (whole !== undefined) return { session: await this.#table.open(whole), lease }
      lease.end()
      return undefined
    } catch (error) {
      await Promise.allSettled([lease.release()])
      throw error
    }
  }

  #pauseMs(attempt: number, { minRetryMs, maxRetryMs }: LockTerms, { remainingMs }: Holder): number {
    const pauses = { baseMs: minRetryMs, capMs: maxRetryMs, jitter: 0.5 }
    const pauseMs = backoffMs(attempt, pauses, this.#random)
    return remainingMs === undefined ? pauseMs : Math.min(pauseMs, Math.max(remainingMs, minRetryMs))
  }

  /** Until when another call has the lock; `undefined` when there is no such session. */
  async #getHolder({ key, protocol, source, terms }: LockRequest): Promise<Holder | undefined> {
    const { signal } = terms
    const item = await this.#table.get(key, true, { signal })
    if (this.#isLive(item)) return this.#holderOf(item, protocol)
    const found = await source?.find()
    if (found === undefined) return undefined
    const held = found.place === 'target' ? protocol : source?.protocol
    return held === undefined ? { remainingMs: 0 } : this.#holderOf(found.item, held)
  }

  #isLive(item: Item | undefined): item is Item {
    return item !== undefined && this.#table.isLive(item, this.#table.clock.now())
  }

  #holderOf(item: Item, protocol: LockProtocol): Holder {
    return { remainingMs: remainingLockMs(item, protocol, this.#table.clock) }
  }

  #protocol(): LockProtocol {
    const { lock, name } = this.#table.layout
    if (lock === undefined) throw invalidOption(`the layout "${name}" has no locks`)
    return lock
  }
}

function outcomeOf(
  result: { readonly value: LockedSession | undefined } | { readonly error: unknown },
): NonNullable<LockTrace['outcome']> {
  if ('value' in result) return result.value === undefined ? 'absent' : 'acquired'
  return result.error instanceof SessionLockedError ? 'refused' : 'failed'
}

function lockedError({ remainingMs }: Holder, waitedMs: number): SessionLockedError {
  const remaining =
    remainingMs === undefined ? '' : `; its lease ends in ${Math.ceil(remainingMs)} ms unless it is renewed`
  return new SessionLockedError(
    `another request has held the lock of the session for all of ${waitedMs} ms (maxWaitMs)${remaining}`,
    { remainingMs },
  )
}

interface Observation {
  readonly fingerprint: string
  readonly sinceMs: number
}

/** Sessions whose locks are watched at a time; the one that was observed first is forgotten for another. */
const MOST_WATCHED = 10_000

/**
 * Locks without an end that this process has met, so that one which a crashed request left behind is recognised: it does
 * not change for a long time. Calls that come one after the other watch together.
 */
export class StaleLockDetector {
  readonly #observations = new Map<string, Observation>()

  /**
   * Observes a locked item.
   *
   * @param nowMs instant of `performance.now()`.
   * @returns what has to hold to break the lock: that it still has not changed; `undefined` while it may be alive.
   */
  breakIfStale(key: string, item: Item, protocol: LockProtocol, nowMs: number): Condition | undefined {
    const { staleAfterMs } = protocol
    const unchanged = staleAfterMs === undefined ? undefined : protocol.takeOver?.(item)
    if (unchanged === undefined || staleAfterMs === undefined) {
      this.#observations.delete(key)
      return undefined
    }
    const fingerprint = hash('sha256', JSON.stringify(unchanged.values), 'base64url')
    const observed = this.#observations.get(key)
    if (observed?.fingerprint !== fingerprint) {
      this.#remember(key, { fingerprint, sinceMs: nowMs })
      return undefined
    }
    return nowMs - observed.sinceMs >= staleAfterMs ? unchanged : undefined
  }

  /** The lock of a session was free: one that is met later is another, however much it looks the same. */
  forget(key: string): void {
    this.#observations.delete(key)
  }

  #remember(key: string, observation: Observation): void {
    this.#observations.delete(key)
    this.#observations.set(key, observation)
    if (this.#observations.size <= MOST_WATCHED) return
    const [oldest] = this.#observations.keys()
    if (oldest !== undefined) this.#observations.delete(oldest)
  }
}
