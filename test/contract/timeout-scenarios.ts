import { describe, expect, test } from 'vitest'

import { StubEndpoint } from '../support/stub-endpoint.ts'
import { newId, newPrefix } from '../support/session-ids.ts'
import { toArray } from '../support/to-array.ts'
import { type ContractSubject } from './contract-subject.ts'

/** What keeps sessions from living for ever, and touches from being written for nothing. */
export function describeTimeouts(subject: ContractSubject): void {
  describe.runIf(subject.layout.traits.absoluteTimeout)('absoluteTimeoutSeconds', () => {
    test('neither a save nor a touch extends a session past it', async () => {
      const { store, clock } = subject.open({ ttlSeconds: 60, absoluteTimeoutSeconds: 100 })
      const id = newId()
      const created = await store.write(id, { a: 1 })
      const endMs = Number(created.createdMs) + 100_000
      clock.advance(50_000)
      expect(await store.touch(id)).toBe(true)
      expect((await store.read(id))?.expiresMs).toBe(endMs)
      const saved = await store.write(id, { a: 2 }, { basis: await store.read(id) })
      expect(saved?.expiresMs).toBe(endMs)
      expect(saved && (await store.touch(saved, { ttlSeconds: 1000 }))).toBe(true)
      expect((await store.read(id))?.expiresMs).toBe(endMs)
      clock.advance(50_000)
      expect(await store.read(id)).toBeUndefined()
      expect(await store.touch(id)).toBe(false)
      expect(await store.write(id, { a: 3 }, { basis: saved })).toBeUndefined()
    })

    test('holds for sessions that were written without it', async () => {
      const prefix = newPrefix()
      const { store: lax } = subject.open({ ttlSeconds: 86_400, prefix })
      const { store: strict, clock } = subject.open({ absoluteTimeoutSeconds: 3600, prefix })
      const id = newId()
      const record = await lax.write(id, {})
      expect((await strict.read(id))?.expiresMs).toBe(Number(record.createdMs) + 3_600_000)
      clock.advance(3_600_000)
      expect(await lax.read(id)).toBeDefined()
      expect(await strict.read(id)).toBeUndefined()
      expect(await strict.touch(record)).toBe(false)
      expect(await strict.lock(id)).toBeUndefined()
      expect(await toArray(strict.keys())).toEqual([])
      expect(await strict.count()).toBe(0)
      expect(await lax.count()).toBe(1)
    })
  })

  describe('touchAfterSeconds', () => {
    test.each([
      ['by default: 5 % of the lifetime', undefined, 3600, 179, 181],
      ['by default: an hour at most', undefined, 86_400 * 30, 3599, 3601],
      ['as it says', 30, 3600, 29, 31],
    ])(
      'leaves touches out that would move the expiry by less, %s',
      async (_, after, ttlSeconds, less, more) => {
        const stub = await StubEndpoint.inFrontOf(subject.engine.endpoint)
        try {
          const { store, clock } = subject.open({ endpoint: stub.url, ttlSeconds, touchAfterSeconds: after })
          const id = newId()
          const written = await store.write(id, { a: 1 })
          clock.advance(less * 1000)
          const record = await store.read(id)
          const before = stub.requests.length
          expect(record && (await store.touch(record))).toBe(true)
          const unchanged = await store.write(id, { a: 1 }, { basis: record })
          expect(stub.operations.slice(before)).toEqual([])
          expect(unchanged?.expiresMs).toBe(written.expiresMs)
          expect((await store.read(id))?.expiresMs).toBe(written.expiresMs)
          clock.advance((more - less) * 1000)
          expect(record && (await store.touch(record))).toBe(true)
          expect((await store.read(id))?.expiresMs).toBe(clock.nowMs + ttlSeconds * 1000)
        } finally {
          await stub.close()
        }
      },
    )

    test.each([
      ['of a lifetime under ten minutes', undefined, 599],
      ['when it is 0', 0, 86_400],
    ])('leaves none out %s', async (_, after, ttlSeconds) => {
      const { store, clock } = subject.open({ ttlSeconds, touchAfterSeconds: after })
      const id = newId()
      const record = await store.write(id, {})
      clock.advance(subject.expiryStepMs)
      await store.touch(record)
      expect((await store.read(id))?.expiresMs).toBe(clock.nowMs + ttlSeconds * 1000)
    })

    test('never leaves out a touch that shortens the session, nor one by ID', async () => {
      const { store, clock } = subject.open({ touchAfterSeconds: 3600 })
      const id = newId()
      const record = await store.write(id, {}, { ttlSeconds: 1000 })
      clock.advance(1000)
      await store.touch(record, { ttlSeconds: 998 })
      expect((await store.read(id))?.expiresMs).toBe(clock.nowMs + 998_000)
      await store.touch(id, { ttlSeconds: 999 })
      expect((await store.read(id))?.expiresMs).toBe(clock.nowMs + 999_000)
    })
  })
}
