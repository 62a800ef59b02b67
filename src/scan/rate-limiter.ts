import { backoffMs } from '../internal/timers.ts'
import type { Random } from '../types.ts'

/** Capacity that one request may use from some moment on. */
interface Reservation {
  /** Milliseconds to wait before the request may be sent. */
  readonly delayMs: number
  /** Capacity units that were set aside for it. */
  readonly units: number
}

/** Capacity that was not used in time can be made up for within this time; it lapses after that. */
const MADE_UP_FOR_WITHIN_MS = 100

const THROTTLING_PAUSES = { baseMs: 1000, capMs: 60_000 }

/**
 * Spreads requests over time so that, on average, they use no more capacity units a second than allowed.
 *
 * What a request uses is known only afterwards. It is taken to use what the last one did, and the next ones wait for
 * what it used on top of that. Pure arithmetic: the time is an argument.
 */
export class RateLimiter {
  readonly #unitsPerMs: number
  #usualUnits = 1
  #freeFromMs = Number.NEGATIVE_INFINITY

  /** @param unitsPerSecond above 0; `Infinity` means that nothing has to wait. */
  constructor(unitsPerSecond: number) {
    this.#unitsPerMs = unitsPerSecond / 1000
  }

  /** Sets capacity aside for one request. */
  reserve(nowMs: number): Reservation {
    const units = this.#usualUnits
    const fromMs = Math.max(this.#freeFromMs, nowMs - MADE_UP_FOR_WITHIN_MS)
    this.#freeFromMs = fromMs + units / this.#unitsPerMs
    return { delayMs: Math.max(0, fromMs - nowMs), units }
  }

  /** Corrects a reservation by what the request has used. */
  commit({ units }: Reservation, usedUnits: number): void {
    this.#freeFromMs += (usedUnits - units) / this.#unitsPerMs
    this.#usualUnits = usedUnits
  }
}

/**
 * The pauses of a collector whose table throttles it: full jitter, growing from a second to a minute at most, until a
 * request succeeds again. All requests of the collector share them.
 *
 * Pure arithmetic: the time and the randomness are arguments.
 */
export class ThrottlingPauses {
  readonly #random: Random
  #count = 0
  #inARow = 0
  #endMs = Number.NEGATIVE_INFINITY

  constructor(random: Random) {
    this.#random = random
  }

  /** How many there have been; a request keeps it, to tell what it was sent after. */
  get count(): number {
    return this.#count
  }

  /** Milliseconds until the pause is over; 0 when there is none. */
  remainingMs(nowMs: number): number {
    return Math.max(0, this.#endMs - nowMs)
  }

  /**
   * Begins a pause, unless one has begun since the request was sent: requests that were under way together and were
   * all throttled are one reason to pause, not many.
   *
   * @param countAtSending {@link count} as the request was sent.
   */
  throttled(countAtSending: number, nowMs: number): void {
    if (countAtSending !== this.#count) return
    this.#endMs = nowMs + backoffMs(this.#inARow, THROTTLING_PAUSES, this.#random)
    this.#inARow++
    this.#count++
  }

  /** Lets the next pause be a short one again, when the request was sent after the last. */
  succeeded(countAtSending: number): void {
    if (countAtSending === this.#count) this.#inARow = 0
  }
}
