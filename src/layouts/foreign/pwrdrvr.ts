import type { Layout } from '../layout.ts'
import { documentOfText } from './document-codec.ts'
import { expiryIn } from './expiry-rule.ts'
import { type ForeignKeys, foreignLayout } from './foreign-layout.ts'
import { documentTextOf, mapCodec } from './stored-data.ts'

const DATA = 'sess'
const EXPIRES = 'expires'

/**
 * The items of @pwrdrvr/dynamodb-session-store: `sess` is a map, `expires` seconds.
 * The key `lastModified` that it puts into the session is data like any other.
 */
export function pwrdrvrLayout(keys: ForeignKeys): Layout {
  return foreignLayout({
    ...keys,
    name: 'pwrdrvr',
    dataAttribute: DATA,
    otherAttributes: [EXPIRES],
    codec: mapCodec,
    expiry: expiryIn([{ name: EXPIRES, unit: 's' }]),
    dataOf: ({ text }) => ({ M: documentOfText(text) }),
    textOf: value => documentTextOf(value, DATA),
  })
}
