import { randomBytes } from 'node:crypto'

import { callerMistake, DynamoDBSessionsError, SessionLockedError } from '../errors.ts'
import { type Draft, type LockTrace, lockTraces } from '../internal/diagnostics.ts'
import { sleep } from '../internal/waiting.ts'
import { allOf, type Condition, type LockProtocol, type StoredSession } from '../layout/layout.ts'
import type { Item, Random } from '../types.ts'
import type { ItemTable, Outcome } from './item-table.ts'
import { Lease } from './lease.ts'
import { LeaseEnd } from './lease-end.ts'
import type { LockingTerms } from './locking-options.ts'
import { LockQueue } from './lock-queue.ts'
import { StaleLocks } from './stale-locks.ts'

/** How to wait for a lock and for how long to take it. */
export type LockTerms = LockingTerms & { readonly signal: AbortSignal | undefined }

/** A session that was read and locked at the same time. */
export interface LockedSession {
  readonly session: StoredSession
  readonly lease: Lease
}

/** An attempt to take a lock: the item as it is then, and until when it is ours if it was taken. */
type Attempt = Outcome & { readonly end: LeaseEnd }

/** A lock that somebody else has: until when, as far as the layout says. */
interface Refusal {
  readonly remainingMs: number | undefined
}

const OWNER_BYTES = 12

/** The locks of one store (G10). */
export class Locks {
  readonly #table: ItemTable
  readonly #random: Random
  readonly #queue = new LockQueue()
  readonly #leases = new Map<string, Lease>()
  readonly #staleLocks = new StaleLocks()
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
   * @returns `undefined` when there is no such session; nothing was created.
   * @throws {SessionLockedError} when somebody else still has it after `maxWaitMs`.
   */
  async lock(key: string, terms: LockTerms): Promise<LockedSession | undefined> {
    const protocol = this.#protocol()
    if (!lockTraces.isObserved) return this.#lock(key, protocol, terms)
    const trace: Draft<LockTrace> = { table: this.#table.name, attempts: 0 }
    return lockTraces.observe(trace, () => this.#lock(key, protocol, terms, trace), {
      conclude: result => {
        trace.outcome = outcomeOf(result)
      },
    })
  }

  async #lock(
    key: string,
    protocol: LockProtocol,
    terms: LockTerms,
    trace?: Draft<LockTrace>,
  ): Promise<LockedSession | undefined> {
    const { maxWaitMs, signal } = terms
    const giveUpAtMs = performance.now() + maxWaitMs
    const leave = await this.#queue.enter(key, { timeoutMs: maxWaitMs, signal })
    if (leave === undefined) {
      const refusal = await this.#askWhoHas(key, protocol, signal)
      if (refusal === undefined) return undefined
      throw lockedError(refusal, maxWaitMs)
    }
    let locked: LockedSession | undefined
    try {
      locked = await this.#take(key, protocol, terms, giveUpAtMs, leave, trace)
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
    key: string,
    protocol: LockProtocol,
    terms: LockTerms,
    giveUpAtMs: number,
    leave: () => void,
    trace: Draft<LockTrace> | undefined,
  ): Promise<LockedSession | undefined> {
    const owner = randomBytes(OWNER_BYTES).toString('base64url')
    for (let attempt = 0; ; attempt++) {
      if (this.#isClosed) throw closedError()
      if (trace !== undefined) trace.attempts++
      const asked = this.#ask(key, protocol, owner, terms, leave)
      this.#asking.add(asked)
      const answer = await asked.finally(() => this.#asking.delete(asked))
      if (answer === undefined || 'lease' in answer) return answer
      const leftMs = giveUpAtMs - performance.now()
      if (leftMs <= 0) throw lockedError(answer, terms.maxWaitMs)
      await sleep(Math.min(this.#pauseMs(attempt, terms, answer), leftMs), terms.signal)
    }
  }

  /** Asks for the lock once. */
  async #ask(
    key: string,
    protocol: LockProtocol,
    owner: string,
    terms: LockTerms,
    leave: () => void,
  ): Promise<LockedSession | Refusal | undefined> {
    const { clock } = this.#table
    const taken = await clock.atRightTime(() => this.#tryToTake(key, protocol, owner, terms))
    const { happened, item, end } = taken
    if (happened) {
      this.#staleLocks.forget(key)
      const locked = await this.#open(key, item, { owner, terms, end, leave })
      // Another process has taken what this one, by a wrong clock, had let end too soon.
      return locked === 'lost' ? this.#askWhoHas(key, protocol, terms.signal) : locked
    }
    if (item === undefined || !this.#table.isLive(item, clock.now())) return undefined
    return this.#refusalOf(item, protocol)
  }

  /**
   * Takes the lock when it is free, or has ended, or has been left behind. A process that does not know the server's time takes
   * only what is free, which tells it the time.
   */
  async #tryToTake(key: string, protocol: LockProtocol, owner: string, terms: LockTerms): Promise<Attempt> {
    const { isKnown, earliestMs } = this.#table.clock.serverTime()
    const attempt = await this.#takeIf(
      key,
      protocol,
      owner,
      terms,
      protocol.freeFor(owner, isKnown ? earliestMs : 0),
    )
    const { happened, item } = attempt
    if (happened || item === undefined || !this.#table.isLive(item, this.#table.clock.now())) return attempt
    const unchanged = this.#staleLocks.takeOver(key, item, protocol, performance.now())
    if (unchanged !== undefined) return this.#takeIf(key, protocol, owner, terms, unchanged)
    if (isKnown || this.#refusalOf(item, protocol).remainingMs !== 0) return attempt
    const nowMs = this.#table.clock.serverTime().earliestMs
    return this.#takeIf(key, protocol, owner, terms, protocol.freeFor(owner, nowMs))
  }

  async #takeIf(
    key: string,
    protocol: LockProtocol,
    owner: string,
    { leaseSeconds, signal }: LockTerms,
    free: Condition,
  ): Promise<Attempt> {
    const { clock } = this.#table
    const end = new LeaseEnd(clock, leaseSeconds * 1000)
    const set = protocol.taken(owner, end.untilMs)
    const condition = allOf(this.#table.liveAt(clock.now()), free)
    const outcome = await this.#table.updateAndGet(key, { set, remove: [], condition }, { signal })
    return { ...outcome, end }
  }

  async #open(
    key: string,
    item: Item | undefined,
    taken: {
      readonly owner: string
      readonly terms: LockTerms
      readonly end: LeaseEnd
      readonly leave: () => void
    },
  ): Promise<LockedSession | 'lost' | undefined> {
    const { terms, end } = taken
    const lease = new Lease({
      table: this.#table,
      key,
      owner: taken.owner,
      end,
      leaseMs: terms.leaseSeconds * 1000,
      maxHoldMs: terms.maxHoldSeconds * 1000,
      onEnd: () => {
        if (this.#leases.get(key) === lease) this.#leases.delete(key)
        taken.leave()
      },
    })
    this.#leases.set(key, lease)
    try {
      if (end.isWrong && !(await lease.renew(terms))) return 'lost'
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
    const longestMs = Math.min(maxRetryMs, minRetryMs * 2 ** attempt)
    const pauseMs = longestMs / 2 + (this.#random() * longestMs) / 2
    return remainingMs === undefined ? pauseMs : Math.min(pauseMs, Math.max(remainingMs, minRetryMs))
  }

  /** Until when somebody has the lock; `undefined` when there is no such session. */
  async #askWhoHas(
    key: string,
    protocol: LockProtocol,
    signal: AbortSignal | undefined,
  ): Promise<Refusal | undefined> {
    const item = await this.#table.get(key, true, { signal })
    if (item === undefined || !this.#table.isLive(item, this.#table.clock.now())) return undefined
    return this.#refusalOf(item, protocol)
  }

  #refusalOf(item: Item, protocol: LockProtocol): Refusal {
    const holder = protocol.holderOf(item)
    if (holder === undefined) return { remainingMs: 0 }
    const { untilMs } = holder
    if (untilMs === undefined) return { remainingMs: undefined }
    return { remainingMs: Math.max(0, untilMs - this.#table.clock.serverTime().earliestMs) }
  }

  #protocol(): LockProtocol {
    const { lock, name } = this.#table.layout
    if (lock === undefined) throw callerMistake('INVALID_OPTION', `the layout "${name}" has no locks`)
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
