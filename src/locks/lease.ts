/// <reference lib="esnext.disposable" preserve="true" />

import type { Item, SessionData } from '../types.ts'
import type { LockClaim, SessionRecord } from '../items/session-record.ts'
import type { SendOptions } from '../aws/dynamodb/client-options.ts'
import type { ServerClock } from '../aws/http/server-clock.ts'
import { randomText } from '../internal/random.ts'
import { inBackground } from '../internal/timers.ts'
import type { ItemTable, ItemUpdate } from '../items/item-table.ts'
import type { LockProtocol } from '../layouts/layout.ts'

/**
 * A session that this process has locked, and read at that moment (G10).
 *
 * A `write`, `touch` or `destroy` with {@link record} ends the lock; whatever ends without one has to call
 * {@link release}, or leave that to `await using`. A holder that does neither blocks others until its lease ends.
 *
 * @example
 * ```ts
 * import { SessionStore } from 'dynamodb-sessions'
 *
 * const store = new SessionStore({ table: 'sessions', region: 'eu-west-1' })
 * const lock = await store.lock('an-unguessable-session-id')
 * if (lock !== undefined) {
 *   try {
 *     const { visits } = lock.record.data
 *     const counted = { ...lock.record.data, visits: Number(visits ?? 0) + 1 }
 *     await store.write('an-unguessable-session-id', counted, { basis: lock.record })
 *   } finally {
 *     await lock.release()
 *   }
 * }
 * ```
 */
export class SessionLock<Data extends object = SessionData> {
  /** The session as it was when it was locked. */
  readonly record: SessionRecord<Data>
  readonly #lease: Lease

  /** @internal */
  constructor(record: SessionRecord<Data>, lease: Lease) {
    this.record = record
    this.#lease = lease
  }

  /** Whether this process still believes to have the lock; DynamoDB decides when something is written. */
  get isHeld(): boolean {
    return this.#lease.isHeld
  }

  /**
   * Renews the lock in the background until it ends, for `maxHoldSeconds` at most. `lock` has done this already unless
   * it was told not to.
   *
   * @param isNeeded asked before each renewal; when it says no, the lock is given back instead.
   * @internal
   */
  keepAlive(isNeeded?: () => boolean): void {
    this.#lease.keepAlive(isNeeded)
  }

  /**
   * Gives the lock back. Does nothing when it has ended. Waits for a write that is under way with the lock.
   *
   * @throws when DynamoDB cannot be reached; the lock then ends with its lease.
   */
  release(): Promise<void> {
    return this.#lease.release()
  }

  /** The same as {@link release}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }
}

/** What a {@link Lease} is made of. */
interface LeaseOptions {
  readonly table: ItemTable
  readonly key: string
  readonly owner: string
  /** When the lease expires that the lock was acquired for. */
  readonly end: LeaseEnd
  /** How long the lease is renewed at most. */
  readonly maxHoldMs: number
  /** Called once, when this process has no claim to the lock any more. */
  readonly onEnd: () => void
}

const OWNER_BYTES = 12
const RENEWALS_PER_LEASE = 3
/** The largest part of a lease by which its end may be wrong. */
const TOLERANCE = 0.1

/**
 * This process's claim to the lock of one session: it ends when the session is saved, touched or destroyed, when it
 * is released, or when time runs out. Whether it still holds is for DynamoDB to say: every write that relies on it
 * is conditional on its owner (fencing).
 */
export class Lease implements LockClaim {
  readonly owner: string
  readonly #options: LeaseOptions
  readonly #inFlight = new Set<Promise<unknown>>()
  #expiresAtMs: number
  #timer: NodeJS.Timeout | undefined
  #isHeld = true
  #isReleased = false
  /** The key that the session is under. */
  #key: string

  constructor(options: LeaseOptions) {
    this.#options = options
    this.owner = options.owner
    this.#key = options.key
    this.#expiresAtMs = options.end.atMs
    this.#expireInTime()
  }

  /** Whether this process still believes to have the lock. A process that was suspended knows before its timer fires. */
  get isHeld(): boolean {
    if (performance.now() >= this.#expiresAtMs) this.lose()
    return this.#isHeld
  }

  /**
   * Whether a save of what was read under it must find this owner in the item. So it is until a write ends the lock or it is
   * released, even when its time is over: another process may have acquired the lock since, and released it already.
   */
  get isFenced(): boolean {
    return !this.#isReleased
  }

  /**
   * Renews the lease in the background from now on, until it ends or `maxHoldMs` has passed.
   *
   * @param isNeeded asked before each renewal; when it says no, the lock is released instead.
   */
  keepAlive(isNeeded: () => boolean = () => true): void {
    const { leaseMs } = this.#options.end
    if (this.#isHeld) this.#renewAt(this.#expiresAtMs - leaseMs + leaseMs / RENEWALS_PER_LEASE, isNeeded)
  }

  /**
   * Lets the lease last as long again from now; once more when the response tells that the clock was wrong.
   *
   * @returns whether the lock is still this one.
   */
  async renew(options: SendOptions = {}): Promise<boolean> {
    const { table, end: first } = this.#options
    const protocol = table.layout.lock
    if (protocol === undefined) return true
    for (let attempt = 1; ; attempt++) {
      const end = new LeaseEnd(table.clock, first.leaseMs)
      const set = protocol.taken(this.owner, end.untilMs)
      if (!(await this.#changeLock(protocol, { set, remove: [] }, options))) {
        this.lose()
        return false
      }
      this.#expiresAtMs = end.atMs
      if (!end.isWrong || attempt > 1) return true
    }
  }

  /** Lets {@link release} wait for a write that ends the lease by itself. */
  async track<Value>(write: Promise<Value>): Promise<Value> {
    this.#inFlight.add(write)
    try {
      return await write
    } finally {
      this.#inFlight.delete(write)
    }
  }

  /** The lock has been released: what goes out from it is not fenced any more. */
  end(): void {
    this.#isReleased = true
    this.lose()
  }

  /** The lock has expired, or another process has it. */
  lose(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    clearTimeout(this.#timer)
    this.#options.onEnd()
  }

  /** Releases the lock, unless that has happened. A session that is gone, or that others have locked, stays so. */
  async release(): Promise<void> {
    await Promise.allSettled(this.#inFlight)
    if (!this.#isHeld) return
    // No one waits longer for a holder whose release fails than for its lease, even when a renewal is in flight.
    this.#isReleased = true
    this.#expireInTime()
    const { table } = this.#options
    const protocol = table.layout.lock
    if (protocol !== undefined) {
      await table.clock.retryAfterClockCorrection(() =>
        this.#changeLock(protocol, { set: {}, remove: protocol.attributes }, {}),
      )
    }
    this.end()
  }

  /**
   * Changes the lock, which goes along when the session is given a new ID.
   *
   * @returns whether it was still this one.
   */
  async #changeLock(
    protocol: LockProtocol,
    change: Pick<ItemUpdate, 'set' | 'remove'>,
    options: SendOptions,
  ): Promise<boolean> {
    const { table } = this.#options
    const condition = protocol.heldBy(this.owner)
    for (;;) {
      const { applied, item } = await table.update(this.#key, { ...change, condition }, options)
      const mark =
        applied || item === undefined ? undefined : table.layout.moves?.read(item, table.clock.now())
      if (mark?.nextKey === undefined) return applied
      this.#key = mark.nextKey
    }
  }

  /** Renews the lease at an instant of `performance.now()`, or lets it expire when it has been held for long enough. */
  #renewAt(renewAtMs: number, isNeeded: () => boolean): void {
    const { end, maxHoldMs } = this.#options
    const { leaseMs } = end
    const takenAtMs = end.atMs - leaseMs
    if (this.#isReleased || renewAtMs >= this.#expiresAtMs || renewAtMs + leaseMs > takenAtMs + maxHoldMs) {
      this.#expireInTime()
      return
    }
    this.#setTimer(renewAtMs, () => {
      if (!this.isHeld) return
      const next = isNeeded() ? this.renew() : this.release()
      next.then(
        () => this.keepAlive(isNeeded),
        // The network may have failed; while the lease lasts there is time to try again.
        () => this.#renewAt(performance.now() + leaseMs / RENEWALS_PER_LEASE / 2, isNeeded),
      )
    })
  }

  /** Without a renewal, the lease expires by itself. */
  #expireInTime(): void {
    this.#setTimer(this.#expiresAtMs, () => this.lose())
  }

  #setTimer(atMs: number, onTime: () => void): void {
    clearTimeout(this.#timer)
    if (!this.#isHeld) return
    this.#timer = inBackground(setTimeout(onTime, Math.max(0, atMs - performance.now())))
  }
}

/** When a lease expires that is asked for now: in the time of the server, for other processes, and in that of this process. */
export class LeaseEnd {
  /** How long the lease lasts. */
  readonly leaseMs: number
  /** Epoch milliseconds, as it is written down. */
  readonly untilMs: number
  /** The same as an instant of `performance.now()`: the lease counts from when it was asked for. */
  readonly atMs: number
  readonly #clock: ServerClock

  constructor(clock: ServerClock, leaseMs: number) {
    this.#clock = clock
    this.leaseMs = leaseMs
    this.atMs = performance.now() + leaseMs
    this.untilMs = clock.serverNow().latestMs + leaseMs
  }

  /** Whether a response since has told that the server's time is another one, so that others wait too long or not enough. */
  get isWrong(): boolean {
    const { earliestMs, latestMs } = this.#clock.serverNow()
    const leftMs = this.atMs - performance.now()
    const toleranceMs = this.leaseMs * TOLERANCE
    return this.untilMs < earliestMs + leftMs - toleranceMs || this.untilMs > latestMs + leftMs + toleranceMs
  }
}

/** Random marker of one who wants a lock. */
export function newOwner(): string {
  return randomText(OWNER_BYTES)
}

/**
 * How long the lock of an item still lasts: 0 when it is free or its lease has expired; `undefined` when it has no end, as
 * those of PHP.
 */
export function remainingLockMs(item: Item, protocol: LockProtocol, clock: ServerClock): number | undefined {
  const holder = protocol.holderOf(item)
  if (holder === undefined) return 0
  const { untilMs } = holder
  return untilMs === undefined ? undefined : Math.max(0, untilMs - clock.serverNow().earliestMs)
}
