import { nativeKey, sessionId, table } from './session-names.mjs'

export { nativeKey, sessionId, table }

/** @typedef {Record<string, { S: string } | { N: string }>} Item */
/** @typedef {'get' | 'set' | 'touch'} Operation */

/** What every contender is configured with. */
export const region = 'us-east-1'
export const credentials = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
}

/** When the one session of the benchmark expires: far enough ahead for every run. */
export const expiresMs = Date.UTC(2100, 0, 1)

const expiresSeconds = String(expiresMs / 1000)
const createdSeconds = '1760000000'
const revision = 'q0sXbVJ3c1Zy'

/**
 * Data of a session as express-session keeps it, whose JSON has about the given size.
 *
 * @param {number} itemBytes
 */
export function sessionData(itemBytes) {
  const data = {
    cookie: {
      originalMaxAge: 86_400_000,
      expires: new Date(expiresMs).toISOString(),
      httpOnly: true,
      path: '/',
    },
    user: { id: 48_113, name: 'Ada Lovelace', roles: ['customer'] },
    csrfToken: 'mJ4Yt0o1Rk2b9cVQ7xWzLg',
    cart: /** @type {{ sku: string, title: string, quantity: number, price: number }[]} */ ([]),
    note: '',
  }
  for (let index = 0; JSON.stringify(data).length < itemBytes - 100; index++) {
    data.cart.push({
      sku: `SKU-${1000 + index}`,
      title: 'A cup, hand made',
      quantity: 1 + (index % 3),
      price: 1250,
    })
  }
  data.note = 'x'.repeat(Math.max(0, itemBytes - JSON.stringify(data).length))
  return data
}

/**
 * The session as an item of the native layout.
 *
 * @param {number} itemBytes
 * @returns {Item}
 */
export function nativeItem(itemBytes) {
  return {
    id: { S: nativeKey },
    data: { S: JSON.stringify(sessionData(itemBytes)) },
    expires: { N: expiresSeconds },
    expiresMs: { N: String(expiresMs) },
    rev: { S: revision },
    created: { N: createdSeconds },
  }
}

/**
 * The session as an item of connect-dynamodb.
 *
 * @param {number} itemBytes
 * @returns {Item}
 */
export function connectItem(itemBytes) {
  return {
    id: { S: `sess:${sessionId}` },
    expires: { N: expiresSeconds },
    type: { S: 'connect-session' },
    sess: { S: JSON.stringify(sessionData(itemBytes)) },
  }
}

const condition = {
  ConditionExpression:
    '(#expiresMs > :nowMs OR (attribute_not_exists(#expiresMs) AND #expires > :nowSeconds)) AND (#created = :created)',
  ExpressionAttributeNames: { '#expiresMs': 'expiresMs', '#expires': 'expires', '#created': 'created' },
  ExpressionAttributeValues: {
    ':nowMs': { N: '1760000000000' },
    ':nowSeconds': { N: '1760000000' },
    ':created': { N: createdSeconds },
  },
}

/**
 * What a contender that is no store sends: the request that our store sends for the same operation.
 *
 * @param {Operation} operation
 * @param {number} itemBytes
 * @returns {{ name: 'GetItem' | 'PutItem' | 'UpdateItem', input: Record<string, unknown> }}
 */
export function requestOf(operation, itemBytes) {
  const key = { TableName: table, Key: { id: { S: nativeKey } } }
  switch (operation) {
    case 'get':
      return { name: 'GetItem', input: { ...key, ConsistentRead: true } }
    case 'set':
      return { name: 'PutItem', input: { TableName: table, Item: nativeItem(itemBytes), ...condition } }
    case 'touch':
      return {
        name: 'UpdateItem',
        input: {
          ...key,
          ...condition,
          UpdateExpression: 'SET #set0 = :set0, #set1 = :set1',
          ExpressionAttributeNames: {
            ...condition.ExpressionAttributeNames,
            '#set0': 'expires',
            '#set1': 'expiresMs',
          },
          ExpressionAttributeValues: {
            ...condition.ExpressionAttributeValues,
            ':set0': { N: expiresSeconds },
            ':set1': { N: String(expiresMs) },
          },
        },
      }
  }
}

/**
 * Fails when an answer is not what the stub server serves: a contender that reads nothing is not measured.
 *
 * @param {Operation} operation
 * @param {unknown} answer Parsed output of the operation.
 * @param {number} itemBytes
 */
export function verifyOutput(operation, answer, itemBytes) {
  const expected = operation === 'get' ? JSON.stringify({ Item: nativeItem(itemBytes) }) : '{}'
  if (JSON.stringify(answer) !== expected) throw new Error(`unexpected answer to ${operation}`)
}
