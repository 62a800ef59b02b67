import { isDeepStrictEqual } from 'node:util'

import { SeededRandom } from '../support/fault-rig/random.ts'

/** Session data that says whose it is and which write it is from. */
export type Payload = Record<string, unknown> & {
  readonly session: string
  readonly counter: number
  readonly text: string
}

const ALPHABET = ['a', 'b', 'z', '0', '9', ' ', '"', '\\', '\n', '{', '}', 'ä', '€', '漢', '😀']
const LENGTHS = [0, 3, 100, 700]

/**
 * The data of one write: it follows from its arguments, so that what is read can be compared as a whole. No two writes have
 * the same text: a save that meets another one is merged with it by top-level key, and a key that it had left as it was
 * would be taken from there.
 */
export function payloadOf(session: string, counter: number): Payload {
  const random = new SeededRandom('payload', session, counter)
  const text = Array.from({ length: random.pick(LENGTHS) }, () => random.pick(ALPHABET)).join('')
  return { session, counter, text: `${counter} ${text}` }
}

/**
 * The counter of data that one session has written.
 *
 * @returns `undefined` when the data is of another session, or not as it was written.
 */
export function counterOf(session: string, data: unknown): number | undefined {
  if (typeof data !== 'object' || data === null) return undefined
  const counter: unknown = Reflect.get(data, 'counter')
  if (typeof counter !== 'number') return undefined
  return isDeepStrictEqual(data, payloadOf(session, counter)) ? counter : undefined
}
