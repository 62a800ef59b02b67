import expressSession from 'express-session'
import type { SessionData } from 'express-session'

import '../../support/express-session-data.ts'

import {
  connectDynamoDB,
  type DynamoDBStore,
  type DynamoDBStoreClass,
  type DynamoDBStoreOptions,
  type TouchResult,
} from '../../../src/adapters/connect-dynamodb.ts'
import { callbackValue } from '../../support/callback-outcome.ts'
import type { Engine } from '../../support/engines.ts'
import { everyTouch, type TableSubject, tableSubject } from '../../support/table-subject.ts'

/** What the tests of the connect-dynamodb store share on one engine. */
export interface ConnectDynamoDBSubject extends TableSubject {
  /** A store in the table of this subject. */
  readonly store: (options?: DynamoDBStoreOptions) => DynamoDBStore
}

/** The store class that an application makes. */
export const Store: DynamoDBStoreClass = connectDynamoDB(expressSession)

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
  const subject = tableSubject(engine, everyTouch)
  return Object.assign(subject, {
    store: (options?: DynamoDBStoreOptions) =>
      subject.closeLater(new Store({ ...subject.options, ...options })),
  })
}
