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
import { sessionIdOf } from '../lib/session-names.mjs'
import { targetOf } from './work.mjs'

/** @type {import('../types.d.ts').ContenderModule['open']} */
export async function open(job) {
  const { url: endpoint, inFlight: maxSockets } = job
  const options = { endpoint, region, credentials, maxSockets }
  if (job.contender.name === 'ours-client') return openClient(job, options)

  // Every touch is to be measured, also those that would be left out.
  // The others store text as it is: all do the same work.
  const store = new SessionStore({ ...options, table, touchAfterSeconds: 0, compression: false })
  const found = await store.read(sessionId)
  if (found === undefined || JSON.stringify(found.data) !== JSON.stringify(sessionData(job.itemBytes))) {
    throw new Error('unexpected session')
  }
  if (job.operation === 'get') return targetOf(async () => store.read(sessionId))
  const session = changed(found.data)
  /** @type {import('dynamodb-sessions').SessionRecord[]} */
  const records = []
  for (let lane = 0; lane < maxSockets; lane++) {
    records.push(await store.write(sessionIdOf(lane), found.data, { expiresMs }))
  }
  return targetOf(async lane => {
    const basis = records[lane]
    if (basis === undefined) throw new Error('no such lane')
    return job.operation === 'set'
      ? store.write(sessionIdOf(lane), session, { basis, expiresMs })
      : store.touch(basis, { expiresMs })
  })
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
