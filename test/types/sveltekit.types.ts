/*
 * Compiled and never run: what the types of sessions for SvelteKit allow and refuse.
 */
import { expectTypeOf } from 'vitest'

import { sveltekitSessions, type SvelteKitSessions, type WebSession } from '../../src/adapters/sveltekit.ts'
import type { SessionStore } from '../../src/index.ts'

interface Shop {
  user?: string
  visits: number
}

/** The `RequestEvent` of SvelteKit 2 and 3, as far as it matters. */
interface RequestEvent<Locals> {
  readonly request: Request
  readonly locals: Locals
  readonly isSubRequest: boolean
  readonly url: URL
  readonly cookies: {
    get(name: string, options?: { decode?: (value: string) => string }): string | undefined
    set(name: string, value: string, options: CookieOptions & { path: string }): void
  }
}

interface CookieOptions {
  domain?: string | undefined
  httpOnly?: boolean | undefined
  maxAge?: number | undefined
  partitioned?: boolean | undefined
  sameSite?: boolean | 'lax' | 'strict' | 'none' | undefined
  secure?: boolean | undefined
}

type Handle<Locals> = (input: {
  event: RequestEvent<Locals>
  resolve: (
    event: RequestEvent<Locals>,
    options?: { preload?: () => boolean },
  ) => Response | Promise<Response>
}) => Response | Promise<Response>

const sessions = sveltekitSessions<Shop>({ secrets: process.env['SESSION_SECRET'] })
expectTypeOf(sessions).toEqualTypeOf<SvelteKitSessions<Shop>>()
expectTypeOf(sessions.store).toEqualTypeOf<SessionStore<Shop>>()
expectTypeOf(sessions.cookieName).toEqualTypeOf<string>()
expectTypeOf(sveltekitSessions).toBeCallableWith()
sveltekitSessions<Shop>({
  locking: true,
  isFailure: ({ status }) => status >= 400,
  userId: ({ user }) => user,
})
// @ts-expect-error there is no such option
sveltekitSessions({ password: 'x' })

// The hook is SvelteKit's, where App.Locals declares the session.
expectTypeOf(sessions.handle).toExtend<Handle<{ session: WebSession<Shop>; theme: string }>>()
// @ts-expect-error App.Locals declares another session
expectTypeOf(sessions.handle).toExtend<Handle<{ session: WebSession<{ visits: string }> }>>()
// @ts-expect-error App.Locals declares none
expectTypeOf(sessions.handle).toExtend<Handle<object>>()
