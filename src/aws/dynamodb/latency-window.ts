/** How long the latest requests of a few minutes took, in milliseconds. */
export interface LatencyPercentiles {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** Bucket n ends at 0.1 ms times 1.1 to the power of n; the last one takes everything above 2.7 minutes. */
const FIRST_BUCKET_MS = 0.1
const GROWTH = 1.1
const BUCKETS = 156
const LOG_GROWTH = Math.log(GROWTH)

const SLICES = 5
const SLICE_MS = 60_000

/** The latencies of the last five minutes, to a tenth of each: in 3 KB, however many there are (G12). */
export class LatencyWindow {
  readonly #slices = Array.from({ length: SLICES }, () => new Uint32Array(BUCKETS))
  #latest = 0

  /** @param nowMs by a clock that nobody sets. */
  add(latencyMs: number, nowMs: number): void {
    this.#moveTo(nowMs)
    const slice = this.#slices[this.#latest % SLICES]
    const bucket = Math.ceil(Math.log(latencyMs / FIRST_BUCKET_MS) / LOG_GROWTH)
    if (slice === undefined) return
    const index = Math.min(Math.max(bucket, 0), BUCKETS - 1)
    slice[index] = (slice[index] ?? 0) + 1
  }

  /** The percentiles; `undefined` where there was no request. */
  percentiles(nowMs: number): LatencyPercentiles | undefined {
    const [p50, p95, p99] = this.quantiles([0.5, 0.95, 0.99], nowMs)
    return p50 === undefined || p95 === undefined || p99 === undefined ? undefined : { p50, p95, p99 }
  }

  /**
   * The latencies that these shares of all do not exceed; none where there were fewer requests than `atLeast`. Each is the
   * end of the bucket that it falls into.
   */
  quantiles(shares: readonly number[], nowMs: number, atLeast = 1): number[] {
    this.#moveTo(nowMs)
    const counts = Array.from({ length: BUCKETS }, (_, bucket) =>
      this.#slices.reduce((sum, slice) => sum + (slice[bucket] ?? 0), 0),
    )
    const total = counts.reduce((sum, count) => sum + count, 0)
    if (total < atLeast) return []
    return shares.map(share => {
      let left = Math.ceil(share * total)
      const bucket = counts.findIndex(count => (left -= count) <= 0)
      return Number((FIRST_BUCKET_MS * GROWTH ** bucket).toPrecision(3))
    })
  }

  #moveTo(nowMs: number): void {
    const slice = Math.floor(nowMs / SLICE_MS)
    const passed = Math.min(slice - this.#latest, SLICES)
    for (let count = 0; count < passed; count++) this.#slices[(slice - count) % SLICES]?.fill(0)
    if (passed > 0) this.#latest = slice
  }
}
