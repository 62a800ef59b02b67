import type { SessionStore as FastifySessionStore } from '@fastify/session'
import type { Session } from 'fastify'

import type { CallOptions } from '../options/call-options.ts'
import { invalidSessionData } from '../errors.ts'
import { isDate, isJsonObject, isObject } from '../internal/core-objects.ts'
import type { DestroyByUserOptions } from '../items/session-record.ts'
import type { UnlockedStoreOptions } from '../options/store-options.ts'
import type { SessionStore } from '../store/session-store.ts'
import { deliver, FrameworkSessions, warnOf } from './shared/framework-sessions.ts'
import { CONVENTIONAL_NAMES, type ConventionalOptions, openStore } from './shared/open-store.ts'
import { expiryOfCookie, keepsCookie, shownForm, storedForm } from './shared/session-cookie.ts'

/** Options of {@link DynamoDBStore}: those of {@link SessionStore} without `locking`, also under the names that are usual. */
export type DynamoDBStoreOptions = UnlockedStoreOptions<Session> & ConventionalOptions<Session>

/**
 * Name of the property by which a session carries what it was loaded as. `@fastify/session` makes another object of what
 * it gets from a store and copies properties, but only those whose names are strings.
 */
const LOADED_AS = '$dynamodb-sessions'

/**
 * Keeps the sessions of `@fastify/session` in DynamoDB.
 *
 * - Parallel requests that change different top-level keys of one session both keep their changes, and a session
 *   that one request has destroyed is not brought back by the late save of another: each session that is loaded
 *   carries what it was loaded as, in a property that is neither stored nor part of its JSON. `onConflict` can decide
 *   otherwise.
 * - A failure reaches the request as an error and is never taken for "no session".
 * - A session expires when its cookie does; sessions whose cookie says nothing live for `ttlSeconds`.
 * - With `rolling`, which is the plugin's default, a session that was not changed is not written, and its expiry only
 *   when it moves by a worthwhile amount (`touchAfterSeconds`).
 *
 * What the plugin does not allow: locks. It does not tell its store which request a session belongs to, and so not when
 * it ends; `locking` is refused.
 *
 * Callbacks are called exactly once and asynchronously. A failure without a callback is a process warning.
 *
 * @example
 * ```ts
 * import cookie from '@fastify/cookie'
 * import session from '@fastify/session'
 * import Fastify from 'fastify'
 * import { DynamoDBStore } from 'dynamodb-sessions/fastify'
 *
 * const secret = process.env['SESSION_SECRET']
 * if (secret === undefined) throw new Error('SESSION_SECRET is not set')
 * const app = Fastify()
 * app.register(cookie)
 * app.register(session, {
 *   store: new DynamoDBStore({ table: 'sessions', region: 'eu-west-1' }),
 *   secret, // at least 32 characters
 *   saveUninitialized: false,
 * })
 * ```
 */
export class DynamoDBStore implements FastifySessionStore {
  readonly #sessions: FrameworkSessions<Session>

  /**
   * @param options options of a {@link SessionStore}, or a `SessionStore` to use; {@link close} leaves that open.
   * @throws {TypeError} `INVALID_OPTION` for unknown options, wrong values and `locking`. A missing table, region or
   *   credential shows at the first request.
   */
  constructor(options: DynamoDBStoreOptions | SessionStore<Session> = {}) {
    const withoutLocking = '@fastify/session, which does not tell its store when a request ends'
    this.#sessions = new FrameworkSessions(openStore(options, withoutLocking, CONVENTIONAL_NAMES), LOADED_AS)
  }

  /** Loads a session: calls back with `null` when there is none. Does not extend its life. */
  get(sessionId: string, callback: (error: unknown, session?: Session | null) => void): void {
    deliver(this.#load(sessionId), callback, warnOf)
  }

  /**
   * Saves a session. When `session` was loaded from this store, or saved by it before, and has been destroyed or
   * has expired since, nothing is written and that is no error. What others have saved meanwhile is merged with it,
   * which `session` itself does not show.
   */
  set(sessionId: string, session: Session, callback?: (error?: unknown) => void): void {
    deliver(this.#save(sessionId, session), callback, warnOf)
  }

  /** Deletes a session. */
  destroy(sessionId: string, callback?: (error?: unknown) => void): void {
    deliver(this.#sessions.store.destroy(sessionId), callback, warnOf)
  }

  /**
   * Destroys the sessions of a user, as {@link SessionStore.destroyByUser} does: "sign out everywhere". Needs the option
   * `userId`.
   *
   * @param options `except`: the IDs of sessions to keep, `request.session.sessionId` for example.
   */
  destroyByUser(userId: string, options?: DestroyByUserOptions<Session>): Promise<number> {
    return this.#sessions.store.destroyByUser(userId, options)
  }

  /** Checks at start that sessions can be kept: {@link SessionStore.ready}. Call it before the application listens. */
  ready(options?: CallOptions): Promise<void> {
    return this.#sessions.store.ready(options)
  }

  /** Lets calls under way finish and closes the connections of the store, unless they are somebody else's. */
  close(): Promise<void> {
    return this.#sessions.close()
  }

  async #load(id: string): Promise<Session | null> {
    const record = await this.#sessions.store.read(id)
    if (record === undefined) return null
    const shown = shownForm(record.data, record.expiresMs, this.#sessions.store.layoutName)
    for (const name of METHODS) Reflect.deleteProperty(shown, name)
    this.#sessions.rememberCopies(shown, { id, record })
    return shown as unknown as Session
  }

  async #save(id: string, session: Session): Promise<void> {
    if (!isData(session)) {
      throw invalidSessionData('session data must be an object')
    }
    const base = this.#sessions.baseOf(session, id, this.#sessions.latestOf(predecessorOf(session))?.record)
    const stored = base.basis?.data
    const whole = dataOf(session)
    const { layoutName } = this.#sessions.store
    const data = storedForm(whole, session, stored, keepsCookie(stored, layoutName))
    const options = { ...base, ...expiryOfCookie(whole.cookie) }
    const record = await this.#sessions.save(session, id, data, options, {})
    repairExpiry(session.cookie, record?.expiresMs)
  }
}

/** Methods of the plugin's sessions, which it would lay data over. */
const METHODS = [
  'destroy',
  'get',
  'isModified',
  'isSaved',
  'options',
  'regenerate',
  'reload',
  'save',
  'set',
  'touch',
]

/**
 * The session that a regenerated one takes the place of: the plugin keeps the request in each session, and the request has
 * the old session until the new one has been saved.
 */
function predecessorOf(session: object): object | undefined {
  const symbol = Object.getOwnPropertySymbols(session).find(({ description }) => description === 'request')
  const request: unknown = symbol && Reflect.get(session, symbol)
  if (!isObject(request)) return undefined
  const current: unknown = Reflect.get(request, 'session')
  return isObject(current) && current !== session ? current : undefined
}

function isData(session: unknown): boolean {
  return isJsonObject(session)
}

/** The plugin throws on sending a cookie whose expiry is an Invalid Date, which ends the process. */
function repairExpiry(cookie: Session['cookie'] | undefined, expiresMs: number | undefined): void {
  if (!isDate(cookie?.expires) || !Number.isNaN(cookie.expires.getTime())) return
  cookie.expires = expiresMs === undefined ? null : new Date(expiresMs)
}

/** The plugin's cookie, or what it is in a session that was loaded. */
type CookieForms = Session['cookie'] & { readonly toJSON?: () => Session['cookie'] }

/**
 * A session as it is stored: its data, as a plain object. `originalExpires`, which the plugin never reads from what is
 * stored, differs at every request and would make each of them a write.
 */
function dataOf(session: Session): Session {
  const data: Partial<Session> = Object.fromEntries(
    Object.entries(session).filter(([key]) => key !== LOADED_AS),
  )
  const { cookie } = session
  if (isObject(cookie)) {
    const { originalExpires: _, ...stored } = plainCookie(cookie)
    data.cookie = stored
  }
  return data as Session
}

function plainCookie(cookie: CookieForms): Session['cookie'] & { originalExpires?: unknown } {
  return typeof cookie.toJSON === 'function' ? cookie.toJSON() : cookie
}
