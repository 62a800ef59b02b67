import { afterAll, beforeAll } from 'vitest'

import type { KeyValuesOptions } from '../../../src/session/key-values-options.ts'
import type { Item } from '../../../src/types.ts'
import { type Engine, engineCredentials, engineRegion } from '../../support/engines.ts'
import { sendToEngine } from '../../support/send-to-engine.ts'
import { SessionTable } from '../../support/session-table.ts'
import { StubEndpoint, type StubRequest } from '../../support/stub-endpoint.ts'

/** What the tests of key-value adapters share on one engine. */
export interface KeyValueSubject {
  readonly table: SessionTable
  /** The options of an adapter for the table of this subject. */
  readonly options: (others?: KeyValuesOptions) => KeyValuesOptions
  /** An endpoint in front of the engine that writes down what an adapter sends, and can answer in its place. */
  readonly recorder: (intercept?: Parameters<typeof StubEndpoint.inFrontOf>[1]) => Promise<StubEndpoint>
  /** An endpoint that carries every request out and drops the connection instead of the answer, where `loses` says so. */
  readonly losing: (
    loses: (request: StubRequest, answer: { readonly statusCode: number }) => boolean | Promise<boolean>,
  ) => Promise<StubEndpoint>
  /** Closes something after the tests. */
  readonly closeLater: (close: () => Promise<void>) => void
}

/** Sets a subject up for the tests of a `describe`; what it opens is closed after them. */
export function keyValueSubject(engine: Engine): KeyValueSubject {
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
  const closeStub = (stub: StubEndpoint): StubEndpoint => {
    closers.push(() => stub.close())
    return stub
  }
  return {
    get table() {
      return existingTable()
    },
    options: others => ({
      table: existingTable().name,
      endpoint: engine.endpoint,
      region: engineRegion,
      credentials: engineCredentials,
      ...others,
    }),
    recorder: async intercept => closeStub(await StubEndpoint.inFrontOf(engine.endpoint, intercept)),
    losing: async loses =>
      closeStub(
        await StubEndpoint.start(async request => {
          const answer = await sendToEngine(engine.endpoint, request.operation, request.input)
          if (await loses(request, answer)) throw new Error('the answer is lost')
          return answer
        }),
      ),
    closeLater: close => {
      closers.push(close)
    },
  }
}

/** What is stored of a value; `undefined` where it is no text. */
export function dataOf(item: Item | undefined): string | undefined {
  const data = item?.['data']
  return data !== undefined && 'S' in data ? data.S : undefined
}
