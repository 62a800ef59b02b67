/*
 * Compiled and never run: what the types of sessions for TanStack Start allow and refuse.
 */
import { expectTypeOf } from 'vitest'

import {
  tanstackStartSessions,
  type TanStackStartSessions,
  type WebSession,
} from '../../src/adapters/tanstack-start.ts'
import type { SessionStore } from '../../src/index.ts'

interface Shop {
  user?: string
  visits: number
}

/** What `createMiddleware()` of TanStack Start gives, as far as it matters. */
interface RequestMiddleware {
  server<Context = undefined>(
    middleware: (input: {
      request: Request
      pathname: string
      next: <Added = undefined>(options?: { context?: Added }) => Promise<Outcome<Added>> | Outcome<Added>
    }) => Promise<Outcome<Context> | Response> | Outcome<Context> | Response,
  ): Context
}

interface Outcome<in out Context> {
  readonly request: Request
  readonly context: Context
  readonly response: Response
}

declare const middleware: RequestMiddleware

const sessions = tanstackStartSessions<Shop>({ secrets: process.env['SESSION_SECRET'] })
expectTypeOf(sessions).toEqualTypeOf<TanStackStartSessions<Shop>>()
expectTypeOf(sessions.store).toEqualTypeOf<SessionStore<Shop>>()
expectTypeOf(tanstackStartSessions).toBeCallableWith()
// @ts-expect-error there is no such option
tanstackStartSessions({ password: 'x' })

// The middleware says what it adds to the context.
const context = middleware.server(({ request, next }) =>
  sessions.handle(request, session => next({ context: { session } })),
)
expectTypeOf(context).toEqualTypeOf<{ session: WebSession<Shop> }>()
