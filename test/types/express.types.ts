/*
 * Compiled and never run: what the types of the express-session store allow and refuse.
 */
import session from 'express-session'
import { expectTypeOf } from 'vitest'

import type { SessionData } from '../support/express-session-data.ts'

import { DynamoDBStore, type DynamoDBStoreOptions } from '../../src/adapters/express.ts'
import { SessionStore } from '../../src/index.ts'

const store = new DynamoDBStore({ table: 'sessions', region: 'eu-west-1' })

// It is a store where express-session asks for one.
expectTypeOf(store).toExtend<session.Store>()
expectTypeOf(session).toBeCallableWith({ store, secret: 'a long random text' })

// What the application declares in SessionData reaches it.
store.get('id', (error, loaded) => {
  expectTypeOf(error).toBeUnknown()
  expectTypeOf(loaded).toEqualTypeOf<SessionData | null | undefined>()
  expectTypeOf(loaded?.visits).toEqualTypeOf<number | undefined>()
  // @ts-expect-error nobody declared this member
  expectTypeOf(loaded?.undeclared).toBeAny()
})
store.all((_error, sessions) => {
  expectTypeOf(sessions).toEqualTypeOf<SessionData[] | null | undefined>()
})
store.length((_error, length) => {
  expectTypeOf(length).toEqualTypeOf<number | undefined>()
})
store.ids((_error, ids) => {
  expectTypeOf(ids).toEqualTypeOf<string[] | undefined>()
})
const { cookie } = {} as SessionData
store.set('id', { cookie, visits: 1 })
store.touch('id', { cookie, user: 'ada' }, error => {
  expectTypeOf(error).toBeUnknown()
})
// @ts-expect-error visits is a number
store.set('id', { cookie, visits: 'one' })
// @ts-expect-error express-session wants a cookie
store.set('id', { visits: 1 })
// @ts-expect-error an ID is a text
store.destroy(7)
// @ts-expect-error a load without callback is of no use
store.get('id')

// Callbacks are optional where express-session's are.
type Done = ((error?: unknown) => void) | undefined
expectTypeOf<DynamoDBStore['set']>().parameter(2).toEqualTypeOf<Done>()
expectTypeOf<DynamoDBStore['touch']>().parameter(2).toEqualTypeOf<Done>()
expectTypeOf<DynamoDBStore['destroy']>().parameter(1).toEqualTypeOf<Done>()
expectTypeOf<DynamoDBStore['clear']>().parameter(0).toEqualTypeOf<Done>()
expectTypeOf(store.close()).toEqualTypeOf<Promise<void>>()

// Options are those of SessionStore, for this data.
expectTypeOf<DynamoDBStoreOptions['ttlSeconds']>().toEqualTypeOf<
  number | ((data: SessionData) => number | undefined) | undefined
>()
expectTypeOf(DynamoDBStore).toBeConstructibleWith()
expectTypeOf(DynamoDBStore).toBeConstructibleWith(new SessionStore<SessionData>())
expectTypeOf(DynamoDBStore).toBeConstructibleWith({
  ttlSeconds: (data: SessionData) => (data.user === undefined ? 60 : 3600),
})
// @ts-expect-error there is no such option
export const misspelt: DynamoDBStore = new DynamoDBStore({ tableName: 'sessions' })
// @ts-expect-error sessions of something else
export const foreign: DynamoDBStore = new DynamoDBStore(new SessionStore<{ token: string }>())

// Options under the names that other stores have for them.
expectTypeOf(DynamoDBStore).toBeConstructibleWith({ ttl: ({ visits }) => visits, touchAfter: 60 })
// @ts-expect-error seconds are a number
expectTypeOf(DynamoDBStore).toBeConstructibleWith({ touchAfter: '60' })
