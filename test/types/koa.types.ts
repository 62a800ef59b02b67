/*
 * Compiled and never run: what the types of the Koa store allow and refuse.
 */
import Koa from 'koa'
import genericSession from 'koa-generic-session'
import koaSession from 'koa-session'
import { expectTypeOf } from 'vitest'

import { DynamoDBStore, type DynamoDBStoreOptions } from '../../src/adapters/koa.ts'
import { type SessionData, SessionStore } from '../../src/index.ts'

interface Shop {
  user?: string
  visits: number
}

const app = new Koa()

// It is a store where koa-session asks for one, with and without a data type ...
const store = new DynamoDBStore<Shop>({ table: 'sessions', region: 'eu-west-1' })
koaSession({ store, maxAge: 'session' }, app)
koaSession(app, { store: new DynamoDBStore() })
expectTypeOf(koaSession).toBeCallableWith({ store }, app)

// ... and where koa-generic-session does, whose sessions have a cookie.
genericSession({ store: new DynamoDBStore({ table: 'sessions' }) })
genericSession({ store: new DynamoDBStore<genericSession.Session & Shop>() })
// @ts-expect-error its sessions have a cookie
genericSession({ store })

// Sessions have the type of the data; without one they are objects of anything.
expectTypeOf(store.get('key')).toEqualTypeOf<Promise<Shop | undefined>>()
expectTypeOf(store.get('key', 1000, { ctx: {}, rolling: true })).toEqualTypeOf<Promise<Shop | undefined>>()
expectTypeOf(new DynamoDBStore().get('key')).toEqualTypeOf<Promise<SessionData | undefined>>()
expectTypeOf(store.set('key', { visits: 1 }, 'session')).toEqualTypeOf<Promise<void>>()
expectTypeOf(store.destroy('key', { ctx: {} })).toEqualTypeOf<Promise<void>>()
expectTypeOf(store.destroyByUser('ada', { except: 'key' })).toEqualTypeOf<Promise<number>>()
expectTypeOf(store.close()).toEqualTypeOf<Promise<void>>()

/** Mistakes that the compiler finds. */
export const mistakes: readonly (() => unknown)[] = [
  // @ts-expect-error visits is a number
  () => store.set('key', { visits: 'one' }),
  // @ts-expect-error an ID is a text
  () => store.get(7),
  // @ts-expect-error there is no such option
  () => new DynamoDBStore({ tableName: 'sessions' }),
  // @ts-expect-error sessions of something else
  () => new DynamoDBStore<Shop>(new SessionStore<{ token: string }>()),
]

// The data type comes from a SessionStore, or from a function among the options.
expectTypeOf(new DynamoDBStore(new SessionStore<Shop>())).toEqualTypeOf<DynamoDBStore<Shop>>()
expectTypeOf(new DynamoDBStore({ userId: ({ user }: Shop) => user })).toEqualTypeOf<DynamoDBStore<Shop>>()
expectTypeOf<DynamoDBStoreOptions<Shop>['ttlSeconds']>().toEqualTypeOf<
  number | ((data: Shop) => number | undefined) | undefined
>()
