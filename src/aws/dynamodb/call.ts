import { DeadlineExceededError } from '../../errors.ts'
import { isPromise } from '../../internal/core-objects.ts'
import type { Deadline, PendingSteps } from '../../internal/deadline.ts'
import { withTimeout } from '../../internal/timers.ts'
import type { DynamoDBSettings } from './client-options.ts'
import type { FailedAttempt, SuccessfulAttempt } from '../http/retry.ts'
import type { Success } from './call-trace.ts'
import type { HedgeOutcome } from './hedged-read.ts'
import type { AskedOperation, RequestLimits } from './operation-request.ts'
import type { Operation } from './operations.ts'
import type { CallRoute, Region, Regions } from './regions.ts'

/** One call, from its beginning to its end. */
export interface Call<Name extends Operation = Operation> extends AskedOperation<Name> {
  readonly deadline: Deadline
  /** The Region that the call is for, if its caller names one. */
  readonly region: string | undefined
  /** How long an attempt may take while the process is not too busy to look, where that is up to no {@link route}. */
  readonly limitMs: number | undefined
  /** Its way through the Regions, if it may go to several. */
  route: CallRoute | undefined
  /** How wrong the clock was thought to be when the input was made: it is signed by the same clock. */
  clockOffsetMs: number
  /** Each is put right once for a call. */
  mayCorrectClock: boolean
  mayReplaceCredentials: boolean
  /** What became of the hedge of the latest attempt; `undefined` where it had none. */
  hedge: HedgeOutcome | undefined
}

/** What an attempt came to. */
export type Outcome<Name extends Operation> = SuccessfulAttempt<Success<Name>> | FailedAttempt

/** What a client has found out before its first request. */
export interface Prepared {
  readonly settings: DynamoDBSettings
  readonly regions: Regions
}

/** An attempt under way. */
export interface Attempt {
  readonly region: Region
  /** Instant of `performance.now()`. */
  readonly sentAtMs: number
  /** The instant until which it has time, unless the process is too busy to look at responses. */
  readonly limitAtMs: number
}

/** Where an attempt of a call goes. */
export function regionOf({ route, region }: Call, { regions }: Prepared): Region {
  return route?.region ?? (region === undefined ? regions.home : (regions.named(region) ?? regions.home))
}

/** How long the next attempt of a call may take. */
export function limitsOf(
  { deadline, route, limitMs }: Call,
  { connectTimeoutMs, attemptTimeoutMs }: Omit<RequestLimits, 'deadlineAtMs'>,
): RequestLimits {
  const deadlineAtMs = deadline.atMs
  const ownLimitAtMs = limitMs === undefined ? undefined : performance.now() + limitMs
  return {
    connectTimeoutMs,
    attemptTimeoutMs,
    deadlineAtMs,
    limitAtMs: ownLimitAtMs ?? route?.limitAtMs(deadline),
  }
}

/**
 * What is searched for the sake of a call, for as long as that has time.
 *
 * @param pending what the search is waiting for, so that the error can tell.
 */
export async function foundInTime<T>(
  found: T | Promise<T>,
  { operation, deadline, signal }: Call,
  what: 'settings' | 'credentials',
  pending: PendingSteps | undefined,
): Promise<T> {
  if (!isPromise(found)) return found
  return withTimeout(found, deadline.remainingMs, signal, () => {
    const waitingFor = pending?.describe() ?? ''
    return new DeadlineExceededError(
      `${operation} did not succeed within ${Math.round(deadline.limitMs)} ms: the AWS ${what} were not found in time` +
        (waitingFor === '' ? '' : `; it was waiting for ${waitingFor}`),
    )
  })
}
