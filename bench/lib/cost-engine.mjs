import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

import { credentials, region } from './fixture.mjs'
import { repositoryFolder } from './folders.mjs'

/**
 * A DynamoDB Local of its own, in memory.
 *
 * @typedef {object} CostEngine
 * @property {string} endpoint
 * @property {(table: string, partitionKey: string) => Promise<void>} createTable
 * @property {() => Promise<void>} stop
 */

/**
 * Starts DynamoDB Local.
 *
 * @returns {Promise<CostEngine>}
 * @throws {Error} when it does not start, which is so without Java.
 */
export async function startCostEngine() {
  const child = fork(join(repositoryFolder, 'tools', 'processes', 'dynamodb-local.mjs'), {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')
  /** @type {string} */
  const endpoint = await new Promise((resolve, reject) => {
    child.once('message', (/** @type {{ endpoint?: string, error?: string }} */ message) => {
      if (message.endpoint === undefined) reject(new Error(message.error))
      else resolve(message.endpoint)
    })
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`DynamoDB Local ended with exit code ${code}`)))
  })
  return {
    endpoint,
    createTable: async (table, partitionKey) => createTable(endpoint, table, partitionKey),
    stop: async () => {
      if (child.connected) child.disconnect()
      await exited
    },
  }
}

/**
 * @param {string} endpoint
 * @param {string} table
 * @param {string} partitionKey
 */
async function createTable(endpoint, table, partitionKey) {
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
}
