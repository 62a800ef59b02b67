import type { LayoutName } from '../../src/layouts/layout-settings.ts'
import { connectionTo, type Engine, engineCredentials, engineRegion } from '../support/engines.ts'
import type { LoadPackage } from './install.ts'

/** A session store of other software, working on a table. */
export interface ForeignStore {
  get(id: string): Promise<unknown>
  set(id: string, session: unknown): Promise<void>
  destroy(id: string): Promise<void>
  /** Absent where the store has none. */
  readonly touch: ((id: string, session: unknown) => Promise<void>) | undefined
}

/** Software whose items are read and written. */
export interface ForeignSoftware {
  /** Name and version of its package. */
  readonly name: string
  readonly layout: LayoutName
  readonly partitionKey: string
  /** Whether a touch of a session that is not there leaves an item behind. */
  readonly leavesHusks: boolean
  /** Whether it hands out sessions that have expired. */
  readonly ignoresExpiry: boolean
  open(load: LoadPackage, engine: Engine, table: string): ForeignStore
}

type Callback = (error: unknown, result?: unknown) => void

interface ExpressStore {
  get(id: string, callback: Callback): unknown
  set(id: string, session: unknown, callback: Callback): unknown
  touch(id: string, session: unknown, callback: Callback): unknown
  destroy(id: string, callback: Callback): unknown
}

type ExpressStoreClass = new (options: object) => ExpressStore

/** The packages from npm, each with the options that its documentation has. */
export const foreignSoftware: readonly ForeignSoftware[] = [
  {
    name: 'connect-dynamodb 3.0.5',
    layout: 'connect-dynamodb',
    partitionKey: 'id',
    leavesHusks: true,
    ignoresExpiry: false,
    open: (load, engine, table) => {
      const connect = load('connect-dynamodb') as (session: unknown) => ExpressStoreClass
      const Store = connect(load('express-session'))
      return expressStore(new Store({ table, client: clientV3(load, engine) }))
    },
  },
  {
    name: 'dynamodb-store 1.2.0',
    layout: 'dynamodb-store',
    partitionKey: 'sessionId',
    leavesHusks: false,
    ignoresExpiry: false,
    open: (load, engine, table) => {
      const Store = load('dynamodb-store') as ExpressStoreClass
      return expressStore(
        new Store({ table: { name: table }, dynamoConfig: settingsV2(load, engine), touchInterval: 0 }),
      )
    },
  },
  {
    name: 'connect-dynamodb-session 1.1.0',
    layout: 'connect-dynamodb-session',
    partitionKey: 'id',
    leavesHusks: true,
    ignoresExpiry: false,
    open: (load, engine, table) => {
      const connect = load('connect-dynamodb-session') as (session: unknown) => ExpressStoreClass
      const { DynamoDB } = load('aws-sdk') as { DynamoDB: new (settings: object) => unknown }
      const Store = connect(load('express-session'))
      return expressStore(
        new Store({
          tableName: table,
          awsClient: new DynamoDB(settingsV2(load, engine)),
          cleanupInterval: 0,
          touchAfter: 0,
        }),
      )
    },
  },
  {
    name: '@pwrdrvr/dynamodb-session-store 1.1.0',
    layout: 'pwrdrvr',
    partitionKey: 'id',
    leavesHusks: false,
    ignoresExpiry: false,
    open: (load, engine, table) => {
      // The published build calls a helper of the TypeScript compiler that it does not contain.
      Reflect.set(globalThis, '__importDefault', (module: unknown) => ({ default: module }))
      const { DynamoDBStore } = load('@pwrdrvr/dynamodb-session-store') as {
        DynamoDBStore: ExpressStoreClass
      }
      return expressStore(
        new DynamoDBStore({ tableName: table, dynamoDBClient: clientV3(load, engine), touchAfter: 0 }),
      )
    },
  },
  {
    name: 'serverless-dynamodb-session-store 1.0.4',
    layout: 'serverless-dynamodb-session-store',
    partitionKey: 'sessionId',
    leavesHusks: false,
    ignoresExpiry: true,
    open: (load, engine, table) => {
      const { DynamoDBSessionStore } = load('serverless-dynamodb-session-store') as {
        DynamoDBSessionStore: ExpressStoreClass
      }
      return expressStore(new DynamoDBSessionStore({ table, client: clientV3(load, engine) }))
    },
  },
  {
    name: 'koa-session-dynamodb-store 1.1.1',
    layout: 'koa-session-dynamodb',
    partitionKey: 'sessionId',
    leavesHusks: false,
    ignoresExpiry: true,
    open: (load, engine, table) => {
      const Store = load('koa-session-dynamodb-store') as new (options: object) => {
        get(id: string): Promise<unknown>
        set(id: string, session: unknown, maxAgeMs: number): Promise<void>
        destroy(id: string): Promise<void>
      }
      const store = new Store({ table: { name: table }, dynamoConfig: settingsV2(load, engine) })
      return {
        get: async id => (await store.get(id)) ?? null,
        // koa-session hands out plain data, and the lifetime beside them.
        set: (id, session) => store.set(id, JSON.parse(JSON.stringify(session)), 3_600_000),
        destroy: id => store.destroy(id),
        touch: undefined,
      }
    },
  },
]

function expressStore(store: ExpressStore): ForeignStore {
  return {
    get: id => outcome(callback => store.get(id, callback)),
    set: async (id, session) => {
      await outcome(callback => store.set(id, session, callback))
    },
    touch: async (id, session) => {
      await outcome(callback => store.touch(id, session, callback))
    },
    destroy: async id => {
      await outcome(callback => store.destroy(id, callback))
    },
  }
}

function outcome(call: (callback: Callback) => unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    call((error, result) => {
      if (error === null || error === undefined) resolve(result ?? null)
      else reject(error instanceof Error ? error : new Error('the store failed', { cause: error }))
    })
  })
}

function clientV3(load: LoadPackage, engine: Engine): unknown {
  const { DynamoDBClient } = load('@aws-sdk/client-dynamodb') as {
    DynamoDBClient: new (settings: object) => unknown
  }
  return new DynamoDBClient(connectionTo(engine))
}

function settingsV2(load: LoadPackage, { endpoint }: Engine): object {
  // Version 2 of the SDK says on every start that it is in maintenance.
  process.env['AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE'] = '1'
  load('aws-sdk')
  return { endpoint, region: engineRegion, ...engineCredentials }
}
