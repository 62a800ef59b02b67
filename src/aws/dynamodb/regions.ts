import type { RegionTrace } from '../../diagnostics.ts'
import {
  AccessDeniedError,
  AttemptTimeoutError,
  ConnectTimeoutError,
  DynamoDBError,
  DynamoDBSessionsError,
  TableNotFoundError,
  ThrottlingError,
  TransportError,
} from '../../errors.ts'
import type { Deadline } from '../../internal/deadline.ts'
import { type Draft, regionTraces } from '../../internal/diagnostics.ts'
import { type Deferred, deferred, ignore } from '../../internal/timers.ts'
import type { Random } from '../../types.ts'
import type { ConnectionCounts } from '../http/transport.ts'
import { type BreakerState, type LatencyPercentiles, RegionHealth } from './region-health.ts'
import { ITEM_OPERATIONS, type Operation } from './operations.ts'
import { RequestSigner, type RequestSettings } from './operation-request.ts'
import { isFailedCondition } from './wire-error.ts'
import { ReadHedging, type HedgingReport, type HedgingTerms } from './hedged-reads.ts'

/** How calls go on in other Regions, which have replicas of the table. */
export interface FailoverTerms {
  /** Longest time for an attempt while there is another Region for the next one. */
  readonly attemptTimeoutMs: number
  /** How long a Region that has failed is left alone, at least. */
  readonly returnAfterMs: number
}

/**
 * What {@link Regions} depends on. A timeout after less than the shortest of these times says nothing of a Region: the caller
 * had no more time.
 */
export interface RegionsOptions {
  readonly failover?: FailoverTerms | undefined
  readonly hedgedReads?: HedgingTerms | undefined
  readonly random: Random
  readonly connectTimeoutMs: number
  readonly attemptTimeoutMs: number
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

/** A timeout that comes so much too late has waited for the process itself. */
const BLOCKED_FROM_MS = 1000

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
    // An outage is not a rejection.
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
    const { failover, random, hedgedReads, connectTimeoutMs, attemptTimeoutMs, deadlineMs } = options
    // A Region without any other is never left alone.
    const ofRegion = { random, hedgedReads, minStayMs: failover?.returnAfterMs ?? 0 }
    this.home = new Region(settings, ofRegion)
    this.#all = [this.home, ...elsewhere.map(other => new Region(other, ofRegion))]
    this.#failover = failover
    const limitsMs = [connectTimeoutMs, attemptTimeoutMs, deadlineMs / this.#all.length]
    if (failover !== undefined) limitsMs.push(failover.attemptTimeoutMs)
    this.#patienceMs = Math.min(...limitsMs) * MOST_OF_TIMEOUT
  }

  /** How long a copy of a read may take that finds out whether a Region is well. Milliseconds. */
  get probeTimeoutMs(): number {
    return this.#patienceMs / MOST_OF_TIMEOUT
  }

  /**
   * The Region that a call goes to first: the first one that is well; where none is, the first one that has responded since it
   * failed; where none has, the one that the settings name.
   */
  get current(): Region {
    const well = this.#all.find(({ health }) => health.state === 'closed')
    return well ?? this.#all.find(({ health }) => health.hasRespondedSince) ?? this.home
  }

  /** The Regions that are well and are not the {@link current} one. */
  get others(): readonly Region[] {
    const { current } = this
    return this.#all.filter(region => region !== current && region.health.state === 'closed')
  }

  /** The way of a call through the Regions; `undefined` for one that stays where it is sent. */
  routeOf(operation: Operation): CallRoute | undefined {
    // Tables are created and described in the first Region alone.
    if (this.#failover === undefined || !ITEM_OPERATIONS.has(operation)) return undefined
    return new CallRoute(this, this.#all, this.#failover.attemptTimeoutMs)
  }

  /** The Region of that name. */
  named(name: string): Region | undefined {
    return this.#all.find(region => region.name === name)
  }

  /**
   * A Region to send a copy of a read to, to find out whether it is well again; the caller calls `health.endProbe()`. Those that
   * calls would go on in are asked, too: a destroy tells only Regions that are well.
   */
  takeProbe(current: Region): Region | undefined {
    return this.#all.find(region => region !== current && region.health.takeProbe())
  }

  /**
   * Whether a Region is of no use for an attempt that failed: for ill health, or because another one than the first is not set up
   * as that is.
   */
  isUseless(region: Region, error: unknown): error is DynamoDBSessionsError {
    return isIllHealth(error) || (region !== this.home && isUnprepared(error))
  }

  /**
   * Counts an attempt that failed, if that is a failure of its Region.
   *
   * @param limitAtMs the instant at which the attempt was to end.
   */
  failed(region: Region, error: unknown, { startedAtMs, limitAtMs }: AttemptTimes): void {
    const { health } = region
    if (!this.isUseless(region, error)) {
      if (error instanceof DynamoDBError) health.succeeded(startedAtMs)
      return
    }
    if (isTimeout(error)) {
      const nowMs = performance.now()
      // The process was frozen, or its event loop blocked.
      if (nowMs - limitAtMs > BLOCKED_FROM_MS || nowMs - startedAtMs < this.#patienceMs) return
    }
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
  readonly #regions: Regions
  readonly #untried: Set<Region>
  readonly #attemptTimeoutMs: number
  #attempts = 0
  /** Why the call is not where it would be if all were well: what failed there, or the code of what failed before. */
  readonly #reasons = new Map<Region, string>()

  constructor(regions: Regions, all: readonly Region[], attemptTimeoutMs: number) {
    const first = regions.current
    this.region = first
    this.#regions = regions
    this.#untried = new Set(all.filter(region => region !== first))
    this.#attemptTimeoutMs = attemptTimeoutMs
    const { home } = regions
    if (first !== home) this.#reasons.set(home, `not asked, after ${home.health.lastFailure?.code}`)
  }

  /** The error that the call fails with, which tells what came of the other Regions. */
  explained(error: unknown): unknown {
    // What a failed condition means is decided by whoever made it.
    if (!(error instanceof DynamoDBSessionsError) || isFailedCondition(error)) return error
    const { message, stack } = error
    // A deadline says what came before it, and calls that waited for one connection may fail with one error.
    const others = [...this.#reasons].filter(
      ([region, reason]) => region !== this.region && !message.includes(reason),
    )
    if (others.length === 0) return error
    error.message = message + others.map(([{ name }, reason]) => `; in ${name}: ${reason}`).join('')
    if (stack !== undefined) error.stack = stack.replace(message, () => error.message)
    return error
  }

  /**
   * The instant of `performance.now()` until which an attempt has time, so that there is some for another Region. What the process
   * itself takes of it is not the fault of the Region, and is up to the deadline of the call.
   */
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
    if (!this.#regions.isUseless(this.region, error) && !(error instanceof TransportError)) return false
    const isWorthRetrying = mayRetry && !isTimeout(error) && this.#attempts < ATTEMPTS_IN_A_REGION
    if (isWorthRetrying && this.region.health.state === 'closed') return false
    const next = this.#next() ?? (isUnprepared(error) ? [...this.#untried][0] : undefined)
    if (next === undefined) return false
    this.#reasons.set(this.region, error.message)
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

/** When an attempt was sent, and until when it could take. Instants of `performance.now()`. */
interface AttemptTimes {
  readonly startedAtMs: number
  readonly limitAtMs: number
}

/** Whether a Region refuses what the first one accepts: it has no replica, or the role may do nothing there. */
function isUnprepared(error: unknown): error is DynamoDBError {
  return error instanceof TableNotFoundError || error instanceof AccessDeniedError
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
