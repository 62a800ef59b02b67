import { numberFromText } from '../internal/number-from-text.ts'
import type { SessionData } from '../types.ts'
import { type ConnectionOptions, connectionOptionSpecs } from './connection-options.ts'
import {
  compressionFromText,
  type CompressionOptions,
  encryptionFromText,
  type EncryptionOptions,
  isCompressionOptions,
  isEncryptionOptions,
} from '../encryption/encryption-options.ts'
import { LAYOUT_NAMES, type LayoutName } from '../layouts/layout.ts'
import {
  type LayoutOptions,
  layoutOptionSpecs,
  type MigrationSource,
  migrationSpec,
} from './layout-options.ts'
import { type LockingOptions, lockingSpec } from './locking-options.ts'
import { booleanOption, isPositive, type OptionSpec, type OptionSpecs, textOption } from './option.ts'
import type { ConflictPolicy } from '../items/save.ts'

/**
 * Options of {@link SessionStore}. Each that a text can carry may also come from the environment, as
 * `DYNAMODB_SESSIONS_<NAME>`: `ttlSeconds` from `DYNAMODB_SESSIONS_TTL_SECONDS`, for example. What is passed
 * here takes precedence.
 */
export interface SessionStoreOptions<Data extends object = SessionData>
  extends ConnectionOptions, LayoutOptions {
  /**
   * Name or ARN of the table.
   *
   * @default 'sessions'
   */
  readonly table?: string | undefined

  /**
   * Lifetime of a session that is written or touched without an expiry of its own, in seconds: a number above 0,
   * or a function of the session data (what it returns is replaced by 86,400 when it is not such a number).
   *
   * With a function, a touch by ID has to read the session first; a touch by record does not.
   *
   * @default 86400 (a day)
   */
  readonly ttlSeconds?: number | ((data: Data) => number | undefined) | undefined

  /**
   * Whether a read sees every write that finished before it. `false` halves the price of reads; a session that
   * such a read does not find is then looked for with one consistent read, but the data found may be a moment
   * old.
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
   * many seconds: most page views then write nothing. `0` writes each. An expiry that comes earlier is always written.
   *
   * @default 5 % of the lifetime that the session would get, at most an hour; 0 for lifetimes under ten minutes
   */
  readonly touchAfterSeconds?: number | undefined

  /**
   * What becomes of a write with a `basis` when somebody else has written the session since it was read (G2):
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
   * Where sessions used to be: the name of a layout, or its options and table. A session that is not found here is read
   * from there, and its first save moves it; destroying one destroys it in both places. Lists and counts tell only of
   * what is here. It needs transactions: see docs/migrating.
   *
   * @default none
   */
  readonly migrateFrom?: LayoutName | MigrationSource | undefined

  /**
   * Whether adapters lock a session from its loading to the end of the response, so that parallel requests of one
   * session take turns; and how `lock` waits and for how long it locks. Without it, parallel requests run side by side
   * and their changes are merged.
   *
   * @default false
   */
  readonly locking?: boolean | LockingOptions | undefined

  /**
   * Says whose session some data make it, as text; nothing while nobody has signed in. It makes `listByUser` and
   * `destroyByUser` possible, which need the index that `createTable` makes. The text is stored as it is.
   *
   * @default none: sessions belong to nobody
   */
  readonly userId?: ((data: Data) => string | null | undefined) | undefined

  /**
   * Encrypts session data with AES-256-GCM. The first key writes, all of them read, so that keys can be rotated: see
   * docs/encryption.md.
   *
   * @default none: stored as JSON text
   */
  readonly encryption?: EncryptionOptions | undefined

  /**
   * Compresses session data of at least `thresholdBytes` bytes, where that makes them smaller.
   *
   * @default none
   */
  readonly compression?: CompressionOptions | undefined
}

/** Lifetime of a session when nothing else says: a day. */
export const DEFAULT_TTL_SECONDS = 86_400

/** Table when nothing else says. */
export const DEFAULT_TABLE = 'sessions'

const TABLE_NAME = /^[\w.-]{3,255}$/
const TABLE_ARN = /^arn:[\w-]+:dynamodb:[\w-]+:\d{12}:table\/[\w.-]{3,255}$/

/**
 * The specification of the options that say where the sessions are.
 *
 * @internal
 */
export const tableOptionSpecs: OptionSpecs<Pick<SessionStoreOptions, 'table' | 'partitionKey'>> = {
  table: textOption(
    'the name of a DynamoDB table (3 to 255 letters, digits, "_", "-" and ".") or its ARN',
    text => {
      return TABLE_NAME.test(text) || TABLE_ARN.test(text)
    },
  ),
  partitionKey: layoutOptionSpecs.partitionKey,
}

/**
 * The specification of {@link SessionStoreOptions}.
 *
 * @internal
 */
export function storeOptionSpecs<Data extends object>(): OptionSpecs<SessionStoreOptions<Data>> {
  return {
    ...connectionOptionSpecs,
    ...tableOptionSpecs,
    ...layoutOptionSpecs,
    ttlSeconds: {
      takes: 'a number of seconds above 0, or a function of the session data that returns one',
      takesAsText: 'a number of seconds above 0, such as 86400',
      accepts: (value): value is number | ((data: Data) => number | undefined) => {
        return typeof value === 'function' || isPositive(value)
      },
      fromText: numberFromText,
      atMost: [{ option: 'absoluteTimeoutSeconds', otherwise: 'no session would live that long' }],
    },
    consistentRead: booleanOption(),
    hashIds: booleanOption(),
    absoluteTimeoutSeconds: secondsOption('a number of seconds above 0', 604_800, isPositive),
    touchAfterSeconds: {
      ...secondsOption('a number of seconds, 0 or more', 300, value => value === 0 || isPositive(value)),
      atMost: [
        { option: 'ttlSeconds', otherwise: 'no touch would extend a session' },
        { option: 'absoluteTimeoutSeconds', otherwise: 'no touch would extend a session' },
      ],
    },
    onConflict: {
      takes: "'merge', 'overwrite', 'reject', or a function of the conflict that returns the data to write",
      takesAsText: 'merge, overwrite or reject',
      accepts: (value): value is ConflictPolicy<Data> =>
        typeof value === 'function' || value === 'merge' || value === 'overwrite' || value === 'reject',
      fromText: text => text,
    },
    migrateFrom: {
      ...migrationSpec(tableOptionSpecs.table),
      takesAsText: `the name of a layout (${LAYOUT_NAMES.join(', ')})`,
    },
    locking: { ...lockingSpec, takesAsText: 'true or false' },
    userId: {
      takes: 'a function of the session data that returns a text or nothing',
      accepts: (value): value is (data: Data) => string | null | undefined => typeof value === 'function',
    },
    encryption: {
      takes:
        'an object { keys: [current, ...older], unencrypted? }, each key 32 bytes or a passphrase of at least 16 ' +
        "characters, none twice, unencrypted one of 'write', 'read', 'refuse'",
      takesAsText:
        'passphrases of at least 16 characters, separated by blanks, the current one first and none twice',
      accepts: isEncryptionOptions,
      fromText: encryptionFromText,
    },
    compression: {
      takes: 'an object { thresholdBytes? } with a whole number from 0 to 409600',
      takesAsText: 'a threshold: a whole number of bytes from 0 to 409600, such as 1024',
      accepts: isCompressionOptions,
      fromText: compressionFromText,
    },
  }
}

function secondsOption(
  takes: string,
  example: number,
  accepts: (value: unknown) => boolean,
): OptionSpec<number> {
  return {
    takes,
    takesAsText: `${takes}, such as ${example}`,
    accepts: (value): value is number => accepts(value),
    fromText: numberFromText,
  }
}
