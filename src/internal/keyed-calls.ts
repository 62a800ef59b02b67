import type { Deadline } from './deadline.ts'
import { deferred, offAbort, onAbort } from './timers.ts'

/** The turn of one call. */
export interface Turn<Handed, Companion = never> {
  /** What the call before has left for this one. */
  readonly handed: Handed | undefined
  /**
   * Does the work of calls that wait behind this one along with its own: the longest waiting first, as many as are asked for.
   * Their wait ends with this turn, without one of their own, unless this is called again without coming as far as them: those
   * wait on.
   */
  readonly takeAlong: () => Iterable<Companion>
  /** Lets the next one in, and leaves something for it; more than one call does no harm. */
  readonly release: (handed?: Handed) => void
}

/** A call that waits. */
interface Waiter<Handed, Companion> {
  readonly companion: Companion | undefined
  readonly end: (turn: Turn<Handed, Companion> | undefined) => void
}

/**
 * Lets the parallel calls of one process take turns for a key, first come, first served, so that one of them at a time
 * asks DynamoDB for a lock, or tries to write again, instead of all.
 */
export class KeyedMutex<Handed = never, Companion = never> {
  /** The calls that wait behind the one whose turn it is; no entry means that the key is free. */
  readonly #waiting = new Map<string, Set<Waiter<Handed, Companion>>>()

  /**
   * Waits for the turn.
   *
   * @param options `companion`: what another call needs to do the work of this one along with its own; absent when none can.
   * @returns `undefined` when it did not come in time, or another call has taken this one along.
   * @throws the reason of `signal`.
   */
  async acquire(
    key: string,
    options: {
      readonly timeoutMs: number
      readonly signal: AbortSignal | undefined
      readonly companion?: Companion | undefined
    },
  ): Promise<Turn<Handed, Companion> | undefined> {
    const { timeoutMs, signal, companion } = options
    signal?.throwIfAborted()
    const waiters = this.#waiting.get(key)
    if (waiters === undefined) {
      const nobody = new Set<Waiter<Handed, Companion>>()
      this.#waiting.set(key, nobody)
      return this.#turnOf(key, nobody, undefined)
    }
    const { promise, resolve, reject } = deferred<Turn<Handed, Companion> | undefined>()
    const waiter = { companion, end: resolve }
    // It leaves at once, so that nobody lets it in who is not told before that it has gone.
    const giveUp = (): void => {
      waiters.delete(waiter)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      waiters.delete(waiter)
      resolve(undefined)
    }, timeoutMs)
    waiters.add(waiter)
    if (signal !== undefined) onAbort(signal, giveUp)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      if (signal !== undefined) offAbort(signal, giveUp)
    }
  }

  #turnOf(
    key: string,
    waiters: Set<Waiter<Handed, Companion>>,
    handed: Handed | undefined,
  ): Turn<Handed, Companion> {
    let isReleased = false
    const taken = new Set<Waiter<Handed, Companion>>()
    const takeAlong = function* (): Iterable<Companion> {
      taken.clear()
      for (const waiter of waiters) {
        if (waiter.companion === undefined) continue
        taken.add(waiter)
        yield waiter.companion
      }
    }
    const release = (left?: Handed): void => {
      if (isReleased) return
      isReleased = true
      for (const waiter of taken) {
        waiters.delete(waiter)
        waiter.end(undefined)
      }
      const [next] = waiters
      if (next === undefined) this.#waiting.delete(key)
      else {
        waiters.delete(next)
        next.end(this.#turnOf(key, waiters, left))
      }
    }
    return { handed, takeAlong, release }
  }
}

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
