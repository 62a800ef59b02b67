import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'

import { itemSizeBytes } from '../../build/aws/dynamodb/item-size.js'

/** @typedef {import('../../dist/types.js').Item} Item */
/**
 * @typedef {object} Consumption
 * @property {number} requests
 * @property {number} readUnits
 * @property {number} writeUnits
 * @property {number} failedConditions
 * @property {number} itemBytes Size of the item that was read last.
 */
/**
 * @typedef {object} Answer What is used of an answer of DynamoDB.
 * @property {string} [__type]
 * @property {{ CapacityUnits: number }} [ConsumedCapacity]
 * @property {Item} [Item]
 * @property {Item} [Attributes]
 */

const reads = new Set(['GetItem', 'Query', 'Scan', 'BatchGetItem'])
const bytesPerWriteUnit = 1024

/**
 * Stands between a store and an engine and counts requests and the capacity units that the engine says they took.
 *
 * An engine does not say what a failed condition takes: by DynamoDB's rules that is a write of the item that is there,
 * at least one unit. The proxy asks for the item and keeps it from a store that has not asked for it.
 *
 * @param {string} endpoint
 */
export async function startCountingProxy(endpoint) {
  let consumption = nothing()
  /** @type {Set<object>} */
  const underWay = new Set()

  /** @param {import('node:http').IncomingMessage} incoming */
  const relay = async incoming => {
    const operation = String(incoming.headers['x-amz-target']).split('.').at(-1) ?? ''
    const input = /** @type {Record<string, unknown>} */ (JSON.parse(await text(incoming)))
    const asksForItem = input['ReturnValuesOnConditionCheckFailure'] === 'ALL_OLD'
    const isOnItems = operation.endsWith('Item') || reads.has(operation)
    const changes = {
      ...(isOnItems && { ReturnConsumedCapacity: 'TOTAL' }),
      ...(input['ConditionExpression'] !== undefined && { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
    }
    const { statusCode, body } = await send(endpoint, incoming.headers, { ...input, ...changes })
    const answer = /** @type {Answer} */ (JSON.parse(body))
    const { ConsumedCapacity: consumed, ...passedOn } = answer

    consumption.requests++
    const item = input['ReturnValues'] === 'ALL_NEW' ? answer.Attributes : answer.Item
    if (item !== undefined) consumption.itemBytes = itemSizeBytes(item)
    if (statusCode === 200) {
      consumption[reads.has(operation) ? 'readUnits' : 'writeUnits'] += consumed?.CapacityUnits ?? 0
    } else if (answer.__type?.endsWith('ConditionalCheckFailedException')) {
      consumption.failedConditions++
      consumption.writeUnits += Math.max(1, Math.ceil(itemSizeBytes(answer.Item ?? {}) / bytesPerWriteUnit))
      if (!asksForItem) delete passedOn.Item
    }
    return { statusCode, body: JSON.stringify(passedOn) }
  }

  const server = createServer((incoming, response) => {
    underWay.add(incoming)
    relay(incoming)
      .then(({ statusCode, body }) => {
        // The date is that of the app's clock: nobody has to put a clock right.
        const headers = { 'content-type': 'application/x-amz-json-1.0', date: new Date().toUTCString() }
        response.writeHead(statusCode, headers).end(body)
      })
      .catch((/** @type {unknown} */ error) => response.destroy(/** @type {Error} */ (error)))
      .finally(() => underWay.delete(incoming))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no TCP port')

  return {
    url: `http://127.0.0.1:${address.port}`,
    /** What has been consumed since the last reset. */
    consumption: () => ({ ...consumption }),
    reset: () => {
      consumption = nothing()
    },
    /** Resolves when nothing is under way, also of what begins only after a response (unlocking). */
    quiet: async () => {
      do await delay(1)
      while (underWay.size > 0)
    },
  }
}

/** @returns {Consumption} */
function nothing() {
  return { requests: 0, readUnits: 0, writeUnits: 0, failedConditions: 0, itemBytes: 0 }
}

/**
 * @param {string} endpoint
 * @param {import('node:http').IncomingHttpHeaders} incoming
 * @param {object} input
 */
async function send(endpoint, incoming, input) {
  const names = ['content-type', 'x-amz-target', 'x-amz-date', 'authorization']
  const headers = Object.fromEntries(names.map(name => [name, String(incoming[name])]))
  const response = await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify(input) })
  return { statusCode: response.status, body: await response.text() }
}
