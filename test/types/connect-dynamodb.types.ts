/*
 * Compiled and never run: what the types of the store in the place of connect-dynamodb's allow and refuse.
 */
import session from 'express-session'
import { expectTypeOf } from 'vitest'

import type { SessionData } from '../support/express-session-data.ts'

import defaultExport, {
  connectDynamoDB,
  type DynamoDBStore,
  type DynamoDBStoreOptions,
  type DynamoDBStoreOptionsSpecialKey,
  type SdkClient,
} from '../../src/adapters/connect-dynamodb.ts'

expectTypeOf(defaultExport).toEqualTypeOf(connectDynamoDB)

// The three ways of calling it.
const Store = connectDynamoDB(session)
expectTypeOf(connectDynamoDB({ session })).toEqualTypeOf(Store)
expectTypeOf(connectDynamoDB({ Store: session.Store })).toEqualTypeOf(Store)
// @ts-expect-error express-session has to be passed
connectDynamoDB()
// @ts-expect-error there is no Store in it
connectDynamoDB({})

// The result is a class of stores of express-session.
const store = new Store()
expectTypeOf(store).toEqualTypeOf<DynamoDBStore>()
expectTypeOf(store).toExtend<session.Store>()
expectTypeOf(session).toBeCallableWith({ store, secret: 'a long random text' })
class OurStore extends Store {}
expectTypeOf(new OurStore({ table: 'sessions' }).table).toEqualTypeOf<string>()

// Options by their names in connect-dynamodb, and ours beside them.
const specialKey: DynamoDBStoreOptionsSpecialKey = { name: 'user', type: 'S' }
const options: DynamoDBStoreOptions = {
  table: 'myapp-sessions',
  hashKey: 'id',
  prefix: 'sess:',
  readCapacityUnits: 25,
  writeCapacityUnits: '25',
  specialKeys: [specialKey],
  skipThrowMissingSpecialKeys: true,
  reapInterval: 600_000,
  initialized: true,
  region: 'eu-west-1',
  credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  consistentRead: false,
  touchAfterSeconds: 0,
  ttlSeconds: data => (data.user === undefined ? 60 : undefined),
  onConflict: 'merge',
  migrateFrom: 'native',
  deadlineMs: 1000,
}
expectTypeOf(Store).toBeConstructibleWith(options)
// @ts-expect-error there is no such option
export const misspelt: DynamoDBStore = new Store({ tableName: 'sessions' })
// @ts-expect-error it is called hashKey here
export const renamed: DynamoDBStore = new Store({ partitionKey: 'id' })
// @ts-expect-error these items cannot be encrypted
export const encrypted: DynamoDBStore = new Store({ encryption: { keys: ['a passphrase that is long'] } })
// @ts-expect-error a special key is S, N or BOOL
export const binary: DynamoDBStore = new Store({ specialKeys: [{ name: 'user', type: 'B' }] })

// A client is whatever has such a configuration.
expectTypeOf(store.client).toEqualTypeOf<SdkClient | undefined>()
const region = async (): Promise<string> => 'eu-west-1'
expectTypeOf(Store).toBeConstructibleWith({ client: { config: { region } } })
// @ts-expect-error this has no region
export const unreadable: DynamoDBStore = new Store({ client: { config: {} } })

// Methods.
expectTypeOf(store.initialize()).toEqualTypeOf<Promise<void>>()
expectTypeOf(store.initialized).toEqualTypeOf<boolean>()
expectTypeOf<Awaited<ReturnType<typeof store.describeSessionsTable>>['Table']>().toExtend<object>()
expectTypeOf<Awaited<ReturnType<typeof store.createSessionsTable>>['TableDescription']>().toExtend<object>()
store.get('id', (error, loaded) => {
  expectTypeOf(error).toEqualTypeOf<Error | null | undefined>()
  expectTypeOf(loaded).toEqualTypeOf<SessionData | null | undefined>()
})
const { cookie } = {} as SessionData
store.set('id', { cookie, visits: 1 })
store.touch('id', { cookie }, (error, { expires }) => {
  expectTypeOf(error).toEqualTypeOf<Error | null | undefined>()
  expectTypeOf(expires).toEqualTypeOf<number>()
})
store.touch('id', { cookie })
store.reap()
store.reap(error => {
  expectTypeOf(error).toBeUnknown()
})
expectTypeOf(store.clearInterval()).toBeVoid()
expectTypeOf(store.getExpiresValue({ cookie })).toBeNumber()
expectTypeOf(store.getParsedSession({ Item: {} })).toEqualTypeOf<SessionData | null>()

// A type of session may be named, as with connect-dynamodb.
interface Visit {
  name: string
  animal: 'cow' | 'pig'
}
const VisitStore = connectDynamoDB<Visit>(session)
const visits: DynamoDBStore<Visit> = new VisitStore()
expectTypeOf(session).toBeCallableWith({ store: visits, secret: 'a long random text' })
visits.get('id', (_error, visit) => {
  expectTypeOf(visit?.animal).toEqualTypeOf<'cow' | 'pig' | undefined>()
})

// Types are reachable from the function, too: import connectDynamoDB = require(...)
expectTypeOf<connectDynamoDB.DynamoDBStore>().toEqualTypeOf<DynamoDBStore>()
expectTypeOf<connectDynamoDB.DynamoDBStoreOptions>().toEqualTypeOf<DynamoDBStoreOptions>()
