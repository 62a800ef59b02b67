import {
  type Cookie,
  createCookie,
  createCookieSessionStorage,
  createSession,
  type FlashSessionData,
  isCookie,
  type SessionData,
  type SessionIdStorageStrategy,
  type SessionStorage,
} from 'react-router'

import { isObject } from '../internal/core-objects.ts'
import type { CallOptions, ExpiryOptions } from '../options/call-options.ts'
import type { RowsOf } from '../internal/option.ts'
import type { SessionStore } from '../store/session-store.ts'
import type { UnlockedStoreOptions } from '../options/store-options.ts'
import { FrameworkSessions } from './shared/framework-sessions.ts'
import { openStore, readOwnOptions, storeOption } from './shared/open-store.ts'
import { expiryOfCookie, newSessionId } from './shared/session-cookie.ts'

/** The options that are not about the table. */
interface CookieOption {
  /**
   * The cookie that carries the session ID, or the options to make one with, as for `createSessionStorage`. Give it `secrets`,
   * `httpOnly`, `secure` and a `maxAge`: the session then ends when its cookie does.
   *
   * @default a cookie `__session` without any of these
   */
  readonly cookie?: SessionIdStorageStrategy['cookie']
}

/**
 * Options of {@link createDynamoDBSessionStorage}: the cookie, and either the options of a `SessionStore` without `locking`
 * or, as `store`, a `SessionStore` to use.
 */
export type DynamoDBSessionStorageOptions<
  Data extends object,
  FlashData extends object = Data,
> = CookieOption &
  (
    | (UnlockedStoreOptions<FlashSessionData<Data, FlashData>> & { readonly store?: undefined })
    | {
        /** Keeps the sessions. It stays open when the session storage is closed. */
        readonly store: SessionStore<FlashSessionData<Data, FlashData>>
      }
  )

/** What {@link createDynamoDBSessionStorage} makes. */
export interface DynamoDBSessionStorage<
  Data extends object,
  FlashData extends object = Data,
> extends SessionStorage<Data, FlashData> {
  /** Where the sessions are kept; for `destroyByUser`, for example. */
  readonly store: SessionStore<FlashSessionData<Data, FlashData>>
  /** Checks at start that sessions can be kept: {@link SessionStore.ready}. Call it before the application listens. */
  readonly ready: (options?: CallOptions) => Promise<void>
  /** Lets calls under way finish and closes the connections of the store, unless that is somebody else's. */
  readonly close: () => Promise<void>
}

/**
 * Session storage for React Router, with the methods of its `createSessionStorage`: `getSession`, `commitSession`, `destroySession`.
 *
 * - Parallel requests that change different keys of one session both keep their change, and a session that one
 *   request has destroyed is not brought back when another commits it: the storage remembers what each session object was
 *   loaded or last committed as. The commit then clears the cookie.
 * - A session ID comes from here, never from a visitor: when the session of a cookie is not found, what is committed gets
 *   another ID, of 256 random bits.
 * - Committing the same session object again does not begin another session. After `destroySession`, it clears the cookie.
 * - A session ends when its cookie does, else after `ttlSeconds`. Committing one that has not changed extends it, which is
 *   left out when it would change little (`touchAfterSeconds`).
 *
 * What React Router's design does not allow: locks (`locking` is refused), since it does not say when a request ends.
 *
 * @example
 * ```ts
 * import { createDynamoDBSessionStorage } from 'dynamodb-sessions/react-router'
 *
 * const secret = process.env['SESSION_SECRET']
 * if (secret === undefined) throw new Error('SESSION_SECRET is not set')
 * export const { getSession, commitSession, destroySession } = createDynamoDBSessionStorage<
 *   { userId: string },
 *   { error: string }
 * >({
 *   table: 'sessions',
 *   region: 'eu-west-1',
 *   cookie: {
 *     name: '__session',
 *     secrets: [secret],
 *     httpOnly: true,
 *     secure: true,
 *     sameSite: 'lax',
 *     maxAge: 86_400,
 *   },
 * })
 * ```
 *
 * @typeParam Data what a session holds, by key.
 * @typeParam FlashData what `flash` sets.
 * @throws {TypeError} `INVALID_OPTION` for unknown options, wrong values and `locking`. A missing table, region or credential
 *   shows at the first request with a session.
 */
export function createDynamoDBSessionStorage<
  Data extends object = SessionData,
  FlashData extends object = Data,
>(options: DynamoDBSessionStorageOptions<Data, FlashData> = {}): DynamoDBSessionStorage<Data, FlashData> {
  return new Storage<Data, FlashData>(options)
}

const ownRows: RowsOf<CookieOption> = {
  ...storeOption,
  cookie: { takes: 'a cookie of React Router, or the options to make one with', accepts: isObject },
}

class Storage<Data extends object, FlashData extends object> implements DynamoDBSessionStorage<
  Data,
  FlashData
> {
  readonly store: SessionStore<FlashSessionData<Data, FlashData>>
  readonly close: () => Promise<void>
  readonly #sessions: FrameworkSessions<FlashSessionData<Data, FlashData>>
  readonly #cookie: Cookie
  /** React Router's own storage without a table. */
  readonly #cookies: SessionStorage

  constructor(options: DynamoDBSessionStorageOptions<Data, FlashData>) {
    const { settings, forStore } = readOwnOptions<FlashSessionData<Data, FlashData>, CookieOption>(
      options,
      ownRows,
    )
    const opened = openStore(
      forStore,
      'React Router, which does not tell its session storage when a request ends',
    )
    this.store = opened.store
    this.close = opened.close
    this.#sessions = new FrameworkSessions(opened)
    const { cookie } = settings
    this.#cookie = isCookie(cookie) ? cookie : createCookie(cookie?.name ?? '__session', cookie)
    // It warns of a cookie that is not signed, when the app starts.
    this.#cookies = createCookieSessionStorage({ cookie: this.#cookie })
  }

  // React Router takes the methods of a storage as functions, without the storage.
  readonly ready: DynamoDBSessionStorage<Data>['ready'] = options => this.store.ready(options)

  readonly getSession: SessionStorage<Data, FlashData>['getSession'] = async (header, options) => {
    const id: unknown = header ? await this.#cookie.parse(header, options) : undefined
    const record = await this.#sessions.read(id)
    // An ID that is not found is not used again: it may have been made up, and its session may have been destroyed.
    if (record === undefined) return createSession<Data, FlashData>()
    const session = createSession<Data, FlashData>(record.data as Data, String(id))
    this.#sessions.remember(session, { id: String(id), record })
    return session
  }

  readonly commitSession: SessionStorage<Data, FlashData>['commitSession'] = async (session, options) => {
    const { id = newSessionId(), record: basis } = this.#sessions.latestOf(session) ?? {}
    const expiry = expiryOf(options?.maxAge, options?.expires ?? this.#cookie.expires)
    const isKept =
      !this.#sessions.isGone(session) &&
      (await this.#sessions.save(session, id, session.data, { basis, ...expiry }, {})) !== undefined
    return isKept ? this.#cookie.serialize(id, options) : this.#cookies.destroySession(session, options)
  }

  readonly destroySession: SessionStorage<Data, FlashData>['destroySession'] = async (session, options) => {
    const id = this.#sessions.latestOf(session)?.id ?? session.id
    if (id !== '') await this.store.destroy(id)
    this.#sessions.markGone(session)
    return this.#cookies.destroySession(session, options)
  }
}

/** React Router's own rule: an age comes before a moment, and that of the call before that of the cookie. */
function expiryOf(maxAge: number | undefined, expires: Date | undefined): ExpiryOptions {
  return expiryOfCookie(maxAge === undefined ? { expires } : { maxAge: maxAge * 1000 })
}
