import {
  type ConnectDynamoDBLayoutOptions,
  type LaravelLayoutOptions,
  LAYOUT_NAMES,
  type LayoutName,
  type LayoutOptions,
  type PhpLayoutOptions,
} from '../layouts/layout-settings.ts'
import type { SessionData } from '../types.ts'
import type { CompressionOptions, EncryptionOptions } from '../encryption/encryption-options.ts'
import { type ConnectionOptions, connectionRows } from './connection-options.ts'
import { compressionRow, encryptionRow } from './encryption-options.ts'
import { hashIdsRow, layoutRows, type MigrationSource, migrationRow } from './layout-options.ts'
import { type LockingOptions, lockingRow } from './locking-options.ts'
import {
  atMost,
  booleanOption,
  functionOption,
  isPositive,
  numberOption,
  type OptionRow,
  type OptionRows,
  readOptions,
  secondsOption,
  textOption,
  wordOption,
} from '../internal/option.ts'

/** A write that met a newer version of the session: what a resolver decides from. */
export interface SessionConflict<Data extends object = SessionData> {
  /** What both sides were made from. */
  readonly basis: Data
  /** What is to be written. */
  readonly ours: Data
  /** What somebody else has written meanwhile. */
  readonly theirs: Data
  /** Both together by top-level key; of a key that both sides changed, ours. */
  readonly merged: Data
  /** The top-level keys that both sides changed, and not to the same value. */
  readonly conflictingKeys: readonly string[]
}

/** What becomes of a write when somebody else has written the session since it was read; see `onConflict`. */
export type ConflictPolicy<Data extends object = SessionData> =
  | 'merge'
  | 'overwrite'
  | 'reject'
  // Returns what is stored.
  | ((conflict: SessionConflict<Data>) => Data | Promise<Data>)

/** The options of a store, those of all layouts together: what they are once they have been checked. */
export interface StoreOptions<Data extends object = SessionData> extends ConnectionOptions, LayoutOptions {
  /**
   * Name or ARN of the table.
   *
   * @default 'sessions'
   */
  readonly table?: string | undefined

  /**
   * Lifetime of a session that is written or touched without an expiry of its own, in seconds, or a function of the
   * session data that returns it. A number above 0; when the function returns something else, 86,400 is used.
   *
   * With a function, a touch by ID has to read the session first; a touch by record does not.
   *
   * @default 86400 (a day)
   */
  readonly ttlSeconds?: number | ((data: Data) => number | undefined) | undefined

  /**
   * Whether a read sees every write that finished before it; `false` halves the price of reads. A session that such a
   * read does not find is then looked for with one consistent read, but the data found may be a moment old.
   *
   * @default true
   */
  readonly consistentRead?: boolean | undefined

  /**
   * Whether sessions are stored under the SHA-256 of their ID, so that whoever can read the table cannot take
   * over sessions. `false` stores the session ID itself, for tables shared with software that does.
   *
   * @default true
   */
  readonly hashIds?: boolean | undefined

  /**
   * How long a session lives at most from its beginning, however often it is used. Seconds, above 0. Neither a save
   * nor a touch extends a session past it, and a touch by ID has to read the session first.
   *
   * @default none: a session lives for as long as it is used
   */
  readonly absoluteTimeoutSeconds?: number | undefined

  /**
   * A touch of a record, and a save that changes nothing, is left out when it would move the expiry by less than this
   * many seconds. Most page views then write nothing. `0` writes each. An expiry that comes earlier is always written.
   *
   * @default 5 % of the lifetime that the session would get, at most an hour; 0 for lifetimes under ten minutes
   */
  readonly touchAfterSeconds?: number | undefined

  /**
   * What becomes of a write with a `basis` when another request has written the session since it was read: `'merge'`,
   * `'overwrite'`, `'reject'` or a function.
   *
   * - `'merge'` merges the two by top-level key: what one side added, changed or removed is taken from that side, and
   *   of a key that both changed, the one of this write.
   * - a function decides: it gets the three versions and the merged one, and returns the data to write. It may be
   *   called several times for one write.
   * - `'reject'` fails with `SessionConflictError`.
   * - `'overwrite'` replaces what the other has written: the last write wins, as with a `basis` that is only there to keep destroyed sessions
   *   destroyed.
   *
   * @default 'merge'
   */
  readonly onConflict?: ConflictPolicy<Data> | undefined

  /**
   * Where sessions used to be, to move them as they are used: the name of a layout, or its options and table. A session that is not found here is read
   * from there, and its first save moves it; destroying one destroys it in both places. Lists and counts tell only of
   * what is here. See docs/migrating.
   *
   * @default none
   */
  readonly migrateFrom?: LayoutName | MigrationSource | undefined

  /**
   * Whether adapters lock a session from its loading to the end of the response, so that parallel requests of one
   * session take turns. An object says, for `lock` as well, how to wait and for how long to lock: see docs/guarantees.md.
   * Without it, parallel requests run side by side and their changes are merged.
   *
   * @default false
   */
  readonly locking?: boolean | LockingOptions | undefined

  /**
   * Function of the session data that returns whose session it is, as a string; nothing while nobody has signed in. It makes `listByUser` and
   * `destroyByUser` possible, which need the index that `createTable` makes. The string is stored as it is.
   *
   * @default none: sessions belong to nobody
   */
  readonly userId?: ((data: Data) => string | null | undefined) | undefined

  /**
   * Encrypts session data with AES-256-GCM: `{ keys: [current, ...older] }`. The first key writes, all of them read, so that keys can be rotated: see
   * docs/encryption.md.
   *
   * @default none: stored as JSON text
   */
  readonly encryption?: EncryptionOptions | undefined

  /**
   * Compresses session data of at least so many bytes, where that makes them smaller: `{ thresholdBytes }`; `false` stores
   * text that others can read.
   *
   * @default `{ thresholdBytes: 1024 }`; with `encryption` none
   */
  readonly compression?: CompressionOptions | false | undefined
}

/**
 * Options of {@link SessionStore}. Any that can be written as a string can also be set by an environment variable,
 * `DYNAMODB_SESSIONS_<NAME>`: `ttlSeconds` from `DYNAMODB_SESSIONS_TTL_SECONDS`, for example. What is passed
 * here takes precedence. Options of another layout than the `layout` among them do not compile; where only the program
 * knows the layout, see docs/layouts.md.
 */
export type SessionStoreOptions<Data extends object = SessionData> = StoreOptions<Data> & LayoutChoice

/** {@link SessionStoreOptions} without `locking`, for frameworks that do not tell when a request ends. */
export type UnlockedStoreOptions<Data extends object> = SessionStoreOptions<Data> & {
  readonly locking?: undefined
}

/** The layouts, each without the options that it does not heed. */
type LayoutChoice = {
  [Name in LayoutName]: (Name extends 'native'
    ? { readonly layout?: Name | undefined }
    : { readonly layout: Name }) & {
    readonly [Option in keyof HeededBy as HeededBy[Option] extends Name ? never : Option]?: undefined
  }
}[LayoutName]

/**
 * The layout that alone heeds an option. Of `hashIds`, `locking` and `onConflict` every layout takes a value; whether it takes
 * the one given shows when the program runs.
 *
 * @internal
 */
export type HeededBy = Record<'absoluteTimeoutSeconds' | 'userId' | 'encryption' | 'compression', 'native'> &
  Record<keyof PhpLayoutOptions, 'php'> &
  Record<keyof LaravelLayoutOptions, 'laravel'> &
  Record<keyof ConnectDynamoDBLayoutOptions, 'connect-dynamodb'>

const TABLE = /^(?:arn:[\w-]+:dynamodb:[\w-]+:\d{12}:table\/)?[\w.-]{3,255}$/

const conflictWords = wordOption(['merge', 'overwrite', 'reject'])

const native = { layouts: ['native'] } as const

const tableNameOption = textOption(
  'the name of a DynamoDB table (3 to 255 letters, digits, "_", "-" and ".") or its ARN',
  TABLE,
)

/**
 * The row of the option `table`.
 *
 * @internal
 */
export const tableRow: OptionRow<string> & { readonly default: string } = {
  ...tableNameOption,
  default: 'sessions',
  flag: 'name',
}

/**
 * The rows of {@link StoreOptions}.
 *
 * @internal
 */
export const storeRows: OptionRows<
  StoreOptions,
  'table' | 'ttlSeconds' | 'consistentRead' | 'hashIds' | 'onConflict'
> = {
  table: tableRow,
  ...connectionRows,
  ttlSeconds: {
    ...secondsOption(86_400),
    takes: 'a positive number of seconds, or a function of the session data that returns one',
    accepts: value => typeof value === 'function' || isPositive(value),
    default: 86_400,
    conflict: atMost({ absoluteTimeoutSeconds: 'no session would live that long' }),
  },
  consistentRead: { ...booleanOption(), default: true },
  absoluteTimeoutSeconds: { ...secondsOption(604_800), ...native },
  touchAfterSeconds: {
    ...numberOption('seconds', 0, Number.MAX_VALUE),
    takesAsText: 'a number of seconds, 0 or more, such as 300',
    conflict: atMost({
      ttlSeconds: 'no touch would extend a session',
      absoluteTimeoutSeconds: 'no touch would extend a session',
    }),
  },
  onConflict: {
    ...conflictWords,
    takes: "'merge', 'overwrite', 'reject', or a function of the conflict that returns the data to write",
    takesAsText: 'merge, overwrite or reject',
    accepts: value => typeof value === 'function' || conflictWords.accepts(value),
    default: 'merge',
    // No attribute of its items tells what others have written: the last write wins.
    layouts: LAYOUT_NAMES.filter(name => name !== 'architect'),
    elsewhere: 'overwrite',
  },
  migrateFrom: migrationRow(tableNameOption),
  locking: lockingRow,
  userId: { ...functionOption('a function of the session data that returns a string or nothing'), ...native },
  encryption: encryptionRow,
  compression: compressionRow,
  ...layoutRows,
  hashIds: { ...hashIdsRow, default: true },
}

/**
 * Checks the options of a store and completes them from the environment.
 *
 * @throws {TypeError} `INVALID_OPTION` for unknown options, wrong values, and options that the layout does not heed.
 */
export function readStoreOptions<Data extends object>(
  given: StoreOptions<Data>,
  environment: Readonly<Record<string, string | undefined>>,
): StoreOptions<Data> {
  return readOptions<StoreOptions<Data>>(given, storeRows, environment)
}
