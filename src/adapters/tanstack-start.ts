import type { SessionData } from '../types.ts'
import type { WebSession, WebSessionsOptions } from './web.ts'
import { isServerError, SharedSessions } from './web/shared-sessions.ts'
import type { Host } from './web/web-session.ts'

export type { SharedSessions } from './web/shared-sessions.ts'
export type { SessionCookieOptions, WebSession, WebSessionsOptions, WebSessionStatus } from './web.ts'

const HOST: Host = { name: 'tanstack-start', isFailure: isServerError }

/**
 * Sessions for TanStack Start, as `context.session`.
 *
 * - It is there in server functions, server routes and other middleware, and is committed before the response begins, also
 *   when that is a redirect.
 * - A response of status 500 or above stores nothing (see the option `isFailure`).
 * - Options are checked at the first request, so that building needs no secret.
 *
 * @example
 * ```js
 * // src/start.js
 * import { createMiddleware, createStart } from '@tanstack/react-start'
 * import { tanstackStartSessions } from 'dynamodb-sessions/tanstack-start'
 *
 * const sessions = tanstackStartSessions({ table: 'sessions', secrets: process.env.SESSION_SECRET })
 * const sessionMiddleware = createMiddleware().server(({ request, next }) =>
 *   sessions.handle(request, session => next({ context: { session } })),
 * )
 *
 * export const startInstance = createStart(() => ({ requestMiddleware: [sessionMiddleware] }))
 * ```
 *
 * @param options those of `webSessions`.
 * @typeParam Data what a session holds, by key.
 */
export function tanstackStartSessions<Data extends object = SessionData>(
  options: WebSessionsOptions<Data> = {},
): TanStackStartSessions<Data> {
  return new TanStackStartSessions<Data>(options)
}

/** What {@link tanstackStartSessions} makes. Everything but its creation throws a `TypeError` (`INVALID_OPTION`) for wrong options. */
export class TanStackStartSessions<Data extends object = SessionData> extends SharedSessions<Data> {
  /** @internal */
  constructor(options: WebSessionsOptions<Data>) {
    super(options, HOST)
  }

  /**
   * Runs the rest of a request with its session, and commits that before the response begins. For request middleware, which belongs
   * into `requestMiddleware` of `createStart`.
   *
   * @param next calls what comes behind the middleware, with the session in the context.
   * @returns what `next` has returned, with the cookie in its response.
   */
  async handle<Result extends { readonly response: Response }>(
    request: Request,
    next: (session: WebSession<Data>) => Result | Promise<Result>,
  ): Promise<Result> {
    let result: Partial<Result> | undefined
    const response = await this.opened.web.handle(request, async session => {
      // Without a response, the commit says so.
      result = Object(await next(session)) as Partial<Result>
      return result.response as Response
    })
    return { ...(result as Result), response }
  }
}
