import type expressSession from 'express-session'
import type { SessionData } from 'express-session'

import { invalidArgument, invalidSessionData, TableNotFoundError } from '../errors.ts'
import { processEnvironment } from '../internal/process-environment.ts'
import { inBackground } from '../internal/timers.ts'
import { isPositive } from '../internal/option.ts'
import { storeRows } from '../options/store-options.ts'
import {
  type DynamoDBStoreOptions,
  type DynamoDBStoreOptionsSpecialKey,
  readSettings,
  type Settings,
  type ShownOptions,
} from './connect-dynamodb/options.ts'
import { member, type SdkClient } from './connect-dynamodb/sdk-client.ts'
import { SessionsTable, type TableDescription } from './connect-dynamodb/sessions-table.ts'
import { createDynamoDBStore, type DynamoDBStoreInstance, isSession } from './express-store.ts'
import { type Callback, deliver, emitOrWarn } from './shared/framework-sessions.ts'
import { expiryOfCookie } from './shared/session-cookie.ts'

/** What callbacks are given first. */
export type CallbackError = Error | undefined | null

/** What the callback of `touch` is given. */
export interface TouchResult {
  /** The expiry that was asked for: epoch seconds, an integer. */
  readonly expires: number
}

/**
 * A session store of `express-session` that is used as one of connect-dynamodb, and keeps sessions as that does.
 *
 * @typeParam Session what `get` calls back with; it is not checked.
 */
export interface DynamoDBStore<Session extends object = SessionData>
  extends DynamoDBStoreInstance, ShownOptions {
  /** Whether the table is known to be there. While it is not, a call that misses the table creates it. */
  initialized: boolean

  /**
   * Makes sure that the table is there: looks for it, and creates it. Nobody has to call this, and it does nothing once it
   * has succeeded.
   */
  initialize(): Promise<void>

  /**
   * Describes the table, in the format of the AWS SDK.
   *
   * @throws {TableNotFoundError} when there is none; its `name` is `ResourceNotFoundException`.
   */
  describeSessionsTable(): Promise<{ readonly Table: TableDescription }>

  /**
   * Creates the table, with provisioned capacity and time to live on `expires`, and waits until it can be used. A table
   * that is there is left as it is.
   */
  createSessionsTable(): Promise<{ readonly TableDescription: TableDescription }>

  /** Loads a session: calls back with `null` when there is none. Does not extend its life. */
  get(sid: string, callback: (error: CallbackError, session?: Session | null) => void): void
  get(sid: string, callback: (error: unknown, session?: SessionData | null) => void): void

  /**
   * Moves the expiry of a session to that of its cookie. It neither creates nor revives a session, and is left out when it
   * would move the expiry by little (`touchAfterSeconds`).
   */
  touch(
    sid: string,
    session: SessionData,
    callback?: (error: CallbackError, result: TouchResult) => void,
  ): void

  /** Deletes the expired sessions of the store's `prefix`. Reads the whole table. */
  reap(callback?: (error?: unknown) => void): void

  /** Ends the reaping of `reapInterval`. {@link close} does so, too. */
  clearInterval(): void

  /** When a session is to expire by its cookie: epoch seconds, an integer. */
  getExpiresValue(session: SessionData): number

  /** The session in an answer of `GetItem` in the format of the AWS SDK; `null` when it has none that is alive. */
  getParsedSession(answer: GetItemAnswer): Session | null
}

/** The constructor of a {@link DynamoDBStore}. */
export interface DynamoDBStoreClass<Session extends object = SessionData> {
  readonly prototype: DynamoDBStore<Session>
  /**
   * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values. A missing region or credential shows at the
   *   first request, and so does a missing table that cannot be created.
   */
  new (options?: DynamoDBStoreOptions): DynamoDBStore<Session>
}

/** `express-session`, or an object that holds it as `session`, such as `connect` 2 or Express 3. */
export type SessionModule =
  | { readonly Store: typeof expressSession.Store }
  | { readonly session: { readonly Store: typeof expressSession.Store } }

/** Answer of `GetItem` in the format of the AWS SDK, as far as it is looked at. */
export interface GetItemAnswer {
  readonly Item?: Readonly<Record<string, unknown>> | undefined
}

/** More seconds than this are milliseconds, as the first versions of connect-dynamodb wrote them. */
const LARGEST_SECONDS = 1e11

/**
 * Makes a session store class that takes the place of connect-dynamodb's: the same options and methods, on the same items,
 * so that an application changes the name of the package and keeps its sessions. docs/migrating/connect-dynamodb.md tells
 * what is different.
 *
 * Parallel changes of one session are merged, destroyed and expired sessions stay so, a failure reaches the
 * request, every call settles. A table that is missing when it is first needed is created, unless `initialized`
 * says that it is there: requests that come at the same time share that, and a failure is not remembered.
 *
 * `require('dynamodb-sessions/connect-dynamodb')` is this function.
 *
 * @example
 * ```ts
 * import session from 'express-session'
 * import connectDynamoDB from 'dynamodb-sessions/connect-dynamodb'
 *
 * const DynamoDBStore = connectDynamoDB(session)
 * const store = new DynamoDBStore({ table: 'sessions', region: 'eu-west-1' })
 * export const sessions = session({ store, secret: 'a long random text', resave: false, saveUninitialized: false })
 * ```
 *
 * @param connect `express-session`, or an object that holds it as `session`.
 * @throws {TypeError} `INVALID_OPTION` when there is no `Store` in it.
 */
function connectDynamoDB<Session extends object = SessionData>(
  connect: SessionModule,
): DynamoDBStoreClass<Session> {
  const Base = createDynamoDBStore(storeOf(connect))

  class DynamoDBStore extends Base {
    readonly #settings: Settings
    readonly #table: SessionsTable
    readonly #reaping: NodeJS.Timeout | undefined
    #initializing: Promise<void> | undefined

    constructor(options?: DynamoDBStoreOptions) {
      const settings = readSettings(options, processEnvironment())
      const table = new SessionsTable(settings)
      super(table.store)
      this.#settings = settings
      this.#table = table
      Object.assign(this, settings.shown)
      table.onMissing = () => this.#initializeBy(async () => this.createSessionsTable())
      this.#reaping = this.#reapEvery(settings.shown.reapInterval)
    }

    get initialized(): boolean {
      return this.#table.isKnown
    }

    set initialized(isKnown: boolean) {
      this.#table.isKnown = isKnown
    }

    async initialize(): Promise<void> {
      if (this.initialized) return
      await this.#initializeBy(async () => {
        if (!(await this.#isTableThere())) await this.createSessionsTable()
      })
    }

    async describeSessionsTable(): Promise<{ readonly Table: TableDescription }> {
      return { Table: await this.#table.describe() }
    }

    async createSessionsTable(): Promise<{ readonly TableDescription: TableDescription }> {
      return { TableDescription: await this.#table.create() }
    }

    override set(sid: string, session: SessionData, callback?: (error?: unknown) => void): void {
      const { specialKeys, skipThrowMissingSpecialKeys } = this.#settings.shown
      // What is no session is refused further down, and not by an exception.
      const required = skipThrowMissingSpecialKeys || !isSession(session) ? [] : specialKeys
      const missing = required
        .map(({ name }) => name)
        .filter(name => Reflect.get(session, name) === undefined)
      if (missing.length > 0) this.#deliver(Promise.reject(lacking(missing)), callback)
      // The items hold whole seconds: written as expired now, the session would live until the next one.
      else if (isSession(session) && isOver(session, this.#nowMs)) super.destroy(sid, callback)
      else super.set(sid, session, callback)
    }

    override touch(
      sid: string,
      session: SessionData,
      callback?: (error: CallbackError, result: TouchResult) => void,
    ): void {
      const done = callback as ((error?: unknown, result?: TouchResult) => void) | undefined
      let expires: number
      try {
        expires = isSession(session) ? this.getExpiresValue(session) : 0
      } catch (error) {
        // The function "ttlSeconds" of the application has failed.
        this.#deliver(Promise.reject(error), done)
        return
      }
      const answer = done && ((error?: unknown) => (error ? done(error) : done(null, { expires })))
      if (isSession(session) && isOver(session, this.#nowMs)) super.destroy(sid, answer)
      else super.touch(sid, session, answer)
    }

    reap(callback?: (error?: unknown) => void): void {
      this.#deliver(
        this.#table.store.collectGarbage().then(() => undefined),
        callback,
      )
    }

    clearInterval(): void {
      clearInterval(this.#reaping)
    }

    getExpiresValue(session: SessionData): number {
      return expiresValue(session, this.#settings.store.ttlSeconds, this.#nowMs)
    }

    getParsedSession(answer: GetItemAnswer): SessionData | null {
      return parsedSession(answer, this.#nowMs)
    }

    override async close(): Promise<void> {
      this.clearInterval()
      await this.#table.store.close()
    }

    get #nowMs(): number {
      return this.#settings.connection.clock?.now() ?? Date.now()
    }

    /** Callers share what is under way; a failure is not remembered. */
    #initializeBy(work: () => Promise<unknown>): Promise<void> {
      this.#initializing ??= work()
        .then(() => {
          this.initialized = true
        })
        .finally(() => {
          this.#initializing = undefined
        })
      return this.#initializing
    }

    /** A table in the making is none yet. */
    async #isTableThere(): Promise<boolean> {
      try {
        const { Table: description } = await this.describeSessionsTable()
        return description['TableStatus'] !== 'CREATING'
      } catch (error) {
        if (error instanceof TableNotFoundError) return false
        throw error
      }
    }

    #reapEvery(intervalMs: number): NodeJS.Timeout | undefined {
      if (intervalMs === 0) return undefined
      let isRunning = false
      const timer = setInterval(() => {
        // One that takes longer than the interval is not joined by others.
        if (isRunning) return
        isRunning = true
        this.reap(error => {
          isRunning = false
          if (error) emitOrWarn(this, error)
        })
      }, intervalMs)
      return inBackground(timer)
    }

    #deliver<Value>(outcome: Promise<Value>, callback: Callback<Value> | undefined): void {
      deliver(outcome, callback, error => emitOrWarn(this, error))
    }
  }

  // What the store calls back with is the application's word.
  return DynamoDBStore as unknown as DynamoDBStoreClass<Session>
}

function storeOf(connect: unknown): typeof expressSession.Store {
  const candidates = [member(connect, 'Store'), member(member(connect, 'session'), 'Store')]
  const found = candidates.find(candidate => typeof candidate === 'function')
  if (found !== undefined) return found as typeof expressSession.Store
  throw invalidArgument(
    'connectDynamoDB takes express-session: connectDynamoDB(session) or connectDynamoDB({ session }), with the session ' +
      "of import session from 'express-session'",
  )
}

/** When a session is to expire by its cookie, else by `ttlSeconds`: epoch seconds, rounded up. */
function expiresValue(
  session: SessionData,
  ttlSeconds: DynamoDBStoreOptions['ttlSeconds'],
  nowMs: number,
): number {
  const { expiresMs, ttlSeconds: lifetime } = expiryOfCookie(session.cookie)
  if (expiresMs !== undefined) return Math.ceil(expiresMs / 1000)
  const byDefault = typeof ttlSeconds === 'function' ? ttlSeconds(session) : ttlSeconds
  const seconds = lifetime ?? (isPositive(byDefault) ? byDefault : storeRows.ttlSeconds.default)
  return Math.ceil(nowMs / 1000 + seconds)
}

/** Whether the cookie of a session says that it is over. */
function isOver({ cookie }: SessionData, nowMs: number): boolean {
  const { expiresMs } = expiryOfCookie(cookie)
  return expiresMs !== undefined && expiresMs <= nowMs
}

/** The session in an item of connect-dynamodb; `null` when there is none, it cannot be read or it has expired. */
function parsedSession({ Item: item }: GetItemAnswer, nowMs: number): SessionData | null {
  const text = typed(item?.['sess'], 'S')
  if (text === undefined) return null
  const expires = Number(typed(item?.['expires'], 'N') ?? Infinity)
  if ((expires > LARGEST_SECONDS ? expires : expires * 1000) <= nowMs) return null
  try {
    const session: unknown = JSON.parse(text)
    return isSession(session) ? session : null
  } catch {
    return null
  }
}

function typed(value: unknown, type: 'S' | 'N'): string | undefined {
  const text = member(value, type)
  return typeof text === 'string' ? text : undefined
}

function lacking(names: readonly string[]): TypeError {
  return invalidSessionData(
    `the session has no "${names.join('", "')}", which the option "specialKeys" names; ` +
      'skipThrowMissingSpecialKeys: true allows that',
  )
}

declare namespace connectDynamoDB {
  export type {
    CallbackError,
    DynamoDBStore,
    DynamoDBStoreClass,
    DynamoDBStoreOptions,
    DynamoDBStoreOptionsSpecialKey,
    SdkClient,
  }
}

export type { DynamoDBStoreOptions, DynamoDBStoreOptionsSpecialKey, SdkClient }
export { connectDynamoDB, connectDynamoDB as default }
