import { join } from 'node:path'

import { credentials, region } from './fixture.mjs'
import { repositoryFolder } from './folders.mjs'
import { startService } from './processes.mjs'

/**
 * Starts a DynamoDB Local of its own, in memory.
 *
 * @throws {Error} when it does not start, which is so without Java.
 */
export async function startEngine() {
  const file = join(repositoryFolder, 'tools', 'processes', 'dynamodb-local.mjs')
  /** @type {{ message: { endpoint?: string, error?: string }, stop: () => Promise<void> }} */
  const { message, stop } = await startService(file)
  const { endpoint } = message
  if (endpoint === undefined) throw new Error(message.error)
  let tables = 0
  /** @param {string} partitionKey */
  const createTable = async partitionKey => {
    const table = `bench-${++tables}`
    const answer = await fetch(endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'DynamoDB_20120810.CreateTable',
        // It wants to know whose table it is, and does not check the signature.
        authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/20260101/${region}/dynamodb/aws4_request, SignedHeaders=host, Signature=0`,
      },
      body: JSON.stringify({
        TableName: table,
        KeySchema: [{ AttributeName: partitionKey, KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: partitionKey, AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    })
    if (!answer.ok) throw new Error(`DynamoDB Local did not create a table: ${await answer.text()}`)
    return table
  }
  return { endpoint, createTable, stop }
}
