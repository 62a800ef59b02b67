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

  /** The steps under way, each with how long it has taken; empty when there are none. */
  describe(): string {
    const nowMs = performance.now()
    return [...this.#steps]
      .map(({ what, sinceMs }) => `${what} (for ${Math.round(nowMs - sinceMs)} ms)`)
      .join(': ')
  }
}
