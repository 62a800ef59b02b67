import {
  type Cookie,
  createCookie,
  createSession,
  createSessionStorage,
  type FlashSessionData,
  isCookie,
  type Session,
  type SessionData,
  type SessionIdStorageStrategy,
  type SessionStorage,
} from 'react-router'

import { invalidArgument } from '../errors.ts'
import type { ExpiryOptions } from '../options/call-options.ts'
import { SessionStore } from '../store/session-store.ts'
import type { StoreOptions, UnlockedStoreOptions } from '../options/store-options.ts'
import { FrameworkSessions, type Origin } from './shared/framework-sessions.ts'
import { openStore } from './shared/open-store.ts'
import { expiryOfCookie, newSessionId } from './shared/session-cookie.ts'

/**
 * Options of {@link createDynamoDBSessionStorage}: the cookie, and either the options of a `SessionStore` without `locking`
 * or, as `store`, a `SessionStore` to use.
 */
export type DynamoDBSessionStorageOptions<Data extends object, FlashData extends object = Data> = {
  /**
   * The cookie that carries the session ID, or the options to make one with, as for `createSessionStorage`. Give it `secrets`,
   * `httpOnly`, `secure` and a `maxAge`: the session then ends when its cookie does.
   *
   * @default a cookie `__session` without any of these
   */
  readonly cookie?: SessionIdStorageStrategy['cookie']
} & (
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
  /** Lets calls under way finish and closes the connections of the store, unless that is somebody else's. */
  readonly close: () => Promise<void>
}

/**
 * Session storage for React Router, made of its `createSessionStorage`: `getSession`, `commitSession`, `destroySession`.
 *
 * - Parallel requests that change different keys of one session both keep their change (G2), and a session that one
 *   request has destroyed is not brought back when another commits it (G3): the storage remembers what each session object was
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
 * export const { getSession, commitSession, destroySession } = createDynamoDBSessionStorage<
 *   { userId: string },
 *   { error: string }
 * >({
 *   table: 'sessions',
 *   region: 'eu-west-1',
 *   cookie: {
 *     name: '__session',
 *     secrets: [process.env['SESSION_SECRET'] ?? 'only for development'],
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

class Storage<Data extends object, FlashData extends object> implements DynamoDBSessionStorage<
  Data,
  FlashData
> {
  readonly store: SessionStore<FlashSessionData<Data, FlashData>>
  readonly close: () => Promise<void>
  readonly #cookie: Cookie
  readonly #sessions: FrameworkSessions<FlashSessionData<Data, FlashData>>

  constructor({ cookie, ...others }: DynamoDBSessionStorageOptions<Data, FlashData>) {
    const opened = openStore(
      storeOrOptions(others),
      'React Router, which does not tell its session storage when a request ends',
    )
    this.store = opened.store
    this.close = opened.close
    this.#sessions = new FrameworkSessions(opened)
    this.#cookie = isCookie(cookie) ? cookie : createCookie(cookie?.name ?? '__session', cookie)
    // It warns of a cookie that is not signed, when the app starts.
    this.#inner({})
  }

  // React Router takes the methods of a storage as functions, without the storage.
  readonly getSession: SessionStorage<Data, FlashData>['getSession'] = async (header, options) => {
    let origin: Origin<FlashSessionData<Data, FlashData>> | undefined
    const readData = async (id: string | null): Promise<FlashSessionData<Data, FlashData> | null> => {
      const record = await this.#sessions.read(id)
      if (id === null || record === undefined) return null
      origin = { id, record }
      return record.data
    }
    const session = await this.#inner({ readData }).getSession(header, options)
    if (origin !== undefined) this.#sessions.remember(session, origin)
    // An ID that is not found is not used again: it may have been made up, and its session may have been destroyed.
    else if (session.id !== '') return createSession<Data, FlashData>()
    return session
  }

  readonly commitSession: SessionStorage<Data, FlashData>['commitSession'] = async (session, options) => {
    if (this.#sessions.isGone(session)) return this.#inner({}).destroySession(withId(session, ''), options)
    const origin = this.#sessions.latestOf(session)
    let isGone = false
    const inner = this.#inner({
      createData: async (data, expires) => {
        const id = newSessionId()
        await this.#sessions.save(session, id, data, expiryOf(expires), {})
        return id
      },
      updateData: async (id, data, expires) => {
        const base = { basis: origin?.record, ...expiryOf(expires) }
        isGone = (await this.#sessions.save(session, id, data, base, {})) === undefined
      },
    })
    const header = await inner.commitSession(withId(session, origin?.id ?? ''), options)
    return isGone ? inner.destroySession(withId(session, ''), options) : header
  }

  readonly destroySession: SessionStorage<Data, FlashData>['destroySession'] = async (session, options) => {
    const id = this.#sessions.latestOf(session)?.id ?? session.id
    const deleteData = async (sessionId: string): Promise<void> => {
      if (sessionId !== '') await this.store.destroy(sessionId)
    }
    const header = await this.#inner({ deleteData }).destroySession(withId(session, id), options)
    this.#sessions.markGone(session)
    return header
  }

  /** React Router's own storage, with what one call is to do. */
  #inner(strategy: Partial<SessionIdStorageStrategy<Data, FlashData>>): SessionStorage<Data, FlashData> {
    return createSessionStorage<Data, FlashData>({
      cookie: this.#cookie,
      createData: async () => '',
      readData: async () => null,
      updateData: async () => undefined,
      deleteData: async () => undefined,
      ...strategy,
    })
  }
}

function storeOrOptions<Stored extends object>({
  store,
  ...options
}: StoreOptions<Stored> & { readonly store?: SessionStore<Stored> | undefined }):
  SessionStore<Stored> | StoreOptions<Stored> {
  if (store === undefined) return options
  if (!(store instanceof SessionStore)) {
    throw invalidArgument('INVALID_OPTION', 'the option "store" takes a SessionStore')
  }
  const [other] = Object.keys(options)
  if (other === undefined) return store
  throw invalidArgument(
    'INVALID_OPTION',
    `the option "${other}" has no effect with a store of your own; leave it out`,
  )
}

/** The session under another ID; what is read of it is what it holds at that moment. */
function withId<Data, FlashData>(session: Session<Data, FlashData>, id: string): Session<Data, FlashData> {
  return { ...session, id, data: session.data }
}

function expiryOf(expires: Date | undefined): ExpiryOptions {
  return expiryOfCookie({ expires })
}
