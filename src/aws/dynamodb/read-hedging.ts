import { Timeouts } from '../http/tick-queue.ts'
import { LatencyWindow } from './region-health.ts'

/** When a read is sent a second time. */
export interface HedgingTerms {
  /** How many reads may be, as a share of all. */
  readonly budget: number
  /** After how long at the earliest. Milliseconds. */
  readonly minDelayMs: number
  /** After how long at the latest. Milliseconds. */
  readonly maxDelayMs: number
}

/** How many reads there were, and how many of them were sent a second time. */
export interface HedgingReport {
  readonly reads: number
  readonly hedges: number
  /** Hedges whose response was used, because it was the first good one. */
  readonly won: number
}

/** A read that is slower than this share of all is sent again, if the budget is enough for that. */
const USUAL_SHARE = 0.95

/** Fewer reads tell nothing of the slowest ones. */
const ENOUGH_READS = 100

/**
 * What came before so many reads says nothing of now: a busy process that started slowly, or that had a bad moment, would hedge
 * hardly anything for the next five minutes.
 */
const LATEST_READS = 5000

/** Percentiles are not reckoned for every read. */
const DELAY_HOLDS_MS = 1000

/** A slow moment may use what has been saved of the budget, up to so many hedges. */
const MOST_SAVED = 10

/**
 * Decides which reads in a Region are sent a second time (Dean and Barroso, "The Tail at Scale"): those that take longer than
 * the 95th percentile of the latest ones, as far as the budget goes.
 *
 * Where that is less than 5 % of the reads, it is a later percentile, of which the budget is enough for all: the slowest reads
 * gain most, and would otherwise find it used up by others. A table that gets slow makes more reads slow than before; the budget
 * limits them.
 */
export class ReadHedging {
  readonly timeouts: Pick<Timeouts, 'watch' | 'forget' | 'begin' | 'end'>
  readonly now: () => number
  readonly #terms: HedgingTerms
  readonly #latencies = new LatencyWindow(LATEST_READS)
  #saved = 0
  #reads = 0
  #hedges = 0
  #won = 0
  #delayMs = 0
  #delayHoldsUntilMs = -Infinity

  constructor(
    terms: HedgingTerms,
    { now, timeouts }: Pick<ReadHedging, 'now' | 'timeouts'> = {
      now: () => performance.now(),
      timeouts: new Timeouts(),
    },
  ) {
    this.#terms = terms
    this.now = now
    this.timeouts = timeouts
  }

  /** A read begins. @returns after how many milliseconds it is slow. */
  began(): number {
    this.#reads++
    this.#saved = Math.min(MOST_SAVED, this.#saved + this.#terms.budget)
    const nowMs = this.now()
    if (nowMs >= this.#delayHoldsUntilMs) {
      this.#delayMs = this.#slowFromMs(nowMs)
      this.#delayHoldsUntilMs = nowMs + DELAY_HOLDS_MS
    }
    return this.#delayMs
  }

  /** A slow read: whether it is to be sent again. */
  takeHedge(): boolean {
    if (this.#saved < 1) return false
    this.#saved--
    this.#hedges++
    return true
  }

  /** A request that is no hedge has had a good response. */
  responded(startedAtMs: number): void {
    const nowMs = this.now()
    this.#latencies.add(nowMs - startedAtMs, nowMs)
  }

  /** The response to a hedge is used. */
  won(): void {
    this.#won++
  }

  report(): HedgingReport {
    return { reads: this.#reads, hedges: this.#hedges, won: this.#won }
  }

  #slowFromMs(nowMs: number): number {
    const { budget, minDelayMs, maxDelayMs } = this.#terms
    const share = Math.max(USUAL_SHARE, 1 - budget)
    const [latencyMs = maxDelayMs] = this.#latencies.quantiles([share], nowMs, ENOUGH_READS)
    return Math.min(Math.max(latencyMs, minDelayMs), maxDelayMs)
  }
}
