/* The most used DynamoDB store for express-session, on the AWS SDK. */
import connectDynamoDB from 'connect-dynamodb'
import expressSession from 'express-session'

import { table } from '../lib/fixture.mjs'
import { openExpressStore } from './express-store.mjs'
import { createSdkClient } from './sdk-client.mjs'

/** @type {import('./contender.d.ts').Contender['open']} */
export async function open({ url, operation, itemBytes, inFlight }) {
  const Store = connectDynamoDB(expressSession)
  const store = new Store({ table, client: createSdkClient(url, inFlight) })
  return openExpressStore(store, operation, itemBytes)
}
