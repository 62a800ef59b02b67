/* @aws-lite/client with its DynamoDB plugin: aws4 and node:https, items as plain JavaScript values. */
import createClient from '@aws-lite/client'
import dynamodbPlugin from '@aws-lite/dynamodb'

import { credentials, region, requestOf } from '../lib/fixture.mjs'

/** @type {import('./contender.d.ts').Contender['open']} */
export async function open({ url, operation, itemBytes }) {
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
  const { name, input } = requestOf(operation, itemBytes)
  const plainInput = Object.fromEntries(
    Object.entries(input).map(([field, value]) => [field, isItem(value) ? plainItem(value) : value]),
  )
  const call = async () => client.DynamoDB[name]({ ...plainInput })

  const { Item: item } = await call()
  const expected = requestOf('set', itemBytes).input['Item']
  if (
    operation === 'get' &&
    JSON.stringify(item) !== JSON.stringify(isItem(expected) && plainItem(expected))
  ) {
    throw new Error('unexpected answer to get')
  }
  return { call }
}

/**
 * @param {unknown} value
 * @returns {value is import('../lib/fixture.mjs').Item}
 */
function isItem(value) {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every(attribute => typeof attribute === 'object')
  )
}

/** @param {import('../lib/fixture.mjs').Item} item */
function plainItem(item) {
  return Object.fromEntries(
    Object.entries(item).map(([name, value]) => [name, 'N' in value ? Number(value.N) : value.S]),
  )
}
