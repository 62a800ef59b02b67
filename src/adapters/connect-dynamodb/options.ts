import type { SessionData } from 'express-session'

import { invalidOption } from '../../errors.ts'
import { DEFAULT_PARTITION_KEY } from '../../layouts/native.ts'
import { checkAttributes } from '../../layouts/open-layout.ts'
import { type ConnectionOptions, connectionRows } from '../../options/connection-options.ts'
import type { SpecialKey } from '../../layouts/layout-settings.ts'
import {
  booleanOption,
  integerOption,
  type OptionRow,
  type RowsOf,
  readOptions,
} from '../../internal/option.ts'
import { readStoreOptions, tableRow, type StoreOptions, storeRows } from '../../options/store-options.ts'
import { isSdkClient, type SdkClient } from './sdk-client.ts'

/** An attribute that is written beside the session, by the name that connect-dynamodb has for its type. */
export type DynamoDBStoreOptionsSpecialKey = SpecialKey

/** The options of a `SessionStore` that go with the items of connect-dynamodb. */
type LayoutsStoreOptions = Pick<
  StoreOptions<SessionData>,
  | 'consistentRead'
  | 'migrateFrom'
  | 'onConflict'
  | 'prefix'
  | 'specialKeys'
  | 'table'
  | 'touchAfterSeconds'
  | 'ttlSeconds'
>

/**
 * Options of the store that the factory of `dynamodb-sessions/connect-dynamodb` makes: those of connect-dynamodb, and those
 * of `SessionStore` that go with its items. `null` counts as absent.
 */
export interface DynamoDBStoreOptions extends ConnectionOptions, LayoutsStoreOptions {
  /**
   * A client of the AWS SDK v3, whose region, endpoint, credentials and number of attempts are used. The options of the
   * same names come first. It is only read: its request handler, agents, proxies and middleware have no part in requests,
   * and it can be destroyed by whoever made it.
   *
   * @default none: region, endpoint and credentials are found where the AWS SDK finds them
   */
  readonly client?: SdkClient | undefined

  /**
   * Name of the table's partition key, an attribute of type S: what other stores call `partitionKey`.
   *
   * @default 'id'
   */
  readonly hashKey?: string | undefined

  /**
   * Read capacity units of a table that this store creates. A number of 1 or more, as text too.
   *
   * @default 5
   */
  readonly readCapacityUnits?: number | string | undefined

  /**
   * Write capacity units of a table that this store creates. A number of 1 or more, as text too.
   *
   * @default 5
   */
  readonly writeCapacityUnits?: number | string | undefined

  /**
   * Whether sessions may be saved that lack some of the `specialKeys`. Otherwise saving one is an error.
   *
   * @default false
   */
  readonly skipThrowMissingSpecialKeys?: boolean | undefined

  /**
   * How often expired sessions are looked for and deleted, in milliseconds; 0 for never. It reads the whole table each
   * time: time to live does the same at no cost.
   *
   * @default 0
   */
  readonly reapInterval?: number | undefined

  /**
   * Whether the table is known to be there. With `true` it is never created, and a missing table is an error of every
   * request.
   *
   * @default false: a table that is missing when the first session is looked for is created
   */
  readonly initialized?: boolean | undefined

  /**
   * What Medusa makes its client of. It is accepted, because Medusa hands it over, and has no effect.
   *
   * @default none
   */
  readonly clientOptions?: object | undefined
}

/** What a store shows of its options, as those of connect-dynamodb do. */
export interface ShownOptions {
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
}

/** The options, checked and with their defaults. */
export interface Settings {
  readonly shown: ShownOptions
  readonly initialized: boolean
  /** How DynamoDB is reached, as far as the options say; the client may say more. */
  readonly connection: ConnectionOptions
  /** Options of the `SessionStore`, completed from the environment. */
  readonly store: StoreOptions<SessionData>
}

const LAYOUT = 'connect-dynamodb'
const DEFAULT_PREFIX = 'sess:'
const DEFAULT_CAPACITY_UNITS = 5
const LONGEST_TIMER_MS = 2 ** 31 - 1

const capacityRow: OptionRow<number | string> = {
  takes: 'a whole number of capacity units, 1 or more',
  accepts: value =>
    (typeof value === 'number' || typeof value === 'string') &&
    /^\d+$/.test(String(value)) &&
    Number.isSafeInteger(Number(value)) &&
    Number(value) >= 1,
}

const rows: RowsOf<DynamoDBStoreOptions> = {
  ...connectionRows,
  consistentRead: storeRows.consistentRead,
  migrateFrom: storeRows.migrateFrom,
  onConflict: storeRows.onConflict,
  prefix: storeRows.prefix,
  specialKeys: storeRows.specialKeys,
  table: storeRows.table,
  touchAfterSeconds: storeRows.touchAfterSeconds,
  ttlSeconds: storeRows.ttlSeconds,
  client: {
    takes:
      'a client of the AWS SDK for JavaScript v3, such as new DynamoDBClient({ region }), or an object with its config; ' +
      'without one, pass the options "region", "endpoint" and "credentials", each as far as needed',
    accepts: isSdkClient,
  },
  hashKey: storeRows.partitionKey,
  readCapacityUnits: capacityRow,
  writeCapacityUnits: capacityRow,
  skipThrowMissingSpecialKeys: booleanOption(),
  reapInterval: integerOption('milliseconds', 0, LONGEST_TIMER_MS),
  initialized: booleanOption(),
  clientOptions: { takes: 'an object', accepts: value => typeof value === 'object' },
}

/**
 * Checks the options and completes them from the environment.
 *
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
 */
export function readSettings(
  given: unknown,
  environment: Readonly<Record<string, string | undefined>>,
): Settings {
  const {
    client,
    hashKey,
    readCapacityUnits = DEFAULT_CAPACITY_UNITS,
    writeCapacityUnits = DEFAULT_CAPACITY_UNITS,
    skipThrowMissingSpecialKeys = false,
    reapInterval = 0,
    initialized = false,
    clientOptions: _,
    ...storeOptions
  } = readOptions<DynamoDBStoreOptions>(withoutNulls(given), rows, {})
  const layout = environment['DYNAMODB_SESSIONS_LAYOUT'] || LAYOUT
  if (layout !== LAYOUT) {
    throw invalidOption(
      `the environment variable DYNAMODB_SESSIONS_LAYOUT says "${layout}", and the stand-in for connect-dynamodb keeps the layout ` +
        'of that; unset it, or use dynamodb-sessions/express with "migrateFrom"',
    )
  }
  const store = readStoreOptions<SessionData>(
    { ...storeOptions, ...(hashKey !== undefined && { partitionKey: hashKey }), layout },
    environment,
  )
  const { table = tableRow.default, partitionKey = DEFAULT_PARTITION_KEY, prefix = DEFAULT_PREFIX } = store
  const { specialKeys = [] } = storeOptions
  checkAttributes(store, 'hashKey')
  return {
    shown: {
      client,
      table,
      hashKey: partitionKey,
      prefix,
      readCapacityUnits: Number(readCapacityUnits),
      writeCapacityUnits: Number(writeCapacityUnits),
      specialKeys,
      skipThrowMissingSpecialKeys,
      reapInterval,
    },
    initialized,
    connection: Object.fromEntries(
      Object.entries(storeOptions).filter(([name]) => Object.hasOwn(connectionRows, name)),
    ),
    store: { ...store, table, partitionKey, prefix },
  }
}

/** Options as plain JavaScript leaves them out. */
function withoutNulls(given: unknown): unknown {
  if (typeof given !== 'object' || Array.isArray(given)) return given
  return Object.fromEntries(Object.entries(given ?? {}).filter(([, value]) => value !== null))
}
