import { describe, expect, test } from 'vitest'

import type { GarbageCollectionOptions } from '../../src/options/call-options.ts'
import { newId, newPrefix } from '../support/session-ids.ts'
import { type ContractSubject } from './contract-subject.ts'

const minuteMs = 60_000

/** `collectGarbage`, whatever the engine and the layout; how it deals with trouble is tested elsewhere. */
export function describeGarbage(subject: ContractSubject): void {
  const { absoluteTimeout, locks } = subject.layout.traits

  describe('garbage collection', () => {
    test('deletes the expired sessions and leaves the living ones as they are', async () => {
      const { store, clock } = subject.open({ prefix: newPrefix(), ttlSeconds: 60 })
      const expired = await Promise.all([1, 2, 3].map(() => store.write(newId(), {})))
      clock.advance(minuteMs - 1)
      const living = await Promise.all([1, 2].map(() => store.write(newId(), { here: true })))
      expect(await store.collectGarbage()).toMatchObject({ deleted: 0 })
      clock.advance(1)
      const before = await Promise.all(living.map(({ key }) => subject.table.item(key)))

      expect(await store.collectGarbage()).toMatchObject({ deleted: 3, revived: 0, gone: 0, pauses: 0 })
      const left = await Promise.all(expired.map(({ key }) => subject.table.item(key)))
      expect(left).toEqual([undefined, undefined, undefined])
      expect(await Promise.all(living.map(({ key }) => subject.table.item(key)))).toEqual(before)
      expect(await store.count()).toBe(2)
      expect(await store.collectGarbage()).toMatchObject({ deleted: 0 })
    })

    test('leaves a session alone that was touched in time', async () => {
      const { store, clock } = subject.open({ prefix: newPrefix(), ttlSeconds: 60 })
      const id = newId()
      await store.write(id, { here: true })
      clock.advance(minuteMs - 1)
      expect(await store.touch(id)).toBe(true)
      clock.advance(minuteMs - 1)
      expect(await store.collectGarbage()).toMatchObject({ deleted: 0 })
      expect((await store.read(id))?.data).toEqual({ here: true })
    })

    test('leaves a session alone that has taken the place of an expired one', async () => {
      const { store, clock } = subject.open({ prefix: newPrefix(), ttlSeconds: 60 })
      const id = newId()
      await store.write(id, { visit: 1 })
      clock.advance(minuteMs)
      await store.write(id, { visit: 2 })
      expect(await store.collectGarbage()).toMatchObject({ deleted: 0 })
      expect((await store.read(id))?.data).toEqual({ visit: 2 })
    })

    test.runIf(locks)('deletes expired sessions that a crashed request has left locked', async () => {
      const { store, clock } = subject.open({ prefix: newPrefix(), ttlSeconds: 60 })
      const id = newId()
      const { key } = await store.write(id, {})
      const held = await store.lock(id, { leaseSeconds: 600, renew: false })
      expect(held).toBeDefined()
      expect(await store.collectGarbage()).toMatchObject({ deleted: 0 })
      clock.advance(minuteMs)
      expect(await store.collectGarbage()).toMatchObject({ deleted: 1 })
      expect(await subject.table.item(key)).toBeUndefined()
    })

    test('sees one namespace of the table', async () => {
      const [mine, other] = [newPrefix(), newPrefix()].map(prefix => subject.open({ prefix, ttlSeconds: 60 }))
      if (mine === undefined || other === undefined) throw new Error('there are two')
      await mine.store.write(newId(), {})
      const kept = await other.store.write(newId(), {})
      mine.clock.advance(minuteMs)
      expect(await mine.store.collectGarbage()).toMatchObject({ deleted: 1 })
      expect(await subject.table.item(kept.key)).toBeDefined()
    })

    test('leaves items alone that do not say when they expire', async () => {
      const prefix = newPrefix()
      const { store } = subject.open({ prefix, ...(absoluteTimeout && { absoluteTimeoutSeconds: 60 }) })
      // A key as the sessions of the namespace have them.
      const { key } = await store.write(newId(), {})
      const item = { [subject.layout.partitionKey]: { S: key }, count: { N: '7' } }
      await subject.table.put(item)
      expect(await store.collectGarbage()).toMatchObject({ deleted: 0 })
      expect(await subject.table.item(key)).toEqual(item)
      await subject.table.send('DeleteItem', { Key: { [subject.layout.partitionKey]: { S: key } } })
    })

    test.runIf(absoluteTimeout)('deletes sessions at the end of their absolute timeout', async () => {
      const prefix = newPrefix()
      const { store, clock } = subject.open({ prefix, absoluteTimeoutSeconds: 60 })
      const { store: patient } = subject.open({ prefix, ttlSeconds: 3600, clock })
      const record = await patient.write(newId(), {})
      clock.nowMs = (record.createdMs ?? 0) + minuteMs - 1
      expect(await store.collectGarbage()).toMatchObject({ deleted: 0 })
      clock.advance(1)
      expect(await patient.collectGarbage()).toMatchObject({ deleted: 0 })
      expect(await store.collectGarbage()).toMatchObject({ deleted: 1 })
    })

    test('waits out the grace that it is asked for', async () => {
      const { store, clock } = subject.open({ prefix: newPrefix(), ttlSeconds: 60 })
      await store.write(newId(), {})
      clock.advance(2 * minuteMs - 1)
      expect(await store.collectGarbage({ graceSeconds: 60 })).toMatchObject({ deleted: 0 })
      clock.advance(1)
      expect(await store.collectGarbage({ graceSeconds: 60 })).toMatchObject({ deleted: 1 })
    })

    test('refuses options that it does not know', async () => {
      const { store } = subject.open()
      const options = { rate: 5 } as GarbageCollectionOptions
      await expect(store.collectGarbage(options)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    })

    test('is given up with the reason of its signal, and refused by a store that is closed', async () => {
      const { store } = subject.open()
      const reason = new Error('the deployment was cancelled')
      await expect(store.collectGarbage({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
      await store.close()
      await expect(store.collectGarbage()).rejects.toMatchObject({ code: 'STORE_CLOSED' })
    })
  })
}
