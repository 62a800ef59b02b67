import type { MiddlewareHandler } from 'hono'

import type { CallOptions } from '../options/call-options.ts'
import type { SessionData } from '../types.ts'
import { WebSessions, type WebSessionsOptions } from './web.ts'
import type { WebSession } from './web/web-session.ts'

export type { SessionCookieOptions, WebSession, WebSessionsOptions, WebSessionStatus } from './web.ts'

/** What {@link dynamoDBSessions} puts into a context: `new Hono<{ Variables: SessionVariables<MyData> }>()`. */
export interface SessionVariables<Data extends object = SessionData> {
  /** The session of the request. */
  session: WebSession<Data>
}

/** The middleware that {@link dynamoDBSessions} makes. */
export interface SessionsMiddleware<Data extends object = SessionData> extends MiddlewareHandler<{
  Variables: SessionVariables<Data>
}> {
  /** What the middleware works with; `webSessions.store` is the store. */
  readonly webSessions: WebSessions<Data>
  /** Checks at start that sessions can be kept: {@link SessionStore.ready}. Call it before the application listens. */
  readonly ready: (options?: CallOptions) => Promise<void>
  /** Lets calls under way finish and closes the connections of the store, unless that is somebody else's. */
  readonly close: () => Promise<void>
}

/**
 * Sessions for Hono, as the variable `session`: `c.get('session')` or `c.var.session`.
 *
 * - The session is read before the handlers run, if the request has a cookie with a valid signature; other requests cost
 *   no access to the table. With the store's option `locking` it is locked from there to the commit.
 * - It is committed after the handlers, before the response is sent, and also when a handler has failed and `onError`
 *   has answered. What a stream changes later needs an `await session.commit()` of its own.
 * - Whatever fails in the store reaches `app.onError`: a session that cannot be read is never an empty one, and a
 *   change that is not stored is never a success.
 *
 * @example
 * ```ts
 * import { Hono } from 'hono'
 * import { dynamoDBSessions } from 'dynamodb-sessions/hono'
 *
 * const app = new Hono()
 *   .use(dynamoDBSessions<{ user?: string }>({ table: 'sessions', region: 'eu-west-1', secrets: ['change me, change me'] }))
 *   .post('/login', async c => {
 *     const session = c.get('session')
 *     session.regenerate()
 *     session.set('user', 'ada')
 *     return c.redirect('/')
 *   })
 *   .get('/', c => c.text(`Hello ${c.get('session').get('user') ?? 'stranger'}`))
 *
 * export { app }
 * ```
 *
 * @param options those of `webSessions`, or what `webSessions` has made; {@link SessionsMiddleware.close} leaves that open.
 * @typeParam Data what a session holds, by key.
 * @throws {TypeError} `INVALID_OPTION` as `webSessions` does.
 */
export function dynamoDBSessions<Data extends object = SessionData>(
  options: WebSessionsOptions<Data> | WebSessions<Data> = {},
): SessionsMiddleware<Data> {
  const isForeign = options instanceof WebSessions
  const webSessions = isForeign ? options : new WebSessions<Data>(options)
  const opened = new WeakSet<object>()
  const middleware: MiddlewareHandler<{ Variables: SessionVariables<Data> }> = async (context, next) => {
    // Mounted twice on one route, it would wait for its own lock.
    if (opened.has(context)) return next()
    opened.add(context)
    const response = await webSessions.handle(context.req.raw, async session => {
      context.set('session', session)
      await next()
      return context.res
    })
    if (response === context.res) return
    // Hono would copy the headers of the response that was there, over those of the new one.
    context.res = undefined
    context.res = response
  }
  const close = async (): Promise<void> => {
    if (!isForeign) await webSessions.close()
  }
  const ready = (callOptions?: CallOptions): Promise<void> => webSessions.ready(callOptions)
  return Object.assign(middleware, { webSessions, ready, close })
}
