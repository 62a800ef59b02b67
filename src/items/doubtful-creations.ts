import { LATE_REQUESTS_MS } from '../layouts/native.ts'

const MOST_KEYS = 10_000

/**
 * The keys under which this process has tried to create a session, and does not know what has become of every request: one may
 * still be carried out. AWS refuses a request whose signature is some minutes old, so that nothing has to be remembered for
 * long.
 */
export class DoubtfulCreations {
  /** Until when, by `performance.now()`; the oldest first. */
  readonly #untilMs = new Map<string, number>()

  add(key: string): void {
    const nowMs = performance.now()
    this.#untilMs.delete(key)
    this.#untilMs.set(key, nowMs + LATE_REQUESTS_MS)
    for (const [oldest, untilMs] of this.#untilMs) {
      if (untilMs > nowMs && this.#untilMs.size <= MOST_KEYS) break
      this.#untilMs.delete(oldest)
    }
  }

  delete(key: string): void {
    this.#untilMs.delete(key)
  }

  has(key: string): boolean {
    return (this.#untilMs.get(key) ?? 0) > performance.now()
  }
}
