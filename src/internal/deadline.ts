/** The time by which a call has to have settled, however many requests it takes (G7). */
export class Deadline {
  /** How long the call may take in all, in milliseconds. */
  readonly limitMs: number
  /** The same as an instant of `performance.now()`. */
  readonly atMs: number

  /** @param limitMs from now; `Infinity` for a call without a deadline. */
  constructor(limitMs: number) {
    this.limitMs = limitMs
    this.atMs = performance.now() + limitMs
  }

  /** Milliseconds that are left; 0 or less when the time is over. */
  get remainingMs(): number {
    return this.atMs - performance.now()
  }

  /** Whether the time is over, or will be after a pause. */
  isExpired(afterPauseMs = 0): boolean {
    return this.remainingMs <= afterPauseMs
  }

  /** This deadline, or that of a part of the call which may take `limitMs` from now, whichever is earlier. */
  within(limitMs: number): Deadline {
    return limitMs < this.remainingMs ? new Deadline(limitMs) : this
  }
}
