import type { Deadline } from './deadline.ts'

/** Calls that are under way, by key. */
export type Flights<T> = Map<string, { readonly outcome: Promise<T>; readonly deadline: Deadline }>

/** A timer may fire this much early by the clock of `performance.now()`. */
const TIMER_PRECISION_MS = 2

/**
 * What an earlier caller is waiting for already, else what `start` begins: callers of the same key share one outcome for
 * as long as it is not settled.
 *
 * @param deadline of the caller: what has outlived the deadline of the caller that began it is not waited for by new ones,
 *   who share a call of their own. Otherwise one that never ends would be the last.
 * @param start gets a function that tells whether no later call has been begun.
 */
export function sharedFlight<T>(
  flights: Flights<T>,
  key: string,
  deadline: Deadline,
  start: (isLatest: () => boolean) => Promise<T>,
): Promise<T> {
  const underway = flights.get(key)
  if (underway?.deadline.isExpired(TIMER_PRECISION_MS) === false) return underway.outcome
  const isLatest = (): boolean => flights.get(key)?.outcome === outcome
  const outcome = start(isLatest).finally(() => {
    if (isLatest()) flights.delete(key)
  })
  flights.set(key, { outcome, deadline })
  return outcome
}
