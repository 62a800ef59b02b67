/*
 * The stores whose cost is measured, each opened the way its documentation says. Nothing is loaded but the one asked for.
 */
import { createSdkClient } from '../contenders/sdk-client.mjs'
import { credentials, region } from '../lib/fixture.mjs'

/** @typedef {import('express-session').Store} Store */
/** @typedef {{ store: Store, close: () => Promise<void> }} OpenStore */

const maxSockets = 16

/**
 * @param {import('../lib/cost-plan.mjs').CostStore} wanted
 * @param {string} endpoint
 * @param {string} table
 * @returns {Promise<OpenStore>}
 */
export async function openCostStore(wanted, endpoint, table) {
  switch (wanted.package) {
    case 'dynamodb-sessions': {
      const { DynamoDBStore } = await import('dynamodb-sessions/express')
      const store = new DynamoDBStore({ table, endpoint, region, credentials, ...wanted.options })
      return { store: asStore(store), close: async () => store.close() }
    }
    case 'connect-dynamodb': {
      const { default: connectDynamoDB } = await import('connect-dynamodb')
      const { default: expressSession } = await import('express-session')
      const Store = connectDynamoDB(expressSession)
      const client = createSdkClient(endpoint, maxSockets)
      return { store: asStore(new Store({ table, client, ...wanted.options })), close: async () => {} }
    }
    case 'dynamodb-store':
      return { store: await openDynamoDBStore(wanted, endpoint, table), close: async () => {} }
  }
}

/**
 * @param {import('../lib/cost-plan.mjs').CostStore} wanted
 * @param {string} endpoint
 * @param {string} table
 * @returns {Promise<Store>}
 */
async function openDynamoDBStore({ options }, endpoint, table) {
  const { default: Store } = await import('dynamodb-store')
  const dynamoConfig = { endpoint, region, ...credentials }
  return new Promise((resolve, reject) => {
    const store = new Store({ table: { name: table }, dynamoConfig, ...options }, error => {
      if (error instanceof Error) reject(error)
      else resolve(asStore(store))
    })
  })
}

/** @param {object} store */
function asStore(store) {
  return /** @type {Store} */ (/** @type {unknown} */ (store))
}
