import { AsyncLocalStorage } from 'node:async_hooks'

import type { SessionData } from '../types.ts'
import type { WebSession, WebSessions, WebSessionsOptions } from './web.ts'
import type { SetCookie } from './web/cookie.ts'
import { isServerError, SharedSessions } from './web/shared-sessions.ts'
import type { Host } from './web/web-session.ts'

export type { SharedSessions } from './web/shared-sessions.ts'
export type { SessionCookieOptions, WebSession, WebSessionsOptions, WebSessionStatus } from './web.ts'

/** What `handle` needs of SvelteKit's `RequestEvent`; `App.Locals` has to declare `session: WebSession<MyData>`. */
export interface SessionEvent<Data extends object> {
  readonly request: Request
  readonly locals: { session: WebSession<Data> }
  readonly isSubRequest: boolean
  readonly cookies: {
    get(name: string): string | undefined
    set(name: string, value: string, options: SetCookie['options']): unknown
  }
}

/** What SvelteKit calls `handle` with. */
export interface HandleInput<Event> {
  readonly event: Event
  readonly resolve: (event: Event) => Response | Promise<Response>
}

/** The session of a request, which is opened no later than it is asked for. */
interface RequestSession<Data extends object> {
  /** What the request has in the session's cookie. */
  readonly cookie: string | undefined
  /** Absent while nothing has asked for the session of a visitor without cookies. */
  opened: WebSession<Data> | undefined
  /** Whether the session has been committed, or given up. */
  isOver: boolean
}

const HOST: Host = { name: 'sveltekit', isFailure: isServerError }

/**
 * Sessions for SvelteKit 2 and 3, as `event.locals.session`.
 *
 * - It is there in `load` functions, form actions, endpoints and remote functions, is committed before the response
 *   begins, and before a redirect that another hook throws goes on.
 * - Requests that `event.fetch` makes to the app itself have the session of the request that they are made for.
 * - A response of status 500 or above stores nothing: SvelteKit makes one of each exception (see the option `isFailure`).
 * - Options are checked when a session is asked for first, so that building and prerendering need no secret.
 *
 * @example
 * ```js
 * // src/hooks.server.js
 * import { sveltekitSessions } from 'dynamodb-sessions/sveltekit'
 *
 * export const sessions = sveltekitSessions({ table: 'sessions', secrets: process.env.SESSION_SECRET })
 * export const handle = sessions.handle
 * ```
 *
 * @param options those of `webSessions`.
 * @typeParam Data what a session holds, by key.
 */
export function sveltekitSessions<Data extends object = SessionData>(
  options: WebSessionsOptions<Data> = {},
): SvelteKitSessions<Data> {
  return new SvelteKitSessions<Data>(options)
}

/** What {@link sveltekitSessions} makes. Everything but its creation throws a `TypeError` (`INVALID_OPTION`) for wrong options. */
export class SvelteKitSessions<Data extends object = SessionData> extends SharedSessions<Data> {
  readonly #current = new AsyncLocalStorage<RequestSession<Data>>()

  /** @internal */
  constructor(options: WebSessionsOptions<Data>) {
    super(options, HOST)
  }

  /** The hook: alone, `export const handle = sessions.handle`, or in SvelteKit's `sequence`. */
  readonly handle = async <Event extends SessionEvent<Data>>({
    event,
    resolve,
  }: HandleInput<Event>): Promise<Response> => {
    const parent = event.isSubRequest ? this.#current.getStore() : undefined
    const cookieHeader = event.request.headers.get('cookie')
    const cookie = cookieHeader === null ? undefined : event.cookies.get(this.cookieName)
    const isShared = parent !== undefined && parent.cookie === cookie
    const current = isShared ? parent : { cookie, opened: undefined, isOver: false }
    if (!isShared && cookieHeader !== null) current.opened = await this.#web.openSession(event.request)
    Object.defineProperty(event.locals, 'session', {
      get: () => (current.opened ??= this.#web.newSession()),
      enumerable: true,
      configurable: true,
    })
    if (!isShared) {
      const own = await this.#answer(event, resolve, current)
      // SvelteKit would give it to the visitor, who has the session of the parent.
      return parent === undefined ? own : withoutCookie(own, this.cookieName)
    }
    const response = await resolve(event)
    // What is streamed asks on when the parent's response, which took along what was changed until then, has begun.
    return current.isOver && current.opened !== undefined ? current.opened.commitTo(response) : response
  }

  async #answer<Event extends SessionEvent<Data>>(
    event: Event,
    resolve: HandleInput<Event>['resolve'],
    current: RequestSession<Data>,
  ): Promise<Response> {
    try {
      const response = await this.#current.run(current, () => resolve(event))
      current.isOver = true
      return (await current.opened?.commitTo(response)) ?? response
    } catch (error) {
      current.isOver = true
      if (isRedirect(error)) await current.opened?.commit()
      // A lock that cannot be given back ends with its lease; what failed first is what the caller has to know.
      else await Promise.allSettled([current.opened?.release()])
      const { setCookie } = current.opened ?? {}
      if (setCookie !== undefined) event.cookies.set(setCookie.name, setCookie.value, setCookie.options)
      throw error
    }
  }

  get #web(): WebSessions<Data> {
    return this.opened.web
  }
}

/** Whether something thrown is what SvelteKit's `redirect()` throws. */
function isRedirect(thrown: unknown): boolean {
  const { status, location } = Object(thrown) as { readonly status?: unknown; readonly location?: unknown }
  return Number(status) >= 300 && Number(status) <= 308 && typeof location === 'string'
}

function withoutCookie(response: Response, name: string): Response {
  const others = response.headers.getSetCookie().filter(cookie => !cookie.startsWith(`${name}=`))
  const headers = new Headers(response.headers)
  headers.delete('set-cookie')
  for (const cookie of others) headers.append('set-cookie', cookie)
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers })
}
