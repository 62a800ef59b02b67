/* The whole express-session store. */
import { DynamoDBStore } from 'dynamodb-sessions/express'

import { credentials, region, table } from '../lib/fixture.mjs'
import { openExpressStore } from './express-store.mjs'

/** @type {import('./contender.d.ts').Contender['open']} */
export async function open({ url, operation, itemBytes, inFlight }) {
  const store = new DynamoDBStore({
    table,
    endpoint: url,
    region,
    credentials,
    maxSockets: inFlight,
    // Every touch is to be measured, also those that would be left out.
    touchAfterSeconds: 0,
  })
  return openExpressStore(
    /** @type {import('./express-store.mjs').Store} */ (/** @type {unknown} */ (store)),
    operation,
    itemBytes,
  )
}
