import { afterAll, beforeAll } from 'vitest'

import { webSessions, type WebSessions, type WebSessionSettings } from '../../../src/adapters/web.ts'
import { SessionStore, type SessionStoreOptions } from '../../../src/index.ts'
import { hashSessionId } from '../../../src/seal/session-id-hash.ts'
import type { Item } from '../../../src/types.ts'
import { type Engine, engineCredentials, engineRegion } from '../../support/engines.ts'
import { SessionTable } from '../../support/session-table.ts'
import { StubEndpoint } from '../../support/stub-endpoint.ts'

/** What the sessions of the tests hold. */
export interface TestData {
  user?: string
  visits?: number
  cart?: string[]
  [key: `key${string}`]: number
}

/** What the tests of web sessions share on one engine. */
export interface WebSubject {
  readonly table: SessionTable
  /** A store in the table of this subject. */
  readonly store: (options?: SessionStoreOptions<TestData>) => SessionStore<TestData>
  /** Web sessions on such a store. */
  readonly sessions: (
    options?: SessionStoreOptions<TestData>,
    settings?: WebSessionSettings,
  ) => WebSessions<TestData>
  /** An endpoint in front of the engine that writes down what a store sends, and can answer in its place. */
  readonly recorder: (intercept?: Parameters<typeof StubEndpoint.inFrontOf>[1]) => Promise<StubEndpoint>
  /** The item of a session ID, of a store without prefix. */
  readonly item: (sessionId: string) => Promise<Item | undefined>
  /** Closes something after the tests. */
  readonly closeLater: (close: () => Promise<void>) => void
}

/** Secret of the sessions of a {@link WebSubject}. */
export const SECRET = 'a long random text'

/** Sets a subject up for the tests of a `describe`; what it opens is closed after them. */
export function webSubject(engine: Engine): WebSubject {
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
  const openStore: WebSubject['store'] = options => {
    const store = new SessionStore<TestData>({
      table: existingTable().name,
      endpoint: engine.endpoint,
      region: engineRegion,
      credentials: engineCredentials,
      ...options,
    })
    closers.push(() => store.close())
    return store
  }
  return {
    get table() {
      return existingTable()
    },
    store: openStore,
    sessions: (options, settings) =>
      webSessions<TestData>({ store: openStore(options), secrets: [SECRET], ...settings }),
    recorder: async intercept => {
      const stub = await StubEndpoint.inFrontOf(engine.endpoint, intercept)
      closers.push(() => stub.close())
      return stub
    },
    item: async sessionId => existingTable().item(hashSessionId(sessionId)),
    closeLater: close => {
      closers.push(close)
    },
  }
}
