/*
 * The stores for express-session, each opened the way its documentation says. Nothing is loaded but the one asked for.
 */
import { credentials, region, table as defaultTable } from '../lib/fixture.mjs'

/** @typedef {import('express-session').Store} Store */
/** @typedef {{ endpoint: string, table?: string, maxSockets?: number, [option: string]: unknown }} StoreOptions */
/** @typedef {{ store: Store, close: () => Promise<void> }} OpenStore */

/** Of a store that has nothing to close. */
async function close() {}

/**
 * @param {string} packageName
 * @param {StoreOptions} options
 * @returns {Promise<OpenStore>}
 */
export async function openStore(
  packageName,
  { endpoint, table = defaultTable, maxSockets = 16, ...options },
) {
  switch (packageName) {
    case 'dynamodb-sessions': {
      const { DynamoDBStore } = await import('dynamodb-sessions/express')
      const store = new DynamoDBStore({ table, endpoint, region, credentials, maxSockets, ...options })
      return { store: asStore(store), close: async () => store.close() }
    }
    case 'connect-dynamodb': {
      const { default: connectDynamoDB } = await import('connect-dynamodb')
      const { default: expressSession } = await import('express-session')
      const { createSdkClient } = await import('./sdk.mjs')
      const Store = connectDynamoDB(expressSession)
      const client = createSdkClient(endpoint, maxSockets)
      return { store: asStore(new Store({ table, client, ...options })), close }
    }
    case 'dynamodb-store': {
      const { default: Store } = await import('dynamodb-store')
      const dynamoConfig = { endpoint, region, ...credentials }
      return new Promise((resolve, reject) => {
        const store = new Store({ table: { name: table }, dynamoConfig, ...options }, error => {
          if (error instanceof Error) reject(error)
          else resolve({ store: asStore(store), close })
        })
      })
    }
    default: {
      const { default: expressSession } = await import('express-session')
      return { store: new expressSession.MemoryStore(), close }
    }
  }
}

/** @param {object} store */
function asStore(store) {
  return /** @type {Store} */ (/** @type {unknown} */ (store))
}
