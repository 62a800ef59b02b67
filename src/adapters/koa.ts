import { invalidArgument } from '../errors.ts'
import { codeOf } from '../internal/core-objects.ts'
import type { DestroyByUserOptions } from '../options/call-options.ts'
import { SessionStore } from '../store/session-store.ts'
import type { SessionStoreOptions } from '../options/store-options.ts'
import type { SessionData } from '../types.ts'
import { asUnmistakableError, warnOf } from './shared/callback.ts'
import { KnownSessions, type Origin } from './shared/session-tracker.ts'
import { contextOf, exchangeOf, hasSession, isOfRequest, type KoaStoreCall } from './koa/koa-request.ts'
import {
  expiryOf,
  isOfKoaSession,
  loadedForm,
  type MaxAge,
  type SessionForm,
  showTellingJson,
  storedForm,
} from './koa/session-form.ts'
import { hasBegun, rememberResponses, whenClosed } from './shared/request-end.ts'

export type { KoaStoreCall } from './koa/koa-request.ts'

/** Options of {@link DynamoDBStore}: those of {@link SessionStore}. */
export type DynamoDBStoreOptions<Data extends object = SessionData> = SessionStoreOptions<Data>

/**
 * Keeps the sessions of `koa-session` (6.2 or newer), or of `koa-generic-session`, in DynamoDB.
 *
 * - Parallel requests that change different top-level keys of one session both keep their changes (G2), and a session
 *   that one request has destroyed is not brought back by the late save of another (G3, G4), nor under a new ID by its
 *   `regenerate`. For `koa-session` the store remembers by the request's context what each session was loaded as; for
 *   `koa-generic-session`, which does not pass the context, by the session object and its shallow copies. `onConflict` can
 *   decide otherwise.
 * - With `locking`, requests of one session take turns instead: a session is locked when it is loaded, until it is saved
 *   or destroyed, or the response is over (G10). `koa-session` only.
 * - A failure reaches the request as an error and is never taken for "no session" (G6).
 * - A session expires when its cookie does (G5); sessions whose cookie says nothing live for `ttlSeconds`.
 * - A session that was not changed is not written, and its expiry only when it moves by a worthwhile amount
 *   (`touchAfterSeconds`).
 *
 * @example
 * ```ts
 * import Koa from 'koa'
 * import session from 'koa-session'
 * import { DynamoDBStore } from 'dynamodb-sessions/koa'
 *
 * const app = new Koa()
 * app.keys = [process.env['SESSION_SECRET'] ?? 'only for development']
 * const store = new DynamoDBStore({ table: 'sessions', region: 'eu-west-1' })
 * app.use(session({ store, maxAge: 86_400_000, rolling: true }, app))
 * ```
 *
 * @typeParam Data what the application keeps in a session. It is the application's word: what is read is not checked.
 */
export class DynamoDBStore<Data extends object = SessionData> {
  readonly #sessions: SessionStore<Data>
  readonly #ownsSessions: boolean
  readonly #known = new KnownSessions<Data>()
  /** Whether the caller is koa-session, which tells whose request a call belongs to. */
  #servesKoaSession = false

  /**
   * @param options options of a {@link SessionStore}, or a `SessionStore` to use; {@link close} leaves that open.
   * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values. A missing table, region or credential
   *   shows at the first request.
   */
  constructor(options: DynamoDBStoreOptions<Data> | SessionStore<Data> = {}) {
    this.#ownsSessions = !(options instanceof SessionStore)
    this.#sessions = options instanceof SessionStore ? options : new SessionStore<Data>(options)
    if (this.#sessions.locksSessions) rememberResponses()
  }

  /**
   * Loads a session; `undefined` when there is none. Does not extend its life.
   *
   * @param call what `koa-session` passes along.
   * @throws {TypeError} `INVALID_OPTION` with `locking`, for a caller that never passes a context: `koa-generic-session`.
   */
  get(key: string, maxAge?: number | 'session', call?: KoaStoreCall): Promise<Data | undefined> {
    return settled(this.#load(key, maxAge, call))
  }

  /**
   * Saves a session. When it was loaded by this request and has been destroyed or has expired since, nothing is written
   * and that is no error. What others have saved meanwhile is merged with it, which the request does not see.
   *
   * @param maxAge lifetime in milliseconds. The `_expire` of `koa-session`, which is more exact, takes precedence.
   * @param call what `koa-session` passes along.
   */
  set(key: string, session: Data, maxAge?: number | 'session', call?: KoaStoreCall): Promise<void> {
    return settled(this.#save(key, session, maxAge, call))
  }

  /**
   * Deletes a session.
   *
   * @param call what `koa-session` passes along.
   */
  destroy(key: string, call?: KoaStoreCall): Promise<void> {
    return settled(this.#destroy(key, call))
  }

  /**
   * Destroys the sessions of a user, as {@link SessionStore.destroyByUser} does: "sign out everywhere". Needs the option
   * `userId`.
   *
   * @param options `except`: the keys of sessions to keep, `ctx.session.externalKey` for example.
   */
  destroyByUser(userId: string, options?: DestroyByUserOptions<Data>): Promise<number> {
    return this.#sessions.destroyByUser(userId, options)
  }

  /** Lets calls under way finish and closes the connections of the store, unless they are somebody else's. */
  async close(): Promise<void> {
    if (this.#ownsSessions) await this.#sessions.close()
  }

  async #load(key: string, maxAge: MaxAge, call: KoaStoreCall | undefined): Promise<Data | undefined> {
    try {
      const found = this.#sessions.locksSessions ? await this.#lock(key, call) : await this.#read(key)
      const origin = found && { ...found, maxAge }
      if (origin === undefined) return undefined
      const form = this.#formOf(origin.record.data, call)
      const loaded = loadedForm(origin.record, form)
      if (this.#sessions.holdsPhpValues) showTellingJson(loaded, form)
      this.#known.hasLoaded(key, origin, loaded, call)
      return loaded
    } catch (error) {
      // The cookie may hold anything. What cannot be an ID is the ID of no session.
      if (codeOf(error) === 'INVALID_SESSION_ID') return undefined
      throw error
    }
  }

  async #read(key: string): Promise<Origin<Data> | undefined> {
    const record = await this.#sessions.read(key)
    return record && { record }
  }

  /**
   * Locks a session until its request is over, however that ends, if nothing has ended the lock before. Where there is no
   * response that would end it, for a WebSocket or a job, the session is only read.
   */
  async #lock(key: string, call: KoaStoreCall | undefined): Promise<Origin<Data> | undefined> {
    this.#servesKoaSession ||= isOfRequest(call)
    const exchange = exchangeOf(call)
    if (exchange === undefined) {
      if (this.#servesKoaSession) return this.#read(key)
      throw invalidArgument(
        'INVALID_OPTION',
        'the option "locking" goes with koa-session 6.2 and newer only: other callers do not tell the store when a ' +
          'request ends',
      )
    }
    // The middleware may be mounted twice: it would wait for itself.
    const known = this.#known.originOf(key, undefined, call)
    if (known?.lock?.isHeld === true) return known
    // The lock is not renewed before it belongs to a request, whose end ends it.
    const lock = await this.#sessions.lock(key, { renew: false })
    if (lock === undefined) return undefined
    const { request, response } = exchange
    lock.keepAlive(() => !hasBegun(response))
    whenClosed(response, request, () => {
      lock.release().catch((error: unknown) => {
        warnOf(asUnmistakableError(error))
      })
    })
    return { record: lock.record, lock }
  }

  async #save(
    key: string,
    session: Data,
    maxAge: number | 'session' | undefined,
    call: KoaStoreCall | undefined,
  ): Promise<void> {
    if (this.#known.isGone(call)) return
    const origin = this.#known.originOf(key, session, call)
    const basis = origin?.record
    const movedFrom = basis === undefined ? this.#known.predecessorOf(session, call) : undefined
    const form = this.#formOf(session, call)
    const data = storedForm(session, (basis ?? movedFrom)?.data, form, origin?.maxAge)
    const expiry = expiryOf(session, maxAge, form)
    const record = await this.#sessions.write(key, data, { basis, movedFrom, ...expiry })
    // A session that was gone keeps its old origin, so that saving it again does not create it either.
    if (record !== undefined) {
      this.#known.hasSaved(key, { record: record.asWritten(), maxAge: origin?.maxAge }, session, call)
    }
  }

  #formOf(data: Data, call: KoaStoreCall | undefined): SessionForm {
    const { layoutName: layout } = this.#sessions
    return { layout, isKoaSession: contextOf(call) !== undefined || isOfKoaSession(data, layout) }
  }

  async #destroy(key: string, call: KoaStoreCall | undefined): Promise<void> {
    const origin = this.#known.originOf(key, undefined, call)
    // With a session still there it is a `regenerate`, which is about to save that under another key. Letting it expire,
    // other than destroying it, tells whether somebody else has destroyed it before (G3).
    if (origin !== undefined && hasSession(call)) {
      const wasThere = await this.#sessions.touch(origin.record, { expiresMs: 0 })
      if (wasThere) this.#known.isMoving(origin.record, call)
      else this.#known.hasGone(call)
    }
    await this.#sessions.destroy(key)
  }
}

/** The outcome of a call; its failure is one that neither package takes for the absence of a session (G6). */
async function settled<Value>(outcome: Promise<Value>): Promise<Value> {
  try {
    return await outcome
  } catch (error) {
    throw asUnmistakableError(error)
  }
}
