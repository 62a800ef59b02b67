import type { Clock } from '../types.ts'

/**
 * Difference from which a clock counts as wrong: AWS refuses signatures that are more than 5 minutes off, and a
 * `Date` header is a moment old.
 */
const WRONG_FROM_MS = 240_000

/** A difference that AWS would refuse, and does not: whatever answers has another time on purpose. */
const OTHER_FROM_MS = 330_000

/** A `Date` header has whole seconds: the time that it was made at is up to this much later. */
const DATE_PRECISION_MS = 1000

/** Clocks drift: what was seen longer ago says nothing about their difference now. */
const FORGET_AFTER_MS = 300_000

/**
 * A clock that can be put right by what the server says, when the machine's own is wrong.
 *
 * It is corrected only after the server has refused a request for its time; a `Date` header alone changes nothing, so
 * that the seconds by which it is always off do not blur the expiry of sessions. For what processes have to agree
 * about among themselves, such as the end of a lease, there is {@link sharedNow}.
 */
export class ServerClock implements Clock {
  readonly #machine: Clock
  #offsetMs = 0
  readonly #refusals = new WeakSet()
  /** Bounds of how much the server's clock is ahead of this one, from the answers since `#seenFromMs`. */
  #leastAheadMs = -Infinity
  #mostAheadMs = Infinity
  #seenFromMs = -Infinity

  constructor(machine: Clock) {
    this.#machine = machine
  }

  now(): number {
    return this.#machine.now() + this.#offsetMs
  }

  /** How far the server's clock is ahead of the machine's; 0 unless that has turned out to be wrong. */
  get offsetMs(): number {
    return this.#offsetMs
  }

  /** Notes that a request was refused for its time, and that the clock has been put right since it was made. */
  noteRefusal(error: Error): void {
    this.#refusals.add(error)
  }

  /**
   * Does what depends on the time, and does it again when that was refused for its time: what the request says about the
   * time was wrong, too, and must not be sent again as it was.
   */
  async atRightTime<Value>(action: () => Promise<Value>): Promise<Value> {
    try {
      return await action()
    } catch (error) {
      if (typeof error !== 'object' || error === null || !this.#refusals.has(error)) throw error
      return action()
    }
  }

  /**
   * The server's time as exactly as the answers allow that {@link observe} has seen: where they cannot tell this clock
   * from the server's, the time of this clock.
   */
  sharedNow(): number {
    const nowMs = this.now()
    if (nowMs - this.#seenFromMs > FORGET_AFTER_MS) return nowMs
    return nowMs + Math.min(Math.max(0, this.#leastAheadMs), this.#mostAheadMs)
  }

  /**
   * Narrows down how far the server's clock is from this one.
   *
   * @param date the `Date` header of an answer.
   * @param sentMs what {@link now} was when the request was sent.
   */
  observe(date: string | undefined, sentMs: number): void {
    const serverMs = Date.parse(date ?? '')
    if (Number.isNaN(serverMs)) return
    const receivedMs = this.now()
    const leastMs = serverMs - receivedMs
    const mostMs = serverMs + DATE_PRECISION_MS - sentMs
    // A clock that is minutes off is put right when the server minds; where it does not, it is off on purpose.
    if (Math.abs(leastMs) > OTHER_FROM_MS) return
    const isStale = Math.abs(receivedMs - this.#seenFromMs) > FORGET_AFTER_MS
    // Bounds that exclude each other tell that a clock has been set.
    if (isStale || leastMs > this.#mostAheadMs || mostMs < this.#leastAheadMs) {
      this.#seenFromMs = receivedMs
      this.#leastAheadMs = leastMs
      this.#mostAheadMs = mostMs
      return
    }
    this.#leastAheadMs = Math.max(this.#leastAheadMs, leastMs)
    this.#mostAheadMs = Math.min(this.#mostAheadMs, mostMs)
  }

  /**
   * Takes the server's time over.
   *
   * @param headers of the answer that refused the request. A `Date` that a cache has kept (`Age`) says nothing.
   * @returns whether the clock was wrong and has been put right.
   */
  correct(headers: ReadonlyMap<string, string>): boolean {
    const serverMs = headers.has('age') ? Number.NaN : Date.parse(headers.get('date') ?? '')
    if (Number.isNaN(serverMs) || Math.abs(serverMs - this.now()) < WRONG_FROM_MS) return false
    this.#offsetMs = serverMs - this.#machine.now()
    this.#seenFromMs = -Infinity
    return true
  }
}
