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
