import type { RegionTrace } from '../../diagnostics.ts'
import {
  AttemptTimeoutError,
  ConnectTimeoutError,
  DynamoDBError,
  type DynamoDBSessionsError,
  ThrottlingError,
  TransportError,
} from '../../errors.ts'
import type { Deadline } from '../../internal/deadline.ts'
import { type Draft, regionTraces } from '../../internal/diagnostics.ts'
import { type Deferred, deferred } from '../../internal/timers.ts'
import type { Random } from '../../types.ts'
import type { ConnectionCounts } from '../http/transport.ts'
import type { LatencyPercentiles } from './latency-window.ts'
import type { Operation } from './operations.ts'
import { type BreakerState, RegionHealth } from './region-health.ts'
import { RequestSigner, type RequestSettings } from './operation-request.ts'
import { ReadHedging, type HedgingReport, type HedgingTerms } from './read-hedging.ts'

/** How calls go on in other Regions, which have replicas of the table. */
export interface FailoverTerms {
  /** Longest time for an attempt while there is another Region for the next one. */
  readonly attemptTimeoutMs: number
  /** How long a Region that has failed is left alone, at least. */
  readonly returnAfterMs: number
}

/** What {@link Regions} depends on. */
export interface RegionsOptions {
  readonly failover: FailoverTerms | undefined
  readonly hedgedReads: HedgingTerms | undefined
  readonly random: Random
  /** A timeout after less than the shortest of these says nothing of a Region: the caller had no more time. */
  readonly timeoutsMs: readonly number[]
  readonly deadlineMs: number
}

/** How a Region does, by what this process has seen of it. Times are epoch milliseconds, latencies milliseconds. */
export interface RegionReport {
  /** Name of the Region, for example `eu-west-1`. */
  readonly region: string
  /**
   * Whether requests fail there: `closed` (they do not), `open` (they do, and the Region is left alone), `half-open` (copies
   * of reads find out whether it is well again).
   */
  readonly state: BreakerState
  readonly lastSuccessMs?: number
  readonly lastFailureMs?: number
  /** Code of the error of the last failure, for example `CONNECT_TIMEOUT`. */
  readonly lastFailureCode?: string
  /** How long the attempts that DynamoDB responded to took in the last five minutes; absent when there was none. */
  readonly latencyMs?: LatencyPercentiles
  /** How many reads there were, and how many were sent a second time; absent without the option `hedgedReads`. */
  readonly hedgedReads?: HedgingReport
}

/** What a client has seen of DynamoDB. */
export interface DynamoDBHealth {
  /** Name of the Region that calls go to; absent before the first call, which finds it. */
  readonly region?: string
  /** The Regions, in order of preference; none before the first call. */
  readonly regions: readonly RegionReport[]
  /** The connections to DynamoDB; absent where a transport does not tell. */
  readonly connections?: ConnectionCounts
}

/** Attempts in a Region that is thought to be well, before a call goes on in the next one. */
const ATTEMPTS_IN_A_REGION = 2

/** Timers may fire early, and only what has waited for nearly as long as it may is a failure of the other side. */
const MOST_OF_TIMEOUT = 0.9

/** What is about items. Tables are created and described in the first Region alone. */
const DATA_OPERATIONS: ReadonlySet<Operation> = new Set<Operation>([
  'DeleteItem',
  'GetItem',
  'PutItem',
  'Query',
  'Scan',
  'TransactGetItems',
  'TransactWriteItems',
  'UpdateItem',
])

/** A Region, as a client sees it. */
export class Region {
  readonly name: string
  readonly signer: RequestSigner
  readonly health: RegionHealth
  /** Which reads are sent a second time. */
  readonly hedging: ReadHedging | undefined
  #outage: { readonly trace: Draft<RegionTrace>; readonly over: Deferred<void> } | undefined

  constructor(
    settings: RequestSettings,
    {
      random,
      minStayMs,
      hedgedReads,
    }: Pick<RegionsOptions, 'random' | 'hedgedReads'> & { minStayMs: number },
  ) {
    this.name = settings.region
    this.hedging = hedgedReads && new ReadHedging(hedgedReads)
    this.signer = new RequestSigner(settings)
    this.health = new RegionHealth({
      random,
      minStayMs,
      onOpened: reason => {
        this.#beginOutage(reason)
      },
      onClosed: () => {
        this.endOutage('recovered')
      },
    })
  }

  /** Ends the trace of an outage. */
  endOutage(outcome: NonNullable<RegionTrace['outcome']>): void {
    if (this.#outage === undefined) return
    const { trace, over } = this.#outage
    this.#outage = undefined
    trace.outcome = outcome
    over.resolve()
  }

  report(): RegionReport {
    const { state, lastSuccessAtMs, lastFailure, latencies } = this.health
    return {
      region: this.name,
      state,
      ...(lastSuccessAtMs !== undefined && { lastSuccessMs: epochMs(lastSuccessAtMs) }),
      ...(lastFailure !== undefined && {
        lastFailureMs: epochMs(lastFailure.atMs),
        lastFailureCode: lastFailure.code,
      }),
      ...(latencies !== undefined && { latencyMs: latencies }),
      ...(this.hedging !== undefined && { hedgedReads: this.hedging.report() }),
    }
  }

  #beginOutage(reason: string): void {
    const trace: Draft<RegionTrace> = { region: this.name, reason }
    const over = deferred<void>()
    this.#outage = { trace, over }
    if (regionTraces.channels.hasSubscribers) regionTraces.observe(trace, () => over.promise).catch(ignore)
  }
}

/** The Regions that a client can send requests to, in order of preference. */
export class Regions {
  /** The one that the settings name. */
  readonly home: Region
  readonly #all: readonly Region[]
  readonly #failover: FailoverTerms | undefined
  /** From how many milliseconds on a timeout is a failure of the Region. */
  readonly #patienceMs: number

  /** @param elsewhere the settings for the other Regions, the preferred ones first. */
  constructor(settings: RequestSettings, elsewhere: readonly RequestSettings[], options: RegionsOptions) {
    const { failover, random, hedgedReads, timeoutsMs, deadlineMs } = options
    // A Region without any other is never left alone.
    const ofRegion = { random, hedgedReads, minStayMs: failover?.returnAfterMs ?? 0 }
    this.home = new Region(settings, ofRegion)
    this.#all = [this.home, ...elsewhere.map(other => new Region(other, ofRegion))]
    this.#failover = failover
    const limitsMs = [...timeoutsMs, failover?.attemptTimeoutMs ?? Infinity, deadlineMs / this.#all.length]
    this.#patienceMs = Math.min(...limitsMs) * MOST_OF_TIMEOUT
  }

  /** How long a copy of a read may take that finds out whether a Region is well. Milliseconds. */
  get probeTimeoutMs(): number {
    return this.#patienceMs / MOST_OF_TIMEOUT
  }

  /** The Region that a call goes to first: the first one that is well, or the one that the settings name. */
  get current(): Region {
    return this.#all.find(({ health }) => health.state === 'closed') ?? this.home
  }

  /** The Regions that are well and are not the {@link current} one. */
  get others(): readonly Region[] {
    const { current } = this
    return this.#all.filter(region => region !== current && region.health.state === 'closed')
  }

  /** The way of a call through the Regions; `undefined` for one that stays where it is sent. */
  routeOf(operation: Operation): CallRoute | undefined {
    if (this.#failover === undefined || !DATA_OPERATIONS.has(operation)) return undefined
    return new CallRoute(this.current, this.#all, this.#failover.attemptTimeoutMs)
  }

  /** The Region of that name. */
  named(name: string): Region | undefined {
    return this.#all.find(region => region.name === name)
  }

  /** A Region to send a copy of a read to, because calls are to return to it; the caller calls `health.endProbe()`. */
  takeProbe(current: Region): Region | undefined {
    return this.#all
      .slice(0, this.#all.indexOf(current))
      .findLast(({ health }) => health.state !== 'closed' && health.takeProbe())
  }

  /** Counts an attempt that failed, if that is a failure of its Region. */
  failed({ health }: Region, error: unknown, startedAtMs: number): void {
    if (!isIllHealth(error)) {
      if (error instanceof DynamoDBError) health.succeeded(startedAtMs)
      return
    }
    if (isTimeout(error) && performance.now() - startedAtMs < this.#patienceMs) return
    health.failed(startedAtMs, error.code)
  }

  report(): readonly RegionReport[] {
    return this.#all.map(region => region.report())
  }

  /** Ends the traces. */
  close(): void {
    for (const region of this.#all) region.endOutage('closed')
  }
}

/** The way of one call through the Regions. */
export class CallRoute {
  region: Region
  readonly #untried: Set<Region>
  readonly #attemptTimeoutMs: number
  #attempts = 0

  constructor(first: Region, all: readonly Region[], attemptTimeoutMs: number) {
    this.region = first
    this.#untried = new Set(all.filter(region => region !== first))
    this.#attemptTimeoutMs = attemptTimeoutMs
  }

  /** The instant of `performance.now()` until which an attempt may last, so that there is time for another Region. */
  limitAtMs({ atMs, remainingMs }: Deadline): number {
    if (this.#next() === undefined) return atMs
    const shareMs = remainingMs / (this.#untried.size + 1)
    return performance.now() + Math.min(this.#attemptTimeoutMs, shareMs)
  }

  /**
   * Whether the call is to go on in the next Region, which is {@link region} from then on.
   *
   * A failure that took no time is tried again where it was: other calls read and write there, and what is written in another
   * Region is not seen there for a moment. So is it where no other Region is well.
   *
   * @param mayRetry whether the call may be tried again in this Region.
   */
  goesOn(error: unknown, mayRetry: boolean): boolean {
    this.#attempts++
    // A queue for connections that does not move is that of a Region that does not respond.
    if (!isIllHealth(error) && !(error instanceof TransportError)) return false
    const isWorthRetrying = mayRetry && !isTimeout(error) && this.#attempts < ATTEMPTS_IN_A_REGION
    if (isWorthRetrying && this.region.health.state === 'closed') return false
    const next = this.#next()
    if (next === undefined) return false
    this.#untried.delete(next)
    this.region = next
    this.#attempts = 0
    return true
  }

  /** The next Region that is well; where this one is not, either, the next one. */
  #next(): Region | undefined {
    const untried = [...this.#untried]
    const well = untried.find(({ health }) => health.state === 'closed')
    return well ?? (this.region.health.state === 'closed' ? undefined : untried[0])
  }
}

/** Whether an attempt failed for its Region: not for throttling, a condition, or anything that the caller has done. */
function isIllHealth(error: unknown): error is DynamoDBSessionsError {
  if (error instanceof TransportError) return error.code !== 'QUEUE_FULL' && error.code !== 'POOL_TIMEOUT'
  return error instanceof DynamoDBError && error.httpStatusCode >= 500 && !(error instanceof ThrottlingError)
}

function isTimeout(error: unknown): boolean {
  return error instanceof AttemptTimeoutError || error instanceof ConnectTimeoutError
}

/** An instant of `performance.now()` on the wall. */
function epochMs(atMs: number): number {
  return Math.round(Date.now() - performance.now() + atMs)
}

function ignore(): void {
  // An outage is not a rejection.
}
