import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import connectDynamoDB from 'connect-dynamodb'
import expressSession from 'express-session'

import { sessionId, table } from '../lib/session-names.mjs'
import { getSession } from './get-session.mjs'

/**
 * Reads one session; region and credentials come from the environment.
 *
 * @param {string} endpoint
 */
export async function firstRead(endpoint) {
  const Store = connectDynamoDB(expressSession)
  await getSession(new Store({ table, client: new DynamoDBClient({ endpoint }) }), sessionId)
}
