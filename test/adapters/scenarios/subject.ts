import { afterAll, beforeAll } from 'vitest'

import type { SessionStoreOptions } from '../../../src/index.ts'
import { hashSessionId } from '../../../src/seal/session-id-hash.ts'
import type { Item } from '../../../src/types.ts'
import { type Engine, engineCredentials, engineRegion } from '../../support/engines.ts'
import { SessionTable } from '../../support/session-table.ts'
import { StubEndpoint } from '../../support/stub-endpoint.ts'

/** What the tests of an adapter share on one engine. */
export interface Subject {
  readonly table: SessionTable
  /** Options of a store in the table of this subject. */
  readonly options: SessionStoreOptions
  /** An endpoint in front of the engine that writes down what a store sends, and can answer in its place. */
  readonly recorder: (intercept?: Parameters<typeof StubEndpoint.inFrontOf>[1]) => Promise<StubEndpoint>
  /** The item of a session ID. */
  readonly item: (sessionId: string) => Promise<Item | undefined>
  /** Closes something after the tests, the last first. */
  readonly closeLater: <Closing extends { readonly close: () => Promise<void> }>(closing: Closing) => Closing
}

/** Sets a subject up for the tests of a `describe`; what it opens is closed after them. */
export function subjectOn(engine: Engine): Subject {
  const closers: (() => Promise<void>)[] = []
  let table: SessionTable | undefined
  beforeAll(async () => {
    table = await SessionTable.create(engine)
  })
  afterAll(async () => {
    for (const close of closers.toReversed()) await close()
  })
  const existingTable = (): SessionTable => {
    if (table === undefined) throw new Error('the table is not there before the tests run')
    return table
  }
  const closeLater: Subject['closeLater'] = closing => {
    closers.push(() => closing.close())
    return closing
  }
  return {
    get table() {
      return existingTable()
    },
    get options() {
      return {
        table: existingTable().name,
        endpoint: engine.endpoint,
        region: engineRegion,
        credentials: engineCredentials,
        // Every touch is to be seen; the tests about leaving touches out say so.
        touchAfterSeconds: 0,
      }
    },
    recorder: async intercept => closeLater(await StubEndpoint.inFrontOf(engine.endpoint, intercept)),
    item: async sessionId => existingTable().item(hashSessionId(sessionId)),
    closeLater,
  }
}
