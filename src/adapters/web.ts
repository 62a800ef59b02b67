/// <reference lib="esnext.disposable" preserve="true" />

import { invalidArgument, invalidOption } from '../errors.ts'
import { isObject } from '../internal/core-objects.ts'
import { type CallOptions, callRows } from '../options/call-options.ts'
import { entryRows } from '../options/entry-options.ts'
import { functionOption, type RowsOf, validateCallOptions } from '../internal/option.ts'
import { kindOf } from '../internal/option-mistakes.ts'
import type { SessionStoreOptions } from '../options/store-options.ts'
import type { SessionStore } from '../store/session-store.ts'
import type { SessionData } from '../types.ts'
import { openStore, readOwnOptions, storeOption } from './shared/open-store.ts'
import { SessionCookie, type SessionCookieOptions } from './web/cookie.ts'
import { type Host, type OpenedSession, type SessionContext, WebSession } from './web/web-session.ts'

export type { SessionCookieOptions, SetCookie } from './web/cookie.ts'
export type { WebSession, WebSessionStatus } from './web/web-session.ts'

/** The options of web sessions that are not about the table. */
export interface WebSessionSettings {
  /**
   * Signs the session IDs in cookies: one secret, or several for rotation. The first signs, all of them verify, and a
   * cookie that another has signed is signed anew at the next occasion. Each at least 16 characters; make one with
   * `openssl rand -base64 32`. The same on every server.
   *
   * In the environment, as `DYNAMODB_SESSIONS_SECRETS`, they are separated by blanks.
   */
  readonly secrets?: string | readonly string[] | undefined

  /**
   * How the cookie is set.
   *
   * @default `__Host-session`, Secure, HttpOnly, SameSite=Lax, Path=/, for as long as the session lives
   */
  readonly cookie?: SessionCookieOptions | undefined

  /**
   * Whether every request that comes with a session extends it (the store's `touchAfterSeconds` keeps most of them from
   * writing). `false`: only a request that changes it does.
   *
   * @default true
   */
  readonly rolling?: boolean | undefined

  /**
   * Which responses mean that the handler has failed: nothing of what it has set is then stored. For frameworks that make a
   * response of what the application throws, so that nothing else tells. What was committed or destroyed before stays so.
   *
   * @default `response => response.status >= 500` in SvelteKit and TanStack Start; no response elsewhere
   */
  readonly isFailure?: ((response: Response) => boolean) | undefined
}

/**
 * Options of `webSessions`: those of {@link WebSessionSettings}, and either the options of a `SessionStore` or, as
 * `store`, a `SessionStore` to use.
 */
export type WebSessionsOptions<Data extends object> = WebSessionSettings &
  (
    | (SessionStoreOptions<Data> & { readonly store?: undefined })
    | {
        /** Keeps the sessions. It stays open when the web sessions are closed. */
        readonly store: SessionStore<Data>
      }
  )

/** What has to be known of a request: its `Cookie` header. A `Request` has it. */
export interface RequestWithCookies {
  readonly headers: { get(name: string): string | null }
}

/**
 * Sessions for handlers that take a `Request` and return a `Response`, with a signed ID in a cookie.
 *
 * - A request without a cookie, or whose cookie has no valid signature, costs no access to the table, and a visitor of
 *   whom nothing is kept gets no cookie.
 * - IDs have 256 random bits and are signed with HMAC-SHA-256. The ID of a cookie that is not found is not used again.
 * - Everything that `SessionStore` guarantees holds: see `WebSession`.
 *
 * @example
 * ```ts
 * import { webSessions } from 'dynamodb-sessions/web'
 *
 * const sessions = webSessions<{ visits?: number }>({
 *   table: 'sessions',
 *   region: 'eu-west-1',
 *   secrets: process.env['SESSION_SECRET'],
 * })
 *
 * export async function fetch(request: Request): Promise<Response> {
 *   return sessions.handle(request, session => {
 *     const visits = (session.get('visits') ?? 0) + 1
 *     session.set('visits', visits)
 *     return new Response(`Visit ${visits}`)
 *   })
 * }
 * ```
 *
 * @typeParam Data what a session holds, by key.
 * @throws {TypeError} `INVALID_OPTION` for unknown options, wrong values, options that contradict each other and missing
 *   secrets. A missing table, region or credential shows at the first request with a session.
 */
export function webSessions<Data extends object = SessionData>(
  options: WebSessionsOptions<Data> = {},
): WebSessions<Data> {
  return new WebSessions<Data>(options)
}

/** What {@link webSessions} makes. */
export class WebSessions<Data extends object = SessionData> {
  /** Where the sessions are kept; for `destroyByUser`, for example. */
  readonly store: SessionStore<Data>
  readonly #closeStore: () => Promise<void>
  readonly #context: SessionContext<Data>

  /**
   * @param host what the framework is like.
   * @internal
   */
  constructor(options: WebSessionsOptions<Data>, host: Host = { name: 'web' }) {
    const { settings, forStore } = readOwnOptions<Data, WebSessionSettings>(options, ownRows)
    const {
      secrets = [],
      cookie = {},
      rolling: isRolling = true,
      isFailure = host.isFailure ?? (() => false),
      clock,
    } = settings
    requireSecrets(settings, options)
    const { store, close } = openStore(forStore, host.withoutLocking)
    this.store = store
    this.#closeStore = close
    this.#context = {
      store,
      cookie: new SessionCookie(cookie, [secrets].flat()),
      isRolling,
      isFailure,
      now: () => clock?.now() ?? Date.now(),
    }
  }

  /** Name of the cookie, with prefix. */
  get cookieName(): string {
    return this.#context.cookie.name
  }

  /**
   * Opens the session of a request: the stored one, or a new one that is stored when something has been set in it.
   *
   * End it with `commit` and send the `Set-Cookie` that it returns. With the store's option `locking` the session is
   * locked until then, or until `release`, which a handler that fails has to call; {@link handle} does all of that.
   *
   * @throws {SessionLockedError} with `locking`, when somebody else still has the lock after `maxWaitMs`.
   * @throws whatever a read may fail with: a session that cannot be read is never an empty one.
   */
  async openSession(request: RequestWithCookies, options: CallOptions = {}): Promise<WebSession<Data>> {
    return this.openAs((context, opened) => new WebSession(context, opened), cookieHeaderOf(request), options)
  }

  /**
   * {@link openSession}, for a kind of session that knows more of its framework.
   *
   * @internal
   */
  async openAs<Session extends WebSession<Data>>(
    make: (context: SessionContext<Data>, opened: OpenedSession<Data>) => Session,
    cookieHeader: string | null,
    options: CallOptions = {},
  ): Promise<Session> {
    // With a cookie or without: the store looks at its options only where it is asked.
    validateCallOptions(options, callRows)
    const { cookie } = this.#context
    const presented = cookie.read(cookieHeader)
    const { id } = presented
    const locks = this.store.locksSessions
    const lock = locks && id !== undefined ? await this.store.lock(id, options) : undefined
    let hasMoved = false
    const onMoved = (): void => {
      hasMoved = true
    }
    const found =
      id === undefined || lock !== undefined ? undefined : await this.store.readArriving(id, options, onMoved)
    const record = locks ? lock?.record : found
    return make(this.#context, { presented, record, lock, hasMoved })
  }

  /**
   * The session of a request without cookies, for which nothing has to be read.
   *
   * @internal
   */
  newSession(): WebSession<Data> {
    return new WebSession(this.#context, {
      presented: { isThere: false },
      record: undefined,
      lock: undefined,
      hasMoved: false,
    })
  }

  /**
   * Answers a request with its session: opens it, calls the handler, and commits before the response is returned.
   *
   * When the handler fails, nothing is stored, a lock is given back, and the failure is passed on. A response is a failure
   * if the option `isFailure` says so. What the handler does after it has returned, in a stream for example, needs a `commit` of its own.
   */
  async handle(
    request: RequestWithCookies,
    handler: (session: WebSession<Data>) => Response | Promise<Response>,
    options: CallOptions = {},
  ): Promise<Response> {
    const session = await this.openSession(request, options)
    try {
      return await session.commitTo(await handler(session), options)
    } catch (error) {
      // A lock that cannot be given back ends with its lease; what failed first is what the caller has to know.
      await Promise.allSettled([session.release()])
      throw error
    }
  }

  /** Checks at start that sessions can be kept: {@link SessionStore.ready}. Call it before the application listens. */
  ready(options?: CallOptions): Promise<void> {
    return this.store.ready(options)
  }

  /** Lets calls under way finish and closes the connections of the store, unless that is somebody else's. */
  close(): Promise<void> {
    return this.#closeStore()
  }

  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

const ownRows: RowsOf<WebSessionSettings> = {
  ...storeOption,
  secrets: entryRows.secrets,
  cookie: {
    takes: 'an object of cookie options',
    accepts: value => isObject(value) && !Array.isArray(value),
  },
  rolling: entryRows.rolling,
  isFailure: functionOption(),
}

/** @throws {TypeError} `INVALID_ARGUMENT` for what is no request. */
function cookieHeaderOf(request: RequestWithCookies): string | null {
  const { headers } = Object(request) as Partial<RequestWithCookies>
  if (typeof headers?.get === 'function') return headers.get('cookie')
  throw invalidArgument(
    `a session needs a Request, or another object with headers.get; received ${kindOf(request)} without. ` +
      'Of a request of node:http pass { headers: { get: () => request.headers.cookie ?? null } }',
  )
}

/** @throws {TypeError} `INVALID_OPTION` when there are no secrets to sign with, or some that sign nothing. */
function requireSecrets({ secrets, cookie }: WebSessionSettings, given: WebSessionSettings): void {
  const isSigned = cookie?.signed !== false
  if (isSigned && secrets === undefined) {
    throw invalidOption(
      `the option "secrets" is ${
        Object.hasOwn(given, 'secrets')
          ? 'undefined: the variable that it comes from is not set'
          : 'missing (or the environment variable DYNAMODB_SESSIONS_SECRETS)'
      }; session cookies are signed with it; make one with: openssl rand -base64 32`,
    )
  }
  if (!isSigned && given.secrets !== undefined) {
    throw invalidOption(
      'the option "secrets" has no effect with the cookie option "signed" set to false: nothing is signed; leave one of them out',
    )
  }
}
