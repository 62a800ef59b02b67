import { invalidOption } from '../errors.ts'
import { LATEST_MS, withinDateRange } from '../internal/core-objects.ts'
import { KeyValues, type StoredValue } from '../key-values/key-value-store.ts'
import { entryRows } from '../options/entry-options.ts'
import type { CallOptions } from '../options/call-options.ts'
import { type KeyValuesOptions, keyValuesRows } from '../options/key-value-options.ts'
import { withOwnNames } from './shared/open-store.ts'
import { forEachAtOnce } from '../scan/scan.ts'
import { type OptionRow, type OptionRows, readOptions } from '../internal/option.ts'
import { processEnvironment } from '../internal/process-environment.ts'

/**
 * Options of {@link dynamoDBDriver}. Any that can be written as a string can also be set by an environment variable,
 * `DYNAMODB_SESSIONS_<NAME>`, which is where the settings of a built app belong.
 */
export interface DynamoDBDriverOptions extends KeyValuesOptions {
  /**
   * Lifetime of a value that is written without a `ttl` of its own. Seconds, above 0; without it such values do not expire.
   * Frameworks that pass none, Astro for example, need it.
   *
   * @default none
   */
  readonly defaultTtlSeconds?: number | undefined

  /** The same as `defaultTtlSeconds`, by the name that it has in other drivers, that for Redis for example. Seconds, as there. */
  readonly ttl?: number | undefined

  /** Nitro passes the name of the driver along; it has no meaning here. */
  readonly driver?: string | undefined
}

/** The options, each under one name. */
type DriverSettings = Omit<DynamoDBDriverOptions, 'ttl'>

/** Options of one call, as unstorage passes them on. */
export interface DynamoDBDriverCallOptions {
  /** Lifetime in seconds; 0 and `Infinity`: it does not expire. */
  readonly ttl?: number | undefined
  /** For `getKeys`: how many `:` a key may have. */
  readonly maxDepth?: number | undefined
}

/** A key, with what its options are. */
export interface DynamoDBDriverItem {
  readonly key: string
  readonly options?: DynamoDBDriverCallOptions | undefined
}

/** What is known about a value. (unstorage's own type has an index signature, which an interface would not go with.) */
export type DynamoDBDriverMeta = {
  /** When the value was written, to the second. */
  mtime?: Date
  /** Seconds until it expires, rounded up; absent when it does not. */
  ttl?: number
}

/** A driver for unstorage 1 and 2, and whatever takes such drivers. */
export interface DynamoDBDriver {
  readonly name: string
  readonly flags: { readonly ttl: boolean }
  readonly options: DynamoDBDriverOptions
  readonly hasItem: (key: string) => Promise<boolean>
  readonly getItem: (key: string) => Promise<string | null>
  readonly getItems: (
    items: readonly DynamoDBDriverItem[],
  ) => Promise<{ key: string; value: string | null }[]>
  readonly setItem: (key: string, value: string, options?: DynamoDBDriverCallOptions) => Promise<void>
  readonly setItems: (
    items: readonly (DynamoDBDriverItem & { readonly value: string })[],
    options?: DynamoDBDriverCallOptions,
  ) => Promise<void>
  readonly removeItem: (key: string) => Promise<void>
  readonly getMeta: (key: string) => Promise<DynamoDBDriverMeta | null>
  readonly getKeys: (base?: string, options?: DynamoDBDriverCallOptions) => Promise<string[]>
  readonly clear: (base?: string) => Promise<void>
  /** Checks at start that values can be kept, as `SessionStore.ready` does. */
  readonly ready: (options?: CallOptions) => Promise<void>
  readonly dispose: () => Promise<void>
}

const NAMESPACE = 'unstorage:'

/** More would fill the queue for connections, and then fail. */
const ITEMS_AT_ONCE = 16

/**
 * Keeps the values of `unstorage` in DynamoDB.
 *
 * - A value is absent from the millisecond in which its `ttl` is over, whatever DynamoDB has deleted by then; a failed
 *   read is an error, never an absent value.
 * - Values are stored under `<prefix>unstorage:<key>`, in plain, so that they can be listed. With `hashKeys`, for keys that are
 *   secret such as session IDs, they are not there in plain, and `getKeys` fails.
 * - A value has at most about 400 KB. Listing and clearing read the whole table.
 *
 * What the interface does not allow: it writes whole values without saying what they were made from, so that of parallel
 * writes of one key the last one wins, and a late write brings a value back that was removed.
 *
 * @example
 * ```ts
 * import { createStorage } from 'unstorage'
 * import { dynamoDBDriver } from 'dynamodb-sessions/unstorage'
 *
 * const storage = createStorage({ driver: dynamoDBDriver({ table: 'storage', region: 'eu-west-1' }) })
 * await storage.setItem('reports:today', { visits: 3 }, { ttl: 3600 })
 * ```
 *
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values. A missing table, region or credential shows at the
 *   first call.
 */
export function dynamoDBDriver(options: DynamoDBDriverOptions = {}): DynamoDBDriver {
  const settings = readOptions<DriverSettings>(
    withOwnNames(options, { ttl: 'defaultTtlSeconds' }),
    driverOptionSpecs(),
    processEnvironment(),
  )
  const values = new KeyValues(settings, { namespace: NAMESPACE, hashKeys: false })

  const getItem = async (key: string): Promise<string | null> => (await values.read(key))?.text ?? null
  const setItem = async (
    key: string,
    value: string,
    { ttl = settings.defaultTtlSeconds }: DynamoDBDriverCallOptions = {},
  ): Promise<void> => {
    await values.retryAfterClockCorrection(() =>
      values.write(key, value, { expiresMs: expiryOf(values.now(), ttl) }),
    )
  }
  // unstorage calls the methods of a driver as functions, without the driver.
  return {
    name: 'dynamodb',
    flags: { ttl: true },
    options,
    hasItem: async key => (await values.read(key)) !== undefined,
    getItem,
    getItems: async items => {
      const found = items.map(({ key }) => ({ key, value: null as string | null }))
      await forEachAtOnce(found, ITEMS_AT_ONCE, async item => {
        item.value = await getItem(item.key)
      })
      return found
    },
    setItem,
    setItems: async (items, common) => {
      await forEachAtOnce(items, ITEMS_AT_ONCE, async ({ key, value, options: own }) => {
        await setItem(key, value, { ...common, ...own })
      })
    },
    removeItem: key => values.delete(key),
    getMeta: async key => {
      const value = await values.read(key)
      return value === undefined ? null : metaOf(value, values)
    },
    getKeys: async (base = '', { maxDepth = Infinity } = {}) => {
      const keys: string[] = []
      for await (const key of values.keys(base)) if (depthOf(key) <= maxDepth) keys.push(key)
      return keys
    },
    clear: (base = '') => values.clear(base),
    ready: callOptions => values.ready(callOptions),
    dispose: () => values.close(),
  }
}

// Nitro, Nuxt and Astro take drivers by the name of a module and import its default export.
export { dynamoDBDriver as default }

/** Exact expiry of a value, epoch milliseconds; `undefined` for one that does not expire. */
function expiryOf(nowMs: number, ttl: unknown): number | undefined {
  if (ttl === undefined || ttl === null || ttl === 0 || ttl === Infinity) return undefined
  if (typeof ttl !== 'number' || !(ttl > 0)) {
    throw invalidOption('the option "ttl" must be a positive number of seconds, or 0 for no expiry')
  }
  return Math.min(Math.round(nowMs + ttl * 1000), LATEST_MS)
}

function metaOf({ writtenMs, expiresMs }: StoredValue, values: KeyValues): DynamoDBDriverMeta {
  return {
    // By the clock of this machine.
    ...(writtenMs !== undefined && { mtime: new Date(withinDateRange(writtenMs - values.clockOffsetMs)) }),
    ...(expiresMs !== undefined && { ttl: Math.ceil((expiresMs - values.now()) / 1000) }),
  }
}

function depthOf(key: string): number {
  return key.split(':').length - 1
}

function driverOptionSpecs(): OptionRows<DriverSettings> {
  const driver: OptionRow<string> = {
    takes: 'a string',
    accepts: (value): value is string => typeof value === 'string',
  }
  return { ...keyValuesRows, defaultTtlSeconds: entryRows.defaultTtlSeconds, driver }
}
