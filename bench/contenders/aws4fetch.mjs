/* aws4fetch, which signs with Web Crypto and sends with fetch. */
import { AwsClient } from 'aws4fetch'

import { credentials, region, requestOf, verifyOutput } from '../lib/fixture.mjs'

/** @type {import('./contender.d.ts').Contender['open']} */
export async function open({ url, operation, itemBytes }) {
  const client = new AwsClient({ ...credentials, region, service: 'dynamodb' })
  const { name, input } = requestOf(operation, itemBytes)
  const headers = {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': `DynamoDB_20120810.${name}`,
  }
  const call = async () => {
    const response = await client.fetch(`${url}/`, { method: 'POST', headers, body: JSON.stringify(input) })
    if (!response.ok) throw new Error(`HTTP status ${response.status}`)
    return response.json()
  }
  verifyOutput(operation, await call(), itemBytes)
  return { call }
}
