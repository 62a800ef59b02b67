/* The client of the AWS SDK for JavaScript v3. */
import { DynamoDBClient, GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'

import { credentials, region, verifyOutput } from '../lib/fixture.mjs'
import { targetOf } from './work.mjs'

const commands = { GetItem: GetItemCommand, PutItem: PutItemCommand, UpdateItem: UpdateItemCommand }

/** @type {import('../types.d.ts').ContenderModule['open']} */
export async function open(job) {
  const client = createSdkClient(job.url, job.inFlight)
  const input = /** @type {object} */ (JSON.parse(job.request.body))
  const Command = commands[job.request.name]
  const call = async () => client.send(new Command(input))
  const { $metadata: _, ...output } = await call()
  verifyOutput(job, output)
  return targetOf(call)
}

/**
 * The client of the AWS SDK as it comes, but for the number of its connections.
 *
 * @param {string} endpoint
 * @param {number} maxSockets
 */
export function createSdkClient(endpoint, maxSockets) {
  const agent = { maxSockets, keepAlive: true }
  return new DynamoDBClient({
    endpoint,
    region,
    credentials,
    requestHandler: { httpAgent: agent, httpsAgent: agent },
  })
}
