import { invalidOption } from '../../errors.ts'
import { processEnvironment } from '../../internal/process-environment.ts'
import { type OptionRow, readOptions, type RowsOf } from '../../internal/option.ts'
import { type SessionStoreOptions, type StoreOptions, storeRows } from '../../options/store-options.ts'
import { SessionStore } from '../../store/session-store.ts'

/** Our own names of options, by a conventional name. */
type OwnNames = Readonly<Record<string, string>>

/** Options under the names that other stores for the same framework give them. */
export interface ConventionalOptions<Data extends object> {
  /** The same as `ttlSeconds`, by the name that it has in connect-redis and connect-mongo. Seconds, as there. */
  readonly ttl?: StoreOptions<Data>['ttlSeconds']

  /** The same as `touchAfterSeconds`, by the name that it has in connect-mongo. Seconds, as there. */
  readonly touchAfter?: StoreOptions<Data>['touchAfterSeconds']
}

/** Our own names of {@link ConventionalOptions}. */
export const CONVENTIONAL_NAMES: OwnNames = {
  ttl: 'ttlSeconds',
  touchAfter: 'touchAfterSeconds',
}

/** The row of the option `store`, for adapters whose options are not all about the store. */
export const storeOption: Readonly<Record<'store', OptionRow>> = {
  store: { takes: 'a SessionStore', accepts: value => value instanceof SessionStore },
}

/** The store that an adapter works with. */
export interface OpenedStore<Data extends object> {
  readonly store: SessionStore<Data>
  /** Closes the store, unless the application has passed it. */
  readonly close: () => Promise<void>
}

/**
 * Makes the store of an adapter, or takes one of the application.
 *
 * @param withoutLocking which framework does not tell when a request ends, if it does not: `locking` is then refused.
 * @param ownNames our names of the conventional names of options that the adapter takes.
 * @throws {TypeError} `INVALID_OPTION`
 */
export function openStore<Data extends object>(
  options: StoreOptions<Data> | SessionStore<Data>,
  withoutLocking?: string,
  ownNames: OwnNames = {},
): OpenedStore<Data> {
  const isGiven = options instanceof SessionStore
  const store = isGiven
    ? options
    : new SessionStore<Data>(withOwnNames(options, ownNames) as SessionStoreOptions<Data>)
  if (withoutLocking !== undefined && store.locksSessions) {
    throw invalidOption(`the option "locking" does not go with ${withoutLocking}`)
  }
  return {
    store,
    close: async () => {
      if (!isGiven) await store.close()
    },
  }
}

/** Own options of an adapter, and those of its store. */
interface ReadOptions<Data extends object, Own extends object> {
  /** All of them, checked, and completed from the environment. */
  readonly settings: Partial<Own & StoreOptions<Data>>
  /** What {@link openStore} takes: a store of the application, or options of one. */
  readonly forStore: StoreOptions<Data> | SessionStore<Data>
}

/**
 * Reads the options of an adapter that are not all about the store.
 *
 * @param ownRows the rows of its own ones, {@link storeOption} among them.
 * @throws {TypeError} `INVALID_OPTION`
 */
export function readOwnOptions<Data extends object, Own extends object>(
  options: StoreOptions<Data> & Own & { readonly store?: SessionStore<Data> | undefined },
  ownRows: RowsOf<Own>,
): ReadOptions<Data, Own> {
  const { store } = Object(options) as typeof options
  const others = Object.entries(Object(options) as object).filter(([name]) => !Object.hasOwn(ownRows, name))
  const stray = store && others.find(([name]) => Object.hasOwn(storeRows, name))
  if (stray !== undefined) {
    throw invalidOption(`the option "${stray[0]}" has no effect with a store of your own; leave it out`)
  }
  const rows = (store === undefined ? { ...storeRows, ...ownRows } : ownRows) as RowsOf<
    Own & StoreOptions<Data>
  >
  const settings = readOptions<Own & StoreOptions<Data>>(options, rows, processEnvironment())
  return { settings, forStore: store ?? Object.fromEntries(others) }
}

/**
 * Options, with our own names in place of conventional ones.
 *
 * @param ownNames by conventional name.
 * @throws {TypeError} `INVALID_OPTION` when an option is given under both names.
 */
export function withOwnNames<Options extends object>(options: Options, ownNames: OwnNames): Options {
  const used = Object.entries(ownNames).filter(([name]) => Object.hasOwn(Object(options) as object, name))
  // What is no object of options at all is told by the store.
  if (used.length === 0) return options
  const renamed = { ...options } as Record<string, unknown>
  for (const [name, own] of used) {
    const value = renamed[name]
    if (value !== undefined && renamed[own] !== undefined) {
      throw invalidOption(`the options "${name}" and "${own}" are the same; leave one of them out`)
    }
    renamed[own] ??= value
    Reflect.deleteProperty(renamed, name)
  }
  return renamed as Options
}
