import type { IncomingMessage } from 'node:http'

import type { Cookie, Session, SessionData } from 'express-session'

import { callerMistake } from '../errors.ts'
import { hiddenField } from '../internal/hidden-field.ts'
import type { SessionRecord } from '../session/record.ts'
import type { SessionLock } from '../session/session-lock.ts'
import type { DestroyByUserOptions } from '../session/call-options.ts'
import { SessionStore } from '../session/store.ts'
import type { SessionStoreOptions } from '../session/store-options.ts'
import { deliver } from './callback.ts'
import { expiryOfCookie, withStoredExpiry } from './cookie-expiry.ts'
import { rememberResponses, whenOver } from './request-end.ts'

/** What a session object was loaded or last saved as, and under which ID. */
interface Origin {
  readonly sid: string
  readonly record: SessionRecord<SessionData>
  readonly lock?: SessionLock<SessionData> | undefined
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
  readonly #origins = hiddenField<Origin>()

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
    if (this.#sessions.locksSessions) rememberResponses()
  }

  async load(sid: string): Promise<SessionData | null> {
    // The lock is not renewed before it belongs to a request, whose end ends it.
    const lock = this.#sessions.locksSessions ? await this.#sessions.lock(sid, { renew: false }) : undefined
    const record = this.#sessions.locksSessions ? lock?.record : await this.#sessions.read(sid)
    if (record === undefined) return null
    const data = dataOf(record)
    this.#origins.set(data, { sid, record, lock })
    return data
  }

  async save(sid: string, session: SessionData): Promise<void> {
    requireSession(session)
    const basis = this.#originOf(sid, session)
    const record = await this.#sessions.write(sid, session, { basis, ...expiryOfCookie(session.cookie) })
    // A session that was gone keeps its old origin, so that saving it again does not create it either.
    if (record !== undefined) this.#origins.set(session, { sid, record: record.asWritten() })
  }

  async touch(sid: string, session: SessionData): Promise<void> {
    requireSession(session)
    await this.#sessions.touch(this.#originOf(sid, session) ?? sid, expiryOfCookie(session.cookie))
  }

  async destroy(sid: string): Promise<void> {
    await this.#sessions.destroy(sid)
  }

  async list(): Promise<SessionData[]> {
    const sessions: SessionData[] = []
    for await (const record of this.#sessions.records()) sessions.push(dataOf(record))
    return sessions
  }

  async listKeys(): Promise<string[]> {
    const keys: string[] = []
    for await (const key of this.#sessions.keys()) keys.push(key)
    return keys
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

  /** Lets the session object of a request take over what is known of the data that it was made from. */
  adopt(request: IncomingMessage, data: SessionData, session: Session): void {
    const origin = this.#origins.of(data)
    if (origin === undefined) return
    this.#origins.set(session, origin)
    if (origin.lock !== undefined) this.#holdForRequest(origin.lock, request, session)
  }

  /** Keeps the lock of a session until its request is over, however that ends, if nothing has ended it before. */
  #holdForRequest(lock: SessionLock<SessionData>, request: IncomingMessage, session: Session): void {
    const release = (): void => {
      lock.release().catch(this.#report)
    }
    // A session that is loaded outside of a request (`store.load`) is locked for one lease.
    if (whenOver(request, release)) lock.keepAlive()
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

  /** What a session object was loaded or last saved as, provided that it was under this ID. */
  #originOf(sid: string, session: SessionData): SessionRecord<SessionData> | undefined {
    const origin = this.#origins.of(session)
    return origin !== undefined && origin.sid === sid ? origin.record : undefined
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
  if (!isSession(session)) throw callerMistake('INVALID_SESSION_DATA', 'session data has to be an object')
}

/** The data of a session, whose cookie shows when the session expires in fact. */
function dataOf({ data, expiresMs }: SessionRecord<SessionData>): SessionData {
  const stored: Partial<SessionData> = data
  if (stored.cookie !== undefined) stored.cookie = withStoredExpiry(stored.cookie, expiresMs) as Cookie
  return data
}
