import { describe, expect, test } from 'vitest'

import { newId } from '../support/session-ids.ts'
import { type ContractSubject } from './contract-subject.ts'

/** That nothing brings a session back (G3), and that a touch is nothing but a touch (G4). */
export function describeDestroyAndTouch(subject: ContractSubject): void {
  const { beginnings } = subject.layout.traits

  describe('touch', () => {
    test('moves the expiry and changes nothing else', async () => {
      const { store, clock } = subject.open({ ttlSeconds: 60 })
      const id = newId()
      const record = await store.write(id, { user: 'ada' })
      const before = await subject.table.item(record.key)
      clock.advance(30_000)
      expect(await store.touch(id)).toBe(true)
      const read = await store.read(id)
      expect(read?.expiresMs).toBe(clock.nowMs + 60_000)
      expect(read?.revision).toBe(record.revision)
      expect(read?.createdMs).toBe(record.createdMs)
      // Touched back to where it was, every attribute is what it was.
      await store.touch(id, { expiresMs: record.expiresMs })
      expect(await subject.table.item(record.key)).toEqual(before)
    })

    test('can also shorten the life of a session', async () => {
      const { store, clock } = subject.open({ ttlSeconds: 60 })
      const id = newId()
      await store.write(id, {})
      expect(await store.touch(id, { ttlSeconds: 1 })).toBe(true)
      clock.advance(1000)
      expect(await store.read(id)).toBeUndefined()
    })

    test('of a session that is not there creates nothing', async () => {
      const { store } = subject.open()
      const id = newId()
      const { key } = await store.write(id, {})
      await store.destroy(id)
      expect(await store.touch(id)).toBe(false)
      expect(await subject.table.item(key)).toBeUndefined()
    })

    test.runIf(beginnings)(
      'by the record of a destroyed session leaves the session alone that took its ID',
      async () => {
        const { store, clock } = subject.open()
        const id = newId()
        const old = await store.write(id, { user: 'ada' })
        await store.destroy(id)
        clock.advance(1000)
        const young = await store.write(id, { user: 'bob' })
        expect(await store.touch(old, { ttlSeconds: 5 })).toBe(false)
        expect((await store.read(id))?.expiresMs).toBe(young.expiresMs)
        expect(await store.touch(young, { ttlSeconds: 5 })).toBe(true)
      },
    )

    test('by record works after somebody else has saved the session', async () => {
      const { store, clock } = subject.open({ ttlSeconds: 60 })
      const id = newId()
      const record = await store.write(id, { visits: 1 })
      clock.advance(2000)
      await store.write(id, { visits: 2 }, { basis: await store.read(id) })
      clock.advance(2000)
      expect(await store.touch(record)).toBe(true)
      const read = await store.read(id)
      expect(read?.data).toEqual({ visits: 2 })
      expect(read?.expiresMs).toBe(clock.nowMs + 60_000)
    })
  })

  describe('destroy', () => {
    test('removes the item, by ID and by record', async () => {
      const { store } = subject.open()
      const [first, second] = [newId(), newId()]
      const byId = await store.write(first, {})
      const byRecord = await store.write(second, {})
      await store.destroy(first)
      await store.destroy(byRecord)
      expect(await store.read(first)).toBeUndefined()
      expect(await subject.table.item(byId.key)).toBeUndefined()
      expect(await subject.table.item(byRecord.key)).toBeUndefined()
    })

    test('of a session that is not there is no error', async () => {
      const { store } = subject.open()
      const id = newId()
      expect(await store.destroy(id)).toBeUndefined()
      await store.write(id, {})
      await store.destroy(id)
      expect(await store.destroy(id)).toBeUndefined()
    })

    test('wins over a late save and a late touch', async () => {
      const { store } = subject.open()
      const id = newId()
      const written = await store.write(id, { user: 'ada' })
      const read = await store.read(id)
      await store.destroy(id)
      for (const basis of [written, read]) {
        expect(await store.write(id, { user: 'ada', visits: 2 }, { basis })).toBeUndefined()
      }
      expect(await store.touch(written)).toBe(false)
      expect(await store.touch(id)).toBe(false)
      expect(await subject.table.item(written.key)).toBeUndefined()
    })

    test('wins although the session has been saved since it was read', async () => {
      const { store } = subject.open()
      const id = newId()
      const basis = await store.write(id, {})
      const saved = await store.write(id, { visits: 2 }, { basis })
      await store.destroy(id)
      expect(await store.write(id, { visits: 3 }, { basis })).toBeUndefined()
      expect(await store.write(id, { visits: 3 }, { basis: saved })).toBeUndefined()
      expect(await subject.table.item(basis.key)).toBeUndefined()
    })

    test.runIf(beginnings)('wins although another session has taken the ID since', async () => {
      const { store, clock } = subject.open()
      const id = newId()
      const basis = await store.write(id, { user: 'ada' })
      await store.destroy(id)
      clock.advance(1000)
      await store.write(id, { user: 'bob' })
      const before = await subject.table.item(basis.key)
      expect(await store.write(id, { user: 'ada', admin: true }, { basis })).toBeUndefined()
      expect(await subject.table.item(basis.key)).toEqual(before)
    })

    test.runIf(beginnings)(
      'wins over a replacement without basis, too: that is another session',
      async () => {
        const { store, clock } = subject.open()
        const id = newId()
        const basis = await store.write(id, { user: 'ada' })
        clock.advance(1000)
        await store.write(id, { user: 'bob' })
        expect(await store.write(id, { user: 'ada' }, { basis })).toBeUndefined()
        expect((await store.read(id))?.data).toEqual({ user: 'bob' })
      },
    )

    test('wins when saves and touches are under way at the same time', async () => {
      // 120 calls at once, which an engine on a busy machine takes seconds for.
      const { store } = subject.open({ deadlineMs: 50_000 })
      const destroyWhileBusy = async (): Promise<unknown> => {
        const id = newId()
        const basis = await store.write(id, {})
        await Promise.all([
          store.write(id, { late: 1 }, { basis }),
          store.touch(basis),
          store.destroy(id),
          store.touch(id),
          store.write(id, { late: 2 }, { basis }),
        ])
        return subject.table.item(basis.key)
      }
      const left = await Promise.all(Array.from({ length: 20 }, destroyWhileBusy))
      expect(left.filter(item => item !== undefined)).toEqual([])
    })

    test('does not keep a session from being created again without basis', async () => {
      const { store } = subject.open()
      const id = newId()
      await store.write(id, { first: true })
      await store.destroy(id)
      await store.write(id, { second: true })
      expect((await store.read(id))?.data).toEqual({ second: true })
    })
  })
}
