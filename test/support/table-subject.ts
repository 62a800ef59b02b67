import { afterAll, beforeAll } from 'vitest'

import { hashSessionId } from '../../src/layouts/native.ts'
import type { Item } from '../../src/types.ts'
import type { Engine } from './engines.ts'
import { SessionTable, type TableOptions } from './session-table.ts'
import { StubEndpoint } from './stub-endpoint.ts'

/** A table for the tests of a `describe`, and what they open on it; all of it is closed after them. */
export interface TableSubject {
  readonly table: SessionTable
  /** Options of a store in the table of this subject. */
  readonly options: TableOptions & StoreDefaults
  /** The item of a session ID, of a store without a prefix that hashes IDs. */
  readonly item: (sessionId: string) => Promise<Item | undefined>
  /** An endpoint in front of the engine that writes down what a store sends, and can answer in its place. */
  readonly recorder: (intercept?: Parameters<typeof StubEndpoint.inFrontOf>[1]) => Promise<StubEndpoint>
  /** Closes something after the tests, the last first. */
  readonly closeLater: <Closing extends { readonly close: () => Promise<unknown> }>(
    closing: Closing,
  ) => Closing
}

/** What the options of all stores of a subject have, beyond the way to the table. */
export interface StoreDefaults {
  readonly partitionKey?: string
  readonly touchAfterSeconds?: number
  readonly hashIds?: boolean
}

/** For subjects whose tests have to see every touch; those about leaving touches out say so. */
export const everyTouch: StoreDefaults = { touchAfterSeconds: 0 }

/** Sets a subject up for the tests of a `describe`. */
export function tableSubject(engine: Engine, defaults: StoreDefaults = {}): TableSubject {
  const opened: { readonly close: () => Promise<unknown> }[] = []
  let created: SessionTable | undefined
  beforeAll(async () => {
    created = await SessionTable.create(engine, defaults.partitionKey)
  })
  afterAll(async () => {
    for (const each of opened.toReversed()) await each.close()
  })
  const table = (): SessionTable => {
    if (created === undefined) throw new Error('the table is not there before the tests run')
    return created
  }
  const closeLater: TableSubject['closeLater'] = closing => {
    opened.push(closing)
    return closing
  }
  return {
    get table() {
      return table()
    },
    get options() {
      return { ...table().options, ...defaults }
    },
    item: async sessionId => table().item(hashSessionId(sessionId)),
    recorder: async intercept => closeLater(await StubEndpoint.inFrontOf(engine.endpoint, intercept)),
    closeLater,
  }
}
