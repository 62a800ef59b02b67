import { jsonCodec } from '../json.ts'
import type { Layout } from '../layout.ts'
import { expiryIn } from './expiry-rule.ts'
import { type ForeignKeys, foreignLayout } from './foreign-layout.ts'
import { jsonTextOf } from './stored-data.ts'

const DATA = 'content'
const EXPIRES = 'expires'

/**
 * The items of connect-dynamodb-session: `content` is JSON text, `expires` milliseconds, which time to live cannot act on.
 * The key `lastModified` that it puts into the session is data like any other.
 */
export function connectDynamoDBSessionLayout(keys: ForeignKeys): Layout {
  return foreignLayout({
    ...keys,
    name: 'connect-dynamodb-session',
    dataAttribute: DATA,
    otherAttributes: [EXPIRES],
    codec: jsonCodec,
    expiry: expiryIn([{ name: EXPIRES, unit: 'ms' }]),
    dataOf: ({ text }) => ({ S: text }),
    textOf: value => jsonTextOf(value, DATA),
  })
}
