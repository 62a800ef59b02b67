import { DynamoDBStore } from 'dynamodb-sessions/express'

import { sessionId, table } from '../lib/session-names.mjs'
import { getSession } from './get-session.mjs'

/**
 * Reads one session; region and credentials come from the environment.
 *
 * @param {string} endpoint
 */
export async function firstRead(endpoint) {
  await getSession(new DynamoDBStore({ table, endpoint }), sessionId)
}
