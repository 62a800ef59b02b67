import type { TimedOptions } from '../aws/dynamodb/client.ts'
import { backoffMs } from '../internal/backoff.ts'
import { sleep } from '../internal/timers.ts'

/** A write under a condition, which is tried again while others come before it. */
export interface ConditionalWrite<Found, Result> {
  /**
   * Tries it once.
   *
   * @returns its result; or, when the condition did not hold, what is stored instead.
   */
  apply(attempt: number): Promise<Ended<Result> | { readonly found: Found }>

  /** Reads what is stored after the pause; without it, what the attempt found is taken to be that still. */
  read?(): Promise<Found>

  /**
   * Decides what the next attempt writes, where the attempt itself has not.
   *
   * @returns a result when there is nothing to write any more.
   */
  resolve?(found: Found, attempt: number): Ended<Result> | undefined | Promise<Ended<Result> | undefined>

  /** The error after the last attempt. */
  gaveUp(attempts: number): Error
}

/** The end of a {@link ConditionalWrite}. */
export interface Ended<Result> {
  readonly result: Result
}

/** How often a write is tried that others come before. */
const MOST_ATTEMPTS = 20
const PAUSES = { baseMs: 10, capMs: 640 }

/**
 * Writes under a condition until that holds: 20 times at most, and within the deadline of the call. The first retry needs no
 * pause; those after it back off.
 */
export async function writeConditionally<Found, Result>(
  write: ConditionalWrite<Found, Result>,
  { signal, deadline }: TimedOptions,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    const attempted = await write.apply(attempt)
    if ('result' in attempted) return attempted.result
    const pauseMs = pauseAfter(attempt)
    if (attempt === MOST_ATTEMPTS || deadline.isExpired(pauseMs)) throw write.gaveUp(attempt)
    await sleep(pauseMs, signal)
    const found = write.read === undefined ? attempted.found : await write.read()
    const ended = await write.resolve?.(found, attempt)
    if (ended !== undefined) return ended.result
  }
}

/** How long to wait after an attempt that others came before; not at all after the first. */
function pauseAfter(attempt: number): number {
  return attempt === 1 ? 0 : backoffMs(attempt - 2, PAUSES)
}
