/* The client of the AWS SDK for JavaScript v3. */
import { GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'

import { requestOf, verifyOutput } from '../lib/fixture.mjs'
import { createSdkClient } from './sdk-client.mjs'

const commands = { GetItem: GetItemCommand, PutItem: PutItemCommand, UpdateItem: UpdateItemCommand }

/** @type {import('./contender.d.ts').Contender['open']} */
export async function open({ url, operation, itemBytes, inFlight }) {
  const client = createSdkClient(url, inFlight)
  const { name, input } = requestOf(operation, itemBytes)
  const Command = commands[name]
  const call = async () => client.send(new Command(input))
  const { $metadata: _, ...output } = await call()
  verifyOutput(operation, output, itemBytes)
  return { call }
}
