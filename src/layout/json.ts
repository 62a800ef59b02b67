import { callerMistake, SessionCorruptError } from '../errors.ts'
import type { SessionData } from '../types.ts'

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

function isObject(value: unknown): value is SessionData {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
