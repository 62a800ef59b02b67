import { randomBytes } from 'node:crypto'

import type { ServerClock } from '../aws/dynamodb/server-clock.ts'
import type { LockProtocol } from '../layouts/layout.ts'
import type { Item } from '../types.ts'

const OWNER_BYTES = 12
/** The largest part of a lease by which its end may be wrong. */
const TOLERANCE = 0.1

/** Random mark of one who wants a lock. */
export function newOwner(): string {
  return randomBytes(OWNER_BYTES).toString('base64url')
}

/**
 * When a lease ends that is asked for now: in the time of the server, for other processes, and in that of this process.
 */
export class LeaseEnd {
  /** Epoch milliseconds, as it is written down. */
  readonly untilMs: number
  readonly #clock: ServerClock
  readonly #leaseMs: number
  readonly #askedAtMs: number

  constructor(clock: ServerClock, leaseMs: number) {
    this.#clock = clock
    this.#leaseMs = leaseMs
    this.#askedAtMs = performance.now()
    this.untilMs = clock.serverNow().latestMs + leaseMs
  }

  /** The same as {@link untilMs}, as an instant of `performance.now()`: the lease counts from when it was asked for. */
  get atMs(): number {
    return this.#askedAtMs + this.#leaseMs
  }

  /** Whether a response since has told that the server's time is another one, so that others wait too long or not enough. */
  get isWrong(): boolean {
    const { earliestMs, latestMs } = this.#clock.serverNow()
    const agoMs = performance.now() - this.#askedAtMs
    const toleranceMs = this.#leaseMs * TOLERANCE
    const soonestMs = earliestMs - agoMs + this.#leaseMs - toleranceMs
    const latestEndMs = latestMs - agoMs + this.#leaseMs + toleranceMs
    return this.untilMs < soonestMs || this.untilMs > latestEndMs
  }
}

/**
 * How long the lock of an item still lasts: 0 when it is free or its lease has ended; `undefined` when it has no end, as
 * those of PHP.
 */
export function remainingLockMs(item: Item, protocol: LockProtocol, clock: ServerClock): number | undefined {
  const holder = protocol.holderOf(item)
  if (holder === undefined) return 0
  const { untilMs } = holder
  return untilMs === undefined ? undefined : Math.max(0, untilMs - clock.serverNow().earliestMs)
}
