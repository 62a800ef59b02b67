import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'

import { nativeKey, table } from '../lib/session-names.mjs'

/**
 * Reads one item; region and credentials come from the environment.
 *
 * @param {string} endpoint
 */
export async function firstRead(endpoint) {
  const client = new DynamoDBClient({ endpoint })
  const output = await client.send(
    new GetItemCommand({ TableName: table, Key: { id: { S: nativeKey } }, ConsistentRead: true }),
  )
  if (output.Item === undefined) throw new Error('no item')
}
