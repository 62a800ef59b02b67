import type { ServerClock } from '../dynamodb/server-clock.ts'

/** The largest part of a lease by which its end may be wrong. */
const TOLERANCE = 0.1

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
    this.untilMs = clock.serverTime().latestMs + leaseMs
  }

  /** The same as {@link untilMs}, as an instant of `performance.now()`: the lease counts from when it was asked for. */
  get atMs(): number {
    return this.#askedAtMs + this.#leaseMs
  }

  /** Whether a response since has told that the server's time is another one, so that others wait too long or not enough. */
  get isWrong(): boolean {
    const { earliestMs, latestMs } = this.#clock.serverTime()
    const agoMs = performance.now() - this.#askedAtMs
    const toleranceMs = this.#leaseMs * TOLERANCE
    const soonestMs = earliestMs - agoMs + this.#leaseMs - toleranceMs
    const latestEndMs = latestMs - agoMs + this.#leaseMs + toleranceMs
    return this.untilMs < soonestMs || this.untilMs > latestEndMs
  }
}
