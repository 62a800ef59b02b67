import { offAbort, onAbort } from './abort-listeners.ts'
import { deferred } from './timers.ts'

/** The turn of one call. */
export interface Turn<Handed> {
  /** What the call before has left for this one. */
  readonly handed: Handed | undefined
  /** Lets the next one in, and leaves something for it; more than one call does no harm. */
  readonly release: (handed?: Handed) => void
}

/**
 * Lets the parallel calls of one process take turns for a key, first come, first served, so that one of them at a time
 * asks DynamoDB for a lock, or tries to write again, instead of all.
 */
export class KeyedMutex<Handed = never> {
  /** The calls that wait behind the one whose turn it is; no entry means that the key is free. */
  readonly #waiting = new Map<string, Set<(turn: Turn<Handed>) => void>>()

  /**
   * Waits for the turn.
   *
   * @returns `undefined` when it did not come in time.
   * @throws the reason of `signal`.
   */
  async acquire(
    key: string,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
  ): Promise<Turn<Handed> | undefined> {
    signal?.throwIfAborted()
    const waiters = this.#waiting.get(key)
    if (waiters === undefined) {
      this.#waiting.set(key, new Set())
      return this.#turnOf(key, undefined)
    }
    const { promise, resolve, reject } = deferred<Turn<Handed> | undefined>()
    // It leaves at once, so that nobody lets it in who is not told before that it has gone.
    const leave = (): boolean => waiters.delete(resolve)
    const giveUp = (): void => void (leave() && reject(signal?.reason))
    const timer = setTimeout(() => leave() && resolve(undefined), timeoutMs)
    waiters.add(resolve)
    if (signal !== undefined) onAbort(signal, giveUp)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      if (signal !== undefined) offAbort(signal, giveUp)
    }
  }

  #turnOf(key: string, handed: Handed | undefined): Turn<Handed> {
    let isReleased = false
    const release = (left?: Handed): void => {
      if (isReleased) return
      isReleased = true
      const waiters = this.#waiting.get(key)
      const [next] = waiters ?? []
      if (next === undefined) this.#waiting.delete(key)
      else {
        waiters?.delete(next)
        next(this.#turnOf(key, left))
      }
    }
    return { handed, release }
  }
}
