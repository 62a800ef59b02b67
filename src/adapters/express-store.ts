import type { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage } from 'node:http'

import type expressSession from 'express-session'
import type { Cookie, Session, SessionData, Store } from 'express-session'

import { invalidSessionData } from '../errors.ts'
import { isObject, LATEST_MS, weakProperty } from '../internal/core-objects.ts'
import type { SessionRecord } from '../items/session-record.ts'
import type { SessionLock } from '../locks/lease.ts'
import type { DestroyByUserOptions } from '../items/session-record.ts'
import type { CallOptions } from '../options/call-options.ts'
import type { SessionStoreOptions } from '../options/store-options.ts'
import type { SessionStore } from '../store/session-store.ts'
import { type Callback, deliver, emitOrWarn, FrameworkSessions } from './shared/framework-sessions.ts'
import { CONVENTIONAL_NAMES, type ConventionalOptions, openStore } from './shared/open-store.ts'
import { holdUntilRequestEnd, rememberResponses, responseTo } from './shared/request-end.ts'
import {
  type CookieProperties,
  expiryOfCookie,
  isSameButForExpiry,
  isSessionCookie,
  isStoredCookie,
  mayHaveCookie,
  propertiesOf,
  shadowedEntries,
  storedForm,
  withStoredExpiry,
} from './shared/session-cookie.ts'
import { defineTellingJson } from '../layouts/json.ts'

/** Options of a {@link DynamoDBStoreInstance}: those of {@link SessionStore}, also under the names that are usual. */
export type DynamoDBStoreOptions = SessionStoreOptions<SessionData> & ConventionalOptions<SessionData>

/** A session store of `express-session` that keeps the sessions in DynamoDB. */
export interface DynamoDBStoreInstance extends Store {
  /**
   * Loads a session: calls back with `null` when there is none. Does not extend its life.
   *
   * With `locking` it waits for the lock, which ends with the call unless the callback makes the session that of a request.
   */
  get(sid: string, callback: (error: unknown, session?: SessionData | null) => void): void

  /**
   * Saves a session. When `session` was loaded from this store, or saved by it before, and has been destroyed or
   * has expired since, nothing is written and that is no error. What others have saved meanwhile is merged with it,
   * which `session` itself does not show.
   */
  set(sid: string, session: SessionData, callback?: (error?: unknown) => void): void

  /** Deletes a session. */
  destroy(sid: string, callback?: (error?: unknown) => void): void

  /** Moves the expiry of a session to that of its cookie. It neither creates nor revives a session. */
  touch(sid: string, session: SessionData, callback?: (error?: unknown) => void): void

  /**
   * All sessions of the store's `prefix`. Where IDs are not hashed (`hashIds: false`, and the layouts of other software), each has
   * its ID as `id`, a property that is not enumerable; data under that name take precedence. Reads the whole table and holds all sessions in memory. An item that cannot be
   * read hides no other: it is left out, and reported as a failure without a callback is.
   */
  all(callback: (error: unknown, sessions?: SessionData[] | null) => void): void

  /** The number of sessions of the store's `prefix`. Reads the whole table. */
  length(callback: (error: unknown, length?: number) => void): void

  /** Deletes all sessions of the store's `prefix`. Reads the whole table. */
  clear(callback?: (error?: unknown) => void): void

  /**
   * The IDs of all sessions of the store's `prefix`, for `get` and `destroy`. With `hashIds`, which is the default, nobody knows
   * them: then it is the partition keys. Reads the whole table.
   */
  ids(callback: (error: unknown, ids?: string[]) => void): void

  /**
   * Destroys the sessions of a user, as {@link SessionStore.destroyByUser} does: "sign out everywhere". Needs the option
   * `userId`.
   *
   * @param options `except`: the IDs of sessions to keep, `req.sessionID` for example.
   */
  destroyByUser(userId: string, options?: DestroyByUserOptions<SessionData>): Promise<number>

  /**
   * Checks at start that sessions can be kept, as {@link SessionStore.ready} does: `await store.ready()` before the application
   * listens fails with the error that the first request would fail with, such as that of a missing table.
   */
  ready(options?: CallOptions): Promise<void>

  /** Lets calls under way finish and closes the connections of the store, unless they are somebody else's. */
  close(): Promise<void>

  /** Makes the session object of a request from what {@link get} loaded. Called by `express-session`. */
  createSession(...parameters: Parameters<Store['createSession']>): Session & SessionData
}

/** The constructor of a {@link DynamoDBStoreInstance}. */
export interface DynamoDBStoreClass {
  readonly prototype: DynamoDBStoreInstance
  /**
   * @param options options of a {@link SessionStore}, or a `SessionStore` to use; `close` leaves that open.
   * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values. A missing table, region or
   *   credential shows at the first request.
   */
  new (options?: DynamoDBStoreOptions | SessionStore<SessionData>): DynamoDBStoreInstance
}

/** The request as the middleware has it. */
type Request = Parameters<Store['regenerate']>[0]

/** What is remembered of a session object besides. */
interface KnownCookie {
  /** Its cookie then; `undefined` when it had none, so that it has one that is only lent to it. */
  readonly cookie: CookieProperties | undefined
}

/**
 * Makes the store class for one copy of `express-session`, whose `Store` it extends: an application can hold several
 * copies, and each takes the sessions it hands out from its own `Store`.
 */
export function createDynamoDBStore(BaseStore: typeof expressSession.Store): DynamoDBStoreClass {
  return class DynamoDBStore extends BaseStore implements DynamoDBStoreInstance {
    readonly #sessions: FrameworkSessions<SessionData, KnownCookie>
    /** Of a cookie that was lent to a session without one: its properties then. Unless they change, it is not stored. */
    readonly #lent = weakProperty<CookieProperties>()
    /** The lock that the running request holds; absent in a store that does not lock. */
    readonly #lockHere: AsyncLocalStorage<SessionLock<SessionData>> | undefined
    /** Locks that belong to a request, whose end ends them. */
    readonly #held = new WeakSet<SessionLock<SessionData>>()
    /** What the middleware begins a session with: it sets that on its store. */
    #generate: ((request: Request) => void) | undefined
    /** Whether the session that is called back for had just been given a new ID when its request came. */
    #isLate = false
    /** The session that is about to be ended for another one in its place. */
    #retiring: SessionRecord<SessionData> | undefined

    constructor(options: DynamoDBStoreOptions | SessionStore<SessionData> = {}) {
      super()
      this.#sessions = new FrameworkSessions(openStore(options, undefined, CONVENTIONAL_NAMES))
      if (!this.#sessions.store.locksSessions) return
      // A module that stores without locks need not load.
      const { AsyncLocalStorage } = process.getBuiltinModule('node:async_hooks')
      this.#lockHere = new AsyncLocalStorage()
      rememberResponses()
    }

    /** The middleware begins a session at once where {@link get} finds none. */
    get generate(): ((request: Request) => void) | undefined {
      return this.#generate
    }

    set generate(generate: (request: Request) => void) {
      this.#generate = request => {
        generate.call(this, request)
        if (!this.#isLate) return
        // What the request begins after that is its own.
        this.#isLate = false
        // Without an ID the middleware neither saves the session nor sets its cookie.
        this.#sessions.markGone(request.session)
        Reflect.set(request, 'sessionID', undefined)
      }
    }

    get(sid: string, callback: (error: unknown, session?: SessionData | null) => void): void {
      let isLate = false
      const loading = this.#load(sid, () => {
        isLate = true
      })
      this.#deliver(loading, (error, session) => {
        this.#isLate = isLate
        try {
          if (typeof callback === 'function') callback(error, session)
        } finally {
          this.#isLate = false
          // By now, the middleware has made it the session of a request.
          this.#releaseUnlessHeld(this.#sessions.latestOf(session)?.lock)
        }
      })
    }

    set(sid: string, session: SessionData, callback?: (error?: unknown) => void): void {
      this.#deliver(this.#save(sid, session), callback)
    }

    destroy(sid: string, callback?: (error?: unknown) => void): void {
      const record = this.#retiring
      const { store } = this.#sessions
      this.#deliver(record === undefined ? store.destroy(sid) : store.retire(record), callback)
    }

    override touch(sid: string, session: SessionData, callback?: (error?: unknown) => void): void {
      this.#deliver(this.#touch(sid, session), callback)
    }

    override all(callback: (error: unknown, sessions?: SessionData[] | null) => void): void {
      this.#deliver(this.#list(), callback)
    }

    override length(callback: (error: unknown, length?: number) => void): void {
      this.#deliver(this.#sessions.store.count(), callback)
    }

    override clear(callback?: (error?: unknown) => void): void {
      this.#deliver(this.#sessions.store.clear(), callback)
    }

    ids(callback: (error: unknown, ids?: string[]) => void): void {
      this.#deliver(this.#listIds(), callback)
    }

    destroyByUser(userId: string, options?: DestroyByUserOptions<SessionData>): Promise<number> {
      return this.#sessions.store.destroyByUser(userId, options)
    }

    ready(options?: CallOptions): Promise<void> {
      return this.#sessions.store.ready(options)
    }

    close(): Promise<void> {
      return this.#sessions.close()
    }

    /**
     * Ends the session of a request, and begins an empty one under a new ID: that is what the middleware takes it to be. What an
     * application carries over stays as it is stored.
     */
    override regenerate(...[request, callback]: Parameters<Store['regenerate']>): void {
      const { session: previous } = request
      const loaded = this.#sessions.latestOf(previous)?.record
      const record = loaded ?? this.#sessions.predecessorOf(previous)
      const begin = (error: unknown): void => {
        const session: unknown = request.session
        if (record !== undefined && isSession(session)) {
          this.#sessions.setPredecessor(session, record)
          if (this.#sessions.store.holdsPhpValues) defineTellingJson(session, 'cookie')
        }
        callback(error)
      }
      if (this.#sessions.isGone(previous)) {
        // It has no ID, and there is nothing to end.
        this.#generate?.(request)
        begin(undefined)
        return
      }
      this.#retiring = loaded
      try {
        super.regenerate(request, begin)
      } finally {
        this.#retiring = undefined
      }
    }

    /** The session object takes over what is known of the data that it is made from. */
    override createSession(...[request, data]: Parameters<Store['createSession']>): Session & SessionData {
      const session = super.createSession(request, data)
      const origin = this.#sessions.latestOf(data)
      if (origin === undefined) return session
      if (origin.cookie === undefined) {
        this.#lend(session, this.#newCookie(request) ?? data.cookie, origin.record)
        // The middleware compares the two to see whether the application has changed something.
        for (const [key] of shadowedEntries(session, data)) Reflect.deleteProperty(data, key)
      }
      if ('headers' in request) this.#forgetWhenMoved(request, origin.id)
      const cookie = origin.cookie && propertiesOf(session.cookie)
      this.#sessions.remember(session, { ...origin, cookie })
      // The middleware compares the JSON of the two, without the cookie.
      if (this.#sessions.store.holdsPhpValues)
        [data, session].forEach(each => defineTellingJson(each, 'cookie'))
      if (origin.lock !== undefined) this.#hold(origin.lock, request, session)
      return session
    }

    async #load(sid: string, onMoved: () => void): Promise<SessionData | null> {
      // A request that has locked its session would wait for itself.
      const locks = this.#lockHere !== undefined && this.#lockHere.getStore()?.isHeld !== true
      // The lock is not renewed before it belongs to a request, whose end ends it.
      const lock = locks ? await this.#sessions.store.lock(sid, { renew: false }) : undefined
      const found =
        lock === undefined ? await this.#sessions.store.readArriving(sid, undefined, onMoved) : undefined
      const record = locks ? lock?.record : found
      if (record === undefined) return null
      const hasCookie = this.#hasCookie(record.data)
      const data = shownForm(record, hasCookie)
      const cookie = hasCookie ? propertiesOf(data.cookie) : undefined
      this.#sessions.remember(data, { id: sid, record, lock, cookie })
      return data
    }

    async #save(sid: string, session: SessionData): Promise<void> {
      requireSession(session)
      if (this.#sessions.isGone(session)) return
      const base = this.#sessions.baseOf(session, sid)
      const stored: Partial<SessionData> | undefined = base.basis?.data
      const data = storedForm(session, session, stored, this.#storesCookie(session.cookie, stored))
      const options = { ...base, ...expiryOfCookie(session.cookie) }
      await this.#sessions.save(session, sid, data, options, { cookie: this.#cookieIn(data) })
    }

    /** Moves the expiry of a session, and stores its cookie if that has changed: the framework saves no session for that. */
    async #touch(sid: string, session: SessionData): Promise<void> {
      requireSession(session)
      const { cookie } = session
      const expiry = expiryOfCookie(cookie)
      const known = this.#sessions.originOf(session, sid)
      const record =
        known?.record ?? (isSessionCookie(cookie) ? await this.#sessions.store.read(sid) : undefined)
      const stored = known === undefined ? record && this.#cookieIn(record.data) : known.cookie
      if (record === undefined || !this.#isNewCookie(cookie, record, stored)) {
        await this.#sessions.store.touch(known?.record ?? sid, expiry)
        return
      }
      const properties = propertiesOf(cookie)
      const read = await this.#sessions.store.dataAsRead(record)
      const data = { ...read, cookie: properties as unknown as Cookie }
      await this.#sessions.save(session, sid, data, { basis: record, ...expiry }, { cookie: properties })
    }

    async #list(): Promise<SessionData[]> {
      const sessions: SessionData[] = []
      // One that cannot be read hides no other.
      for await (const record of this.#sessions.store.records({ onError: this.#report })) {
        const data = shownForm(record, this.#hasCookie(record.data))
        sessions.push(withId(data, await this.#sessions.store.idOfKey(record.key)))
      }
      return sessions
    }

    /** The IDs of all sessions; the key of one whose ID the key does not tell. */
    async #listIds(): Promise<string[]> {
      const ids: string[] = []
      for await (const key of this.#sessions.store.keys())
        ids.push((await this.#sessions.store.idOfKey(key)) ?? key)
      return ids
    }

    /**
     * Takes the session ID from a request once another request of this process has given its session a new one: a cookie with
     * the old ID would take the place of that.
     */
    #forgetWhenMoved(request: IncomingMessage, sid: string): void {
      const { store } = this.#sessions
      const shared = { configurable: true, enumerable: true }
      Object.defineProperty(request, 'sessionID', {
        ...shared,
        get: () => (store.hasMoved(sid) ? undefined : sid),
        set(this: object, value: unknown) {
          Object.defineProperty(this, 'sessionID', { ...shared, value, writable: true })
        },
      })
    }

    /**
     * Keeps a lock for the request that the session has become that of. The middleware does not tell `get` what it is called
     * for; it makes what it gets the session of a request before the callback returns.
     */
    #hold(lock: SessionLock<SessionData>, request: IncomingMessage, session: Session): void {
      const response = responseTo(request)
      if (response === undefined) return
      this.#held.add(lock)
      this.#lockHere?.enterWith(lock)
      holdUntilRequestEnd(lock, response, request, this.#report)
      // A request that loads its session again would wait for itself.
      const reload = session.reload.bind(session)
      Object.defineProperty(session, 'reload', {
        configurable: true,
        writable: true,
        value: (callback: (error: unknown) => void) => {
          deliver(lock.release(), error => (error ? callback(error) : reload(callback)), this.#report)
          return session
        },
      })
    }

    #releaseUnlessHeld(lock: SessionLock<SessionData> | undefined): void {
      if (lock !== undefined && !this.#held.has(lock)) lock.release().catch(this.#report)
    }

    /**
     * The cookie that the middleware gives to a new session of this request: only `generate`, which the middleware sets on its
     * store, knows its options. `undefined` outside of a request, where the options may have nothing to look at.
     */
    #newCookie(request: IncomingMessage): Cookie | undefined {
      if (this.#generate === undefined || !('headers' in request)) return undefined
      // The session of the request itself stays what it is.
      const standIn = Object.create(request) as Request
      this.#generate(standIn)
      return standIn.session.cookie
    }

    /** Lends a session the cookie of a new one, which shows when the session expires in fact. */
    #lend(session: SessionData, cookie: Cookie, { expiresMs }: SessionRecord<SessionData>): void {
      const { originalMaxAge } = cookie
      if (expiresMs < LATEST_MS) cookie.expires = new Date(expiresMs)
      cookie.originalMaxAge = originalMaxAge
      session.cookie = cookie
      this.#lent.set(cookie, propertiesOf(cookie))
    }

    /** Whether a session is stored with this cookie, made from a stored session or new. */
    #storesCookie(cookie: unknown, stored: Partial<SessionData> | undefined): boolean {
      const layout = this.#sessions.store.layoutName
      if (stored?.cookie !== undefined) return isStoredCookie(stored.cookie, layout)
      if (!mayHaveCookie(layout)) return false
      const lent = this.#lent.of(cookie)
      if (lent === undefined || !isSessionCookie(cookie)) return true
      // It shows an expiry until the end of the request also where cookies last for the browser's session.
      return !isSameButForExpiry({ ...propertiesOf(cookie), expires: lent['expires'] }, lent)
    }

    #isNewCookie(
      cookie: object,
      { data }: SessionRecord<SessionData>,
      known: CookieProperties | undefined,
    ): boolean {
      if (!isSessionCookie(cookie) || !this.#storesCookie(cookie, data)) return false
      return known === undefined || !isSameButForExpiry(propertiesOf(cookie), known)
    }

    #hasCookie({ cookie }: Partial<SessionData>): boolean {
      return isStoredCookie(cookie, this.#sessions.store.layoutName)
    }

    #cookieIn(data: SessionData): CookieProperties | undefined {
      return this.#hasCookie(data) ? propertiesOf(data.cookie) : undefined
    }

    #deliver<Value>(outcome: Promise<Value>, callback: Callback<Value> | undefined): void {
      deliver(outcome, callback, this.#report)
    }

    /** Tells of a failure that no callback is there for. */
    readonly #report = (reason: unknown): void => {
      emitOrWarn(this, reason)
    }
  }
}

/**
 * Whether a value may be a session: applications that call a store themselves may pass anything.
 *
 * @internal
 */
export function isSession(value: unknown): value is SessionData {
  return isObject(value)
}

function requireSession(session: unknown): void {
  if (!isSession(session)) throw invalidSessionData('session data must be an object')
}

/** A session as the application gets it, whose cookie shows when it expires in fact. */
function shownForm({ data, expiresMs }: SessionRecord<SessionData>, hasCookie: boolean): SessionData {
  if (hasCookie) {
    data.cookie = withStoredExpiry(data.cookie, expiresMs) as Cookie
    return data
  }
  const expires = expiresMs < LATEST_MS ? new Date(expiresMs).toISOString() : null
  const value = { originalMaxAge: null, expires, httpOnly: true, path: '/' }
  // Not enumerable: JSON, copies and comparisons of the data show what is stored.
  const lent = { value, configurable: true, enumerable: false, writable: true }
  return Object.defineProperty({ ...data }, 'cookie', lent)
}

/** A session with its ID, which is not enumerable, so that saving a copy of the session does not store it. */
function withId(session: SessionData, id: string | undefined): SessionData {
  if (id === undefined || Object.hasOwn(session, 'id')) return session
  return Object.defineProperty(session, 'id', { value: id, configurable: true, enumerable: false })
}
