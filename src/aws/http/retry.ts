import { DeadlineExceededError, DynamoDBSessionsError } from '../../errors.ts'
import { messageOf } from '../../internal/core-objects.ts'
import { sleep } from '../../internal/timers.ts'
import type { Random } from '../../types.ts'
import { type RetryKind, type RetryQuota, retryDelayMs } from './retry-policy.ts'

/** An attempt that failed, and what may be done about it. */
export interface FailedAttempt {
  readonly error: unknown
  /**
   * How the call may be retried; absent when it may not. `corrected`: what the attempt failed for has been put
   * right (refreshed credentials, a corrected clock), so that it is tried again at once, whatever `maxAttempts`
   * and the quota say; the caller sees to it that this ends.
   */
  readonly kind?: RetryKind | 'corrected' | undefined
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
    if (kind === 'corrected') continue
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

/** Whether the second error tells nothing that the first does not. */
function isAlike(first: unknown, second: unknown): boolean {
  return (
    first instanceof DynamoDBSessionsError &&
    second instanceof DynamoDBSessionsError &&
    first.code === second.code
  )
}
