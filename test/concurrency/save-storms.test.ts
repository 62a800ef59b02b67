import { describe, expect, test } from 'vitest'

import type { SessionStore } from '../../src/store/session-store.ts'
import { engines } from '../support/engines.ts'
import { newId } from '../support/session-ids.ts'
import { type Content, concurrencySubject } from './concurrency-subject.ts'

/** On a busy machine a call may take long, and none of these tests is about that. */
const patient = { attemptTimeoutMs: 20_000, deadlineMs: 60_000 }

describe.each(engines)('$name, many saves of one session at once', engine => {
  const subject = concurrencySubject(engine)

  /** What the writers of one session sent, each in one of the stores: for each, how many requests. */
  async function requestsPerWriter(
    writers: number,
    stores: readonly SessionStore<Content>[],
  ): Promise<number> {
    const id = newId()
    const record = await subject.store().write(id, { user: 'ada' })
    const before = subject.log.requests.length
    const saves = Array.from({ length: writers }, async (_, index) =>
      stores[index % stores.length]?.write(id, { user: 'ada', [`key${index}`]: index }, { basis: record }),
    )
    const lost = (await Promise.allSettled(saves)).filter(({ status }) => status === 'rejected')
    const requests = subject.log.requests.length - before
    expect(lost).toEqual([])
    expect(Object.keys((await subject.store().read(id))?.data ?? {})).toHaveLength(writers + 1)
    return requests / writers
  }

  /** Engines that do not send along what a refused write has met are asked for it: one more request for each refusal. */
  const perRefusal = engine.supports.oldItemOnConditionFailure ? 1 : 2

  test('2 through one store: the second is refused once', async () => {
    expect(await requestsPerWriter(2, [subject.store(patient)])).toBe(1 + perRefusal / 2)
  })

  test.each([50, 500])(
    '%i through one store: few are tried, those that wait are written together, and none is lost',
    async writers => {
      const perWriter = await requestsPerWriter(writers, [subject.store(patient)])
      // 8 first attempts, each refused but one, and a request for each 50; how many wait at a time is up to the engine.
      expect(perWriter).toBeLessThan(0.5)
    },
  )

  test('none of 500 is lost that share two connections', async () => {
    const store = subject.store({ transport: undefined, maxSockets: 2 })
    // It is not logged what this store sends.
    expect(await requestsPerWriter(500, [store])).toBe(0)
  })

  test('50 in as many stores keep out of each other’s way', async () => {
    const stores = Array.from({ length: 50 }, () => subject.store(patient))
    const perWriter = await requestsPerWriter(50, stores)
    process.stdout.write(`50 writers in 50 stores: ${engine.name}, ${perWriter} requests each\n`)
    expect(perWriter).toBeLessThan(6 * perRefusal)
  })
})
