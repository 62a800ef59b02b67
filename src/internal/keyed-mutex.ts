import { offAbort, onAbort } from './abort-listeners.ts'
import { deferred } from './deferred.ts'

/** Gives up a turn; more than one call does no harm. */
export type LeaveTurn = () => void

/** How long to wait for a turn. */
export interface TurnOptions {
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

type Waiter = () => void

/**
 * Lets the parallel requests of one process take turns for a session's lock, first come, first served, so that one
 * of them at a time asks DynamoDB for it instead of all.
 */
export class LockQueue {
  /** Who waits behind the one whose turn it is; no entry means that nobody has the turn. */
  readonly #waiting = new Map<string, Set<Waiter>>()

  /**
   * Waits for the turn.
   *
   * @returns the function that ends the turn; `undefined` when it did not come in time.
   * @throws the reason of `signal`.
   */
  async enter(key: string, { timeoutMs, signal }: TurnOptions): Promise<LeaveTurn | undefined> {
    signal?.throwIfAborted()
    const waiters = this.#waiting.get(key)
    if (waiters === undefined) {
      this.#waiting.set(key, new Set())
      return this.#turnOf(key)
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
      return (await turn.promise) ? this.#turnOf(key) : undefined
    } finally {
      clearTimeout(timer)
      if (signal !== undefined) offAbort(signal, giveUp)
    }
  }

  #turnOf(key: string): LeaveTurn {
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
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
