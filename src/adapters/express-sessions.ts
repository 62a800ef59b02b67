import type { IncomingMessage } from 'node:http'

import type { Cookie, Session, SessionData } from 'express-session'

import { invalidArgument } from '../errors.ts'
import { LATEST_MS } from '../internal/date-range.ts'
import { hiddenField } from '../internal/weak-property.ts'
import type { SessionRecord } from '../items/session-record.ts'
import type { SessionLock } from '../locks/session-lock.ts'
import type { DestroyByUserOptions } from '../options/call-options.ts'
import { SessionStore } from '../store/session-store.ts'
import type { SessionStoreOptions } from '../options/store-options.ts'
import { expiryOfCookie, withStoredExpiry } from './shared/cookie-expiry.ts'
import { COOKIE_KEYS, mayHave, shadowedEntries } from './shared/framework-keys.ts'
import { RequestLocks } from './shared/request-locks.ts'
import {
  type CookieProperties,
  isSameButForExpiry,
  isSessionCookie,
  isStoredCookie,
  propertiesOf,
} from './shared/session-cookie.ts'
import { defineTellingJson } from './shared/telling-json.ts'

/** What a session object was loaded or last saved as, and under which ID. */
interface Origin {
  readonly sid: string
  readonly record: SessionRecord<SessionData>
  readonly lock?: SessionLock<SessionData> | undefined
  /** Its cookie then; `undefined` when it had none. */
  readonly cookie: CookieProperties | undefined
}

/** A session that is loaded. */
interface Loaded {
  readonly data: SessionData
  /** Its stored cookie; `undefined` when there is none, so that `data` have one that is only lent to them. */
  readonly cookie: CookieProperties | undefined
}

/**
 * The sessions of an `express-session` middleware: what its store does, in promises.
 *
 * It remembers what each session object was loaded or last saved as (G2, G3) and holds the locks of requests (G10).
 *
 * @internal
 */
export class ExpressSessions {
  readonly #sessions: SessionStore<SessionData>
  readonly #ownsSessions: boolean
  readonly #report: (reason: unknown) => void
  readonly #keepsCookies: boolean
  readonly #origins = hiddenField<Origin>()
  /** Of a session object that took the place of another under a new ID: what that was loaded or last saved as. */
  readonly #predecessors = hiddenField<SessionRecord<SessionData>>()
  /** Of a cookie that was lent to a session without one: its properties then. Unless they change, it is not stored. */
  readonly #lent = hiddenField<CookieProperties>()
  /** Absent in a store that does not lock. */
  readonly #locks: RequestLocks | undefined

  /**
   * @param options options of a {@link SessionStore}, or one to use.
   * @param report is told of failures that no caller is there for.
   */
  constructor(
    options: SessionStoreOptions<SessionData> | SessionStore<SessionData>,
    report: (reason: unknown) => void,
  ) {
    this.#ownsSessions = !(options instanceof SessionStore)
    this.#sessions = options instanceof SessionStore ? options : new SessionStore<SessionData>(options)
    this.#report = report
    this.#keepsCookies = mayHave(COOKIE_KEYS, this.#sessions.layoutName)
    this.#locks = this.#sessions.locksSessions ? new RequestLocks(report) : undefined
  }

  /** Loads a session, locked where the store locks. {@link handedOver} has to be told when the caller has it. */
  async load(sid: string): Promise<SessionData | null> {
    // A request that has locked its session would wait for itself.
    const locks = this.#locks !== undefined && !this.#locks.areHeldHere
    // The lock is not renewed before it belongs to a request, whose end ends it.
    const lock = locks ? await this.#sessions.lock(sid, { renew: false }) : undefined
    const record = locks ? lock?.record : await this.#sessions.read(sid)
    if (record === undefined) return null
    const { data, cookie } = this.#loaded(record)
    this.#origins.set(data, { sid, record, lock, cookie })
    return data
  }

  /** The caller has got what {@link load} gave: unless that has become the session of a request, its lock ends here. */
  handedOver(data: SessionData | null | undefined): void {
    const lock = this.#origins.of(data)?.lock
    if (lock !== undefined) this.#locks?.endOfCall(lock)
  }

  async save(sid: string, session: SessionData): Promise<void> {
    requireSession(session)
    const basis = this.#originOf(sid, session)?.record
    const data = this.#storedForm(session, basis)
    const movedFrom = basis === undefined ? this.#predecessors.of(session) : undefined
    const expiry = expiryOfCookie(session.cookie)
    const record = await this.#sessions.write(sid, data, { basis, movedFrom, ...expiry })
    // A session that was gone keeps its old origin, so that saving it again does not create it either.
    if (record !== undefined) {
      this.#origins.set(session, { sid, record: record.asWritten(), cookie: this.#cookieIn(data) })
    }
  }

  /** Moves the expiry of a session, and stores its cookie if that has changed: the framework saves no session for that. */
  async touch(sid: string, session: SessionData): Promise<void> {
    requireSession(session)
    const { cookie } = session
    const expiry = expiryOfCookie(cookie)
    const known = this.#originOf(sid, session)
    const origin = known ?? (isSessionCookie(cookie) ? await this.#read(sid) : undefined)
    if (origin === undefined || !this.#hasNewCookie(cookie, origin)) {
      await this.#sessions.touch(known?.record ?? sid, expiry)
      return
    }
    const properties = propertiesOf(cookie)
    const data = {
      ...(await this.#sessions.dataAsRead(origin.record)),
      cookie: properties as unknown as Cookie,
    }
    const record = await this.#sessions.write(sid, data, { basis: origin.record, ...expiry })
    if (record !== undefined) {
      this.#origins.set(session, { sid, record: record.asWritten(), cookie: properties })
    }
  }

  async destroy(sid: string): Promise<void> {
    await this.#sessions.destroy(sid)
  }

  async list(): Promise<SessionData[]> {
    const sessions: SessionData[] = []
    // One that cannot be read hides no other.
    for await (const record of this.#sessions.records({ onError: this.#report })) {
      sessions.push(withId(this.#loaded(record).data, await this.#sessions.idOfKey(record.key)))
    }
    return sessions
  }

  /** The IDs of all sessions; the key of one whose ID the key does not tell. */
  async listIds(): Promise<string[]> {
    const ids: string[] = []
    for await (const key of this.#sessions.keys()) ids.push((await this.#sessions.idOfKey(key)) ?? key)
    return ids
  }

  async count(): Promise<number> {
    return this.#sessions.count()
  }

  async clear(): Promise<void> {
    await this.#sessions.clear()
  }

  async destroyByUser(userId: string, options?: DestroyByUserOptions<SessionData>): Promise<number> {
    return this.#sessions.destroyByUser(userId, options)
  }

  async close(): Promise<void> {
    if (this.#ownsSessions) await this.#sessions.close()
  }

  /**
   * Lets the session object of a request take over what is known of the data that it was made from.
   *
   * @param newCookie makes the cookie that the middleware gives to a new session; `undefined` outside of a request.
   */
  adopt(
    request: IncomingMessage,
    data: SessionData,
    session: Session & SessionData,
    newCookie: () => Cookie | undefined,
  ): void {
    const origin = this.#origins.of(data)
    if (origin === undefined) return
    if (origin.cookie === undefined) {
      this.#lend(session, newCookie() ?? data.cookie, origin.record)
      // The middleware compares the two to see whether the application has changed something.
      for (const [key] of shadowedEntries(session, data)) Reflect.deleteProperty(data, key)
    }
    const cookie = origin.cookie && propertiesOf(session.cookie)
    this.#origins.set(session, { ...origin, cookie })
    // The middleware compares the JSON of the two, without the cookie.
    if (this.#sessions.holdsPhpValues) [data, session].forEach(each => defineTellingJson(each, 'cookie'))
    if (origin.lock !== undefined) this.#locks?.hold(origin.lock, request, session)
  }

  /** Takes note that a session took the place of another: what an application carries over stays as it is stored. */
  replace(previous: unknown, session: unknown): void {
    const record = this.#origins.of(previous)?.record ?? this.#predecessors.of(previous)
    if (record === undefined || !isSession(session)) return
    this.#predecessors.set(session, record)
    if (this.#sessions.holdsPhpValues) defineTellingJson(session, 'cookie')
  }

  /** A session as the application gets it, whose cookie shows when it expires in fact. */
  #loaded({ data, expiresMs }: SessionRecord<SessionData>): Loaded {
    const stored: Partial<SessionData> = data
    if (this.#isCookie(stored.cookie)) {
      const cookie = withStoredExpiry(stored.cookie, expiresMs) as Cookie
      stored.cookie = cookie
      return { data, cookie: propertiesOf(cookie) }
    }
    const expires = expiresMs < LATEST_MS ? new Date(expiresMs).toISOString() : null
    const value = { originalMaxAge: null, expires, httpOnly: true, path: '/' }
    // Not enumerable: JSON, copies and comparisons of the data show what is stored.
    const lent = { value, configurable: true, enumerable: false, writable: true }
    return { data: Object.defineProperty({ ...data }, 'cookie', lent), cookie: undefined }
  }

  /** Lends a session the cookie of a new one, which shows when the session expires in fact. */
  #lend(session: SessionData, cookie: Cookie, { expiresMs }: SessionRecord<SessionData>): void {
    const { originalMaxAge } = cookie
    if (expiresMs < LATEST_MS) cookie.expires = new Date(expiresMs)
    cookie.originalMaxAge = originalMaxAge
    session.cookie = cookie
    this.#lent.set(cookie, propertiesOf(cookie))
  }

  /** A session as it is stored, made from a stored one or new: with a cookie only where that belongs there. */
  #storedForm(session: SessionData, basis: SessionRecord<SessionData> | undefined): SessionData {
    const stored: Partial<SessionData> | undefined = basis?.data
    const shadowed = shadowedEntries(session, stored)
    const storesCookie = this.#storesCookie(session.cookie, stored)
    if (storesCookie && shadowed.length === 0) return session
    const data: Partial<SessionData> = { ...session, ...Object.fromEntries(shadowed) }
    if (!storesCookie) delete data.cookie
    if (!storesCookie && stored?.cookie !== undefined) data.cookie = stored.cookie
    return data as SessionData
  }

  #storesCookie(cookie: unknown, stored: Partial<SessionData> | undefined): boolean {
    if (stored?.cookie !== undefined) return this.#isCookie(stored.cookie)
    if (!this.#keepsCookies) return false
    const lent = this.#lent.of(cookie)
    if (lent === undefined || !isSessionCookie(cookie)) return true
    // It shows an expiry until the end of the request also where cookies last for the browser's session.
    return !isSameButForExpiry({ ...propertiesOf(cookie), expires: lent['expires'] }, lent)
  }

  #hasNewCookie(cookie: object, { record, cookie: known }: Pick<Origin, 'record' | 'cookie'>): boolean {
    if (!isSessionCookie(cookie) || !this.#storesCookie(cookie, record.data)) return false
    return known === undefined || !isSameButForExpiry(propertiesOf(cookie), known)
  }

  #isCookie(stored: unknown): stored is object {
    return isStoredCookie(stored, this.#sessions.layoutName)
  }

  #cookieIn({ cookie }: Partial<SessionData>): CookieProperties | undefined {
    return this.#isCookie(cookie) ? propertiesOf(cookie) : undefined
  }

  /** What a session is stored as, for an object of which nothing is known. */
  async #read(sid: string): Promise<Pick<Origin, 'record' | 'cookie'> | undefined> {
    const record = await this.#sessions.read(sid)
    return record && { record, cookie: this.#cookieIn(record.data) }
  }

  /** What a session object was loaded or last saved as, provided that it was under this ID. */
  #originOf(sid: string, session: SessionData): Origin | undefined {
    const origin = this.#origins.of(session)
    return origin !== undefined && origin.sid === sid ? origin : undefined
  }
}

/**
 * Whether a value may be a session: applications that call a store themselves may pass anything.
 *
 * @internal
 */
export function isSession(value: unknown): value is SessionData {
  return typeof value === 'object' && value !== null
}

function requireSession(session: unknown): void {
  if (!isSession(session)) throw invalidArgument('INVALID_SESSION_DATA', 'session data has to be an object')
}

/** A session with its ID, which is not enumerable, so that saving a copy of the session does not store it. */
function withId(session: SessionData, id: string | undefined): SessionData {
  if (id === undefined || Object.hasOwn(session, 'id')) return session
  return Object.defineProperty(session, 'id', { value: id, configurable: true, enumerable: false })
}
