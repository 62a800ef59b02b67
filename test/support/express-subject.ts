import { afterAll, beforeAll } from 'vitest'

import { DynamoDBStore, type DynamoDBStoreOptions } from '../../src/adapters/express.ts'
import { hashSessionId } from '../../src/seal/session-id-hash.ts'
import type { Item } from '../../src/types.ts'
import { type AppSessionOptions, type RunningApp, startApp } from './express-app.ts'
import { type Engine, engineCredentials, engineRegion } from './engines.ts'
import { SessionTable } from './session-table.ts'
import { StubEndpoint } from './stub-endpoint.ts'

/** What the tests of the express-session store share on one engine. */
export interface ExpressSubject {
  readonly table: SessionTable
  /** A store in the table of this subject. */
  readonly store: (options?: DynamoDBStoreOptions) => DynamoDBStore
  /** An app with such a store, unless the options bring one. */
  readonly app: (options: AppSessionOptions, addRoutes: Parameters<typeof startApp>[1]) => Promise<RunningApp>
  /** An endpoint in front of the engine that writes down what a store sends, and can answer in its place. */
  readonly recorder: (intercept?: Parameters<typeof StubEndpoint.inFrontOf>[1]) => Promise<StubEndpoint>
  /** The item of a session ID, of a store without prefix. */
  readonly item: (sessionId: string) => Promise<Item | undefined>
}

/** Sets a subject up for the tests of a `describe`; what it opens is closed after them. */
export function expressSubject(engine: Engine): ExpressSubject {
  const closers: (() => Promise<void>)[] = []
  let table: SessionTable | undefined
  beforeAll(async () => {
    table = await SessionTable.create(engine)
  })
  afterAll(async () => {
    for (const close of closers.toReversed()) await close()
  })
  const existingTable = (): SessionTable => {
    if (table === undefined) throw new Error('the table is not there before the tests run')
    return table
  }
  const openStore = (options?: DynamoDBStoreOptions): DynamoDBStore => {
    const store = new DynamoDBStore({
      table: existingTable().name,
      endpoint: engine.endpoint,
      region: engineRegion,
      credentials: engineCredentials,
      // Every touch is to be seen; the tests about leaving touches out say so.
      touchAfterSeconds: 0,
      ...options,
    })
    closers.push(() => store.close())
    return store
  }
  return {
    get table() {
      return existingTable()
    },
    store: openStore,
    app: async (options, addRoutes) => {
      const app = await startApp({ store: openStore(), ...options }, addRoutes)
      closers.push(app.close)
      return app
    },
    recorder: async intercept => {
      const stub = await StubEndpoint.inFrontOf(engine.endpoint, intercept)
      closers.push(() => stub.close())
      return stub
    },
    item: async sessionId => existingTable().item(hashSessionId(sessionId)),
  }
}
