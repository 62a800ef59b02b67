import { describe, expect, test } from 'vitest'

import { LockLostError, SessionLockedError } from '../../src/errors.ts'
import type { SessionLock } from '../../src/locks/lease.ts'
import type { SessionStore } from '../../src/store/session-store.ts'
import { StubEndpoint } from '../support/stub-endpoint.ts'
import { newId, newPrefix } from '../support/session-ids.ts'
import { type ContractSubject } from './contract-subject.ts'

/** That locks are leased and fenced (G10). The clock of these tests stands still: of others, no lease ends by itself. */
export function describeLocks(subject: ContractSubject): void {
  describe.runIf(subject.layout.traits.locks)('lock', () => {
    test('reads the session, in one request', async () => {
      const stub = await StubEndpoint.inFrontOf(subject.engine.endpoint)
      try {
        const { store } = subject.open({ endpoint: stub.url })
        const id = newId()
        await store.write(id, { user: 'ada' })
        const lock = await store.lock(id)
        expect(lock?.record.data).toEqual({ user: 'ada' })
        expect(lock?.isHeld).toBe(true)
        await lock?.release()
        expect(lock?.isHeld).toBe(false)
        expect(stub.operations).toEqual(['PutItem', 'UpdateItem', 'UpdateItem'])
      } finally {
        await stub.close()
      }
    })

    test('creates nothing where there is no session', async () => {
      const { store, clock } = subject.open({ ttlSeconds: 60 })
      const [absent, expired] = [newId(), newId()]
      const { key } = await store.write(absent, {})
      await store.destroy(absent)
      expect(await store.lock(absent)).toBeUndefined()
      expect(await subject.table.item(key)).toBeUndefined()
      await store.write(expired, {})
      clock.advance(60_000)
      expect(await store.lock(expired)).toBeUndefined()
    })

    test.each(['another process', 'the same process'])('keeps %s out', async who => {
      const { store } = subject.open()
      const other = who === 'the same process' ? store : subject.open().store
      const id = newId()
      await store.write(id, {})
      const lock = await store.lock(id, { leaseSeconds: 30 })
      const refused = other.lock(id, { maxWaitMs: 60, minRetryMs: 10 })
      await expect(refused).rejects.toBeInstanceOf(SessionLockedError)
      await expect(refused).rejects.toMatchObject({ code: 'SESSION_LOCKED', remainingMs: 30_000 })
      await lock?.release()
      const next = await other.lock(id, { maxWaitMs: 0 })
      expect(next).toBeDefined()
      await next?.release()
    })

    test('does not keep reads and unlocked writes out, and does not end by them', async () => {
      const { store } = subject.open()
      const { store: other } = subject.open()
      const id = newId()
      await store.write(id, {})
      const lock = await store.lock(id)
      const read = await other.read(id)
      await other.write(id, { theirs: 1 }, { basis: read })
      await expect(other.lock(id, { maxWaitMs: 0 })).rejects.toBeInstanceOf(SessionLockedError)
      await store.write(id, { ours: 1 }, { basis: lock?.record })
      expect((await store.read(id))?.data).toEqual({ theirs: 1, ours: 1 })
    })

    test.each(['write', 'unchanged write', 'touch', 'destroy'])('ends with a %s', async how => {
      const { store } = subject.open()
      const { store: other } = subject.open()
      const id = newId()
      await store.write(id, { a: 1 })
      const lock = await store.lock(id)
      if (lock === undefined) throw new Error('there is no session')
      if (how === 'write') await store.write(id, { a: 2 }, { basis: lock.record })
      else if (how === 'unchanged write') await store.write(id, { a: 1 }, { basis: lock.record })
      else if (how === 'touch') await store.touch(lock.record)
      else await store.destroy(lock.record)
      expect(lock.isHeld).toBe(false)
      const next = await other.lock(id, { maxWaitMs: 0 })
      expect(next === undefined).toBe(how === 'destroy')
      await next?.release()
    })

    test('leaves nothing behind in the item', async () => {
      const { store } = subject.open()
      const id = newId()
      const { key } = await store.write(id, { a: 1 })
      const before = await subject.table.item(key)
      const lock = await store.lock(id)
      expect(await subject.table.item(key)).not.toEqual(before)
      await lock?.release()
      expect(await subject.table.item(key)).toEqual(before)
    })

    test('can be taken when its lease has ended, and then whoever had it cannot write', async () => {
      const { store } = subject.open()
      const { store: other, clock } = subject.open()
      const id = newId()
      await store.write(id, { count: 1 })
      const lost = await store.lock(id, { leaseSeconds: 5, renew: false })
      clock.advance(5000)
      const taken = await other.lock(id, { maxWaitMs: 0 })
      expect(taken).toBeDefined()
      const late = store.write(id, { count: 2 }, { basis: lost?.record })
      await expect(late).rejects.toBeInstanceOf(LockLostError)
      await expect(late).rejects.toMatchObject({ code: 'LOCK_LOST' })
      await lost?.release()
      await other.write(id, { count: 7 }, { basis: taken?.record })
      await expect(store.write(id, { count: 3 }, { basis: lost?.record })).rejects.toBeInstanceOf(
        LockLostError,
      )
      expect((await store.read(id))?.data).toEqual({ count: 7 })
    })

    test('that ran out and was taken by somebody who changed nothing lets nobody write (G10)', async () => {
      const { store } = subject.open()
      const { store: other, clock } = subject.open()
      const id = newId()
      await store.write(id, { count: 1 })
      const lost = await ranOut(store, id)
      clock.advance(1000)
      const taken = await other.lock(id)
      await taken?.release()
      for (const record of [lost.record, lost.record]) {
        const late = store.write(id, { count: 2 }, { basis: record })
        await expect(late).rejects.toBeInstanceOf(LockLostError)
      }
      expect((await store.read(id))?.data).toEqual({ count: 1 })
    })

    test('that ran out and that nobody has taken can be saved under, and is given back with it', async () => {
      const { store } = subject.open()
      const id = newId()
      const { key } = await store.write(id, { count: 1 })
      const unlocked = Object.keys((await subject.table.item(key)) ?? {})
      const lock = await ranOut(store, id)
      const saved = await store.write(id, { count: 2 }, { basis: lock.record })
      expect(saved?.data).toEqual({ count: 2 })
      expect(Object.keys((await subject.table.item(key)) ?? {}).sort()).toEqual(unlocked.sort())
    })

    test('that was given back leaves the record good for a save, whoever has locked the session since', async () => {
      const { store } = subject.open()
      const { store: other } = subject.open()
      const id = newId()
      await store.write(id, { count: 1 })
      const lock = await store.lock(id)
      await lock?.release()
      await (await other.lock(id))?.release()
      expect((await store.write(id, { count: 2 }, { basis: lock?.record }))?.data).toEqual({ count: 2 })
    })

    test('that was given back lets a save merge with what others have saved since', async () => {
      const { store } = subject.open()
      const { store: other } = subject.open()
      const id = newId()
      await store.write(id, { a: 1 })
      const lock = await store.lock(id)
      await lock?.release()
      await other.write(id, { a: 1, theirs: 1 }, { basis: await other.read(id) })
      await store.write(id, { a: 1, ours: 1 }, { basis: lock?.record })
      expect((await store.read(id))?.data).toEqual({ a: 1, ours: 1, theirs: 1 })
    })

    test('that was given back lets a save merge, too, while another has the lock, and leaves that alone', async () => {
      const { store } = subject.open()
      const { store: other } = subject.open()
      const id = newId()
      await store.write(id, { a: 1 })
      const lock = await store.lock(id)
      await lock?.release()
      const theirs = await other.lock(id)
      await store.write(id, { a: 1, ours: 1 }, { basis: lock?.record })
      await expect(store.lock(id, { maxWaitMs: 0 })).rejects.toBeInstanceOf(SessionLockedError)
      await other.write(id, { a: 1, theirs: 1 }, { basis: theirs?.record })
      expect((await store.read(id))?.data).toEqual({ a: 1, ours: 1, theirs: 1 })
    })

    test.each(['save', 'touch', 'save after the lease had ended'])(
      'that a %s has ended lets the same record be saved again',
      async how => {
        const { store } = subject.open()
        const { store: other } = subject.open()
        const id = newId()
        await store.write(id, { a: 1 })
        const lock = how === 'save after the lease had ended' ? await ranOut(store, id) : await store.lock(id)
        if (lock === undefined) throw new Error('there is no session')
        if (how === 'touch') await store.touch(lock.record)
        else await store.write(id, { a: 1, first: 1 }, { basis: lock.record })
        const latest = await other.read(id)
        await other.write(id, { ...latest?.data, theirs: 1 }, { basis: latest })
        await store.write(id, { a: 1, second: 1 }, { basis: lock.record })
        expect((await store.read(id))?.data).toMatchObject({ a: 1, second: 1, theirs: 1 })
      },
    )

    test('of a session that was destroyed meanwhile writes nothing (G3)', async () => {
      const { store } = subject.open()
      const id = newId()
      const { key } = await store.write(id, {})
      const lock = await store.lock(id)
      await subject.open().store.destroy(id)
      expect(await store.write(id, { late: 1 }, { basis: lock?.record })).toBeUndefined()
      await lock?.release()
      expect(await subject.table.item(key)).toBeUndefined()
    })

    test('of an expired session does not keep its item alive', async () => {
      const { store, clock } = subject.open({ prefix: newPrefix(), ttlSeconds: 1 })
      const id = newId()
      const { key } = await store.write(id, {})
      const lock = await store.lock(id, { leaseSeconds: 60 })
      expect(lock?.isHeld).toBe(true)
      clock.advance(1000)
      expect(await store.read(id)).toBeUndefined()
      expect(await store.collectGarbage()).toMatchObject({ deleted: 1 })
      await lock?.release()
      expect(await subject.table.item(key)).toBeUndefined()
    })

    test('waits in turn: every increment counts', async () => {
      const { store } = subject.open()
      const id = newId()
      await store.write(id, { count: 0 })
      const increment = async (): Promise<void> => {
        const lock = await store.lock(id, { minRetryMs: 5, maxRetryMs: 20 })
        if (lock === undefined) throw new Error('there is no session')
        const count = Number(lock.record.data['count']) + 1
        await store.write(id, { count }, { basis: lock.record })
      }
      await Promise.all(Array.from({ length: 20 }, increment))
      expect((await store.read(id))?.data).toEqual({ count: 20 })
    })

    test('takes no options that it does not know', async () => {
      const { store } = subject.open()
      const mistaken = store.lock(newId(), { leaseSecond: 1 } as object)
      await expect(mistaken).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    })
  })
}

/** A lock whose lease has ended, as the process that took it knows. */
async function ranOut(store: SessionStore, id: string): Promise<SessionLock> {
  const lock = await store.lock(id, { leaseSeconds: 1, renew: false })
  if (lock === undefined) throw new Error('there is no session')
  await expect.poll(() => lock.isHeld).toBe(false)
  return lock
}
