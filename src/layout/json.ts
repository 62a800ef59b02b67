import { callerMistake, SessionCorruptError } from '../errors.ts'
import type { SessionData } from '../types.ts'
import type { SessionCodec } from './layout.ts'

/** Session data as JSON text. */
export const jsonCodec: SessionCodec = {
  encode: stringifySessionData,
  decode: parseSessionData,
  isSame: isSameJson,
}

/**
 * Session data as JSON text.
 *
 * @throws {TypeError} `INVALID_SESSION_DATA` for what JSON cannot carry: no object, a cycle, a BigInt.
 */
export function stringifySessionData(data: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(data)
  } catch (cause) {
    throw callerMistake('INVALID_SESSION_DATA', 'the session data cannot be written as JSON; see the cause', {
      cause,
    })
  }
  if (text === undefined || !text.startsWith('{')) {
    throw callerMistake('INVALID_SESSION_DATA', 'session data has to be an object')
  }
  return text
}

/**
 * Session data from JSON text.
 *
 * @throws {SessionCorruptError} when the text is not a JSON object.
 */
export function parseSessionData(text: string): SessionData {
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch {
    // The SyntaxError quotes the text: session data, which no error may carry (G9).
    throw new SessionCorruptError('the stored session is not JSON; it was left as it is')
  }
  if (!isObject(data))
    throw new SessionCorruptError('the stored session is not a JSON object; it was left as it is')
  return data
}

/** Whether two JSON values are the same, whatever the order of their keys. */
export function isSameJson(left: unknown, right: unknown): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  if (Array.isArray(left) !== Array.isArray(right)) return false
  const keys = Object.keys(left)
  return (
    keys.length === Object.keys(right).length &&
    // A key may be called "__proto__" or "constructor": only own properties count.
    keys.every(
      key => Object.hasOwn(right, key) && isSameJson(Reflect.get(left, key), Reflect.get(right, key)),
    )
  )
}

function isObject(value: unknown): value is SessionData {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
