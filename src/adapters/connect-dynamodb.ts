import type expressSession from 'express-session'
import type { SessionData } from 'express-session'

import { invalidArgument, TableNotFoundError } from '../errors.ts'
import { isError } from '../internal/core-objects.ts'
import { inBackground } from '../internal/timers.ts'
import { type Callback, deliver, warnOf } from './shared/callback.ts'
import { DeferredSessionStore } from './connect-dynamodb/deferred-session-store.ts'
import { expiresValue, isOver } from './connect-dynamodb/expires-value.ts'
import {
  type DynamoDBStoreOptions,
  type DynamoDBStoreOptionsSpecialKey,
  readSettings,
  type Settings,
} from './connect-dynamodb/options.ts'
import { type GetItemAnswer, parsedSession } from './connect-dynamodb/parsed-session.ts'
import type { SdkClient } from './connect-dynamodb/sdk-client.ts'
import {
  createSessionsTable,
  describeSessionsTable,
  findConnection,
  type TableDescription,
} from './connect-dynamodb/sessions-table.ts'
import type {
  CallbackError,
  DynamoDBStore,
  DynamoDBStoreClass,
  SessionModule,
  TouchResult,
} from './connect-dynamodb/store-types.ts'
import { isSession } from './express-store.ts'
import { createDynamoDBStore } from './express-store.ts'
import { processEnvironment } from '../internal/process-environment.ts'

/**
 * Makes a session store class that takes the place of connect-dynamodb's: the same options and methods, on the same items,
 * so that an application changes the name of the package and keeps its sessions. docs/migrating/connect-dynamodb.md tells
 * what is different.
 *
 * Parallel changes of one session are merged (G2), destroyed and expired sessions stay so (G3, G4), a failure reaches the
 * request (G6), every call settles (G7). A table that is missing when it is first needed is created, unless `initialized`
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
    readonly client: SdkClient | undefined
    readonly table: string
    readonly hashKey: string
    readonly prefix: string
    readonly readCapacityUnits: number
    readonly writeCapacityUnits: number
    readonly specialKeys: readonly DynamoDBStoreOptionsSpecialKey[]
    readonly skipThrowMissingSpecialKeys: boolean
    readonly reapInterval: number
    initialized: boolean
    readonly #settings: Settings
    readonly #sessions: DeferredSessionStore
    readonly #reaping: NodeJS.Timeout | undefined
    #initializing: Promise<void> | undefined

    constructor(options?: DynamoDBStoreOptions) {
      const settings = readSettings(options, processEnvironment())
      const sessions = new DeferredSessionStore({ ...settings.store, ...settings.connection }, async () => ({
        ...settings.store,
        ...(await findConnection(settings)),
      }))
      super(sessions)
      this.#settings = settings
      this.#sessions = sessions
      this.client = settings.client
      this.table = settings.table
      this.hashKey = settings.hashKey
      this.prefix = settings.prefix
      this.readCapacityUnits = settings.readCapacityUnits
      this.writeCapacityUnits = settings.writeCapacityUnits
      this.specialKeys = settings.specialKeys
      this.skipThrowMissingSpecialKeys = settings.skipThrowMissingSpecialKeys
      this.reapInterval = settings.reapInterval
      this.initialized = settings.initialized
      sessions.keeper = {
        isTableKnown: () => this.initialized,
        found: () => {
          this.initialized = true
        },
        create: () => this.#initializeBy(async () => this.createSessionsTable()),
      }
      this.#reaping = this.#reapEvery(settings.reapInterval)
    }

    async initialize(): Promise<void> {
      if (this.initialized) return
      await this.#initializeBy(async () => {
        if (!(await this.#isTableThere())) await this.createSessionsTable()
      })
    }

    async describeSessionsTable(): Promise<{ readonly Table: TableDescription }> {
      return { Table: await describeSessionsTable(this.#settings) }
    }

    async createSessionsTable(): Promise<{ readonly TableDescription: TableDescription }> {
      return { TableDescription: await createSessionsTable(this.#settings) }
    }

    override set(sid: string, session: SessionData, callback?: (error?: unknown) => void): void {
      // What is no session is refused further down, and not by an exception.
      const missing =
        this.skipThrowMissingSpecialKeys || !isSession(session) ? [] : missingKeys(this.specialKeys, session)
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
      this.#deliver(this.#reap(), callback)
    }

    clearInterval(): void {
      clearInterval(this.#reaping)
    }

    getExpiresValue(session: SessionData): number {
      return expiresValue(session, this.#settings.ttlSeconds, this.#nowMs)
    }

    getParsedSession(answer: GetItemAnswer): SessionData | null {
      return parsedSession(answer, this.#nowMs)
    }

    override async close(): Promise<void> {
      this.clearInterval()
      await this.#sessions.close()
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
          if (error) this.#report(error)
        })
      }, intervalMs)
      return inBackground(timer)
    }

    async #reap(): Promise<void> {
      await this.#sessions.collectGarbage()
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

  // What the store calls back with is the application's word.
  return DynamoDBStore as unknown as DynamoDBStoreClass<Session>
}

function storeOf(connect: unknown): typeof expressSession.Store {
  const candidates = [member(connect, 'Store'), member(member(connect, 'session'), 'Store')]
  const found = candidates.find(candidate => typeof candidate === 'function')
  if (found !== undefined) return found as typeof expressSession.Store
  throw invalidArgument(
    'INVALID_ARGUMENT',
    'connectDynamoDB takes express-session: connectDynamoDB(session) or connectDynamoDB({ session }), with the session ' +
      "of import session from 'express-session'",
  )
}

function member(value: unknown, name: string): unknown {
  const isHolder = typeof value === 'function' || (typeof value === 'object' && value !== null)
  return isHolder ? Reflect.get(value, name) : undefined
}

function missingKeys(keys: readonly DynamoDBStoreOptionsSpecialKey[], session: object): string[] {
  return keys.map(({ name }) => name).filter(name => Reflect.get(session, name) === undefined)
}

function lacking(names: readonly string[]): TypeError {
  return invalidArgument(
    'INVALID_SESSION_DATA',
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

export type {
  CallbackError,
  DynamoDBStore,
  DynamoDBStoreClass,
  DynamoDBStoreOptions,
  DynamoDBStoreOptionsSpecialKey,
  SdkClient,
  SessionModule,
  TouchResult,
}
export { connectDynamoDB, connectDynamoDB as default }
