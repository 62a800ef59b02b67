/** Callback of a store method, as Node and the session frameworks have them. */
export type Callback<Value> = (error?: unknown, value?: Value) => void

/**
 * Hands the outcome of a promise to a callback: exactly once, never before the caller has returned, and outside
 * the promise chain, so that what the callback throws is the application's uncaught exception and not a second
 * call with an error.
 *
 * @param callback may be absent; a failure then goes to `onUnheard`.
 */
export function deliver<Value>(
  outcome: Promise<Value>,
  callback: Callback<Value> | undefined,
  onUnheard: (error: unknown) => void,
): void {
  outcome.then(
    value => {
      if (callback !== undefined) process.nextTick(callback, null, value)
    },
    (error: unknown) => {
      process.nextTick(callback ?? onUnheard, error)
    },
  )
}
