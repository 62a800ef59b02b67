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

/** How many of something are between two limits. */
export interface Bin {
  readonly from: number
  readonly to: number
  readonly count: number
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** Each is a multiple of the one before, so that bins can be joined without a new look at what is in them. */
const WIDTHS_MS = [
  MINUTE_MS,
  5 * MINUTE_MS,
  15 * MINUTE_MS,
  HOUR_MS,
  3 * HOUR_MS,
  6 * HOUR_MS,
  12 * HOUR_MS,
  DAY_MS,
  7 * DAY_MS,
  28 * DAY_MS,
]

/** More would be thinner than the gaps between them on a phone. */
const MOST_BINS = 60

/**
 * How many sessions there are over time, in bounded memory: bins of equal width, which get wider as the times spread.
 * Times beyond the limits are counted apart, so that one stray session does not squeeze all others into one bin.
 */
export class TimeHistogram {
  readonly #range: Pick<Bin, 'from' | 'to'>
  #width = 0
  #counts = new Map<number, number>()
  #first = Infinity
  #last = -Infinity
  earlier = 0
  later = 0

  /** The limits; more than four years apart there are more than {@link MOST_BINS} bins. */
  constructor(fromMs: number, toMs: number) {
    this.#range = { from: fromMs, to: toMs }
  }

  add(ms: number): void {
    if (ms < this.#range.from) this.earlier++
    else if (ms > this.#range.to) this.later++
    else this.#count(Math.floor(ms / this.widthMs), 1)
    while (this.#last - this.#first >= MOST_BINS && this.#width < WIDTHS_MS.length - 1) this.#widen()
  }

  /** How much time one bin is for. */
  get widthMs(): number {
    return WIDTHS_MS[this.#width] ?? DAY_MS
  }

  /** From the first bin that has something to the last, those without anything between them, too. */
  bins(): Bin[] {
    const bins: Bin[] = []
    for (let index = this.#first; index <= this.#last; index++) {
      const from = index * this.widthMs
      bins.push({ from, to: from + this.widthMs, count: this.#counts.get(index) ?? 0 })
    }
    return bins
  }

  #count(index: number, count: number): void {
    this.#counts.set(index, (this.#counts.get(index) ?? 0) + count)
    this.#first = Math.min(this.#first, index)
    this.#last = Math.max(this.#last, index)
  }

  #widen(): void {
    const [counts, widthMs] = [this.#counts, this.widthMs]
    this.#counts = new Map()
    this.#first = Infinity
    this.#last = -Infinity
    this.#width++
    for (const [index, count] of counts) this.#count(Math.floor((index * widthMs) / this.widthMs), count)
  }
}

/** How many numbers, and how much in sum, are between limits that are known before; a limit belongs to what is below it. */
export class Buckets {
  readonly #limits: readonly number[]
  readonly #counts: number[]
  readonly #sums: number[]

  constructor(limits: readonly number[]) {
    this.#limits = limits
    this.#counts = Array.from({ length: limits.length + 1 }, () => 0)
    this.#sums = [...this.#counts]
  }

  /** @param amount what is added to the sum; by default the number. */
  add(value: number, amount: number = value): void {
    const index = this.#limits.findIndex(limit => value <= limit)
    const bucket = index === -1 ? this.#limits.length : index
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#sums[bucket] = (this.#sums[bucket] ?? 0) + amount
  }

  /** All of them, those without anything, too. The last has no limit. */
  bins(): (Bin & { readonly sum: number })[] {
    return this.#counts.map((count, index) => ({
      from: this.#limits[index - 1] ?? 0,
      to: this.#limits[index] ?? Infinity,
      count,
      sum: this.#sums[index] ?? 0,
    }))
  }
}

/** A name and how often it came. */
export interface NamedCount {
  readonly name: string
  readonly count: number
}

const DEFAULT_CAPACITY = 10_000

/**
 * The names that come most often, in bounded memory (the algorithm of Misra and Gries, with batches).
 *
 * Counts are exact up to as many names as there is room for. With more, all of them may be too low by up to
 * {@link TopCounts.error}, and no name that came more often than that is missing.
 */
export class TopCounts {
  readonly #capacity: number
  #counts = new Map<string, number>()
  #error = 0

  constructor(capacity: number = DEFAULT_CAPACITY) {
    this.#capacity = capacity
  }

  /** By how much counts may be too low; 0 when they are exact. */
  get error(): number {
    return this.#error
  }

  /** How many names there are; `undefined` when there were too many to tell. */
  get names(): number | undefined {
    return this.#error === 0 ? this.#counts.size : undefined
  }

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
    if (this.#counts.size > this.#capacity) this.#makeRoom()
  }

  /** The first of them, the most frequent one first. */
  top(most: number): NamedCount[] {
    return [...this.#counts]
      .map(([name, count]) => ({ name, count }))
      .sort((left, right) => right.count - left.count)
      .slice(0, most)
  }

  /** Takes the median from every count, which removes half of the names at least. */
  #makeRoom(): void {
    const median = [...this.#counts.values()].sort((left, right) => left - right)[this.#counts.size >> 1] ?? 0
    this.#error += median
    const left = [...this.#counts].map(([name, count]) => [name, count - median] as const)
    this.#counts = new Map(left.filter(([, count]) => count > 0))
  }
}
