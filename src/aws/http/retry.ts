import { DeadlineExceededError, DynamoDBSessionsError, TransportError } from '../../errors.ts'
import { backoffMs, sleep } from '../../internal/timers.ts'
import { messageOf } from '../../internal/core-objects.ts'
import type { Random } from '../../types.ts'

/** An attempt that failed, and what may be done about it. */
export interface FailedAttempt {
  readonly error: unknown
  /**
   * How the call may be retried; absent when it may not. `corrected`: what the attempt failed for has been put
   * right (refreshed credentials, a corrected clock), so that it is tried again at once, whatever `maxAttempts`
   * and the quota say; the caller sees to it that this ends. `failover`: the same, because the next attempt goes to another
   * Region.
   */
  readonly kind?: RetryKind | 'corrected' | 'failover' | undefined
  /** What the server asked to wait, in milliseconds. */
  readonly hintMs?: number | undefined
}

/** An attempt that succeeded. */
export interface SuccessfulAttempt<Value> {
  readonly value: Value
}

/** How {@link withRetries} retries. */
export interface RetryOptions {
  /** Most attempts, the first included. */
  readonly maxAttempts: number
  /** Base of the back-off of transient failures, in milliseconds. */
  readonly baseDelayMs: number
  /** Instant of `performance.now()` at which the call has to have settled. */
  readonly deadlineAtMs: number
  readonly quota: RetryQuota
  readonly random: Random
  readonly signal: AbortSignal | undefined
  /**
   * Makes the error for a deadline that passed during an attempt.
   *
   * @param interrupted the failure of the attempt that the deadline cut short.
   * @param before the failure of the attempt before it, where there was one: it met the real trouble.
   */
  readonly onDeadline: (attempts: number, interrupted: unknown, before: unknown) => Error
}

/** A timer may fire this much early by the clock of `performance.now()`. */
const TIMER_PRECISION_MS = 2

/**
 * Makes attempts until one succeeds, by the standard retry mode of the AWS SDKs.
 *
 * @param attempt makes one attempt; its argument counts from 1. What it throws ends the call.
 * @throws the error of the last attempt, what `onDeadline` makes, or the reason of `signal`.
 */
export async function withRetries<Value>(
  attempt: (number: number) => Promise<SuccessfulAttempt<Value> | FailedAttempt>,
  { maxAttempts, baseDelayMs, deadlineAtMs, quota, random, signal, onDeadline }: RetryOptions,
): Promise<Value> {
  let retry = 0
  let lastCost: number | undefined
  let lastError: unknown
  for (let number = 1; ; number++) {
    const outcome = await attempt(number)
    if ('value' in outcome) {
      quota.succeeded(lastCost)
      return outcome.value
    }
    const { error, kind, hintMs } = outcome
    if (signal?.aborted === true) throw signal.reason
    if (kind === undefined) throw error
    if (deadlineAtMs - performance.now() < TIMER_PRECISION_MS) throw onDeadline(number, error, lastError)
    lastError = error
    if (kind === 'corrected' || kind === 'failover') continue
    if (retry + 1 >= maxAttempts) throw error

    const delayMs = retryDelayMs({ retry, kind, baseDelayMs, hintMs, random })
    // With no time left to try again, the error at hand says more than a deadline reached asleep.
    if (performance.now() + delayMs >= deadlineAtMs) throw error
    lastCost = quota.spend(kind)
    if (lastCost === undefined) throw error
    retry++
    await sleep(delayMs, signal)
  }
}

/**
 * The error for a call whose deadline passed during an attempt: what that was waiting for, and what the attempt before it
 * had met.
 *
 * @param limitMs how long the call could take.
 */
export function deadlineExceeded(
  call: string,
  limitMs: number,
  attempts: number,
  interrupted: unknown,
  before: unknown,
): DeadlineExceededError {
  const reasons = [before, isAlike(before, interrupted) ? undefined : interrupted]
    .flatMap(error => messageOf(error) ?? [])
    .join('; then ')
  return new DeadlineExceededError(
    `${call} did not succeed within ${Math.round(limitMs)} ms (attempts: ${attempts})` +
      (reasons === '' ? '' : `: ${reasons}`),
    { cause: before ?? interrupted },
  )
}

/**
 * What a failed attempt may be retried as: `transient` (the network or the server failed) or `throttling` (the
 * server asks for less). Anything else is not retried.
 */
export type RetryKind = 'transient' | 'throttling'

const MAX_BACKOFF_MS = 20_000
const THROTTLING_BASE_DELAY_MS = 1000
const MAX_HINT_EXTRA_MS = 5000

const QUOTA_CAPACITY = 500
const QUOTA_COST: Readonly<Record<RetryKind, number>> = { transient: 14, throttling: 5 }
const QUOTA_REFUND_WITHOUT_RETRY = 1

/** What {@link retryDelayMs} computes a delay from. */
export interface RetryDelayInput {
  /** 0 before the first retry, 1 before the second, and so on. */
  readonly retry: number
  readonly kind: RetryKind
  /** Base of the exponential back-off of transient errors, in milliseconds (DynamoDB: 25, others: 50). */
  readonly baseDelayMs: number
  /** What the server asked for (`x-amz-retry-after`), in milliseconds. */
  readonly hintMs?: number | undefined
  readonly random: Random
}

/**
 * Milliseconds to wait before a retry: exponential back-off with full jitter, by the standard retry mode of the
 * AWS SDKs as of November 2026.
 *
 * `floor(random * min(base * 2^retry, 20 s))`, where throttling always has a base of one second; a hint of the
 * server can lengthen the delay, by 5 s at most.
 */
export function retryDelayMs({ retry, kind, baseDelayMs, hintMs, random }: RetryDelayInput): number {
  const baseMs = kind === 'throttling' ? THROTTLING_BASE_DELAY_MS : baseDelayMs
  const delay = Math.floor(backoffMs(retry, { baseMs, capMs: MAX_BACKOFF_MS }, random))
  return hintMs === undefined ? delay : Math.max(delay, Math.min(hintMs, delay + MAX_HINT_EXTRA_MS))
}

/**
 * Reads an `x-amz-retry-after` header.
 *
 * @returns milliseconds, or `undefined` when the header is absent or not a non-negative integer.
 */
export function retryHintMs(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,9}$/.test(header) ? Number(header) : undefined
}

/**
 * Token bucket that stops a client from retrying when most of what it sends fails, as the standard retry mode
 * of the AWS SDKs has it: 500 tokens; a retry costs 14, after throttling 5; success returns the cost of its
 * last retry, or 1 when it needed none.
 */
export class RetryQuota {
  #tokens = QUOTA_CAPACITY
  /** Whether there is nothing to return to it. */
  isFull = true

  /** Tokens left. */
  get tokens(): number {
    return this.#tokens
  }

  /** Whether it can pay for many more retries. */
  get isAmple(): boolean {
    return this.#tokens > QUOTA_CAPACITY / 2
  }

  /**
   * Pays for a retry.
   *
   * @returns what it cost, to hand to {@link succeeded}; `undefined` when the bucket cannot pay, in which case
   *   the call has to fail with the error it met.
   */
  spend(kind: RetryKind): number | undefined {
    const cost = QUOTA_COST[kind]
    if (this.#tokens < cost) return undefined
    this.#tokens -= cost
    this.isFull = false
    return cost
  }

  /**
   * Returns tokens after a success.
   *
   * @param lastCost what the last retry cost, or `undefined` when the first attempt succeeded.
   */
  succeeded(lastCost: number | undefined): void {
    this.#tokens = Math.min(QUOTA_CAPACITY, this.#tokens + (lastCost ?? QUOTA_REFUND_WITHOUT_RETRY))
    this.isFull = this.#tokens === QUOTA_CAPACITY
  }
}

/** What an AWS service says of a request that it refuses, as far as retries depend on it. */
export interface ServiceFailure {
  /** Exception name without its namespace, or `Unknown`. */
  readonly awsCode: string
  readonly statusCode: number
  readonly message: string
  /** Why a transaction was cancelled: one code for each of its actions; empty for every other failure. */
  readonly cancellationCodes?: readonly string[] | undefined
}

const THROTTLING_CODES: ReadonlySet<string> = new Set([
  'BandwidthLimitExceeded',
  'EC2ThrottledException',
  'LimitExceededException',
  'PriorRequestNotComplete',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'TransactionInProgressException',
])

const TRANSIENT_CODES: ReadonlySet<string> = new Set([
  'IDPCommunicationError',
  'InternalServerError',
  'ReplicatedWriteConflictException',
  'RequestTimeout',
  'RequestTimeoutException',
  'TimeoutError',
  // Not in the lists of the SDKs: a transaction that is under way has the item, for some milliseconds.
  'TransactionConflictException',
])

/** Codes by which a cancelled transaction says that it lacked capacity. */
const CAPACITY_CODES: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceeded',
  'RequestLimitExceeded',
  'ThrottlingError',
])

/** Codes of the actions of a cancelled transaction that say nothing against doing the same again. */
const HARMLESS_CODES: ReadonlySet<string> = new Set([...CAPACITY_CODES, 'None', 'TransactionConflict'])

const TRANSIENT_STATUS_CODES: ReadonlySet<number> = new Set([500, 502, 503, 504])

/**
 * Whether an error answer may be retried, and as what: by the lists of the standard retry mode of the AWS SDKs, and for
 * transactions by the reasons of their actions.
 */
export function retryKindOfAnswer(failure: ServiceFailure): RetryKind | undefined {
  const { awsCode, statusCode, message, cancellationCodes = [] } = failure
  if (cancellationCodes.some(code => CAPACITY_CODES.has(code)) && isHarmless(cancellationCodes)) {
    return 'throttling'
  }
  if (THROTTLING_CODES.has(awsCode) || statusCode === 429) return 'throttling'
  if (TRANSIENT_CODES.has(awsCode) || TRANSIENT_STATUS_CODES.has(statusCode)) return 'transient'
  return awsCode === 'InvalidSignatureException' && message.includes('Signature expired')
    ? 'transient'
    : undefined
}

/**
 * Whether a transaction was cancelled for nothing but others that were under way on its items. It can be tried again, by
 * whoever knows for how long.
 */
export function isTransactionConflict({ cancellationCodes = [] }: ServiceFailure): boolean {
  return cancellationCodes.includes('TransactionConflict') && isHarmless(cancellationCodes)
}

/** Whether a request that got no answer may be retried. */
export function retryKindOfError(error: unknown): RetryKind | undefined {
  return error instanceof TransportError && error.retryable ? 'transient' : undefined
}

/** Whether the second error tells nothing that the first does not. */
function isAlike(first: unknown, second: unknown): boolean {
  return (
    first instanceof DynamoDBSessionsError &&
    second instanceof DynamoDBSessionsError &&
    first.code === second.code
  )
}

function isHarmless(cancellationCodes: readonly string[]): boolean {
  return cancellationCodes.every(code => HARMLESS_CODES.has(code))
}
