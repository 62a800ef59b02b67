import type { CallOptions } from '../options/call-options.ts'
import { isError, isObject } from '../internal/core-objects.ts'
import { sleep } from '../internal/timers.ts'
import type { SessionData } from '../types.ts'
import type { RequestWithCookies, WebSessions, WebSessionsOptions } from './web.ts'
import { type SetCookie, setCookieHeader } from './web/cookie.ts'
import { SharedSessions } from './web/shared-sessions.ts'
import { type Host, type OpenedSession, type SessionContext, WebSession } from './web/web-session.ts'
import { DynamoDBSessionsError, invalidArgument } from '../errors.ts'

export type { NextSession }
export type { SharedSessions } from './web/shared-sessions.ts'
export type { SessionCookieOptions, SetCookie, WebSessionsOptions, WebSessionStatus } from './web.ts'

/** The request of the Pages Router: `req` of `getServerSideProps` and of API routes. */
export interface PagesRequest {
  readonly headers: { readonly cookie?: string | undefined }
}

/** The request of a route handler or of `proxy.ts`. */
export interface HandlerRequest extends RequestWithCookies {
  readonly method: string
}

/** A route handler, or what `proxy.ts` exports, that is given the session as well. */
export type SessionHandler<Data extends object, Incoming, Context> = (
  request: Incoming,
  session: NextSession<Data>,
  context: Context,
) => Response | Promise<Response>

/** A route handler, or what `proxy.ts` exports, as Next.js calls it. */
export type NextHandler<Incoming, Context> = (request: Incoming, context: Context) => Promise<Response>

const HOST: Host = { name: 'next', withoutLocking: 'Next.js, which does not tell when a request ends' }
const TAKES = 'sessions.get takes await cookies(), or the request and the response of the Pages Router'
const FORM = /^(?:application\/x-www-form|multipart\/form)/i

/**
 * Sessions for Next.js 15 and 16, App Router and Pages Router, on the Node.js runtime.
 *
 * - Options are checked when a session is asked for first, so that `next build` needs no secret.
 * - All bundles of a process, and all edits in development, use one store with one pool of connections.
 * - What `webSessions` guarantees holds.
 *
 * @example
 * ```tsx
 * // lib/sessions.ts
 * export const sessions = nextSessions<{ user?: string }>({ table: 'sessions', secrets: process.env.SESSION_SECRET })
 *
 * // in a Server Component
 * const session = await sessions.get(await cookies())
 * return <p>Hello {session.get('user') ?? 'stranger'}</p>
 *
 * // in a server action
 * const session = await sessions.get(await cookies())
 * session.regenerate()
 * session.set('user', 'ada')
 * await session.save()
 * redirect('/')
 * ```
 *
 * @param options those of `webSessions`, but for `locking`.
 * @typeParam Data what a session holds, by key.
 */
export function nextSessions<Data extends object = SessionData>(
  options: WebSessionsOptions<Data> = {},
): NextSessions<Data> {
  return new NextSessions<Data>(options)
}

/** What {@link nextSessions} makes. Everything but its creation throws a `TypeError` (`INVALID_OPTION`) for wrong options. */
export class NextSessions<Data extends object = SessionData> extends SharedSessions<Data, NextSession<Data>> {
  /** @internal */
  constructor(options: WebSessionsOptions<Data>) {
    super(options, HOST)
  }

  /**
   * The session that a cookie jar, `await cookies()`, or a request of the Pages Router belongs to. Calls with the same
   * one get the same session, which is read once.
   *
   * @throws {TypeError} `INVALID_ARGUMENT` for anything else, such as `cookies()` without `await`.
   * @throws whatever a read may fail with: a session that cannot be read is never an empty one.
   */
  get(jar: CookieJar): Promise<NextSession<Data>>
  get(request: PagesRequest, response: PagesResponse): Promise<NextSession<Data>>
  async get(source: CookieJar | PagesRequest, response?: PagesResponse): Promise<NextSession<Data>> {
    const { web, sessions } = this.opened
    requireSource(source, response)
    const known = sessions.get(source)
    if (known !== undefined) return known
    const opening =
      response === undefined
        ? openSessionOfJar(web, source as CookieJar)
        : openSession(web, (source as PagesRequest).headers.cookie, sinkOfResponse(response))
    sessions.set(source, opening)
    // The next call asks again.
    opening.catch(() => sessions.delete(source))
    return opening
  }

  /**
   * Makes a route handler of a function that is also given the session, which is committed when the function returns, and
   * when it ends with `redirect()`, `notFound()` or the like. When it fails otherwise, nothing more is stored.
   *
   * A response that sets the cookie is kept out of caches, as by `WebSession.commitTo`.
   */
  route<Incoming extends HandlerRequest = Request, Context = unknown>(
    handler: SessionHandler<Data, Incoming, Context>,
  ): NextHandler<Incoming, Context> {
    return async (request, context) => {
      const { web } = this.opened
      const session = await openSession(web, request.headers.get('cookie'))
      try {
        return await commitTo(session, await handler(request, session, context))
      } catch (error) {
        const digest = digestOf(error)
        const isDue = digest.startsWith('NEXT_') && (await session.commit()) !== undefined
        const response = isDue ? thrownResponse(digest, request) : undefined
        if (response === undefined) throw error
        return commitTo(session, response)
      }
    }
  }

  /**
   * Makes what `proxy.ts` (`middleware.ts` before Next.js 16, with `runtime: 'nodejs'`) exports of a function that is also
   * given the session: `sessions.proxy(() => NextResponse.next())` extends the sessions of all visitors. The page that the
   * request goes on to sees the cookie that it sets.
   */
  proxy<Incoming extends HandlerRequest = Request, Context = unknown>(
    handler: SessionHandler<Data, Incoming, Context>,
  ): NextHandler<Incoming, Context> {
    return this.route(handler)
  }

  /** The cookie that a response has to carry after a commit, in parts; `undefined` when it needs none. */
  cookie(session: NextSession<Data>): SetCookie | undefined {
    return session.setCookie
  }
}

function openSession<Data extends object>(
  web: WebSessions<Data>,
  cookieHeader: string | null | undefined,
  sink?: CookieSink,
): Promise<NextSession<Data>> {
  return web.openAs((context, opened) => new NextSession(context, opened, sink), cookieHeader ?? null)
}

async function openSessionOfJar<Data extends object>(
  web: WebSessions<Data>,
  jar: CookieJar,
): Promise<NextSession<Data>> {
  // With `cacheComponents`, Next.js renders in stages, one timer each, and refuses a page that reads the clock in an early
  // one, as signing a request does. It replaces this variable when it bundles. Without it, nothing needs to wait.
  if (process.env['__NEXT_CACHE_COMPONENTS']) await sleep(0, undefined)
  return openSession(web, cookieHeaderIn(jar, web.cookieName), sinkOfJar(jar))
}

function cookieHeaderIn(jar: CookieJar, name: string): string | undefined {
  const cookie: unknown = jar.get(name)
  if (cookie === undefined) return undefined
  const { value } = Object(cookie) as { readonly value?: unknown }
  if (typeof value === 'string') return `${name}=${value}`
  throw invalidArgument(`${TAKES}; received something else, such as await headers()`)
}

/** @throws {TypeError} `INVALID_ARGUMENT` for what sessions cannot be got of. */
function requireSource(source: unknown, response: unknown): void {
  if (isObject(source) && typeof Reflect.get(source, 'then') === 'function') {
    throw invalidArgument(`${TAKES}; received a promise: await it`)
  }
  const isJar = response === undefined && isObject(source) && typeof Reflect.get(source, 'get') === 'function'
  const isPages =
    isObject(source) &&
    isObject(Reflect.get(source, 'headers')) &&
    isObject(response) &&
    typeof Reflect.get(response, 'setHeader') === 'function'
  if (!isJar && !isPages) throw invalidArgument(TAKES)
}

/** `WebSession.commitTo`, and by the cookies of a `NextResponse`, which alone reach the page behind `proxy.ts`. */
async function commitTo<Data extends object>(
  session: NextSession<Data>,
  response: Response & { readonly cookies?: Pick<CookieJar, 'set'> },
): Promise<Response> {
  const marked: typeof response = await session.commitTo(response)
  const { setCookie } = session
  if (setCookie !== undefined) marked.cookies?.set?.(setCookie.name, setCookie.value, setCookie.options)
  return marked
}

function digestOf(error: unknown): string {
  return isError(error) ? String(Reflect.get(error, 'digest')) : ''
}

/**
 * The response that Next.js makes of what `redirect()` and `notFound()` throw. It has no way to add a cookie to that one
 * but the jar, which is not at hand.
 */
function thrownResponse(digest: string, { method, headers }: HandlerRequest): Response | undefined {
  const [kind, ...details] = digest.split(';')
  if (kind === 'NEXT_HTTP_ERROR_FALLBACK') return new Response(null, { status: Number(details[0]) })
  if (kind !== 'NEXT_REDIRECT') return undefined
  const isForm = method === 'POST' && FORM.test(headers.get('content-type') ?? '')
  const location = details.slice(1, -2).join(';')
  return new Response(null, { status: isForm ? 303 : Number(details.at(-2)), headers: { location } })
}

/**
 * The session of one request to Next.js: that of `dynamodb-sessions/web`, and it sets its cookie itself.
 *
 * @typeParam Data what the session holds, by key. It is the application's word: what is read is not checked.
 */
class NextSession<Data extends object = SessionData> extends WebSession<Data> {
  readonly #sink: CookieSink | undefined

  /**
   * @param sink absent where what opens the session sends its cookie, too.
   * @internal
   */
  constructor(context: SessionContext<Data>, opened: OpenedSession<Data>, sink?: CookieSink) {
    super(context, opened)
    this.#sink = sink
  }

  /**
   * Stores what has changed, and sets the cookie. Without changes it extends the session.
   *
   * @throws {DynamoDBSessionsError} `COOKIES_READ_ONLY` where no cookie can be set, such as in a Server Component;
   *   nothing was stored.
   * @throws whatever `WebSession.commit` may fail with.
   */
  save(options?: CallOptions): Promise<void> {
    return this.#withCookie(() => this.commit(options))
  }

  /**
   * Destroys the session now, and makes the browser forget it.
   *
   * @throws {DynamoDBSessionsError} `COOKIES_READ_ONLY` where no cookie can be set, such as in a Server Component;
   *   the session is as it was.
   */
  override destroy(options?: CallOptions): Promise<void> {
    return this.#withCookie(() => super.destroy(options))
  }

  /** Does something that may need a cookie to be set, if one can be set. */
  async #withCookie(work: () => Promise<unknown>): Promise<void> {
    this.#sink?.requireWritable()
    await work()
    if (this.setCookie !== undefined) this.#sink?.set(this.setCookie)
  }
}

/** What `await cookies()` of `next/headers` gives. Only server actions and route handlers can set cookies in it. */
export interface CookieJar {
  get(name: string): { readonly value: string } | undefined
  set?(name: string, value: string, options: SetCookie['options']): unknown
}

/** The response of the Pages Router: `res` of `getServerSideProps` and of API routes. */
export interface PagesResponse {
  readonly headersSent: boolean
  getHeader(name: string): number | string | string[] | undefined
  setHeader(name: string, value: string | string[]): unknown
}

/** Where the cookie of a session goes. */
interface CookieSink {
  /** @throws {DynamoDBSessionsError} `COOKIES_READ_ONLY` */
  readonly requireWritable: () => void
  readonly set: (cookie: SetCookie) => void
}

const WRITABLE = new Error('the jar takes cookies')

/** Sets cookies in a jar, unless it is read-only. */
function sinkOfJar(jar: CookieJar): CookieSink {
  // What can set a cookie asks for its name first, and gets no further; others throw without asking.
  const probe = {
    get name(): string {
      throw WRITABLE
    },
  }
  return {
    requireWritable: () => {
      try {
        ;(jar as unknown as { set: (cookie: object) => unknown }).set(probe)
      } catch (error) {
        if (error !== WRITABLE) throw cookiesReadOnly(error)
      }
    },
    set: ({ name, value, options }) => {
      jar.set?.(name, value, options)
    },
  }
}

/** Sets cookies in a response of the Pages Router, unless its headers have been sent. */
function sinkOfResponse(response: PagesResponse): CookieSink {
  return {
    requireWritable: () => {
      if (response.headersSent) throw cookiesReadOnly()
    },
    set: cookie => {
      const others = [response.getHeader('set-cookie') ?? []].flat().map(String)
      const kept = others.filter(other => !other.startsWith(`${cookie.name}=`))
      response.setHeader('set-cookie', [...kept, setCookieHeader(cookie)])
      if (!response.getHeader('cache-control')) response.setHeader('cache-control', 'private, no-store')
    },
  }
}

function cookiesReadOnly(cause?: unknown): DynamoDBSessionsError {
  return new DynamoDBSessionsError(
    'COOKIES_READ_ONLY',
    'the session cookie cannot be set here; call save() and destroy() in a server action or a route handler, not in a ' +
      'Server Component or after the response',
    { cause },
  )
}
