import { setTimeout as delay } from 'node:timers/promises'

/** What a callback API did with the callback it was given. */
export interface CallbackOutcome<Value> {
  readonly error: unknown
  readonly value: Value | undefined
  /** How often the callback was called, some time after the first call. */
  readonly calls: number
  /** Whether the first call came after the function that was given the callback had returned. */
  readonly asynchronous: boolean
}

const SECOND_CALL_GRACE_MS = 20

/** Calls a function with a callback and tells, some time after the first call, what became of it. */
export async function callbackOutcome<Value = undefined>(
  start: (callback: (error?: unknown, value?: Value) => void) => void,
): Promise<CallbackOutcome<Value>> {
  let calls = 0
  let returned = false
  const first = await new Promise<Omit<CallbackOutcome<Value>, 'calls'>>(resolve => {
    start((error, value) => {
      calls++
      resolve({ error, value, asynchronous: returned })
    })
    returned = true
  })
  await delay(SECOND_CALL_GRACE_MS)
  return { ...first, calls }
}

/** The value that a callback API calls back with; rejects with the error. */
export async function callbackValue<Value = undefined>(
  start: (callback: (error?: unknown, value?: Value) => void) => void,
): Promise<Value | undefined> {
  return new Promise((resolve, reject) => {
    start((error, value) => {
      if (error === null || error === undefined) resolve(value)
      else reject(error instanceof Error ? error : new Error('the error is no Error', { cause: error }))
    })
  })
}
