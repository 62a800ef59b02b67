/*
 * Compiled and never run: what the types of web sessions allow and refuse.
 */
import { expectTypeOf } from 'vitest'

import {
  type RequestWithCookies,
  type SetCookie,
  type WebSession,
  webSessions,
  type WebSessions,
  type WebSessionsOptions,
  type WebSessionStatus,
} from '../../src/adapters/web.ts'
import { SessionStore } from '../../src/index.ts'

interface Shop {
  user?: string
  visits: number
  cart: { item: string; count: number }[]
}

const secrets = ['a long random text']
const sessions = webSessions<Shop>({ table: 'sessions', secrets })
expectTypeOf(sessions).toEqualTypeOf<WebSessions<Shop>>()
expectTypeOf(sessions.store).toEqualTypeOf<SessionStore<Shop>>()

// Keys and values are those of the data type; what is not there is undefined.
const session = await sessions.openSession(new Request('https://app.example'))
expectTypeOf(session).toEqualTypeOf<WebSession<Shop>>()
expectTypeOf(session.get('visits')).toEqualTypeOf<number | undefined>()
expectTypeOf(session.get('user')).toEqualTypeOf<string | undefined>()
expectTypeOf(session.get('cart')).toEqualTypeOf<{ item: string; count: number }[] | undefined>()
expectTypeOf(session.has('cart')).toBeBoolean()
expectTypeOf(session.keys()).toEqualTypeOf<('user' | 'visits' | 'cart')[]>()
expectTypeOf(session.setCookie).toEqualTypeOf<SetCookie | undefined>()
expectTypeOf(sessions.cookieName).toBeString()
expectTypeOf(session.id).toEqualTypeOf<string | undefined>()
expectTypeOf(session.status).toEqualTypeOf<WebSessionStatus>()
session.set('visits', 1)
session.delete('user')
// @ts-expect-error visits is a number
session.set('visits', 'one')
// @ts-expect-error nobody declared this key
session.get('undeclared')
// @ts-expect-error nobody declared this key
session.delete('undeclared')

// What a handler can do with the outcome.
expectTypeOf(session.commit()).toEqualTypeOf<Promise<string | undefined>>()
expectTypeOf(session.commitTo(new Response())).toEqualTypeOf<Promise<Response>>()
expectTypeOf(session.destroy()).toEqualTypeOf<Promise<void>>()
expectTypeOf(session.regenerate()).toEqualTypeOf<void>()
expectTypeOf(session).toExtend<AsyncDisposable>()
expectTypeOf(sessions).toExtend<AsyncDisposable>()
expectTypeOf(
  sessions.handle(new Request('https://app.example'), opened => {
    expectTypeOf(opened).toEqualTypeOf<WebSession<Shop>>()
    return new Response()
  }),
).toEqualTypeOf<Promise<Response>>()

// Whatever has headers to get will do as a request.
expectTypeOf<WebSessions<Shop>['openSession']>().parameter(0).toEqualTypeOf<RequestWithCookies>()
expectTypeOf<Request>().toExtend<RequestWithCookies>()
expectTypeOf<{ headers: Headers }>().toExtend<RequestWithCookies>()

// Without a data type, keys are texts and values unknown.
const plain = await webSessions({ secrets: 'a long random text' }).openSession({ headers: new Headers() })
expectTypeOf(plain).toEqualTypeOf<WebSession>()
expectTypeOf(plain.get('anything')).toBeUnknown()
plain.set('anything', { at: 'all' })

// The data type comes from the store, or from a function among the options.
const store = new SessionStore<Shop>({ userId: ({ user }) => user })
expectTypeOf(webSessions({ store, secrets })).toEqualTypeOf<WebSessions<Shop>>()
expectTypeOf(webSessions({ secrets, userId: ({ user }: Shop) => user })).toEqualTypeOf<WebSessions<Shop>>()

// Options are those of SessionStore or a SessionStore, and the settings.
expectTypeOf<WebSessionsOptions<Shop>>().toExtend<{ readonly rolling?: boolean | undefined }>()
expectTypeOf(webSessions).toBeCallableWith()
webSessions({ secrets, cookie: { name: 'sid', sameSite: 'strict', partitioned: true, persistent: false } })
// @ts-expect-error a store has its options already
webSessions({ store, secrets, table: 'sessions' })
// @ts-expect-error there is no such option
webSessions({ secrets, tableName: 'sessions' })
// @ts-expect-error there is no such attribute
webSessions({ secrets, cookie: { sameSite: 'Lax' } })
// @ts-expect-error a store of other sessions
webSessions<Shop>({ store: new SessionStore<{ token: string }>(), secrets })
