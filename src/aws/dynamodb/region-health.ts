import type { Random } from '../../types.ts'

/**
 * Whether a Region is used. `closed`: it is, like an electric circuit; `open`: it has failed, and is left alone for a while;
 * `half-open`: copies of reads find out whether it is well again.
 */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** Why a Region failed last, and when. */
interface Failure {
  /** Code of the error, for example `CONNECT_TIMEOUT`. */
  readonly code: string
  /** By the clock of the breaker. */
  readonly atMs: number
}

/** What a {@link RegionHealth} depends on. */
export interface RegionHealthOptions {
  /** Milliseconds, by a clock that nobody sets. `@default` `performance.now()` */
  readonly now?: () => number
  readonly random: Random
  /** How long a Region that has failed is left alone, at least; at most twice as long. Milliseconds. */
  readonly minStayMs: number
  /** Hears that the breaker has opened, and what the last failure was. */
  readonly onOpened?: (code: string) => void
  /** Hears that the breaker has closed again. */
  readonly onClosed?: () => void
}

const SLICES = 10
const SLICE_MS = 1000

/** A Region of which half of the requests fail is left, once there are so many of them within ten seconds. */
const FAILURES_TO_OPEN = 10
const FAILED_SHARE_TO_OPEN = 0.5

/**
 * So is one of which every request fails, after so many rounds: each starts after that before it has failed. What fails at the
 * same moment, as hundreds of requests on connections that a proxy cuts, is one round.
 */
const ROUNDS_TO_OPEN = 3

const GOOD_PROBES_TO_CLOSE = 5
const PROBE_INTERVAL_MS = 500

/**
 * How a Region does, by what this process sees of it: a circuit breaker over a sliding window of ten seconds.
 *
 * It counts attempts, whatever their operations; what is a failure of the Region is up to the caller. It has no timers.
 */
export class RegionHealth {
  readonly #options: RegionHealthOptions
  readonly #now: () => number
  readonly #latencies = new LatencyWindow()
  readonly #successes = new Uint32Array(SLICES)
  readonly #failures = new Uint32Array(SLICES)
  #latest = 0
  #rounds = 0
  #roundEndedAtMs = -Infinity
  #openedAtMs: number | undefined
  #halfOpenAtMs = 0
  #goodProbes = 0
  #nextProbeAtMs = 0
  #isProbing = false
  /** When an attempt succeeded last, by the clock of the breaker. */
  lastSuccessAtMs: number | undefined
  lastFailure: Failure | undefined

  constructor(options: RegionHealthOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  get state(): BreakerState {
    if (this.#openedAtMs === undefined) return 'closed'
    return this.#now() < this.#halfOpenAtMs ? 'open' : 'half-open'
  }

  /** Whether the latest attempt that says anything succeeded. */
  get hasRespondedSince(): boolean {
    return (this.lastSuccessAtMs ?? -Infinity) > (this.lastFailure?.atMs ?? -Infinity)
  }

  /** How long attempts took in the last five minutes. */
  get latencies(): LatencyPercentiles | undefined {
    return this.#latencies.percentiles(this.#now())
  }

  /** The Region has responded to an attempt. */
  succeeded(startedAtMs: number): void {
    const nowMs = this.#now()
    this.#latencies.add(nowMs - startedAtMs, nowMs)
    this.lastSuccessAtMs = nowMs
    if (this.#openedAtMs === undefined) {
      this.#rounds = 0
      this.#count(this.#successes, nowMs)
    } else if (startedAtMs >= this.#halfOpenAtMs && ++this.#goodProbes >= GOOD_PROBES_TO_CLOSE) {
      this.#close()
    }
  }

  /** The Region has failed an attempt. */
  failed(startedAtMs: number, code: string): void {
    const nowMs = this.#now()
    this.lastFailure = { code, atMs: nowMs }
    if (this.#openedAtMs !== undefined) {
      if (startedAtMs >= this.#halfOpenAtMs) this.#open(nowMs)
      return
    }
    this.#count(this.#failures, nowMs)
    if (startedAtMs >= this.#roundEndedAtMs) {
      this.#rounds++
      this.#roundEndedAtMs = nowMs
    }
    const failures = sum(this.#failures)
    const isHalfGone =
      failures >= FAILURES_TO_OPEN && failures >= FAILED_SHARE_TO_OPEN * (failures + sum(this.#successes))
    if (!isHalfGone && this.#rounds < ROUNDS_TO_OPEN) return
    this.#openedAtMs = nowMs
    this.#open(nowMs)
    this.#options.onOpened?.(code)
  }

  /**
   * Whether the caller is to find out if the Region is well again: one at a time, twice a second at most. The caller tells how
   * that went, and calls {@link endProbe}, whatever becomes of it.
   */
  takeProbe(): boolean {
    const nowMs = this.#now()
    if (this.#isProbing || this.state !== 'half-open' || nowMs < this.#nextProbeAtMs) return false
    this.#isProbing = true
    return true
  }

  endProbe(): void {
    this.#isProbing = false
    this.#nextProbeAtMs = this.#now() + PROBE_INTERVAL_MS * (1 + this.#options.random())
  }

  #open(nowMs: number): void {
    const { minStayMs, random } = this.#options
    this.#goodProbes = 0
    // Processes that left together do not come back together.
    this.#halfOpenAtMs = minStayMs === 0 ? nowMs : nowMs + minStayMs * (1 + random())
  }

  #close(): void {
    this.#openedAtMs = undefined
    this.#rounds = 0
    this.#roundEndedAtMs = -Infinity
    this.#successes.fill(0)
    this.#failures.fill(0)
    this.#options.onClosed?.()
  }

  #count(counts: Uint32Array, nowMs: number): void {
    const slice = Math.floor(nowMs / SLICE_MS)
    const passed = Math.min(slice - this.#latest, SLICES)
    for (let count = 0; count < passed; count++) {
      this.#successes[(slice - count) % SLICES] = 0
      this.#failures[(slice - count) % SLICES] = 0
    }
    if (passed > 0) this.#latest = slice
    const index = slice % SLICES
    counts[index] = (counts[index] ?? 0) + 1
  }
}

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

const LATENCY_SLICES = 5
const LATENCY_SLICE_MS = 60_000

/** The latencies of the last five minutes, to a tenth of each: in 3 KB, however many there are (G12). */
export class LatencyWindow {
  readonly #slices = Array.from({ length: LATENCY_SLICES }, () => new Uint32Array(BUCKETS))
  readonly #mostInSlice: number
  #latest = 0
  /** How many are in the latest slice, and how many slices have been full before their minute was over. */
  #inLatest = 0
  #full = 0

  /** @param most about how many are remembered: older ones are forgotten sooner. `@default` all of them */
  constructor(most: number = Infinity) {
    this.#mostInSlice = most / LATENCY_SLICES
  }

  /** @param nowMs by a clock that nobody sets. */
  add(latencyMs: number, nowMs: number): void {
    if (this.#inLatest >= this.#mostInSlice) this.#full++
    this.#moveTo(nowMs)
    this.#inLatest++
    const slice = this.#slices[this.#latest % LATENCY_SLICES]
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
      sum(this.#slices.map(slice => slice[bucket] ?? 0)),
    )
    const total = sum(counts)
    if (total < atLeast) return []
    return shares.map(share => {
      let left = Math.ceil(share * total)
      const bucket = counts.findIndex(count => (left -= count) <= 0)
      return Number((FIRST_BUCKET_MS * GROWTH ** bucket).toPrecision(3))
    })
  }

  #moveTo(nowMs: number): void {
    const slice = Math.floor(nowMs / LATENCY_SLICE_MS) + this.#full
    const passed = Math.min(slice - this.#latest, LATENCY_SLICES)
    for (let count = 0; count < passed; count++) this.#slices[(slice - count) % LATENCY_SLICES]?.fill(0)
    if (passed <= 0) return
    this.#latest = slice
    this.#inLatest = 0
  }
}

function sum(counts: Iterable<number>): number {
  let total = 0
  for (const count of counts) total += count
  return total
}
