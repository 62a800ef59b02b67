import type { Layout } from '../layout.ts'
import { documentOfText } from './document-codec.ts'
import { expiryIn } from './expiry-rule.ts'
import { type ForeignKeys, foreignLayout } from './foreign-layout.ts'
import { documentTextOf, mapCodec } from './stored-data.ts'

const DATA = 'session'
const EXPIRES = 'expires'

/** The items of koa-session-dynamodb-store: `session` is a map, `expires` seconds. */
export function koaSessionDynamoDBLayout(keys: ForeignKeys): Layout {
  return foreignLayout({
    ...keys,
    name: 'koa-session-dynamodb',
    dataAttribute: DATA,
    otherAttributes: [EXPIRES],
    codec: mapCodec,
    expiry: expiryIn([{ name: EXPIRES, unit: 's' }]),
    dataOf: ({ text }) => ({ M: documentOfText(text) }),
    textOf: value => documentTextOf(value, DATA),
  })
}
