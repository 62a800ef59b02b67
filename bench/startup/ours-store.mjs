import { SessionStore } from 'dynamodb-sessions'

import { sessionId, table } from '../lib/session-names.mjs'

/**
 * Reads one session; region and credentials come from the environment.
 *
 * @param {string} endpoint
 */
export async function firstRead(endpoint) {
  const store = new SessionStore({ table, endpoint })
  if ((await store.read(sessionId)) === undefined) throw new Error('no session')
}
