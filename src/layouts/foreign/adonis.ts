import { SessionCorruptError } from '../../errors.ts'
import { textOf } from '../attributes.ts'
import { jsonCodec, parseSessionData, stringifySessionData } from '../json.ts'
import type { Layout } from '../layout.ts'
import { expiryIn } from './expiry-rule.ts'
import { type ForeignKeys, foreignLayout, keyIn, noSession } from './foreign-layout.ts'

const DATA = 'value'
const EXPIRES = 'expires_at'

/**
 * The items of AdonisJS: `value` is a JSON envelope of the session and the ID that it belongs to, `expires_at` milliseconds,
 * which time to live cannot act on.
 */
export function adonisLayout(keys: ForeignKeys): Layout {
  const idOf = (key: string): string => key.slice(keys.prefix.length)
  return foreignLayout({
    ...keys,
    name: 'adonis',
    dataAttribute: DATA,
    otherAttributes: [EXPIRES],
    codec: jsonCodec,
    expiry: expiryIn([{ name: EXPIRES, unit: 'ms' }]),
    dataOf: ({ key, text }) => ({ S: `{"message":${text},"purpose":${JSON.stringify(idOf(key))}}` }),
    textOf: (value, item) => {
      const envelope = textOf(value)
      if (envelope === undefined) throw noSession(DATA)
      const { message, purpose } = parseSessionData(envelope)
      if (purpose !== idOf(keyIn(item, keys.partitionKey))) {
        throw new SessionCorruptError(
          `the attribute "${DATA}" of the stored item was written for another session; it was left as it is`,
        )
      }
      if (typeof message !== 'object' || message === null || Array.isArray(message)) throw noSession(DATA)
      return stringifySessionData(message)
    },
  })
}
