/* The whole SessionStore: hashes the ID, reads and writes items, checks expiry, makes writes conditional. */
import { SessionStore } from 'dynamodb-sessions'

import { credentials, expiresMs, region, sessionData, sessionId, table } from '../lib/fixture.mjs'

/** Every touch is to be measured, also those that would be left out. */
const everyTouch = { touchAfterSeconds: 0 }

/** @type {import('./contender.d.ts').Contender['open']} */
export async function open({ url, operation, itemBytes, inFlight }) {
  const store = new SessionStore({
    table,
    endpoint: url,
    region,
    credentials,
    maxSockets: inFlight,
    ...everyTouch,
  })
  const record = await store.read(sessionId)
  if (record === undefined || JSON.stringify(record.data) !== JSON.stringify(sessionData(itemBytes))) {
    throw new Error('unexpected session')
  }
  const { data } = record
  switch (operation) {
    case 'get':
      return { call: async () => store.read(sessionId) }
    case 'set': {
      // What has not changed is not written.
      const changed = { ...data, visits: 1 }
      return { call: async () => store.write(sessionId, changed, { basis: record, expiresMs }) }
    }
    case 'touch':
      return { call: async () => store.touch(record, { expiresMs }) }
  }
}
