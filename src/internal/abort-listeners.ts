/** The callbacks that wait for the abort of one signal. */
class Callbacks {
  readonly #signal: AbortSignal
  readonly #waiting = new Set<() => void>()

  constructor(signal: AbortSignal) {
    this.#signal = signal
    // Throws when the caller has passed something that is no AbortSignal.
    signal.addEventListener('abort', this.#onAbort)
  }

  add(callback: () => void): void {
    this.#waiting.add(callback)
  }

  delete(callback: () => void): void {
    if (this.#waiting.delete(callback) && this.#waiting.size === 0) this.#stopListening()
  }

  #stopListening(): void {
    this.#signal.removeEventListener('abort', this.#onAbort)
    callbacksOf.delete(this.#signal)
  }

  readonly #onAbort = (): void => {
    // While they are called they stay registered: one that another takes away is not called any more.
    for (const callback of this.#waiting) callback()
    this.#stopListening()
  }
}

const callbacksOf = new WeakMap<AbortSignal, Callbacks>()

/**
 * Calls back once when a signal is aborted, unless {@link offAbort} comes first.
 *
 * All callbacks of a signal share one listener: one for each request under way with the same signal would be more than
 * the ten of which Node warns (`MaxListenersExceededWarning`). The listener goes with the last callback.
 *
 * @param callback one function object for each wait, because the same one waits only once.
 */
export function onAbort(signal: AbortSignal, callback: () => void): void {
  let callbacks = callbacksOf.get(signal)
  if (callbacks === undefined) {
    callbacks = new Callbacks(signal)
    callbacksOf.set(signal, callbacks)
  }
  callbacks.add(callback)
}

/** Takes back what {@link onAbort} was told; does nothing when that is over. */
export function offAbort(signal: AbortSignal, callback: () => void): void {
  callbacksOf.get(signal)?.delete(callback)
}
