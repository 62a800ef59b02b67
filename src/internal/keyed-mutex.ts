import { offAbort, onAbort } from './abort-listeners.ts'
import { deferred } from './timers.ts'

/** Lets the next one in; more than one call does no harm. */
export type Release = () => void

/** How long to wait for a turn. */
export interface WaitOptions {
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

type Waiter = () => void

/**
 * Lets the parallel calls of one process take turns for a key, first come, first served, so that one of them at a time
 * asks DynamoDB for a lock, or tries to write again, instead of all.
 */
export class KeyedMutex {
  /** The calls that wait behind the one whose turn it is; no entry means that the key is free. */
  readonly #waiting = new Map<string, Set<Waiter>>()

  /**
   * Waits for the turn.
   *
   * @returns the function that ends the turn; `undefined` when it did not come in time.
   * @throws the reason of `signal`.
   */
  async acquire(key: string, { timeoutMs, signal }: WaitOptions): Promise<Release | undefined> {
    signal?.throwIfAborted()
    const waiters = this.#waiting.get(key)
    if (waiters === undefined) {
      this.#waiting.set(key, new Set())
      return this.#releaseOf(key)
    }
    const turn = deferred<boolean>()
    const waiter = (): void => turn.resolve(true)
    const giveUp = (): void => {
      waiters.delete(waiter)
      turn.reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      waiters.delete(waiter)
      turn.resolve(false)
    }, timeoutMs)
    waiters.add(waiter)
    if (signal !== undefined) onAbort(signal, giveUp)
    try {
      return (await turn.promise) ? this.#releaseOf(key) : undefined
    } finally {
      clearTimeout(timer)
      if (signal !== undefined) offAbort(signal, giveUp)
    }
  }

  #releaseOf(key: string): Release {
    let isReleased = false
    return () => {
      if (isReleased) return
      isReleased = true
      const waiters = this.#waiting.get(key)
      const [next] = waiters ?? []
      if (next === undefined) this.#waiting.delete(key)
      else {
        waiters?.delete(next)
        next()
      }
    }
  }
}
