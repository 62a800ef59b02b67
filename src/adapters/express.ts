import type { IncomingMessage } from 'node:http'

import expressSession from 'express-session'

import type { SessionRecord } from '../session/record.ts'
import type { SessionLock } from '../session/session-lock.ts'
import { type DestroyByUserOptions, SessionStore } from '../session/store.ts'
import type { SessionStoreOptions } from '../session/store-options.ts'
import { type Callback, deliver } from './callback.ts'
import { expiryOfCookie } from './cookie-expiry.ts'
import { whenOver } from './request-end.ts'

/** Options of {@link DynamoDBStore}: those of {@link SessionStore}. */
export type DynamoDBStoreOptions = SessionStoreOptions<expressSession.SessionData>

type Data = expressSession.SessionData

/** What a session object was loaded or last saved as, and under which ID. */
interface Origin {
  readonly sid: string
  readonly record: SessionRecord<Data>
  readonly lock?: SessionLock<Data> | undefined
}

/**
 * Keeps the sessions of `express-session` in DynamoDB.
 *
 * - Parallel requests that change different top-level keys of one session both keep their changes (G2), and a session
 *   that one request has destroyed is not brought back by the late save or touch of another (G3, G4): the store
 *   remembers what each session object was loaded or last saved as. `onConflict` can decide otherwise.
 * - With `locking`, requests of one session take turns instead: a session is locked when it is loaded, until it is
 *   saved, touched or destroyed, or the request is over (G10).
 * - A failure reaches the request as an error and is never taken for "no session" (G6).
 * - A session expires when its cookie does; sessions whose cookie says nothing live for `ttlSeconds`.
 * - A session that was not changed is not written, and its expiry only when it moves by a worthwhile amount
 *   (`touchAfterSeconds`).
 *
 * Callbacks are optional, and called exactly once and asynchronously. A failure without a callback is emitted as
 * `'error'` where somebody listens for that, else as a process warning.
 *
 * @example
 * ```ts
 * import express from 'express'
 * import session from 'express-session'
 * import { DynamoDBStore } from 'dynamodb-sessions/express'
 *
 * const app = express()
 * app.use(
 *   session({
 *     store: new DynamoDBStore({ table: 'sessions', region: 'eu-west-1' }),
 *     secret: 'a long random text',
 *     resave: false,
 *     saveUninitialized: false,
 *   }),
 * )
 * ```
 */
export class DynamoDBStore extends expressSession.Store {
  readonly #sessions: SessionStore<Data>
  readonly #ownsSessions: boolean
  readonly #origins = new WeakMap<object, Origin>()

  /**
   * @param options options of a {@link SessionStore}, or a `SessionStore` to use; {@link close} leaves that open.
   * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values. A missing table, region or
   *   credential shows at the first request.
   */
  constructor(options: DynamoDBStoreOptions | SessionStore<Data> = {}) {
    super()
    this.#ownsSessions = !(options instanceof SessionStore)
    this.#sessions = options instanceof SessionStore ? options : new SessionStore<Data>(options)
  }

  /** Loads a session: calls back with `null` when there is none. Does not extend its life. */
  get(sid: string, callback: (error: unknown, session?: Data | null) => void): void {
    this.#deliver(this.#load(sid), callback)
  }

  /**
   * Saves a session. When `session` was loaded from this store, or saved by it before, and has been destroyed or
   * has expired since, nothing is written and that is no error. What others have saved meanwhile is merged with it,
   * which `session` itself does not show.
   */
  set(sid: string, session: Data, callback?: (error?: unknown) => void): void {
    this.#deliver(this.#save(sid, session), callback)
  }

  /** Deletes a session. */
  destroy(sid: string, callback?: (error?: unknown) => void): void {
    this.#deliver(this.#sessions.destroy(sid), callback)
  }

  /** Moves the expiry of a session to that of its cookie. It neither creates nor revives a session. */
  override touch(sid: string, session: Data, callback?: (error?: unknown) => void): void {
    this.#deliver(this.#touch(sid, session), callback)
  }

  /** All sessions of the store's `prefix`. Reads the whole table and holds all sessions in memory. */
  override all(callback: (error: unknown, sessions?: Data[] | null) => void): void {
    this.#deliver(this.#listSessions(), callback)
  }

  /** The number of sessions of the store's `prefix`. Reads the whole table. */
  override length(callback: (error: unknown, length?: number) => void): void {
    this.#deliver(this.#sessions.count(), callback)
  }

  /** Deletes all sessions of the store's `prefix`. Reads the whole table. */
  override clear(callback?: (error?: unknown) => void): void {
    this.#deliver(this.#sessions.clear(), callback)
  }

  /**
   * The partition keys of all sessions of the store's `prefix`: with `hashIds: false` and no prefix the session
   * IDs, otherwise what is stored in their place. Reads the whole table.
   */
  ids(callback: (error: unknown, ids?: string[]) => void): void {
    this.#deliver(this.#listKeys(), callback)
  }

  /**
   * Destroys the sessions of a user, as {@link SessionStore.destroyByUser} does: "sign out everywhere". Needs the option
   * `userId`.
   *
   * @param options `except`: the IDs of sessions to keep, `req.sessionID` for example.
   */
  destroyByUser(userId: string, options?: DestroyByUserOptions<Data>): Promise<number> {
    return this.#sessions.destroyByUser(userId, options)
  }

  /** Lets calls under way finish and closes the connections of the store, unless they are somebody else's. */
  async close(): Promise<void> {
    if (this.#ownsSessions) await this.#sessions.close()
  }

  /** Makes the session object of a request from what {@link get} loaded. Called by `express-session`. */
  override createSession(
    ...[request, data]: Parameters<expressSession.Store['createSession']>
  ): expressSession.Session & Data {
    const created = super.createSession(request, data)
    const origin = this.#origins.get(data)
    if (origin !== undefined) this.#origins.set(created, origin)
    if (origin?.lock !== undefined) this.#holdForRequest(origin.lock, request, created)
    return created
  }

  async #load(sid: string): Promise<Data | null> {
    // The lock is not renewed before it belongs to a request, whose end ends it.
    const lock = this.#sessions.locksSessions ? await this.#sessions.lock(sid, { renew: false }) : undefined
    const record = this.#sessions.locksSessions ? lock?.record : await this.#sessions.read(sid)
    if (record === undefined) return null
    const data = withStoredExpiry(record)
    this.#origins.set(data, { sid, record, lock })
    return data
  }

  /** Keeps the lock of a session until its request is over, however that ends, if nothing has ended it before. */
  #holdForRequest(lock: SessionLock<Data>, request: IncomingMessage, session: expressSession.Session): void {
    const release = (): void => {
      lock.release().catch((error: unknown) => this.#report(error))
    }
    // A session that is loaded outside of a request (`store.load`) is locked for one lease.
    if (whenOver(request, release)) lock.keepAlive()
    // A request that loads its session again would wait for itself.
    const reload = session.reload.bind(session)
    Object.defineProperty(session, 'reload', {
      configurable: true,
      writable: true,
      value: (callback: (error: unknown) => void) => {
        this.#deliver(lock.release(), error => (error ? callback(error) : reload(callback)))
        return session
      },
    })
  }

  async #save(sid: string, session: Data): Promise<void> {
    const basis = this.#originOf(sid, session)
    const record = await this.#sessions.write(sid, session, { basis, ...expiryOfCookie(session.cookie) })
    // A session that was gone keeps its old origin, so that saving it again does not create it either.
    if (record !== undefined) this.#origins.set(session, { sid, record })
  }

  async #touch(sid: string, session: Data): Promise<void> {
    await this.#sessions.touch(this.#originOf(sid, session) ?? sid, expiryOfCookie(session.cookie))
  }

  async #listSessions(): Promise<Data[]> {
    const sessions: Data[] = []
    for await (const record of this.#sessions.records()) sessions.push(withStoredExpiry(record))
    return sessions
  }

  async #listKeys(): Promise<string[]> {
    const keys: string[] = []
    for await (const key of this.#sessions.keys()) keys.push(key)
    return keys
  }

  /** What a session object was loaded or last saved as, provided that it was under this ID. */
  #originOf(sid: string, session: Data): SessionRecord<Data> | undefined {
    const origin = this.#origins.get(session)
    return origin !== undefined && origin.sid === sid ? origin.record : undefined
  }

  #deliver<Value>(outcome: Promise<Value>, callback: Callback<Value> | undefined): void {
    deliver(outcome, callback, error => this.#report(error))
  }

  /** Tells of a failure that no callback is there for. */
  #report(reason: unknown): void {
    const error = reason instanceof Error ? reason : new Error('the session store failed')
    if (this.listenerCount('error') > 0) this.emit('error', error)
    else process.emitWarning(error)
  }
}

/** The data of a session, whose cookie shows when the session expires in fact, touches included (G5). */
function withStoredExpiry({ data, expiresMs }: SessionRecord<Data>): Data {
  const cookie: { expires?: unknown } | undefined = data.cookie
  // A cookie without an expiry lasts for the browser's session: giving it one would make it outlive that.
  if (typeof cookie?.expires === 'string') cookie.expires = new Date(expiresMs).toISOString()
  return data
}
