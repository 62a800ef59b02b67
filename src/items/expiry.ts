import type { ServerClock } from '../aws/dynamodb/server-clock.ts'
import { invalidArgument } from '../errors.ts'
import { LATEST_MS } from '../internal/date-range.ts'

/** When a session is to expire; without either, the store's `ttlSeconds` decides. */
export interface ExpiryOptions {
  /**
   * Seconds from now on. More than 0; fractions are allowed.
   *
   * @default the store's `ttlSeconds`
   */
  readonly ttlSeconds?: number | undefined

  /**
   * Exact moment, epoch milliseconds by the clock of this machine (`Date.now()`); it takes precedence over `ttlSeconds`.
   * A moment in the past expires the session at once.
   *
   * @default `ttlSeconds` from now on
   */
  readonly expiresMs?: number | undefined
}

/**
 * The expiry of a session that is written now: epoch milliseconds, an integer, never in the past. (DynamoDB's TTL passes
 * over moments that are more than five years ago, so that an item dated far back would stay for ever.)
 *
 * @param clock tells the right time; a moment that is asked for is taken to be by the machine's, however wrong.
 * @throws {TypeError} `INVALID_OPTION` when an option is not a number that makes sense.
 */
export function expiryAt(
  clock: Pick<ServerClock, 'now' | 'offsetMs'>,
  wanted: ExpiryOptions,
  defaultTtlSeconds: () => number,
): number {
  const nowMs = clock.now()
  const { expiresMs, ttlSeconds } = wanted
  if (expiresMs !== undefined) {
    if (!Number.isFinite(expiresMs)) {
      throw invalidArgument('INVALID_OPTION', 'expiresMs takes a moment in epoch milliseconds')
    }
    return withinRange(expiresMs + clock.offsetMs, nowMs)
  }
  if (ttlSeconds !== undefined && !isTtl(ttlSeconds)) {
    throw invalidArgument('INVALID_OPTION', 'ttlSeconds takes a number of seconds above 0')
  }
  return withinRange(nowMs + (ttlSeconds ?? defaultTtlSeconds()) * 1000, nowMs)
}

/** Whether a value is a lifetime in seconds. */
export function isTtl(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0
}

function withinRange(expiresMs: number, nowMs: number): number {
  return Math.min(LATEST_MS, Math.max(Math.ceil(nowMs), Math.round(expiresMs)))
}
