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

interface Step {
  readonly what: string
  readonly sinceMs: number
}

/**
 * The steps that work is waiting for at the moment, so that the error of a deadline can name it.
 *
 * Steps may be nested, and several may be under way at the same time.
 */
export class PendingSteps {
  readonly #steps = new Set<Step>()

  /**
   * Does a step of the work.
   *
   * @param what what it waits for: `the container credentials endpoint http://169.254.170.2`. No secrets.
   */
  async step<Value>(what: string, work: () => Value | Promise<Value>): Promise<Value> {
    const step = { what, sinceMs: performance.now() }
    this.#steps.add(step)
    try {
      return await work()
    } finally {
      this.#steps.delete(step)
    }
  }

  /**
   * The steps under way, each with how long it has taken; empty when there are none. Of steps that wait for the same, it is
   * the latest: the others have been given up.
   */
  describe(): string {
    const nowMs = performance.now()
    const latest = new Map([...this.#steps].map(({ what, sinceMs }) => [what, sinceMs]))
    return [...latest].map(([what, sinceMs]) => `${what} (for ${Math.round(nowMs - sinceMs)} ms)`).join(': ')
  }
}
