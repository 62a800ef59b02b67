import type { SessionData } from '../types.ts'
import type { ConnectionOptions } from './connection-options.ts'
import { connectionOptionSpecs } from './connection-options.ts'
import { isTtl } from './expiry.ts'
import { booleanOption, type OptionSpecs, textOption } from './option-spec.ts'

/**
 * Options of {@link SessionStore}. Each that a text can carry may also come from the environment, as
 * `DYNAMODB_SESSIONS_<NAME>`: `ttlSeconds` from `DYNAMODB_SESSIONS_TTL_SECONDS`, for example. What is passed
 * here takes precedence.
 */
export interface SessionStoreOptions<Data extends object = SessionData> extends ConnectionOptions {
  /**
   * Name or ARN of the table.
   *
   * @default 'sessions'
   */
  readonly table?: string | undefined

  /**
   * Text that every key of this store starts with. It separates the namespaces of one table: `keys`, `records`,
   * `count` and `clear` see only theirs. With `hashIds: false` prefixes must not be the beginning of one another.
   *
   * @default ''
   */
  readonly prefix?: string | undefined

  /**
   * Name of the table's partition key, an attribute of type S.
   *
   * @default 'id'
   */
  readonly partitionKey?: string | undefined

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
}

/** Lifetime of a session when nothing else says: a day. */
export const DEFAULT_TTL_SECONDS = 86_400

/** Partition key of the table when nothing else says. */
export const DEFAULT_PARTITION_KEY = 'id'

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
  partitionKey: textOption('the name of an attribute (1 to 255 bytes)', text => {
    return text !== '' && Buffer.byteLength(text) <= 255
  }),
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
    prefix: textOption('up to 512 printable ASCII characters', text => /^[\x20-\x7e]{0,512}$/.test(text)),
    ttlSeconds: {
      takes: 'a number of seconds above 0, or a function of the session data that returns one',
      accepts: (value): value is number | ((data: Data) => number | undefined) => {
        return typeof value === 'function' || isTtl(value)
      },
      fromText: Number,
    },
    consistentRead: booleanOption(),
    hashIds: booleanOption(),
  }
}
