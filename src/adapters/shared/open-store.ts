import { invalidArgument } from '../../errors.ts'
import { codeOf } from '../../internal/core-objects.ts'
import type { SessionRecord } from '../../items/session-record.ts'
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

/**
 * Reads the session of an ID that a visitor presented. A cookie may hold anything: what cannot be an ID is the ID of no session.
 */
export async function readPresented<Data extends object>(
  store: SessionStore<Data>,
  id: unknown,
): Promise<SessionRecord<Data> | undefined> {
  if (typeof id !== 'string' || id === '') return undefined
  try {
    return await store.read(id)
  } catch (error) {
    if (codeOf(error) === 'INVALID_SESSION_ID') return undefined
    throw error
  }
}
