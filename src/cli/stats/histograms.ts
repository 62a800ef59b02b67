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
