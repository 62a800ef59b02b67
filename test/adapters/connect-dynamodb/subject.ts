import expressSession from 'express-session'
import type { SessionData } from 'express-session'
import { afterAll, beforeAll } from 'vitest'

import '../../support/express-session-data.ts'

import {
  connectDynamoDB,
  type DynamoDBStore,
  type DynamoDBStoreClass,
  type DynamoDBStoreOptions,
  type TouchResult,
} from '../../../src/adapters/connect-dynamodb.ts'
import { callbackValue } from '../../support/callback-outcome.ts'
import { type Engine, engineCredentials, engineRegion } from '../../support/engines.ts'
import { SessionTable } from '../../support/session-table.ts'
import { StubEndpoint } from '../../support/stub-endpoint.ts'

/** What the tests of the connect-dynamodb store share on one engine. */
export interface ConnectDynamoDBSubject {
  readonly table: SessionTable
  /** A store in the table of this subject. */
  readonly store: (options?: DynamoDBStoreOptions) => DynamoDBStore
  /** An endpoint in front of the engine that writes down what a store sends, and can answer in its place. */
  readonly recorder: (intercept?: Parameters<typeof StubEndpoint.inFrontOf>[1]) => Promise<StubEndpoint>
  /** Closes something after the tests. */
  readonly closeLater: (close: () => Promise<unknown>) => void
}

/** The store class that an application makes. */
export const Store: DynamoDBStoreClass = connectDynamoDB(expressSession)

/** Options that reach an engine. */
export function reaching(engine: Engine): DynamoDBStoreOptions {
  return { endpoint: engine.endpoint, region: engineRegion, credentials: engineCredentials }
}

/** What a store calls back with: the session, or `null`. */
export async function get(store: DynamoDBStore, id: string): Promise<SessionData | null | undefined> {
  return callbackValue<SessionData | null>(done => store.get(id, done))
}

/** Saves a session. */
export async function set(store: DynamoDBStore, id: string, session: SessionData): Promise<void> {
  await callbackValue(done => store.set(id, session, done))
}

/** Touches a session. */
export async function touch(
  store: DynamoDBStore,
  id: string,
  session: SessionData,
): Promise<TouchResult | undefined> {
  return callbackValue<TouchResult>(done => store.touch(id, session, done))
}

/** Sets a subject up for the tests of a `describe`; what it opens is closed after them. */
export function connectDynamoDBSubject(engine: Engine): ConnectDynamoDBSubject {
  const closers: (() => Promise<unknown>)[] = []
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
  return {
    get table() {
      return existingTable()
    },
    store: options => {
      // Every touch is to be seen.
      const store = new Store({
        ...reaching(engine),
        table: existingTable().name,
        touchAfterSeconds: 0,
        ...options,
      })
      closers.push(() => store.close())
      return store
    },
    recorder: async intercept => {
      const stub = await StubEndpoint.inFrontOf(engine.endpoint, intercept)
      closers.push(() => stub.close())
      return stub
    },
    closeLater: close => {
      closers.push(close)
    },
  }
}
