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

/** What the breaker counts, over ten seconds. */
const SUCCESS = 0
const FAILURE = 1
const BREAKER_WINDOW = { kinds: 2, slices: 10, sliceMs: 1000 } as const

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
  readonly #counts = new SlidingCounts(BREAKER_WINDOW)
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
      this.#counts.add(SUCCESS, nowMs)
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
    this.#counts.add(FAILURE, nowMs)
    if (startedAtMs >= this.#roundEndedAtMs) {
      this.#rounds++
      this.#roundEndedAtMs = nowMs
    }
    const [successes = 0, failures = 0] = this.#counts.totals(nowMs)
    const isHalfGone =
      failures >= FAILURES_TO_OPEN && failures >= FAILED_SHARE_TO_OPEN * (failures + successes)
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
    this.#counts.clear()
    this.#options.onClosed?.()
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

const LATENCY_WINDOW = { kinds: BUCKETS, slices: 5, sliceMs: 60_000 } as const

/** The latencies of the last five minutes, to a tenth of each: in 3 KB, however many there are (G12). */
export class LatencyWindow {
  readonly #counts: SlidingCounts

  /** @param most about how many are remembered: older ones are forgotten sooner. `@default` all of them */
  constructor(most?: number) {
    this.#counts = new SlidingCounts(LATENCY_WINDOW, most)
  }

  /** @param nowMs by a clock that nobody sets. */
  add(latencyMs: number, nowMs: number): void {
    const bucket = Math.ceil(Math.log(latencyMs / FIRST_BUCKET_MS) / LOG_GROWTH)
    this.#counts.add(Math.min(Math.max(bucket, 0), BUCKETS - 1), nowMs)
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
    const counts = this.#counts.totals(nowMs)
    const total = counts.reduce((sum, count) => sum + count, 0)
    if (total < atLeast) return []
    return shares.map(share => {
      let left = Math.ceil(share * total)
      const bucket = counts.findIndex(count => (left -= count) <= 0)
      return Number((FIRST_BUCKET_MS * GROWTH ** bucket).toPrecision(3))
    })
  }
}

/** How often things of each kind happened lately: a ring of slices of time, of which the oldest is emptied for the next. */
class SlidingCounts {
  readonly #slices: readonly Uint32Array[]
  readonly #sliceMs: number
  readonly #mostInSlice: number
  #latest = 0
  /** How many are in the latest slice, and how many slices have been full before their time was over. */
  #inLatest = 0
  #full = 0

  /** @param most about how many are remembered: older ones are forgotten sooner. */
  constructor(
    window: { readonly kinds: number; readonly slices: number; readonly sliceMs: number },
    most: number = Infinity,
  ) {
    this.#slices = Array.from({ length: window.slices }, () => new Uint32Array(window.kinds))
    this.#sliceMs = window.sliceMs
    this.#mostInSlice = most / window.slices
  }

  add(kind: number, nowMs: number): void {
    if (this.#inLatest >= this.#mostInSlice) this.#full++
    this.#moveTo(nowMs)
    this.#inLatest++
    const slice = this.#slices[this.#latest % this.#slices.length]
    if (slice !== undefined) slice[kind] = (slice[kind] ?? 0) + 1
  }

  /** How many there were of each kind. */
  totals(nowMs: number): number[] {
    this.#moveTo(nowMs)
    return Array.from(this.#slices[0] ?? [], (_, kind) =>
      this.#slices.reduce((sum, slice) => sum + (slice[kind] ?? 0), 0),
    )
  }

  clear(): void {
    for (const slice of this.#slices) slice.fill(0)
  }

  #moveTo(nowMs: number): void {
    const { length } = this.#slices
    const slice = Math.floor(nowMs / this.#sliceMs) + this.#full
    const passed = Math.min(slice - this.#latest, length)
    for (let count = 0; count < passed; count++) this.#slices[(slice - count) % length]?.fill(0)
    if (passed <= 0) return
    this.#latest = slice
    this.#inLatest = 0
  }
}
