/* Our DynamoDB client alone, or the whole SessionStore: hashed IDs, items, expiry, conditional writes. */
import { SessionStore } from 'dynamodb-sessions'

import {
  credentials,
  expiresMs,
  region,
  sessionData,
  sessionId,
  table,
  verifyOutput,
} from '../lib/fixture.mjs'
import { changed } from '../lib/recorded-requests.mjs'
import { targetOf } from './work.mjs'

/** @type {import('../types.d.ts').ContenderModule['open']} */
export async function open(job) {
  const { url: endpoint, inFlight: maxSockets } = job
  const options = { endpoint, region, credentials, maxSockets }
  if (job.contender.name === 'ours-client') return openClient(job, options)

  // Every touch is to be measured, also those that would be left out.
  // The others store text as it is: all do the same work.
  const store = new SessionStore({ ...options, table, touchAfterSeconds: 0, compression: false })
  const record = await store.read(sessionId)
  if (record === undefined || JSON.stringify(record.data) !== JSON.stringify(sessionData(job.itemBytes))) {
    throw new Error('unexpected session')
  }
  const session = changed(record.data)
  const calls = {
    get: async () => store.read(sessionId),
    set: async () => store.write(sessionId, session, { basis: record, expiresMs }),
    touch: async () => store.touch(record, { expiresMs }),
  }
  return targetOf(calls[job.operation])
}

/**
 * The package does not export its client: this is the module as it is compiled.
 *
 * @param {import('../types.d.ts').Job} job
 * @param {import('../../build/options/connection-options.js').ConnectionOptions} options
 */
async function openClient(job, options) {
  const connection = await import('../../build/store/open-client.js')
  const client = connection.openClient(options, {})
  const input = /** @type {{ TableName: string, Key: {}, Item: {}, UpdateExpression: string }} */ (
    JSON.parse(job.request.body)
  )
  const call = async () => client.send(job.request.name, input)
  verifyOutput(job, await call())
  return targetOf(call)
}
