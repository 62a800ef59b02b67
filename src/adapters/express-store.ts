import type { IncomingMessage } from 'node:http'

import type expressSession from 'express-session'
import type { Cookie, Session, SessionData, Store } from 'express-session'

import { isError } from '../internal/core-objects.ts'
import type { DestroyByUserOptions } from '../options/call-options.ts'
import type { SessionStore } from '../store/session-store.ts'
import type { SessionStoreOptions } from '../options/store-options.ts'
import { type Callback, deliver, warnOf } from './shared/callback.ts'
import { ExpressSessions } from './express-sessions.ts'

/** Options of a {@link DynamoDBStoreInstance}: those of {@link SessionStore}. */
export type DynamoDBStoreOptions = SessionStoreOptions<SessionData>

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

/**
 * Makes the store class for one copy of `express-session`, whose `Store` it extends: an application can hold several
 * copies, and each takes the sessions it hands out from its own `Store`.
 */
export function createDynamoDBStore(BaseStore: typeof expressSession.Store): DynamoDBStoreClass {
  return class DynamoDBStore extends BaseStore implements DynamoDBStoreInstance {
    readonly #sessions: ExpressSessions

    constructor(options: DynamoDBStoreOptions | SessionStore<SessionData> = {}) {
      super()
      this.#sessions = new ExpressSessions(options, reason => this.#report(reason))
    }

    get(sid: string, callback: (error: unknown, session?: SessionData | null) => void): void {
      this.#deliver(this.#sessions.load(sid), (error, session) => {
        try {
          if (typeof callback === 'function') callback(error, session)
        } finally {
          // By now, the middleware has made it the session of a request.
          this.#sessions.handedOver(session)
        }
      })
    }

    set(sid: string, session: SessionData, callback?: (error?: unknown) => void): void {
      this.#deliver(this.#sessions.save(sid, session), callback)
    }

    destroy(sid: string, callback?: (error?: unknown) => void): void {
      this.#deliver(this.#sessions.destroy(sid), callback)
    }

    override touch(sid: string, session: SessionData, callback?: (error?: unknown) => void): void {
      this.#deliver(this.#sessions.touch(sid, session), callback)
    }

    override all(callback: (error: unknown, sessions?: SessionData[] | null) => void): void {
      this.#deliver(this.#sessions.list(), callback)
    }

    override length(callback: (error: unknown, length?: number) => void): void {
      this.#deliver(this.#sessions.count(), callback)
    }

    override clear(callback?: (error?: unknown) => void): void {
      this.#deliver(this.#sessions.clear(), callback)
    }

    ids(callback: (error: unknown, ids?: string[]) => void): void {
      this.#deliver(this.#sessions.listIds(), callback)
    }

    destroyByUser(userId: string, options?: DestroyByUserOptions<SessionData>): Promise<number> {
      return this.#sessions.destroyByUser(userId, options)
    }

    close(): Promise<void> {
      return this.#sessions.close()
    }

    override regenerate(...[request, callback]: Parameters<Store['regenerate']>): void {
      const { session: previous } = request
      super.regenerate(request, (error: unknown) => {
        this.#sessions.replace(previous, request.session)
        callback(error)
      })
    }

    override createSession(...[request, data]: Parameters<Store['createSession']>): Session & SessionData {
      const created = super.createSession(request, data)
      this.#sessions.adopt(request, data, created, () => this.#newCookie(request))
      return created
    }

    /**
     * The cookie that the middleware gives to a new session of this request: only `generate`, which the middleware sets on its
     * store, knows its options. `undefined` outside of a request, where the options may have nothing to look at.
     */
    #newCookie(request: IncomingMessage): Cookie | undefined {
      const generate: unknown = Reflect.get(this, 'generate')
      if (typeof generate !== 'function' || !('headers' in request)) return undefined
      // The session of the request itself stays what it is.
      const standIn = Object.create(request) as IncomingMessage & { readonly session?: SessionData }
      Reflect.apply(generate, this, [standIn])
      return standIn.session?.cookie
    }

    #deliver<Value>(outcome: Promise<Value>, callback: Callback<Value> | undefined): void {
      deliver(outcome, callback, error => this.#report(error))
    }

    /** Tells of a failure that no callback is there for. */
    #report(reason: unknown): void {
      const error = isError(reason) ? reason : new Error('the session store failed')
      if (this.listenerCount('error') > 0) this.emit('error', error)
      else warnOf(error)
    }
  }
}
