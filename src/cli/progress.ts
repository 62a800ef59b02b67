import type { Output } from './io.ts'

const MIN_INTERVAL_MS = 100

/**
 * One line about how far long work has come, written over and over again: only where a person is looking at it, which
 * is why it goes to the standard error output.
 */
export class Progress {
  readonly #output: Output
  #shownAtMs = Number.NEGATIVE_INFINITY
  #isShown = false

  constructor(output: Output) {
    this.#output = output
  }

  /** Shows how far the work has come, but not more often than anybody can read. */
  async show(text: string): Promise<void> {
    const nowMs = performance.now()
    if (!this.#output.isTerminal || nowMs - this.#shownAtMs < MIN_INTERVAL_MS) return
    this.#shownAtMs = nowMs
    this.#isShown = true
    await this.#output.write(`\r\u001B[K${text.slice(0, Math.max(10, this.#output.columns - 1))}`)
  }

  /** The outcome of some work; the line is taken away when that is there. */
  async during<Value>(work: Promise<Value>): Promise<Value> {
    try {
      return await work
    } finally {
      await this.clear()
    }
  }

  /** Takes the line away. */
  async clear(): Promise<void> {
    if (!this.#isShown) return
    this.#isShown = false
    await this.#output.write('\r\u001B[K')
  }
}
