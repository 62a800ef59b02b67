import type { Clock } from '../types.ts'

/**
 * Difference from which a clock counts as wrong: AWS refuses signatures that are more than 5 minutes off, and a
 * `Date` header is a moment old.
 */
const WRONG_FROM_MS = 240_000

/**
 * A clock that can be put right by what the server says, when the machine's own is wrong.
 *
 * It is corrected only after the server has refused a request for its time; a `Date` header alone changes nothing, so
 * that the seconds by which it is always off do not blur the expiry of sessions.
 */
export class ServerClock implements Clock {
  readonly #machine: Clock
  #offsetMs = 0

  constructor(machine: Clock) {
    this.#machine = machine
  }

  now(): number {
    return this.#machine.now() + this.#offsetMs
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
    return true
  }
}
