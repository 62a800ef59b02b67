import { createHistogram } from 'node:perf_hooks'

type Summary = Readonly<Record<'min' | 'median' | 'p95' | 'max', number>>

/**
 * The distribution of many numbers from 0 on in bounded memory: the least, the greatest and the sum are exact, and
 * quantiles are at most 1 % too high.
 */
export class Distribution {
  #count = 0
  #sum = 0
  #least = Infinity
  #greatest = 0
  // Of whole numbers from 1, so that everything is in it with 1 more.
  readonly #histogram = createHistogram({ figures: 3 })

  add(value: number): void {
    const number = Math.max(0, value)
    this.#count++
    this.#sum += number
    this.#least = Math.min(this.#least, number)
    this.#greatest = Math.max(this.#greatest, number)
    this.#histogram.record(Math.floor(number) + 1)
  }

  get count(): number {
    return this.#count
  }

  get sum(): number {
    return this.#sum
  }

  /** What a share of the numbers does not exceed, and all of it in one object; `undefined` when there are no numbers. */
  summary(): Summary | undefined {
    if (this.#count === 0) return undefined
    return { min: this.#least, median: this.#quantile(0.5), p95: this.#quantile(0.95), max: this.#greatest }
  }

  #quantile(share: number): number {
    const rank = Math.ceil(share * this.#count)
    const value = this.#histogram.percentile((100 * rank) / this.#count) - 1
    return Math.min(this.#greatest, Math.max(this.#least, value))
  }
}
