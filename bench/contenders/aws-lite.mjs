/* @aws-lite/client with its DynamoDB plugin: aws4 and node:https, items as plain JavaScript values. */
import createClient from '@aws-lite/client'
import dynamodbPlugin from '@aws-lite/dynamodb'

import { credentials, region, storedItem } from '../lib/fixture.mjs'
import { targetOf } from './work.mjs'

/** @typedef {Record<string, { S: string } | { N: string }>} Values */

/** The fields of an input in which it takes plain values. */
const fieldsOfValues = new Set(['Key', 'Item', 'ExpressionAttributeValues'])

/** @type {import('../types.d.ts').ContenderModule['open']} */
export async function open({ url, operation, itemBytes, request }) {
  const { protocol, hostname: host, port } = new URL(url)
  const client = await createClient({
    ...credentials,
    region,
    protocol,
    host,
    port: Number(port),
    keepAlive: true,
    plugins: [dynamodbPlugin],
  })
  const input = /** @type {Record<string, Values>} */ (JSON.parse(request.body))
  const plainInput = Object.fromEntries(
    Object.entries(input).map(([field, value]) => [field, fieldsOfValues.has(field) ? plain(value) : value]),
  )
  const call = async () => client.DynamoDB[request.name]({ ...plainInput })

  const { Item: item } = await call()
  const expected = plain(/** @type {Values} */ (storedItem('native', itemBytes)))
  if (operation === 'get' && JSON.stringify(item) !== JSON.stringify(expected)) {
    throw new Error('unexpected answer to get')
  }
  return targetOf(call)
}

/** @param {Values} values */
function plain(values) {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, 'N' in value ? Number(value.N) : value.S]),
  )
}
