import { invalidArgument } from '../../errors.ts'
import type { SessionStoreOptions } from '../../options/store-options.ts'
import { SessionStore } from '../../store/session-store.ts'

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
 * @throws {TypeError} `INVALID_OPTION`
 */
export function openStore<Data extends object>(
  options: SessionStoreOptions<Data> | SessionStore<Data>,
  withoutLocking?: string,
): OpenedStore<Data> {
  const isGiven = options instanceof SessionStore
  const store = isGiven ? options : new SessionStore<Data>(options)
  if (withoutLocking !== undefined && store.locksSessions) {
    throw invalidArgument('INVALID_OPTION', `the option "locking" does not go with ${withoutLocking}`)
  }
  return {
    store,
    close: async () => {
      if (!isGiven) await store.close()
    },
  }
}
