import type { SendOptions } from '../aws/dynamodb/client.ts'
import { inBackground } from '../internal/timers.ts'
import type { ItemTable } from '../items/item-table.ts'
import { LeaseEnd } from './lease-end.ts'

/** What a {@link Lease} is made of. */
export interface LeaseOptions {
  readonly table: ItemTable
  readonly key: string
  readonly owner: string
  /** When the lease ends that the lock was taken for. */
  readonly end: LeaseEnd
  readonly leaseMs: number
  /** How long the lease is renewed at most. */
  readonly maxHoldMs: number
  /** Called once, when this process has no claim to the lock any more. */
  readonly onEnd: () => void
}

const RENEWALS_PER_LEASE = 3

/**
 * This process's claim to the lock of one session: it ends when the session is saved, touched or destroyed, when it
 * is released, or when time runs out. Whether it still holds is for DynamoDB to say: every write that relies on it
 * is conditional on its owner (fencing).
 */
export class Lease {
  readonly owner: string
  readonly #options: LeaseOptions
  readonly #underWay = new Set<Promise<unknown>>()
  #endsAtMs: number
  #timer: NodeJS.Timeout | undefined
  #isHeld = true
  #isGivenBack = false

  constructor(options: LeaseOptions) {
    this.#options = options
    this.owner = options.owner
    this.#endsAtMs = options.end.atMs
    this.#endInTime()
  }

  /** Whether this process still believes to have the lock. A process that was suspended knows before its timer fires. */
  get isHeld(): boolean {
    if (performance.now() >= this.#endsAtMs) this.lose()
    return this.#isHeld
  }

  /**
   * Whether a save of what was read under it must find this owner in the item. So it is until a write ends the lock or it is
   * given back, even when its time is over: another process may have taken the lock since, and given it back already.
   */
  get isFenced(): boolean {
    return !this.#isGivenBack
  }

  /**
   * Renews the lease in the background from now on, until it ends or `maxHoldMs` has passed.
   *
   * @param isNeeded asked before each renewal; when it says no, the lock is given back instead.
   */
  keepAlive(isNeeded: () => boolean = () => true): void {
    const { leaseMs } = this.#options
    if (this.#isHeld) this.#renewAt(this.#endsAtMs - leaseMs + leaseMs / RENEWALS_PER_LEASE, isNeeded)
  }

  /**
   * Lets the lease last as long again from now; once more when the response tells that the clock was wrong.
   *
   * @returns whether the lock is still this one.
   */
  async renew(options: SendOptions = {}): Promise<boolean> {
    const { table, key, leaseMs } = this.#options
    const protocol = table.layout.lock
    if (protocol === undefined) return true
    for (let attempt = 1; ; attempt++) {
      const end = new LeaseEnd(table.clock, leaseMs)
      const set = protocol.taken(this.owner, end.untilMs)
      const condition = protocol.heldBy(this.owner)
      const { happened } = await table.update(key, { set, remove: [], condition }, options)
      if (!happened) {
        this.lose()
        return false
      }
      this.#endsAtMs = end.atMs
      if (!end.isWrong || attempt > 1) return true
    }
  }

  /** Lets {@link release} wait for a write that ends the lease by itself. */
  async track<Value>(write: Promise<Value>): Promise<Value> {
    this.#underWay.add(write)
    try {
      return await write
    } finally {
      this.#underWay.delete(write)
    }
  }

  /** The lock has been given back: what goes out from it is not fenced any more. */
  end(): void {
    this.#isGivenBack = true
    this.lose()
  }

  /** The lock has expired, or another process has it. */
  lose(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    clearTimeout(this.#timer)
    this.#options.onEnd()
  }

  /** Gives the lock back, unless that has happened. A session that is gone, or that others have locked, stays so. */
  async release(): Promise<void> {
    await Promise.allSettled(this.#underWay)
    if (!this.#isHeld) return
    // Nobody waits longer for a holder whose release fails than for its lease, even when a renewal is under way.
    this.#isGivenBack = true
    this.#endInTime()
    const { table, key } = this.#options
    const protocol = table.layout.lock
    if (protocol !== undefined) {
      const condition = protocol.heldBy(this.owner)
      await table.clock.retryAfterClockCorrection(() =>
        table.update(key, { set: {}, remove: protocol.attributes, condition }, {}),
      )
    }
    this.end()
  }

  /** Renews the lease at an instant of `performance.now()`, or lets it end when it has been held for long enough. */
  #renewAt(renewAtMs: number, isNeeded: () => boolean): void {
    const { end, leaseMs, maxHoldMs } = this.#options
    const takenAtMs = end.atMs - leaseMs
    if (this.#isGivenBack || renewAtMs >= this.#endsAtMs || renewAtMs + leaseMs > takenAtMs + maxHoldMs) {
      this.#endInTime()
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

  /** Without a renewal, the lease ends by itself. */
  #endInTime(): void {
    this.#setTimer(this.#endsAtMs, () => this.lose())
  }

  #setTimer(atMs: number, onTime: () => void): void {
    clearTimeout(this.#timer)
    if (!this.#isHeld) return
    this.#timer = inBackground(setTimeout(onTime, Math.max(0, atMs - performance.now())))
  }
}
