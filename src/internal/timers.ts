import type { Random } from '../types.ts'

/** The longest time that a timer can wait. */
export const LONGEST_TIMER_MS: number = 2 ** 31 - 1

/** A timer that fires so much too late has waited for an event loop that was blocked. Milliseconds. */
export const BLOCKED_FROM_MS = 20

/**
 * Waits, and keeps the process alive meanwhile: somebody is waiting for the call that this is part of.
 *
 * @throws the reason of `signal` as soon as that is aborted.
 */
export function sleep(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return waitFor(undefined, signal, { timeoutMs: delayMs, onTimeout: resolve => resolve() })
}

/**
 * The outcome of a promise, but only until `signal` is aborted. The promise itself goes on.
 *
 * @throws the reason of `signal`.
 */
export async function unlessAborted<T>(promise: T | Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return signal === undefined ? promise : waitFor(Promise.resolve(promise), signal)
}

/**
 * The outcome of a promise, but for no longer than `timeoutMs` and only until `signal` is aborted. The promise
 * itself goes on; nobody has to handle its late rejection.
 *
 * @param latestMs how long it may be where the event loop is blocked meanwhile: the outcome may be there, and only nobody has
 *   looked. `@default` no longer
 * @throws what `onTimeout` makes, or the reason of `signal`.
 */
export function withTimeout<T>(
  promise: Promise<T>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  onTimeout: () => Error,
  latestMs: number = timeoutMs,
): Promise<T> {
  return waitFor(promise, signal, {
    timeoutMs,
    latestMs,
    onTimeout: (_, reject) => {
      reject(onTimeout())
    },
  })
}

/** Waits for whatever comes first: the outcome of a promise, the time or the abort. */
function waitFor<T>(
  promise: Promise<T> | undefined,
  signal: AbortSignal | undefined,
  limit?: {
    readonly timeoutMs: number
    readonly latestMs?: number
    readonly onTimeout: (resolve: (value: T) => void, reject: (reason: unknown) => void) => void
  },
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
    let timer: NodeJS.Timeout | undefined
    const setTimer = (limited: NonNullable<typeof limit>, timeoutMs: number, latestAtMs: number): void => {
      const expiresAtMs = performance.now() + timeoutMs
      timer = setTimeout(() => {
        const nowMs = performance.now()
        const givenBackMs = Math.min(nowMs - expiresAtMs, latestAtMs - nowMs)
        if (givenBackMs > BLOCKED_FROM_MS) {
          setTimer(limited, givenBackMs, latestAtMs)
          return
        }
        settle()
        limited.onTimeout(resolve, reject)
      }, timeoutMs)
    }
    if (limit !== undefined) {
      const { timeoutMs, latestMs = timeoutMs } = limit
      setTimer(limit, timeoutMs, performance.now() + latestMs)
    }
    if (signal !== undefined) onAbort(signal, giveUp)
    promise?.then(
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

/** Ignores a failure that is reported in another way, or need not be. */
export function ignore(): void {
  // There is nothing to do about it.
}

/** How the pauses between the attempts of one call grow. */
interface Backoff {
  /** The longest pause before the first retry, in milliseconds; that of each further retry is twice as long. */
  readonly baseMs: number
  /** No pause is longer, in milliseconds. */
  readonly capMs: number
  /**
   * The share of a pause that is random, from 0 to 1.
   *
   * @default 1 (full jitter)
   */
  readonly jitter?: number
}

/**
 * Milliseconds to wait before a retry: exponential back-off with jitter, so that callers that failed together do not try
 * again together.
 *
 * @param retry 0 before the first retry, 1 before the second, and so on.
 */
export function backoffMs(
  retry: number,
  { baseMs, capMs, jitter = 1 }: Backoff,
  random: Random = Math.random,
): number {
  return Math.min(baseMs * 2 ** retry, capMs) * (1 - jitter + jitter * random())
}

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
