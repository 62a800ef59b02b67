import { backoffMs } from '../../internal/backoff.ts'
import type { Random } from '../../types.ts'

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

  /** Tokens left. */
  get tokens(): number {
    return this.#tokens
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
    return cost
  }

  /**
   * Returns tokens after a success.
   *
   * @param lastCost what the last retry cost, or `undefined` when the first attempt succeeded.
   */
  succeeded(lastCost: number | undefined): void {
    this.#tokens = Math.min(QUOTA_CAPACITY, this.#tokens + (lastCost ?? QUOTA_REFUND_WITHOUT_RETRY))
  }
}
