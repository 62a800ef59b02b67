/*
 * Compiled and never run: what the types of the @fastify/session store allow and refuse.
 */
import fastifySession, { type SessionStore as FastifySessionStore } from '@fastify/session'
import Fastify, { type Session } from 'fastify'
import { expectTypeOf } from 'vitest'

import { DynamoDBStore, type DynamoDBStoreOptions } from '../../src/adapters/fastify.ts'
import { SessionStore } from '../../src/index.ts'

declare module 'fastify' {
  interface Session {
    user?: string
  }
}

const store = new DynamoDBStore({ table: 'sessions', region: 'eu-west-1' })

// It is a store where the plugin asks for one.
expectTypeOf(store).toExtend<FastifySessionStore>()
const app = Fastify()
app.register(fastifySession, { store, secret: 'a long random text that nobody knows' })

// What the application declares in Session reaches it.
store.get('id', (error, loaded) => {
  expectTypeOf(error).toBeUnknown()
  expectTypeOf(loaded).toEqualTypeOf<Session | null | undefined>()
  expectTypeOf(loaded?.user).toEqualTypeOf<string | undefined>()
  // @ts-expect-error nobody declared this member
  expectTypeOf(loaded?.undeclared).toBeAny()
})
const { cookie } = {} as Session
store.set('id', { cookie, user: 'ada' }, error => {
  expectTypeOf(error).toBeUnknown()
})
store.destroy('id')
// @ts-expect-error a user is a text
store.set('id', { cookie, user: 1 })
// @ts-expect-error the plugin wants a cookie
store.set('id', { user: 'ada' })
// @ts-expect-error an ID is a text
store.destroy(7)
// @ts-expect-error a load without callback is of no use
store.get('id')
expectTypeOf(store.close()).toEqualTypeOf<Promise<void>>()
expectTypeOf(store.destroyByUser('ada', { except: 'id' })).toEqualTypeOf<Promise<number>>()

// Options are those of SessionStore, for this data, without locks.
expectTypeOf<DynamoDBStoreOptions['ttlSeconds']>().toEqualTypeOf<
  number | ((data: Session) => number | undefined) | undefined
>()
expectTypeOf(DynamoDBStore).toBeConstructibleWith()
expectTypeOf(DynamoDBStore).toBeConstructibleWith(new SessionStore<Session>())
expectTypeOf(DynamoDBStore).toBeConstructibleWith({ userId: ({ user }) => user })
// @ts-expect-error the plugin cannot keep locks
expectTypeOf(DynamoDBStore).toBeConstructibleWith({ locking: true })
// @ts-expect-error there is no such option
export const misspelt: DynamoDBStore = new DynamoDBStore({ tableName: 'sessions' })
// @ts-expect-error sessions of something else
export const foreign: DynamoDBStore = new DynamoDBStore(new SessionStore<{ token: string }>())
