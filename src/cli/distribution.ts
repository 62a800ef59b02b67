const SUB_BUCKETS = 128

/**
 * The distribution of many numbers from 0 on in bounded memory: the least, the greatest and the sum are exact, and
 * quantiles are at most 1 % too high.
 */
export class Distribution {
  #count = 0
  #sum = 0
  #least = Infinity
  #greatest = Number.NEGATIVE_INFINITY
  // Sparse: buckets of numbers that never came take no memory, and there are no more than some thousands.
  readonly #buckets = new Map<number, number>()

  add(value: number): void {
    const number = Math.max(0, value)
    this.#count++
    this.#sum += number
    this.#least = Math.min(this.#least, number)
    this.#greatest = Math.max(this.#greatest, number)
    const bucket = bucketOf(number)
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1)
  }

  get count(): number {
    return this.#count
  }

  get sum(): number {
    return this.#sum
  }

  /** What a share of the numbers does not exceed, and all of it in one object; `undefined` when there are no numbers. */
  summary(): { min: number; median: number; p95: number; max: number } | undefined {
    if (this.#count === 0) return undefined
    return { min: this.#least, median: this.#quantile(0.5), p95: this.#quantile(0.95), max: this.#greatest }
  }

  #quantile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.#count))
    let seen = 0
    for (const bucket of [...this.#buckets.keys()].toSorted((left, right) => left - right)) {
      seen += this.#buckets.get(bucket) ?? 0
      if (seen >= rank) return Math.min(this.#greatest, Math.max(this.#least, topOf(bucket)))
    }
    return this.#greatest
  }
}

/** Buckets of one number each up to 128, then 128 buckets for every doubling. */
function bucketOf(value: number): number {
  const number = Math.floor(value)
  if (number < SUB_BUCKETS) return number
  const doublings = Math.floor(Math.log2(number)) - Math.log2(SUB_BUCKETS)
  const position = Math.floor(number / 2 ** doublings)
  return SUB_BUCKETS * (doublings + 1) + position - SUB_BUCKETS
}

/** The greatest whole number of a bucket. */
function topOf(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket
  const doublings = Math.floor(bucket / SUB_BUCKETS) - 1
  const position = (bucket % SUB_BUCKETS) + SUB_BUCKETS
  return (position + 1) * 2 ** doublings - 1
}
