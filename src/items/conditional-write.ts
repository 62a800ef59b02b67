import type { TimedOptions } from '../aws/dynamodb/client-options.ts'
import { SessionConflictError } from '../errors.ts'
import { backoffMs, sleep } from '../internal/timers.ts'

/** The options for the requests of a {@link ConditionalWrite}, and how far it has come. */
export interface Attempt extends TimedOptions {
  /** Which attempt it is, from 1. */
  readonly number: number
  /** How many requests of the write were lost, so that each may be carried out all the same, however late. */
  readonly doubts: number
}

/** A write under a condition, which is tried again while others come before it. */
export interface ConditionalWrite<Found, Result> {
  /** What others kept on doing, and what came of it: for the error after the last attempt. */
  readonly trouble: string

  /**
   * Tries it once.
   *
   * @returns its result; or, when the condition did not hold, what is stored instead.
   */
  apply(attempt: Attempt): Promise<Ended<Result> | { readonly found: Found }>

  /** Finds out what is stored after the pause; without it, what the attempt found is taken to be that still. */
  read?(found: Found): Promise<Found>

  /**
   * Decides what the next attempt writes, where the attempt itself has not.
   *
   * @returns a result when there is nothing to write any more.
   */
  resolve?(found: Found, attempt: Attempt): Ended<Result> | undefined | Promise<Ended<Result> | undefined>

  /** Hears of the error after the last attempt. */
  gaveUp?(error: SessionConflictError): void
}

/** The end of a {@link ConditionalWrite}. */
export interface Ended<Result> {
  readonly result: Result
}

/** How often a write is tried that others come before. */
const MOST_ATTEMPTS = 20
const LONGEST_PAUSE_MS = 5000
/** No pause is longer than this part of the time that is left. */
const MOST_OF_REST = 0.25
/** How many attempts the first pause may take the time of, so that writers that came together do not meet again. */
const FIRST_PAUSE = 16
const DOUBLINGS_PER_RETRY = 2

/**
 * Writes under a condition until that holds: 20 times at most, and within the deadline of the call. The first retry needs no
 * pause. Those after it back off by what is seen: by the time that an attempt takes, and four times as long each time, so that
 * each of many writers needs hardly more requests than each of a few.
 *
 * @param timed `onDoubt` hears of each request that was lost.
 * @throws {SessionConflictError} after the last attempt.
 */
export async function writeConditionally<Found, Result>(
  write: ConditionalWrite<Found, Result>,
  timed: TimedOptions,
): Promise<Result> {
  const { signal, deadline } = timed
  const attempt = {
    signal,
    deadline,
    number: 1,
    doubts: 0,
    onDoubt: (): void => {
      attempt.doubts++
      timed.onDoubt?.()
    },
  }
  for (; ; attempt.number++) {
    const { number } = attempt
    const startedMs = performance.now()
    const attempted = await write.apply(attempt)
    if ('result' in attempted) return attempted.result
    if (number > 1) {
      const tookMs = performance.now() - startedMs
      const capMs = Math.min(LONGEST_PAUSE_MS, MOST_OF_REST * deadline.remainingMs)
      const pauseMs = backoffMs((number - 2) * DOUBLINGS_PER_RETRY, { baseMs: FIRST_PAUSE * tookMs, capMs })
      // Another attempt, and the look before it, would not end in time.
      if (number === MOST_ATTEMPTS || deadline.isExpired(pauseMs + 2 * tookMs)) {
        const error = new SessionConflictError(`${write.trouble} (attempts: ${number})`, { attempts: number })
        write.gaveUp?.(error)
        throw error
      }
      await sleep(pauseMs, signal)
    }
    const found = write.read === undefined ? attempted.found : await write.read(attempted.found)
    const ended = await write.resolve?.(found, attempt)
    if (ended !== undefined) return ended.result
  }
}
