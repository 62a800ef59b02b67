import type { EventEmitter } from 'node:events'

import { DynamoDBSessionsError } from '../../errors.ts'
import { isError } from '../../internal/core-objects.ts'

/** Callback of a store method, as Node and the session frameworks have them. */
export type Callback<Value> = (error?: unknown, value?: Value) => void

/**
 * Hands the outcome of a promise to a callback: exactly once, and never before the caller has returned. What the callback
 * throws leaves the promise chain: it is the application's uncaught exception, and no second call with an error.
 *
 * @param callback may be absent (`null` counts, too: that is how plain JavaScript leaves it out); a failure then
 *   goes to `onUnheard`.
 */
export function deliver<Value>(
  outcome: Promise<Value>,
  callback: Callback<Value> | null | undefined,
  onUnheard: (error: Error) => void,
): void {
  const succeed = (value: Value): void => {
    if (typeof callback !== 'function') return
    // Called right here, and not in the next tick, which would cost every call something.
    try {
      callback(null, value)
    } catch (thrown) {
      process.nextTick(() => {
        throw thrown
      })
    }
  }
  outcome.then(succeed, (reason: unknown) => {
    const error = toStoreError(reason)
    if (typeof callback === 'function') process.nextTick(callback, error)
    else process.nextTick(onUnheard, error)
  })
}

/**
 * A failure that no framework takes for something else (G6). Our own errors are none of these; functions of the application,
 * such as a credential provider, may fail with what a framework would send to the visitor (see {@link RESPONSE_PROPERTIES}),
 * with nothing at all, or with the `ENOENT` of a missing file, which express-session reads as "no session" and Koa as
 * "not found".
 */
export function toStoreError(reason: unknown): Error {
  if (isError(reason) && !isMisleading(reason)) return reason
  const why = isError(reason) ? `: ${reason.message}` : ', and what failed gave no error'
  return new DynamoDBSessionsError('STORE_FAILED', `the session store failed${why}`, { cause: reason })
}

/** Warns of a failure that nobody else is told of. */
export function warnOf(error: Error): void {
  try {
    process.emitWarning(error)
  } catch {
    // Node takes no error whose class is that of a `vm` context.
    process.emitWarning(error.message, error.name)
  }
}

/** Tells of a failure that nobody else is told of: as the event `error`, where that is listened for, else as a warning. */
export function emitOrWarn(store: EventEmitter, reason: unknown): void {
  const error = isError(reason) ? reason : new Error('the session store failed')
  if (store.listenerCount('error') > 0) store.emit('error', error)
  else warnOf(error)
}

/** Properties of an error of which Express, Fastify, Koa, Hono or Nest makes the response to the visitor. */
const RESPONSE_PROPERTIES = ['status', 'statusCode', 'headers', 'expose', 'getResponse']

function isMisleading(error: Error): boolean {
  return Reflect.get(error, 'code') === 'ENOENT' || RESPONSE_PROPERTIES.some(name => name in error)
}
