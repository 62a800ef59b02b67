import { deferred, offAbort, onAbort } from '../../internal/timers.ts'
import { type Timed, Timeouts } from '../http/tick-queue.ts'
import type { Transport, TransportResponse } from '../http/transport.ts'
import type { HedgedSending, OperationRequest } from './operation-request.ts'
import type { Operation } from './operations.ts'
import { LatencyWindow, type RegionHealth } from './region-health.ts'

/** What became of the hedge of an attempt: its response was used (`won`), or not (`lost`). */
export type HedgeOutcome = 'won' | 'lost'

/** The call that a read is for. */
interface HedgedCall {
  readonly signal: AbortSignal | undefined
  /** What became of the hedge of the latest attempt; `undefined` where it had none. */
  hedge: HedgeOutcome | undefined
}

/** What a read depends on. */
export interface HedgedReadTerms {
  readonly hedging: ReadHedging
  readonly transport: Transport
  /** Whether the Region is well: one that fails is asked no more than it is anyway. */
  readonly isWell: () => boolean
}

/**
 * One attempt at a read, which is sent a second time when it takes long. The first good response is the one. Until both
 * requests have failed, a failure counts for nothing; then it is that of the first.
 *
 * The slower request is read to its end, also when the caller is aborted afterwards, so that its connection stays of use.
 */
export class HedgedRead<Name extends Operation> implements Timed {
  /** How its requests are to be made. */
  readonly sending: HedgedSending
  expiresAtMs: number = Infinity
  deadlineAtMs: number = Infinity
  readonly #call: HedgedCall
  readonly #terms: HedgedReadTerms
  readonly #settled = deferred<TransportResponse>()
  readonly #abort: (() => void) | undefined
  #request: OperationRequest<Name> | undefined
  #startedAtMs = 0
  #underWay = 0
  /** Whether the timer runs. */
  #isTimed = false
  #isOver = false
  #failAsFirst: (() => void) | undefined

  constructor(call: HedgedCall, terms: HedgedReadTerms) {
    const { signal } = call
    const controller = signal && new AbortController()
    call.hedge = undefined
    this.#call = call
    this.#terms = terms
    this.#abort = controller && (() => controller.abort(signal?.reason))
    this.sending = { signal: controller?.signal, sentTo: new Set() }
  }

  /** Sends the request, and its hedge when it comes to that. */
  send(request: OperationRequest<Name>): Promise<TransportResponse> {
    const { hedging } = this.#terms
    const { signal } = this.#call
    if (signal !== undefined && this.#abort !== undefined) {
      onAbort(signal, this.#abort)
      if (signal.aborted) this.#abort()
    }
    this.#request = request
    this.#startedAtMs = hedging.now()
    this.expiresAtMs = this.#startedAtMs + hedging.began()
    this.deadlineAtMs = request.deadlineAtMs
    this.#isTimed = true
    hedging.timeouts.watch(this)
    hedging.timeouts.begin(this.expiresAtMs)
    this.#send(request)
    return this.#settled.promise
  }

  /** It has taken long. */
  expire(): void {
    const { hedging, isWell } = this.#terms
    this.#stopTimer()
    if (this.#request === undefined || !isWell() || !hedging.takeHedge()) return
    this.#call.hedge = 'lost'
    this.#send(this.#request.hedge(hedging.now() - this.#startedAtMs))
  }

  #send(request: OperationRequest<Name>): void {
    const { hedging, transport } = this.#terms
    const { isHedge } = request
    const fail = (settle: () => void): void => {
      if (!isHedge) this.#failAsFirst = settle
      if (--this.#underWay === 0) this.#end(this.#failAsFirst)
    }
    this.#underWay++
    transport.request(request).then(
      response => {
        if (!isGood(request, response)) {
          fail(() => {
            this.#settled.resolve(response)
          })
          return
        }
        this.#underWay--
        if (!isHedge) hedging.responded(this.#startedAtMs)
        this.#end(() => {
          if (isHedge) {
            this.#call.hedge = 'won'
            hedging.won()
          }
          this.#settled.resolve(response)
        })
      },
      (error: unknown) => {
        fail(() => {
          this.#settled.reject(error)
        })
      },
    )
  }

  /** The first end is the one that counts. */
  #end(settle: (() => void) | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stopTimer()
    const { signal } = this.#call
    if (signal !== undefined && this.#abort !== undefined) offAbort(signal, this.#abort)
    settle?.()
  }

  #stopTimer(): void {
    if (!this.#isTimed) return
    this.#isTimed = false
    this.#terms.hedging.timeouts.forget(this)
    this.#terms.hedging.timeouts.end()
  }
}

/** What sends an attempt that may be sent twice; `undefined` for writes, and where no read is. */
export function hedgedRead<Name extends Operation>(
  call: HedgedCall & { readonly operation: Name },
  { hedging, health }: { readonly hedging: ReadHedging | undefined; readonly health: RegionHealth },
  transport: Transport,
): HedgedRead<Name> | undefined {
  if (hedging === undefined || call.operation !== 'GetItem') return undefined
  return new HedgedRead(call, { hedging, transport, isWell: () => health.state === 'closed' })
}

/** Whether a response says what was asked for, and not why there is no such thing. */
function isGood(request: OperationRequest<Operation>, response: TransportResponse): boolean {
  try {
    return 'output' in request.read(response)
  } catch {
    // Whoever gets it finds out the same.
    return false
  }
}

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
