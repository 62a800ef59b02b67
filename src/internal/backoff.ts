import type { Random } from '../types.ts'

/** How the pauses between the attempts of one call grow. */
interface Backoff {
  /** The longest pause before the first retry, in milliseconds; that of each further retry is twice as long. */
  readonly baseMs: number
  /** No pause is longer, in milliseconds. */
  readonly capMs: number
  /**
   * The share of a pause that is random, from 0 to 1.
   *
   * @default 1 (full jitter)
   */
  readonly jitter?: number
}

/**
 * Milliseconds to wait before a retry: exponential back-off with jitter, so that callers that failed together do not try
 * again together.
 *
 * @param retry 0 before the first retry, 1 before the second, and so on.
 */
export function backoffMs(
  retry: number,
  { baseMs, capMs, jitter = 1 }: Backoff,
  random: Random = Math.random,
): number {
  return Math.min(baseMs * 2 ** retry, capMs) * (1 - jitter + jitter * random())
}
