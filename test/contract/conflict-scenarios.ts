import { describe, expect, test } from 'vitest'

import { SessionConflictError } from '../../src/errors.ts'
import type { SessionConflict } from '../../src/options/store-options.ts'
import { StubEndpoint } from '../support/stub-endpoint.ts'
import { newId } from '../support/session-ids.ts'
import { type ContractSubject } from './contract-subject.ts'

/** That parallel writes do not lose each other's changes (G2), and cost nothing where there is no conflict. */
export function describeConflicts(subject: ContractSubject): void {
  const { jsonData, noticesOthers, updatesItems } = subject.layout.traits

  describe.runIf(noticesOthers)('parallel writes', () => {
    test('keep what each of them added, changed and removed', async () => {
      const { store } = subject.open()
      const id = newId()
      await store.write(id, { kept: 1, changed: 1, removed: 1, nested: { deep: [1] } })
      const [ours, theirs] = await Promise.all([store.read(id), store.read(id)])
      await store.write(
        id,
        { kept: 1, changed: 2, removed: 1, nested: { deep: [1] }, theirs: true },
        { basis: theirs },
      )
      const record = await store.write(
        id,
        { kept: 1, changed: 1, nested: { deep: [1, 2] }, ours: true },
        { basis: ours },
      )
      const merged = { kept: 1, changed: 2, nested: { deep: [1, 2] }, theirs: true, ours: true }
      expect(record?.data).toEqual(merged)
      const read = await store.read(id)
      expect(read?.data).toEqual(merged)
      expect(read?.revision).toBe(record?.revision)
    })

    test('of the same key: ours wins', async () => {
      const { store } = subject.open()
      const id = newId()
      await store.write(id, { count: 1 })
      const [ours, theirs] = await Promise.all([store.read(id), store.read(id)])
      await store.write(id, { count: 5 }, { basis: theirs })
      expect((await store.write(id, { count: 2 }, { basis: ours }))?.data).toEqual({ count: 2 })
    })

    test('a function decides, and knows all versions', async () => {
      const conflicts: SessionConflict[] = []
      const { store } = subject.open({
        onConflict: conflict => {
          conflicts.push(structuredClone(conflict))
          const { basis, ours, theirs, merged } = conflict
          return {
            ...merged,
            count: Number(ours['count']) + Number(theirs['count']) - Number(basis['count']),
          }
        },
      })
      const id = newId()
      await store.write(id, { count: 1 })
      const [ours, theirs] = await Promise.all([store.read(id), store.read(id)])
      await store.write(id, { count: 5, by: 'them' }, { basis: theirs })
      await store.write(id, { count: 2 }, { basis: ours })
      expect((await store.read(id))?.data).toEqual({ count: 6, by: 'them' })
      expect(conflicts).toEqual([
        {
          basis: { count: 1 },
          ours: { count: 2 },
          theirs: { count: 5, by: 'them' },
          merged: { count: 2, by: 'them' },
          conflictingKeys: ['count'],
        },
      ])
    })

    test('of what is stored already return what is stored, whatever has become of the objects read', async () => {
      const { store } = subject.open()
      const id = newId()
      await store.write(id, { a: 1 })
      const [ours, theirs] = await Promise.all([store.read(id), store.read(id)])
      Object.assign(ours?.data ?? {}, { dropped: true })
      const same = await store.write(id, { a: 1 }, { basis: ours })
      expect(same?.data).toEqual({ a: 1 })
      await store.write(id, { a: 1, theirs: true }, { basis: theirs })
      const merged = await store.write(id, { a: 2 }, { basis: same })
      Object.assign(merged?.data ?? {}, { dropped: true })
      const again = await store.write(id, { a: 2 }, { basis: merged?.asWritten() })
      expect(again?.data).toEqual({ a: 2, theirs: true })
    })

    test('a function decides as well when both write the same: each of them counts', async () => {
      const { store } = subject.open({
        onConflict: ({ merged, theirs }) => ({ ...merged, count: Number(theirs['count']) + 1 }),
      })
      const id = newId()
      await store.write(id, { count: 1 })
      const [ours, theirs] = await Promise.all([store.read(id), store.read(id)])
      expect((await store.write(id, { count: 2 }, { basis: theirs }))?.data).toEqual({ count: 2 })
      expect((await store.write(id, { count: 2 }, { basis: ours }))?.data).toEqual({ count: 3 })
    })

    test("'reject' is an error that changes nothing", async () => {
      const { store } = subject.open({ onConflict: 'reject' })
      const id = newId()
      await store.write(id, { count: 1 })
      const [ours, theirs] = await Promise.all([store.read(id), store.read(id)])
      await store.write(id, { count: 5 }, { basis: theirs })
      const rejected = store.write(id, { other: 2 }, { basis: ours })
      await expect(rejected).rejects.toBeInstanceOf(SessionConflictError)
      await expect(rejected).rejects.toMatchObject({ code: 'SESSION_CONFLICT', attempts: 1 })
      expect((await store.read(id))?.data).toEqual({ count: 5 })
    })

    test("'overwrite' does not look", async () => {
      const { store } = subject.open({ onConflict: 'overwrite' })
      const id = newId()
      await store.write(id, {})
      const [ours, theirs] = await Promise.all([store.read(id), store.read(id)])
      await store.write(id, { theirs: true }, { basis: theirs })
      await store.write(id, { ours: true }, { basis: ours })
      expect((await store.read(id))?.data).toEqual({ ours: true })
    })

    test('expire at the later of the two moments, in the item and in the cookie', async () => {
      const { store, clock } = subject.open()
      const id = newId()
      const cookie = (seconds: number): object => ({
        path: '/',
        expires: new Date(clock.nowMs + seconds * 1000).toISOString(),
      })
      await store.write(id, { cookie: cookie(60) }, { ttlSeconds: 60 })
      const [ours, theirs] = await Promise.all([store.read(id), store.read(id)])
      await store.write(id, { cookie: cookie(600), theirs: 1 }, { basis: theirs, ttlSeconds: 600 })
      await store.write(id, { cookie: cookie(300), ours: 1 }, { basis: ours, ttlSeconds: 300 })
      const read = await store.read(id)
      expect(read?.data).toEqual({ cookie: cookie(600), theirs: 1, ours: 1 })
      expect(read?.expiresMs).toBe(clock.nowMs + 600_000)
    })

    test('a destroyed session is not merged with (G3)', async () => {
      const { store } = subject.open()
      const id = newId()
      const { key } = await store.write(id, {})
      const [ours, theirs] = await Promise.all([store.read(id), store.read(id)])
      await store.write(id, { theirs: true }, { basis: theirs })
      await store.destroy(id)
      expect(await store.write(id, { ours: true }, { basis: ours })).toBeUndefined()
      expect(await subject.table.item(key)).toBeUndefined()
    })
  })

  describe.runIf(noticesOthers)('a write after a write that merged', () => {
    test('keeps what others had added, when it goes on with the data as it wrote them', async () => {
      const { store } = subject.open()
      const id = newId()
      const ours = await store.write(id, { gone: 1 })
      await store.write(id, { gone: 1, theirs: 1 }, { basis: await store.read(id) })
      const merged = await store.write(id, { gone: 1, first: 1 }, { basis: ours })
      const last = await store.write(id, { first: 1, second: 2 }, { basis: merged?.asWritten() })
      expect(last?.data).toEqual({ theirs: 1, first: 1, second: 2 })
      expect((await store.read(id))?.data).toEqual({ theirs: 1, first: 1, second: 2 })
    })

    test.each<[string, (data: Record<string, unknown>) => Record<string, unknown>]>([
      ['the data of the record', data => data],
      ['a copy of them', data => ({ ...data })],
      ['a deep copy of them', data => structuredClone(data)],
      ['a decoded copy of them', data => JSON.parse(JSON.stringify(data)) as Record<string, unknown>],
    ])('removes and sets back what others had changed, when it goes on with %s', async (_name, copied) => {
      const { store } = subject.open()
      const id = newId()
      const ours = await store.write(id, { count: 1 })
      await store.write(id, { count: 2, theirs: 1 }, { basis: await store.read(id) })
      const merged = await store.write(id, { count: 1, ours: 1 }, { basis: ours })
      if (merged === undefined) throw new Error('the session is gone')
      expect(merged.data).toEqual({ count: 2, theirs: 1, ours: 1 })
      const changed = copied(merged.data)
      delete changed['theirs']
      changed['count'] = 1
      const last = await store.write(id, changed, { basis: merged })
      expect(last?.data).toEqual({ count: 1, ours: 1 })
      expect((await store.read(id))?.data).toEqual({ count: 1, ours: 1 })
    })

    test('takes back all of it by what was written before the merge', async () => {
      const { store } = subject.open()
      const id = newId()
      const ours = await store.write(id, { a: 1 })
      await store.write(id, { a: 1, theirs: 1 }, { basis: await store.read(id) })
      const merged = await store.write(id, { a: 2 }, { basis: ours })
      // The same data that it wrote, and not what is stored: that is a change.
      await store.write(id, { a: 2 }, { basis: merged })
      expect((await store.read(id))?.data).toEqual({ a: 2 })
    })

    test('keeps what a merge brought in through a touch, and still tells what was seen', async () => {
      const { store } = subject.open()
      const id = newId()
      const ours = await store.write(id, { a: 1 })
      await store.write(id, { a: 1, theirs: 1 }, { basis: await store.read(id) })
      const merged = await store.write(id, { a: 2 }, { basis: ours })
      const touched = await store.write(id, { a: 2 }, { basis: merged?.asWritten() })
      expect(touched?.data).toEqual({ a: 2, theirs: 1 })
      const kept = await store.write(id, { a: 3 }, { basis: touched?.asWritten() })
      expect(kept?.data).toEqual({ a: 3, theirs: 1 })
      const removed = await store.write(id, { a: 3 }, { basis: kept })
      expect(removed?.data).toEqual({ a: 3 })
    })
  })

  describe('a write that changes nothing', () => {
    test('is a touch, and keeps what others wrote', async () => {
      const stub = await StubEndpoint.inFrontOf(subject.engine.endpoint)
      try {
        const { store, clock } = subject.open({ endpoint: stub.url, ttlSeconds: 60 })
        const id = newId()
        const ours = await store.write(id, { kept: [1, { a: 1, b: 2 }] })
        await store.write(id, { theirs: true, kept: [1, { a: 1, b: 2 }] }, { basis: ours })
        clock.advance(1000)
        const before = stub.requests.length
        const saved = await store.write(
          id,
          { kept: [1, jsonData ? { b: 2, a: 1 } : { a: 1, b: 2 }] },
          { basis: ours },
        )
        expect(saved?.expiresMs).toBe(clock.nowMs + 60_000)
        expect(stub.operations.slice(before)).toEqual(['UpdateItem'])
        expect(JSON.stringify(stub.requests[before])).not.toContain('kept')
        const read = await store.read(id)
        expect(read?.data).toEqual({ theirs: true, kept: [1, { a: 1, b: 2 }] })
        expect(read?.expiresMs).toBe(clock.nowMs + 60_000)
      } finally {
        await stub.close()
      }
    })

    test('does not bring a session back', async () => {
      const { store } = subject.open()
      const id = newId()
      const ours = await store.write(id, { a: 1 })
      await store.destroy(id)
      expect(await store.write(id, { a: 1 }, { basis: ours })).toBeUndefined()
      expect(await store.read(id)).toBeUndefined()
    })
  })

  describe('without a conflict', () => {
    test('a write with a basis is one request, and so is the next one', async () => {
      const stub = await StubEndpoint.inFrontOf(subject.engine.endpoint)
      try {
        const { store } = subject.open({ endpoint: stub.url })
        const id = newId()
        const first = await store.write(id, { a: 1 })
        const second = await store.write(id, { a: 2 }, { basis: first })
        await store.write(id, { a: 3 }, { basis: second })
        const save = updatesItems ? 'UpdateItem' : 'PutItem'
        expect(stub.operations).toEqual(['PutItem', save, save])
        expect((await store.read(id))?.data).toEqual({ a: 3 })
      } finally {
        await stub.close()
      }
    })
  })
}
