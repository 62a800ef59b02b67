import { randomBytes } from 'node:crypto'

import { afterAll, beforeAll } from 'vitest'

import type { SessionStoreOptions } from '../../src/session/store-options.ts'
import { SessionStore } from '../../src/session/store.ts'
import type { Item } from '../../src/types.ts'
import { type Engine, engineCredentials, engineRegion } from '../support/engines.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { SessionTable } from '../support/session-table.ts'

/** A way of storing sessions that has to hold everything the contract says. */
export interface ContractLayout {
  readonly name: string
  /** The options of a store that choose it. */
  readonly options: SessionStoreOptions
  /** Name of the table's partition key. */
  readonly partitionKey: string
  /** The attribute that the table's TTL looks at. */
  readonly ttlAttribute: string
  /** Whether the item's key tells the session ID to whoever reads the table. */
  readonly plainIds: boolean
  /** Items without their key that are there and no sessions; reading them is an error (G6). */
  readonly corruptItems: (expiresMs: number) => Readonly<Record<string, Item>>
}

/** One layout on one engine, and a table of its own. */
export interface ContractSubject {
  readonly engine: Engine
  readonly layout: ContractLayout
  /** Options that only a store with connections of its own takes; none where it has a transport of somebody else's. */
  readonly fewSockets: SessionStoreOptions
  readonly table: SessionTable
  /** The store of a test: in the table of this subject, on a clock that stands still. */
  readonly open: (options?: SessionStoreOptions) => OpenStore
}

/** A store and the clock that it looks at. */
export interface OpenStore {
  readonly store: SessionStore
  readonly clock: ManualClock
}

/** Sets a subject up for the tests of a `describe`; its stores are closed after them. */
export function contractSubject(engine: Engine, layout: ContractLayout): ContractSubject {
  const stores: SessionStore[] = []
  let table: SessionTable | undefined
  beforeAll(async () => {
    table = await SessionTable.create(engine, layout.partitionKey)
  })
  afterAll(async () => {
    await Promise.all(stores.map(store => store.close()))
  })
  const existingTable = (): SessionTable => {
    if (table === undefined) throw new Error('the table is not there before the tests run')
    return table
  }
  return {
    engine,
    layout,
    fewSockets: layout.options.transport === undefined ? { maxSockets: 8 } : {},
    get table() {
      return existingTable()
    },
    open: options => {
      const clock = new ManualClock()
      const store = new SessionStore({
        table: existingTable().name,
        partitionKey: layout.partitionKey,
        endpoint: engine.endpoint,
        region: engineRegion,
        credentials: engineCredentials,
        clock,
        // Every touch is to be seen; the scenarios about leaving touches out say so.
        touchAfterSeconds: 0,
        ...layout.options,
        ...options,
      })
      stores.push(store)
      return { store, clock }
    },
  }
}

/** A session ID that nobody else uses. */
export function newId(): string {
  return randomBytes(18).toString('base64url')
}

/** A prefix that nobody else uses and that is not the beginning of another. */
export function newPrefix(): string {
  return `${randomBytes(6).toString('hex')}:`
}

/** Everything that an async iterable yields. */
export async function toArray<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const collected: Value[] = []
  for await (const value of values) collected.push(value)
  return collected
}
