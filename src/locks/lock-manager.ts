import {
  invalidArgument,
  DynamoDBSessionsError,
  SessionConflictError,
  SessionLockedError,
} from '../errors.ts'
import { type Draft, type LockTrace, lockTraces } from '../internal/diagnostics.ts'
import { backoffMs } from '../internal/backoff.ts'
import { sleep } from '../internal/timers.ts'
import { allOf, type Condition, type LockProtocol, type StoredSession } from '../layouts/layout.ts'
import type { Item, Random } from '../types.ts'
import type { ItemTable, Outcome } from '../items/item-table.ts'
import { Lease } from './lease.ts'
import { LeaseEnd, newOwner, remainingLockMs } from './lease-end.ts'
import type { LockingTerms } from '../options/locking-options.ts'
import { type LeaveTurn, LockQueue } from '../internal/keyed-mutex.ts'
import { StaleLocks } from './stale-lock-detector.ts'
import type { Found } from '../migration/migration-tables.ts'

/** How to wait for a lock and for how long to take it. */
export type LockTerms = LockingTerms & { readonly signal: AbortSignal | undefined }

/** A session that was read and locked at the same time. */
export interface LockedSession {
  readonly session: StoredSession
  readonly lease: Lease
}

/** An attempt to take a lock: the item as it is then, and until when it is ours if it was taken. */
type Attempt = Outcome & { readonly end: LeaseEnd }

/** The other place that a session may be in, in a store with `migrateFrom`. */
export interface Elsewhere {
  /** How sessions are locked there; absent where they cannot be. */
  readonly protocol: LockProtocol | undefined
  /** Where the session is; `undefined` when it is in neither place. */
  find(): Promise<Found | undefined>
  /**
   * Moves the session here and locks it in the same moment, if it is as it was found and `free` holds there.
   *
   * @param lock the attributes of the lock here.
   * @returns the item here; `undefined` when it was not moved.
   */
  bring(found: Found, lock: Item, free: Condition | undefined): Promise<Item | undefined>
}

/** A lock that is asked for. */
interface Wanted {
  readonly key: string
  readonly protocol: LockProtocol
  readonly owner: string
  readonly terms: LockTerms
  readonly elsewhere: Elsewhere | undefined
  readonly leave: LeaveTurn
}

/** A lock that somebody else has: until when, as far as the layout says. */
interface Refusal {
  readonly remainingMs: number | undefined
}

/** How often a session is looked for that others move to and fro. */
const MOST_MOVES = 20

/** The locks of one store (G10). */
export class Locks {
  readonly #table: ItemTable
  readonly #random: Random
  readonly #queue = new LockQueue()
  readonly #leases = new Map<string, Lease>()
  readonly #staleLocks = new StaleLocks()
  readonly #staleElsewhere = new StaleLocks()
  /** Requests for a lock that have not been answered. */
  readonly #asking = new Set<Promise<unknown>>()
  #isClosed = false

  constructor(table: ItemTable, random: Random) {
    this.#table = table
    this.#random = random
  }

  /**
   * Reads a session and locks it, in one request when nobody else has it.
   *
   * Who has to wait asks again after a while that grows and is jittered, so that many who wait do not throttle the
   * table; those who wait in the same process take turns.
   *
   * A session that is elsewhere is brought here, once nobody has locked it there.
   *
   * @returns `undefined` when there is no such session; nothing was created.
   * @throws {SessionLockedError} when somebody else still has it after `maxWaitMs`.
   * @throws {SessionConflictError} when others kept on moving it.
   */
  async lock(key: string, terms: LockTerms, elsewhere?: Elsewhere): Promise<LockedSession | undefined> {
    const wanted = {
      key,
      protocol: this.#protocol(),
      owner: newOwner(),
      terms,
      elsewhere,
    }
    if (!lockTraces.isObserved) return this.#lock(wanted)
    const trace: Draft<LockTrace> = { table: this.#table.name, attempts: 0 }
    return lockTraces.observe(trace, () => this.#lock(wanted, trace), {
      conclude: result => {
        trace.outcome = outcomeOf(result)
      },
    })
  }

  async #lock(wanted: Omit<Wanted, 'leave'>, trace?: Draft<LockTrace>): Promise<LockedSession | undefined> {
    const { maxWaitMs, signal } = wanted.terms
    const giveUpAtMs = performance.now() + maxWaitMs
    const leave = await this.#queue.enter(wanted.key, { timeoutMs: maxWaitMs, signal })
    if (leave === undefined) {
      const refusal = await this.#askWhoHas(wanted)
      if (refusal === undefined) return undefined
      throw lockedError(refusal, maxWaitMs)
    }
    let locked: LockedSession | undefined
    try {
      locked = await this.#take({ ...wanted, leave }, giveUpAtMs, trace)
      return locked
    } finally {
      if (locked === undefined) leave()
    }
  }

  /** The session is gone, and its lock with it. */
  forget(key: string): void {
    this.#leases.get(key)?.end()
  }

  /** Gives back every lock that this process still has, and takes no more: who waits for one is refused. */
  async releaseAll(): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled(this.#asking)
    await Promise.allSettled([...this.#leases.values()].map(lease => lease.release()))
  }

  async #take(
    wanted: Wanted,
    giveUpAtMs: number,
    trace: Draft<LockTrace> | undefined,
  ): Promise<LockedSession | undefined> {
    const { terms } = wanted
    for (let attempt = 0; ; attempt++) {
      if (this.#isClosed) throw closedError()
      if (trace !== undefined) trace.attempts++
      const asked = this.#ask(wanted)
      this.#asking.add(asked)
      const answer = await asked.finally(() => this.#asking.delete(asked))
      if (answer === undefined || 'lease' in answer) return answer
      const leftMs = giveUpAtMs - performance.now()
      if (leftMs <= 0) throw lockedError(answer, terms.maxWaitMs)
      await sleep(Math.min(this.#pauseMs(attempt, terms, answer), leftMs), terms.signal)
    }
  }

  /** Asks for the lock once; again while the session is on the move. */
  async #ask(wanted: Wanted): Promise<LockedSession | Refusal | undefined> {
    const { protocol, elsewhere } = wanted
    for (let moves = 0; moves < MOST_MOVES; moves++) {
      const taken = await this.#table.clock.retryAfterClockCorrection(() => this.#tryToTake(wanted))
      if (taken.happened) return this.#open(wanted, taken)
      const { item } = taken
      if (this.#isLive(item)) return this.#refusalOf(item, protocol)
      if (elsewhere === undefined) return undefined
      const found = await elsewhere.find()
      if (found === undefined) return undefined
      if (found.place === 'here') continue
      const free = this.#freeElsewhere(wanted, elsewhere, found.item)
      if (free !== undefined && 'remainingMs' in free) return free
      const brought = await this.#table.clock.retryAfterClockCorrection(() =>
        this.#bring(wanted, elsewhere, found, free),
      )
      if (brought.item !== undefined) return this.#open(wanted, brought)
    }
    throw new SessionConflictError(
      `others kept on moving the session while its lock was asked for; it was given up (attempts: ${MOST_MOVES})`,
      { attempts: MOST_MOVES },
    )
  }

  /**
   * Takes the lock when it is free, or has ended, or has been left behind. A process that does not know the server's time takes
   * only what is free, which tells it the time.
   */
  async #tryToTake(wanted: Wanted): Promise<Attempt> {
    const { key, protocol, owner } = wanted
    const { isKnown, earliestMs } = this.#table.clock.serverNow()
    const attempt = await this.#takeIf(wanted, protocol.freeFor(owner, isKnown ? earliestMs : 0))
    const { happened, item } = attempt
    if (happened || !this.#isLive(item)) return attempt
    const unchanged = this.#staleLocks.takeOver(key, item, protocol, performance.now())
    if (unchanged !== undefined) return this.#takeIf(wanted, unchanged)
    if (isKnown || this.#refusalOf(item, protocol).remainingMs !== 0) return attempt
    const nowMs = this.#table.clock.serverNow().earliestMs
    return this.#takeIf(wanted, protocol.freeFor(owner, nowMs))
  }

  async #takeIf({ key, protocol, owner, terms }: Wanted, free: Condition): Promise<Attempt> {
    const { clock } = this.#table
    const end = new LeaseEnd(clock, terms.leaseSeconds * 1000)
    const set = protocol.taken(owner, end.untilMs)
    const condition = allOf(this.#table.liveAt(clock.now()), free)
    const { signal } = terms
    const outcome = await this.#table.updateAndGet(key, { set, remove: [], condition }, { signal })
    return { ...outcome, end }
  }

  /** What has to hold for a session elsewhere to be brought here; or who has locked it there. */
  #freeElsewhere(
    { key, owner }: Wanted,
    { protocol }: Elsewhere,
    item: Item,
  ): Condition | Refusal | undefined {
    if (protocol === undefined) return undefined
    const refusal = this.#refusalOf(item, protocol)
    if (refusal.remainingMs === 0) {
      return protocol.freeFor(owner, this.#table.clock.serverNow().earliestMs)
    }
    return this.#staleElsewhere.takeOver(key, item, protocol, performance.now()) ?? refusal
  }

  async #bring(
    { key, protocol, owner, terms }: Wanted,
    elsewhere: Elsewhere,
    found: Found,
    free: Condition | undefined,
  ): Promise<Pick<Attempt, 'item' | 'end'>> {
    const end = new LeaseEnd(this.#table.clock, terms.leaseSeconds * 1000)
    const item = await elsewhere.bring(found, protocol.taken(owner, end.untilMs), free)
    if (item !== undefined) this.#staleElsewhere.forget(key)
    return { item, end }
  }

  /** Makes a lease of a lock that was taken. */
  async #open(
    wanted: Wanted,
    { item, end }: Pick<Attempt, 'item' | 'end'>,
  ): Promise<LockedSession | Refusal | undefined> {
    const { key, owner, terms, leave } = wanted
    this.#staleLocks.forget(key)
    const lease = new Lease({
      table: this.#table,
      key,
      owner,
      end,
      leaseMs: terms.leaseSeconds * 1000,
      maxHoldMs: terms.maxHoldSeconds * 1000,
      onEnd: () => {
        if (this.#leases.get(key) === lease) this.#leases.delete(key)
        leave()
      },
    })
    this.#leases.set(key, lease)
    try {
      // Another process may have taken what this one, by a wrong clock, had let end too soon.
      if (end.isWrong && !(await lease.renew(terms))) return await this.#askWhoHas(wanted)
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

  #pauseMs(attempt: number, { minRetryMs, maxRetryMs }: LockTerms, { remainingMs }: Refusal): number {
    const pauses = { baseMs: minRetryMs, capMs: maxRetryMs, jitter: 0.5 }
    const pauseMs = backoffMs(attempt, pauses, this.#random)
    return remainingMs === undefined ? pauseMs : Math.min(pauseMs, Math.max(remainingMs, minRetryMs))
  }

  /** Until when somebody has the lock; `undefined` when there is no such session. */
  async #askWhoHas({ key, protocol, elsewhere, terms }: Omit<Wanted, 'leave'>): Promise<Refusal | undefined> {
    const { signal } = terms
    const item = await this.#table.get(key, true, { signal })
    if (this.#isLive(item)) return this.#refusalOf(item, protocol)
    const found = await elsewhere?.find()
    if (found === undefined) return undefined
    const holders = found.place === 'here' ? protocol : elsewhere?.protocol
    return holders === undefined ? { remainingMs: 0 } : this.#refusalOf(found.item, holders)
  }

  #isLive(item: Item | undefined): item is Item {
    return item !== undefined && this.#table.isLive(item, this.#table.clock.now())
  }

  #refusalOf(item: Item, protocol: LockProtocol): Refusal {
    return { remainingMs: remainingLockMs(item, protocol, this.#table.clock) }
  }

  #protocol(): LockProtocol {
    const { lock, name } = this.#table.layout
    if (lock === undefined) throw invalidArgument('INVALID_OPTION', `the layout "${name}" has no locks`)
    return lock
  }
}

function outcomeOf(
  result: { readonly value: LockedSession | undefined } | { readonly error: unknown },
): NonNullable<LockTrace['outcome']> {
  if ('value' in result) return result.value === undefined ? 'absent' : 'acquired'
  return result.error instanceof SessionLockedError ? 'refused' : 'failed'
}

function lockedError({ remainingMs }: Refusal, waitedMs: number): SessionLockedError {
  const remaining =
    remainingMs === undefined ? '' : `; its lease ends in ${Math.ceil(remainingMs)} ms unless it is renewed`
  return new SessionLockedError(
    `another request has held the lock of the session for all of ${waitedMs} ms (maxWaitMs)${remaining}`,
    { remainingMs },
  )
}

function closedError(): DynamoDBSessionsError {
  return new DynamoDBSessionsError('STORE_CLOSED', 'the store has been closed and takes no more calls')
}
