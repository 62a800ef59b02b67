/*
 * Compiled and never run: what the types of sessions for Next.js allow and refuse.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'

import { expectTypeOf } from 'vitest'

import {
  type CookieJar,
  type NextSession,
  nextSessions,
  type NextSessions,
  type SetCookie,
} from '../../src/adapters/next.ts'
import type { WebSession } from '../../src/adapters/web.ts'
import type { SessionStore } from '../../src/index.ts'

interface Shop {
  user?: string
  visits: number
}

/** What `cookies()` of Next.js 15 and 16 resolves to, as far as it matters. */
interface NextCookies {
  get(
    ...args: [name: string] | [{ name: string; value: string }]
  ): { name: string; value: string } | undefined
  set(
    ...args:
      | [key: string, value: string, cookie?: Partial<NextCookie>]
      | [options: NextCookie & { name: string; value: string }]
  ): this
}

interface NextCookie {
  domain?: string | undefined
  httpOnly?: boolean | undefined
  maxAge?: number | undefined
  partitioned?: boolean | undefined
  path?: string | undefined
  sameSite?: true | false | 'lax' | 'strict' | 'none' | undefined
  secure?: boolean | undefined
}

declare class NextRequest extends Request {
  readonly cookies: Pick<NextCookies, 'get'>
  readonly nextUrl: URL
}

declare class NextResponse extends Response {
  readonly cookies: NextCookies
}

declare const jar: NextCookies
declare const request: IncomingMessage
declare const response: ServerResponse

const secrets = 'a long random text'
const sessions = nextSessions<Shop>({ table: 'sessions', secrets })
expectTypeOf(sessions).toEqualTypeOf<NextSessions<Shop>>()
expectTypeOf(sessions.store).toEqualTypeOf<SessionStore<Shop>>()
expectTypeOf(nextSessions).toBeCallableWith()
expectTypeOf(nextSessions({ secrets, userId: ({ user }: Shop) => user })).toEqualTypeOf<NextSessions<Shop>>()
// The secret of a build is not set yet.
nextSessions({ secrets: process.env['SESSION_SECRET'] })
// @ts-expect-error there is no such option
nextSessions({ secrets, password: 'x' })

// A jar, or request and response of the Pages Router.
expectTypeOf<NextCookies>().toExtend<CookieJar>()
const session = await sessions.get(jar)
expectTypeOf(session).toEqualTypeOf<NextSession<Shop>>()
expectTypeOf(await sessions.get(request, response)).toEqualTypeOf<NextSession<Shop>>()
// @ts-expect-error cookies() is a promise
expectTypeOf(sessions.get(Promise.resolve(jar))).not.toBeAny()
// @ts-expect-error these are not those of the Pages Router
expectTypeOf(sessions.get(new Request('https://app.example'), new Response())).not.toBeAny()

// It is a web session that sets its cookie.
expectTypeOf(session).toExtend<WebSession<Shop>>()
expectTypeOf(session.get('visits')).toEqualTypeOf<number | undefined>()
expectTypeOf(session.save()).toEqualTypeOf<Promise<void>>()
expectTypeOf(session.destroy()).toEqualTypeOf<Promise<void>>()
expectTypeOf(sessions.cookie(session)).toEqualTypeOf<SetCookie | undefined>()
// @ts-expect-error visits is a number
session.set('visits', 'one')

// Route handlers are what Next.js calls them with.
const plain = sessions.route((incoming, opened) => {
  expectTypeOf(incoming).toEqualTypeOf<Request>()
  expectTypeOf(opened).toEqualTypeOf<NextSession<Shop>>()
  return new Response()
})
expectTypeOf(plain).toExtend<
  (request: NextRequest, context: { params: Promise<object> }) => Promise<Response>
>()
const typed = sessions.route(
  async (incoming: NextRequest, _opened, { params }: { params: Promise<{ id: string }> }) =>
    new Response(incoming.nextUrl.pathname + (await params).id),
)
expectTypeOf(typed).parameters.toEqualTypeOf<[NextRequest, { params: Promise<{ id: string }> }]>()
const proxy = sessions.proxy((incoming: NextRequest) => {
  expectTypeOf(incoming).toEqualTypeOf<NextRequest>()
  return new NextResponse()
})
expectTypeOf(proxy).toExtend<(request: NextRequest, event: object) => Promise<Response>>()
// @ts-expect-error a route handler responds
sessions.route(() => undefined)
