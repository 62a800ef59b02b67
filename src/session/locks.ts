import { randomBytes } from 'node:crypto'

import { callerMistake, DynamoDBSessionsError, SessionLockedError } from '../errors.ts'
import { type Draft, type LockTrace, lockTraces } from '../internal/diagnostics.ts'
import { sleep } from '../internal/waiting.ts'
import { allOf, type Condition, type LockProtocol, type StoredSession } from '../layout/layout.ts'
import type { Item, Random } from '../types.ts'
import type { ItemTable } from './item-table.ts'
import { Lease } from './lease.ts'
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
    const askedAtMs = performance.now()
    const { clock } = this.#table
    const { happened, item } = await clock.atRightTime(() => this.#tryToTake(key, protocol, owner, terms))
    if (happened) {
      // An engine that returns no attributes is asked again; the lock is ours already.
      const whole = item ?? (await this.#table.get(key, true, terms))
      return whole && (await this.#open(key, whole, owner, { terms, askedAtMs, leave }))
    }
    if (item === undefined || !this.#table.isLive(item, this.#table.clock.now())) return undefined
    const unchanged = this.#staleLocks.takeOver(key, item, protocol, performance.now())
    if (unchanged !== undefined) {
      const taken = await this.#tryToTake(key, protocol, owner, terms, unchanged)
      if (taken.happened && taken.item !== undefined) {
        return this.#open(key, taken.item, owner, { terms, askedAtMs, leave })
      }
    }
    return this.#refusalOf(item, protocol)
  }

  async #tryToTake(
    key: string,
    protocol: LockProtocol,
    owner: string,
    { leaseSeconds, signal }: LockTerms,
    isFree?: Condition,
  ): Promise<{ readonly happened: boolean; readonly item: Item | undefined }> {
    const nowMs = this.#table.leaseNow()
    const free = isFree ?? protocol.freeFor(owner, nowMs)
    return this.#table.updateAndGet(
      key,
      {
        set: protocol.taken(owner, nowMs + leaseSeconds * 1000),
        remove: [],
        condition: allOf(this.#table.liveAt(this.#table.clock.now()), free),
      },
      { signal },
    )
  }

  async #open(
    key: string,
    item: Item,
    owner: string,
    taken: { readonly terms: LockTerms; readonly askedAtMs: number; readonly leave: () => void },
  ): Promise<LockedSession> {
    const { leaseSeconds, maxHoldSeconds } = taken.terms
    const lease = new Lease({
      table: this.#table,
      key,
      owner,
      takenAtMs: taken.askedAtMs,
      leaseMs: leaseSeconds * 1000,
      maxHoldMs: maxHoldSeconds * 1000,
      onEnd: () => {
        if (this.#leases.get(key) === lease) this.#leases.delete(key)
        taken.leave()
      },
    })
    this.#leases.set(key, lease)
    try {
      return { session: await this.#table.open(item), lease }
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
    return { remainingMs: untilMs === undefined ? undefined : Math.max(0, untilMs - this.#table.leaseNow()) }
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
