import { afterAll, beforeAll } from 'vitest'

import { SessionStore } from '../../src/session/store.ts'
import type { SessionStoreOptions } from '../../src/session/store-options.ts'
import { type Engine, engineCredentials, engineRegion } from '../support/engines.ts'
import { SessionTable } from '../support/session-table.ts'
import { LoggingTransport } from './logging-transport.ts'

/** What the sessions of these tests hold. */
export interface Content {
  [key: string]: unknown
}

/** A table with as many stores as a test wants. */
export interface ConcurrencySubject {
  readonly table: SessionTable
  /** What every store of this subject has sent. */
  readonly log: LoggingTransport
  /** Options that bring a store to the table; IDs are stored as they are. */
  readonly options: <Data extends object = Content>() => SessionStoreOptions<Data>
  /** A store of its own: it shares nothing with the others that a store of another process would not. */
  readonly store: (options?: SessionStoreOptions<Content>) => SessionStore<Content>
}

/** Sets a subject up for the tests of a `describe`; what it opens is closed after them. */
export function concurrencySubject(engine: Engine): ConcurrencySubject {
  const stores: SessionStore<Content>[] = []
  const log = new LoggingTransport()
  let table: SessionTable | undefined
  beforeAll(async () => {
    table = await SessionTable.create(engine)
  })
  afterAll(async () => {
    for (const store of stores) await store.close()
    await log.close()
  })
  const existingTable = (): SessionTable => {
    if (table === undefined) throw new Error('the table is not there before the tests run')
    return table
  }
  const options = <Data extends object>(): SessionStoreOptions<Data> => ({
    table: existingTable().name,
    endpoint: engine.endpoint,
    region: engineRegion,
    credentials: engineCredentials,
    hashIds: false,
  })
  return {
    get table() {
      return existingTable()
    },
    log,
    options,
    store: more => {
      const store = new SessionStore<Content>({ ...options<Content>(), transport: log, ...more })
      stores.push(store)
      return store
    },
  }
}
