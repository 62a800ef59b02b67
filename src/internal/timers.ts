import { offAbort, onAbort } from './abort-listeners.ts'

/**
 * Waits, and keeps the process alive meanwhile: somebody is waiting for the call that this is part of.
 *
 * @throws the reason of `signal` as soon as that is aborted.
 */
export function sleep(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const giveUp = (): void => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      if (signal !== undefined) offAbort(signal, giveUp)
      resolve()
    }, delayMs)
    if (signal !== undefined) onAbort(signal, giveUp)
  })
}

/**
 * The outcome of a promise, but only until `signal` is aborted. The promise itself goes on.
 *
 * @throws the reason of `signal`.
 */
export async function unlessAborted<T>(promise: T | Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  const aborted = deferred<never>()
  const giveUp = (): void => {
    aborted.reject(signal.reason)
  }
  onAbort(signal, giveUp)
  try {
    if (signal.aborted) giveUp()
    return await Promise.race([promise, aborted.promise])
  } finally {
    offAbort(signal, giveUp)
  }
}

/**
 * The outcome of a promise, but for no longer than `timeoutMs` and only until `signal` is aborted. The promise
 * itself goes on; nobody has to handle its late rejection.
 *
 * @throws what `onTimeout` makes, or the reason of `signal`.
 */
export function withTimeout<T>(
  promise: Promise<T>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  onTimeout: () => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      clearTimeout(timer)
      if (signal !== undefined) offAbort(signal, giveUp)
    }
    const giveUp = (): void => {
      settle()
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      settle()
      reject(onTimeout())
    }, timeoutMs)
    if (signal !== undefined) onAbort(signal, giveUp)
    promise.then(
      value => {
        settle()
        resolve(value)
      },
      (error: unknown) => {
        settle()
        reject(error)
      },
    )
    if (signal?.aborted === true) giveUp()
  })
}

/** Lets the process end although a timer has not fired yet. */
export function inBackground(timer: NodeJS.Timeout): NodeJS.Timeout {
  const given: unknown = timer
  if (typeof given === 'object') return timer.unref()
  // A number, as in a browser: in Deno before 2.8, in Workers and where jsdom stands for a browser.
  const deno = Reflect.get(globalThis, 'Deno') as { unrefTimer(id: unknown): void } | undefined
  deno?.unrefTimer(given)
  return timer
}

/** A promise and the functions that settle it. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (reason: unknown) => void
}

/** Makes a {@link Deferred}: `Promise.withResolvers`, which Node has from 22 on. */
export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void
  let reject!: (reason: unknown) => void
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}
