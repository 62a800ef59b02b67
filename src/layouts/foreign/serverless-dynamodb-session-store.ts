import { jsonCodec } from '../json.ts'
import type { Layout } from '../layout.ts'
import { expiryIn } from './expiry-rule.ts'
import { type ForeignKeys, foreignLayout } from './foreign-layout.ts'
import { jsonTextOf } from './stored-data.ts'

const DATA = 'session_data'
const EXPIRES_MS = 'expireTime'
const EXPIRES = 'expireTime_TTL'

/**
 * The items of serverless-dynamodb-session-store: `session_data` is JSON text, `expireTime` milliseconds, `expireTime_TTL`
 * seconds. Both are NULL for cookies that end with the browser; such sessions never expire.
 */
export function serverlessDynamoDBSessionStoreLayout(keys: ForeignKeys): Layout {
  return foreignLayout({
    ...keys,
    name: 'serverless-dynamodb-session-store',
    dataAttribute: DATA,
    otherAttributes: [EXPIRES_MS, EXPIRES],
    codec: jsonCodec,
    expiry: expiryIn(
      [
        { name: EXPIRES_MS, unit: 'ms' },
        { name: EXPIRES, unit: 's' },
      ],
      true,
    ),
    dataOf: ({ text }) => ({ S: text }),
    textOf: value => jsonTextOf(value, DATA),
  })
}
