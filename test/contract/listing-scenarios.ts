import { describe, expect, test } from 'vitest'

import type { SessionStore } from '../../src/store/session-store.ts'
import { newId, newPrefix } from '../support/session-ids.ts'
import { toArray } from '../support/to-array.ts'
import { type ContractSubject } from './contract-subject.ts'

/** `keys`, `records`, `count` and `clear`, which see one namespace of the table. */
export function describeListing(subject: ContractSubject): void {
  describe('listing', () => {
    test('a namespace without sessions is empty', async () => {
      const { store } = subject.open({ prefix: newPrefix() })
      expect(await toArray(store.keys())).toEqual([])
      expect(await toArray(store.records())).toEqual([])
      expect(await store.count()).toBe(0)
      await store.clear()
    })

    test('keys and records are those of the sessions that were written', async () => {
      const { store } = subject.open({ prefix: newPrefix() })
      const written = await Promise.all([1, 2, 3].map(number => store.write(newId(), { number })))
      expect((await toArray(store.keys())).sort()).toEqual(written.map(({ key }) => key).sort())
      const records = await toArray(store.records())
      const describeRecord = ({ key, data, revision, expiresMs }: (typeof records)[number]): string =>
        JSON.stringify([key, data, revision, expiresMs])
      expect(records.map(describeRecord).sort()).toEqual(written.map(describeRecord).sort())
      expect(await store.count()).toBe(3)
    })

    test('a record of the list is a basis and a target like any other', async () => {
      const { store } = subject.open({ prefix: newPrefix() })
      const id = newId()
      await store.write(id, { visits: 1 })
      const [record] = await toArray(store.records())
      expect(await store.write(id, { visits: 2 }, { basis: record })).toBeDefined()
      if (record === undefined) throw new Error('the list has no record')
      await store.destroy(record)
      expect(await store.count()).toBe(0)
    })

    test('clear deletes expired sessions as well', async () => {
      const { store, clock } = subject.open({ prefix: newPrefix(), ttlSeconds: 60 })
      const expired = await store.write(newId(), {})
      clock.advance(60_000)
      const living = await store.write(newId(), {})
      await store.clear()
      expect(await subject.table.item(expired.key)).toBeUndefined()
      expect(await subject.table.item(living.key)).toBeUndefined()
    })

    test('sessions are listed until they expire, and not after', async () => {
      const { store, clock } = subject.open({ prefix: newPrefix(), ttlSeconds: 60 })
      await store.write(newId(), {})
      clock.advance(59_999)
      const { key } = await store.write(newId(), {})
      expect(await store.count()).toBe(2)
      clock.advance(1)
      expect(await toArray(store.keys())).toEqual([key])
      expect((await toArray(store.records())).map(record => record.key)).toEqual([key])
      expect(await store.count()).toBe(1)
    })

    test.runIf(subject.layout.traits.absoluteTimeout)(
      'sessions are listed until their absolute timeout, and not after',
      async () => {
        const prefix = newPrefix()
        const { store, clock } = subject.open({ prefix, absoluteTimeoutSeconds: 60 })
        const { store: patient } = subject.open({ prefix, ttlSeconds: 3600, clock })
        const { key, createdMs = 0 } = await patient.write(newId(), {})
        clock.nowMs = createdMs + 59_999
        expect(await toArray(store.keys())).toEqual([key])
        expect((await toArray(store.records())).map(({ expiresMs }) => expiresMs)).toEqual([
          createdMs + 60_000,
        ])
        clock.advance(1)
        expect(await toArray(store.keys())).toEqual([])
        expect(await toArray(store.records())).toEqual([])
        expect(await store.count()).toBe(0)
        expect(await toArray(patient.keys())).toEqual([key])
      },
    )

    test('a listing is given up in the middle', async () => {
      const { store } = subject.open({ prefix: newPrefix() })
      await Promise.all([1, 2, 3].map(() => store.write(newId(), {})))
      const reason = new Error('the visitor has gone')
      for (const listing of ['keys', 'records'] as const) {
        const controller = new AbortController()
        const list = store[listing]({ signal: controller.signal })
        expect((await list.next()).done).toBe(false)
        controller.abort(reason)
        await expect(list.next()).rejects.toBe(reason)
        expect((await list.next()).done).toBe(true)
      }
    })

    test('a listing may be left early', async () => {
      const { store } = subject.open({ prefix: newPrefix() })
      await Promise.all([store.write(newId(), {}), store.write(newId(), {})])
      let seen = 0
      for await (const _key of store.keys()) {
        seen++
        break
      }
      expect(seen).toBe(1)
    })
  })

  describe('prefixes', () => {
    test('separate sessions of the same ID', async () => {
      const stores = [newPrefix(), newPrefix()].map(prefix => subject.open({ prefix }).store)
      const id = newId()
      await Promise.all(stores.map((store, index) => store.write(id, { index })))
      expect(await dataOf(stores, id)).toEqual([{ index: 0 }, { index: 1 }])
      await stores[0]?.destroy(id)
      expect(await dataOf(stores, id)).toEqual([undefined, { index: 1 }])
    })

    test('separate listing and clearing', async () => {
      const [mine, other] = [newPrefix(), newPrefix()]
      const [first, second] = [subject.open({ prefix: mine }).store, subject.open({ prefix: other }).store]
      await Promise.all([first.write(newId(), { in: mine }), first.write(newId(), { in: mine })])
      const kept = await second.write(newId(), { in: other })
      expect(await first.count()).toBe(2)
      expect(await toArray(second.keys())).toEqual([kept.key])
      expect((await toArray(first.records())).map(({ data }) => data)).toEqual([{ in: mine }, { in: mine }])
      await first.clear()
      expect(await first.count()).toBe(0)
      expect(await toArray(second.keys())).toEqual([kept.key])
    })

    test.skipIf(subject.layout.plainIds)(
      'that are the beginning of one another, or empty, are separate as well when IDs are hashed',
      async () => {
        const long = newPrefix()
        const prefixes = ['', long.slice(0, 4), long, `${long}more:`]
        const stores = prefixes.map(prefix => subject.open({ prefix }).store)
        const marks = await Promise.all(
          stores.map((store, index) => store.write(newId(), { index }).then(({ key }) => key)),
        )
        const listed = await Promise.all(stores.map(store => toArray(store.keys())))
        // The empty prefix is shared by all tests of the table; the others belong to this one.
        expect(listed[0]).toContain(marks[0])
        expect(listed[0]).not.toEqual(expect.arrayContaining(marks.slice(1)))
        expect(listed.slice(1)).toEqual(marks.slice(1).map(key => [key]))
        expect(await Promise.all(stores.slice(1).map(store => store.count()))).toEqual([1, 1, 1])

        await stores[2]?.clear()
        const left = await Promise.all(marks.map(key => subject.table.item(key)))
        expect(left.map(item => item !== undefined)).toEqual([true, true, false, true])
      },
    )

    test.each(['[a-z]*', 'a b', '"quoted"', '~'])('can be %j', async oddity => {
      const { store } = subject.open({ prefix: `${newPrefix()}${oddity}` })
      const id = newId()
      const { key } = await store.write(id, { found: true })
      expect((await store.read(id))?.data).toEqual({ found: true })
      expect(await toArray(store.keys())).toEqual([key])
    })
  })
}

async function dataOf(stores: readonly SessionStore[], id: string): Promise<unknown[]> {
  const records = await Promise.all(stores.map(store => store.read(id)))
  return records.map(record => record?.data)
}
