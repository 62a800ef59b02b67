/* Our DynamoDB client, without the store on top. */
import { credentials, region, requestOf, verifyOutput } from '../lib/fixture.mjs'
import { importConnection } from '../lib/internals.mjs'

/** @type {import('./contender.d.ts').Contender['open']} */
export async function open({ url, operation, itemBytes, inFlight }) {
  const { openClient } = await importConnection()
  const client = openClient({ endpoint: url, region, credentials, maxSockets: inFlight }, {})
  const { name, input } = requestOf(operation, itemBytes)
  const typedInput = /** @type {{ TableName: string, Key: {}, Item: {}, UpdateExpression: string }} */ (input)
  const call = async () => client.send(name, typedInput)
  verifyOutput(operation, await call(), itemBytes)
  return { call }
}
