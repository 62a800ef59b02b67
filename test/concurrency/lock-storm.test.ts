import { describe, expect, test } from 'vitest'

import { SessionLockedError } from '../../src/errors.ts'
import { engine } from '../support/engines.ts'
import { newId } from '../support/session-ids.ts'
import { concurrencySubject } from './concurrency-subject.ts'
import type { LoggedRequest } from './logging-transport.ts'

/** `vitest run test/concurrency --mode long` is the long version. */
const WAITERS = process.env['MODE'] === 'long' ? 200 : 60
const MIN_RETRY_MS = 50
const MAX_RETRY_MS = 1000
const LONG = {
  leaseSeconds: 120,
  maxWaitMs: 100_000,
  minRetryMs: MIN_RETRY_MS,
  maxRetryMs: MAX_RETRY_MS,
}
const SHORT_WAIT_MS = 300

describe('a lock that many want', () => {
  const subject = concurrencySubject(engine)

  test(`is asked for a bounded number of times by ${WAITERS} who wait in as many stores (G10)`, async () => {
    const id = newId()
    const holder = subject.store()
    await holder.write(id, { n: 0 })
    const held = await holder.lock(id, LONG)
    subject.log.forget()
    let waitedMs = 0
    const waiters = Array.from({ length: WAITERS }, async () => {
      const store = subject.store()
      const startedAtMs = performance.now()
      const lock = await store.lock(id, LONG)
      waitedMs += performance.now() - startedAtMs
      await store.write(id, { n: Number(lock?.record.data['n']) + 1 }, { basis: lock?.record })
    })
    // All have asked once and been refused before the first gets it.
    await expect.poll(() => refusalsOf(subject.log.requests)).toBeGreaterThanOrEqual(WAITERS)
    await held?.release()
    await Promise.all(waiters)
    const updates = subject.log.count('UpdateItem')
    const needed = 2 * WAITERS + 1
    // Pauses of half the minimum at least, doubling up to half of the maximum.
    const doublings = Math.ceil(Math.log2(MAX_RETRY_MS / MIN_RETRY_MS))
    const bound = needed + WAITERS * (1 + doublings) + waitedMs / (MAX_RETRY_MS / 2)
    process.stdout.write(
      `lock storm: ${engine.name}, ${WAITERS} waiters, ${updates} UpdateItem (${needed} needed, at most ` +
        `${Math.round(bound)}), waited ${Math.round(waitedMs / WAITERS)} ms each\n`,
    )
    expect((await holder.read(id))?.data).toEqual({ n: WAITERS })
    expect(updates).toBeLessThanOrEqual(bound)
  })

  test(`is asked for once at a time by ${WAITERS} who wait in one store`, async () => {
    const id = newId()
    const store = subject.store()
    await store.write(id, { n: 0 })
    subject.log.forget()
    const waiters = Array.from({ length: WAITERS }, async () => {
      const lock = await store.lock(id, LONG)
      await store.write(id, { n: Number(lock?.record.data['n']) + 1 }, { basis: lock?.record })
    })
    await Promise.all(waiters)
    expect(subject.log.count('UpdateItem')).toBe(2 * WAITERS)
    expect((await store.read(id))?.data).toEqual({ n: WAITERS })
  })

  test.each(['another store', 'the same store'])(
    'that %s has is refused to who has waited long enough, with the time that is left',
    async where => {
      const id = newId()
      const holder = subject.store()
      await holder.write(id, { n: 0 })
      const held = await holder.lock(id, { leaseSeconds: 600 })
      const store = where === 'the same store' ? holder : subject.store()
      const outcomes = await Promise.allSettled(
        Array.from({ length: 20 }, () => store.lock(id, { maxWaitMs: 100 })),
      )
      for (const outcome of outcomes) {
        const error: unknown = outcome.status === 'rejected' ? outcome.reason : undefined
        expect(error).toBeInstanceOf(SessionLockedError)
        const { remainingMs } = error as SessionLockedError
        expect(remainingMs).toBeGreaterThan(0)
        expect(remainingMs).toBeLessThanOrEqual(600_000)
      }
      expect(held?.isHeld).toBe(true)
      await held?.release()
      const lock = await store.lock(id, { maxWaitMs: 0 })
      expect(lock?.record.data).toEqual({ n: 0 })
      await lock?.release()
    },
  )

  test('is refused at once to who does not wait', async () => {
    const id = newId()
    const holder = subject.store()
    await holder.write(id, { n: 0 })
    await using _held = await holder.lock(id)
    subject.log.forget()
    await expect(subject.store().lock(id, { maxWaitMs: 0 })).rejects.toThrow(SessionLockedError)
    expect(subject.log.count('UpdateItem')).toBe(1)
  })

  test.each(['another store', 'the same store'])('that %s has is waited for until an abort', async where => {
    const id = newId()
    const holder = subject.store()
    await holder.write(id, { n: 0 })
    const held = await holder.lock(id, { leaseSeconds: 600 })
    const store = where === 'the same store' ? holder : subject.store()
    const reason = new Error('the visitor has left')
    const controller = new AbortController()
    subject.log.forget()
    const waiting = [1, 2, 3].map(() => store.lock(id, { maxWaitMs: 100_000, signal: controller.signal }))
    const outcomes = Promise.allSettled(waiting)
    // Behind a holder in the same store nobody asks.
    const asked = where === 'another store' ? 1 : 0
    await expect.poll(() => refusalsOf(subject.log.requests)).toBeGreaterThanOrEqual(asked)
    controller.abort(reason)
    expect(await outcomes).toEqual(waiting.map(() => ({ status: 'rejected', reason })))
    // Who comes later does not wait behind those who have left.
    await held?.release()
    const lock = await store.lock(id, { maxWaitMs: 0 })
    expect(lock?.isHeld).toBe(true)
    await lock?.release()
  })

  test('of a session that is destroyed while others wait is no session to them (G3)', async () => {
    const id = newId()
    const holder = subject.store()
    await holder.write(id, { n: 0 })
    await holder.lock(id, LONG)
    const [store, other] = [subject.store(), subject.store()]
    subject.log.forget()
    const waiting = [holder, store, store, other].map(each => each.lock(id, LONG))
    await expect.poll(() => refusalsOf(subject.log.requests)).toBeGreaterThanOrEqual(2)
    await holder.destroy(id)
    expect(await Promise.all(waiting)).toEqual([undefined, undefined, undefined, undefined])
    expect(await subject.table.item(id)).toBeUndefined()
  })

  test('of a session that another store destroys is no session to who waited behind its holder', async () => {
    const id = newId()
    const holder = subject.store()
    await holder.write(id, { n: 0 })
    await holder.lock(id, LONG)
    const waiting = holder.lock(id, { maxWaitMs: SHORT_WAIT_MS })
    await subject.store().destroy(id)
    expect(await waiting).toBeUndefined()
  })

  test('is given back when the store is closed, and those who wait are told', async () => {
    const id = newId()
    const holder = subject.store()
    await holder.write(id, { n: 0 })
    await holder.lock(id, LONG)
    const waiting = Promise.allSettled([holder.lock(id, LONG)])
    await holder.close()
    expect(await waiting).toMatchObject([{ status: 'rejected', reason: { code: 'STORE_CLOSED' } }])
    const lock = await subject.store().lock(id, { maxWaitMs: 0 })
    expect(lock?.isHeld).toBe(true)
    await lock?.release()
  })
})

/** How many requests for a lock were refused. */
function refusalsOf(requests: readonly LoggedRequest[]): number {
  return requests.filter(({ operation, statusCode }) => operation === 'UpdateItem' && statusCode === 400)
    .length
}
