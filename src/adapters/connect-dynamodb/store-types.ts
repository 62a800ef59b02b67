import type expressSession from 'express-session'
import type { SessionData } from 'express-session'

import type { DynamoDBStoreInstance } from '../express-store.ts'
import type { DynamoDBStoreOptions, DynamoDBStoreOptionsSpecialKey } from './options.ts'
import type { GetItemAnswer } from './parsed-session.ts'
import type { SdkClient } from './sdk-client.ts'
import type { TableDescription } from './sessions-table.ts'

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
export interface DynamoDBStore<Session extends object = SessionData> extends DynamoDBStoreInstance {
  /** The client in the options. */
  readonly client: SdkClient | undefined
  readonly table: string
  readonly hashKey: string
  readonly prefix: string
  readonly readCapacityUnits: number
  readonly writeCapacityUnits: number
  readonly specialKeys: readonly DynamoDBStoreOptionsSpecialKey[]
  readonly skipThrowMissingSpecialKeys: boolean
  readonly reapInterval: number

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
