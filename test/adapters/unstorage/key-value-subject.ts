import type { Item } from '../../../src/types.ts'
import type { Engine } from '../../support/engines.ts'
import { sendToEngine } from '../../support/send-to-engine.ts'
import { StubEndpoint, type StubRequest } from '../../support/stub-endpoint.ts'
import { type TableSubject, tableSubject } from '../../support/table-subject.ts'

/** What the tests of key-value adapters share on one engine. */
export interface KeyValueSubject extends TableSubject {
  /** An endpoint that carries every request out and drops the connection instead of the answer, where `loses` says so. */
  readonly losing: (loses: Loses) => Promise<StubEndpoint>
}

type Loses = (request: StubRequest, answer: { readonly statusCode: number }) => boolean | Promise<boolean>

/** Sets a subject up for the tests of a `describe`; what it opens is closed after them. */
export function keyValueSubject(engine: Engine): KeyValueSubject {
  const subject = tableSubject(engine)
  return Object.assign(subject, {
    losing: async (loses: Loses) =>
      subject.closeLater(
        await StubEndpoint.start(async request => {
          const answer = await sendToEngine(engine.endpoint, request.operation, request.input)
          if (await loses(request, answer)) throw new Error('the answer is lost')
          return answer
        }),
      ),
  })
}

/** What is stored of a value; `undefined` where it is no text. */
export function dataOf(item: Item | undefined): string | undefined {
  const data = item?.['data']
  return data !== undefined && 'S' in data ? data.S : undefined
}
