/*
 * Compiled and never run: what the types of the Hono middleware and of the store for hono-sessions allow and refuse.
 */
import { Hono } from 'hono'
import { type Session, sessionMiddleware, type Store } from 'hono-sessions'
import { expectTypeOf } from 'vitest'

import { dynamoDBSessions, type SessionVariables, type WebSession } from '../../src/adapters/hono.ts'
import { DynamoDBStore } from '../../src/adapters/hono-sessions.ts'
import { webSessions } from '../../src/adapters/web.ts'
import { SessionStore } from '../../src/index.ts'

interface Shop {
  user?: string
  visits: number
}

const secrets = ['a long random text']
const session = dynamoDBSessions<Shop>({ table: 'sessions', secrets })

// Declared once for an app ...
const declared = new Hono<{ Variables: SessionVariables<Shop> & { other: number } }>()
declared.use(session)
declared.use('/shop/*', session)
declared.get('/', c => {
  expectTypeOf(c.get('session')).toEqualTypeOf<WebSession<Shop>>()
  expectTypeOf(c.var.session.get('visits')).toEqualTypeOf<number | undefined>()
  expectTypeOf(c.get('other')).toBeNumber()
  // @ts-expect-error visits is a number
  c.var.session.set('visits', 'one')
  // @ts-expect-error nobody declared this key
  return c.text(c.var.session.get('undeclared'))
})

// ... or inferred along a chain, for the routes after the middleware.
new Hono()
  .use(session)
  .get('/', c => {
    expectTypeOf(c.var.session).toEqualTypeOf<WebSession<Shop>>()
    return c.text('')
  })
  .get('/:id', c => {
    expectTypeOf(c.var.session.get('user')).toEqualTypeOf<string | undefined>()
    return c.json({ id: c.req.param('id') })
  })
new Hono().get('/one', session, c => {
  expectTypeOf(c.get('session')).toEqualTypeOf<WebSession<Shop>>()
  return c.text('')
})

// It takes what webSessions takes, or has made.
expectTypeOf(dynamoDBSessions({ secrets, store: new SessionStore<Shop>() }).webSessions.store).toEqualTypeOf<
  SessionStore<Shop>
>()
expectTypeOf(dynamoDBSessions(webSessions<Shop>({ secrets })).webSessions.store).toEqualTypeOf<
  SessionStore<Shop>
>()
expectTypeOf(session.close()).toEqualTypeOf<Promise<void>>()
// @ts-expect-error there is no such option
dynamoDBSessions({ secrets, tableName: 'sessions' })

// The store is one where hono-sessions asks for one.
const store = new DynamoDBStore({ table: 'sessions', storeEmptySessions: false })
expectTypeOf(store).toExtend<Store>()
expectTypeOf(sessionMiddleware).toBeCallableWith({ store, encryptionKey: 'a text of at least 32 characters' })
new Hono<{ Variables: { session: Session<Shop> } }>().use(sessionMiddleware({ store }))
// @ts-expect-error hono-sessions cannot keep locks
expectTypeOf(DynamoDBStore).toBeConstructibleWith({ locking: true })
