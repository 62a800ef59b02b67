import { describe, expect, test } from 'vitest'

import { SessionStore } from '../../src/store/session-store.ts'
import type { SessionStoreOptions } from '../../src/options/store-options.ts'
import { engine } from '../support/engines.ts'
import { gatewayTimeout, LateTransport } from '../support/late-transport.ts'
import { toArray } from '../support/to-array.ts'
import { newId } from '../support/session-ids.ts'
import { type Content, concurrencySubject } from './concurrency-subject.ts'

const REFUSED = 400

describe('a request that is carried out late', () => {
  const subject = concurrencySubject(engine)

  function open(options: SessionStoreOptions<Content> = {}): {
    readonly store: SessionStore<Content>
    readonly late: LateTransport
  } {
    const late = subject.closeLater(new LateTransport())
    const settings = { ...subject.options, ...options, transport: late, touchAfterSeconds: 0 }
    return { late, store: subject.closeLater(new SessionStore<Content>(settings)) }
  }

  describe('and creates a session', () => {
    test('does not replace what was saved since', async () => {
      const { store, late } = open()
      const id = newId()
      late.lose('PutItem')
      const basis = await store.write(id, { user: 'ada' })
      await store.write(id, { user: 'ada', cart: 1 }, { basis })
      expect(await late.carryOut()).toEqual([REFUSED])
      expect((await store.read(id))?.data).toEqual({ user: 'ada', cart: 1 })
    })

    test.each(['by the process that created it', 'by another process'])(
      'does not bring a session back that was destroyed %s',
      async by => {
        const { store, late } = open()
        const other = by === 'by another process' ? subject.store() : store
        const id = newId()
        late.lose('PutItem', 2)
        await store.write(id, { user: 'ada' })
        await other.destroy(id)
        expect(await late.carryOut()).toEqual([REFUSED, REFUSED])
        expect(await other.read(id)).toBeUndefined()
        expect(await other.touch(id)).toBe(false)
        expect(await other.lock(id)).toBeUndefined()
        expect(await toArray(other.keys())).not.toContain(id)
        await other.destroy(id)
        await other.collectGarbage()
        expect(await subject.table.item(id)).toHaveProperty('lateUntil')
      },
    )

    test('does not bring a session back that was destroyed, when a gateway has given up waiting for it', async () => {
      const { store, late } = open()
      const id = newId()
      late.lose('PutItem', 1, gatewayTimeout)
      await store.write(id, { user: 'ada' })
      await store.destroy(id)
      expect(await late.carryOut()).toEqual([REFUSED])
      expect(await store.read(id)).toBeUndefined()
    })

    describe.runIf(engine.supports.transactions)('in a store that moves sessions', () => {
      const moving = { migrateFrom: 'php', maxAttempts: 2 } as const

      test('does not replace what was created since, here or there', async () => {
        for (const newer of [open(moving).store, open({ layout: 'php', migrateFrom: 'native' }).store]) {
          const { store, late } = open(moving)
          const id = newId()
          late.lose('TransactWriteItems', 2)
          await expect(store.write(id, { user: 'ada' })).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
          await newer.write(id, { user: 'grace' })
          expect(await late.carryOut()).toEqual([REFUSED, REFUSED])
          expect((await store.read(id))?.data).toEqual({ user: 'grace' })
        }
      })

      test('does not bring a session back that was destroyed', async () => {
        const { store, late } = open(moving)
        const id = newId()
        late.lose('TransactWriteItems', 2)
        await expect(store.write(id, { user: 'ada' })).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
        await store.destroy(id)
        expect(await late.carryOut()).toEqual([REFUSED, REFUSED])
        expect(await store.read(id)).toBeUndefined()
        await store.write(id, { user: 'grace' })
        await subject.store(moving).destroy(id)
        expect(await subject.table.item(id)).toHaveProperty('lateUntil')
      })

      test('replaces what is there, and what is here', async () => {
        const { store } = open(moving)
        const id = newId()
        await open({ layout: 'php' }).store.write(id, { user: 'ada' })
        await store.write(id, { user: 'grace' })
        await store.write(id, { user: 'mary' })
        expect((await store.read(id))?.data).toEqual({ user: 'mary' })
        expect(await open({ layout: 'php' }).store.read(id)).toBeUndefined()
        await store.destroy(id)
        expect(await subject.table.item(id)).toBeUndefined()
      })

      test('nor does a deletion delete what was created since', async () => {
        const { store, late } = open(moving)
        const id = newId()
        await store.write(id, { user: 'ada' })
        late.lose('TransactWriteItems', 2)
        await expect(store.destroy(id)).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
        await new Promise(resolve => setTimeout(resolve, 2))
        await store.write(id, { user: 'grace' })
        expect(await late.carryOut()).toEqual([REFUSED, REFUSED])
        expect((await store.read(id))?.data).toEqual({ user: 'grace' })
      })
    })

    test('does not bring one back of which nobody knew whether it was created', async () => {
      const { store, late } = open({ maxAttempts: 2 })
      const id = newId()
      late.lose('PutItem', 2)
      await expect(store.write(id, { user: 'ada' })).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
      await store.destroy(id)
      expect(await late.carryOut()).toEqual([REFUSED, REFUSED])
      expect(await store.read(id)).toBeUndefined()
    })

    test('nor one that was created anew and destroyed again by others', async () => {
      const { store, late } = open()
      const other = subject.store()
      const id = newId()
      late.lose('PutItem')
      await store.write(id, { user: 'ada' })
      await other.destroy(id)
      const basis = await other.write(id, { user: 'grace' })
      expect((await store.read(id))?.data).toEqual({ user: 'grace' })
      await other.write(id, { user: 'grace', cart: 1 }, { basis })
      await other.destroy(id)
      expect(await late.carryOut()).toEqual([REFUSED])
      expect(await store.read(id)).toBeUndefined()
    })

    test('and whose response alone was lost is no doubt: the session is deleted for good', async () => {
      const { store, late } = open()
      const id = newId()
      late.lose('PutItem')
      late.beforeNext = () => late.carryOut()
      expect((await store.write(id, { user: 'ada' })).data).toEqual({ user: 'ada' })
      expect(late.sent).not.toContain('UpdateItem')
      await store.destroy(id)
      expect(await subject.table.item(id)).toBeUndefined()
    })

    test('does not replace the session that took its place', async () => {
      const { store, late } = open()
      const id = newId()
      await store.write(id, { user: 'ada' })
      late.lose('PutItem', 2)
      await store.write(id, { user: 'grace' })
      await store.write(id, { user: 'eve' })
      expect(await late.carryOut()).toEqual([REFUSED, REFUSED])
      expect((await store.read(id))?.data).toEqual({ user: 'eve' })
      late.lose('PutItem')
      await store.write(id, { user: 'ada' })
      await store.destroy(id)
      await late.carryOut()
      expect(await store.read(id)).toBeUndefined()
    })
  })

  test('and deletes a session leaves the one alone that took its ID', async () => {
    const { store, late } = open()
    const id = newId()
    await store.write(id, { user: 'ada' })
    late.lose('DeleteItem')
    await store.destroy(id)
    await nextMillisecond()
    await subject.store().write(id, { user: 'grace' })
    expect(await late.carryOut()).toEqual([REFUSED])
    expect((await store.read(id))?.data).toEqual({ user: 'grace' })
  })

  test('and overwrites a session does not undo what was saved since', async () => {
    const { store, late } = open({ onConflict: 'overwrite' })
    const id = newId()
    const basis = await store.write(id, { a: 1 })
    late.lose('UpdateItem')
    const saved = await store.write(id, { a: 2 }, { basis })
    await store.write(id, { a: 3 }, { basis: saved })
    expect(await late.carryOut()).toEqual([REFUSED])
    expect((await store.read(id))?.data).toEqual({ a: 3 })
  })

  test('and saves under a lock of PHP, where no revision tells: the error says that it may have been stored', async () => {
    const { store, late } = open({ layout: 'php' })
    const other = subject.closeLater(new SessionStore<Content>({ ...subject.options, layout: 'php' }))
    const id = newId()
    await store.write(id, { a: 1 })
    const lock = await store.lock(id)
    late.lose('UpdateItem')
    late.beforeNext = async () => {
      await late.carryOut()
      const next = await other.lock(id)
      await other.write(id, { a: 3 }, { basis: next?.record })
    }
    await expect(store.write(id, { a: 2 }, { basis: lock?.record })).rejects.toMatchObject({
      code: 'LOCK_LOST',
      message: expect.stringContaining('it may have been stored') as string,
    })
    expect((await store.read(id))?.data).toEqual({ a: 3 })
  })

  test.each([
    ['extends', 600, 1200],
    ['shortens', 60, 1200],
    ['shortens', 60, 90],
  ])('and %s a session to %i s does not undo a touch to %i s', async (_what, lateSeconds, laterSeconds) => {
    for (const byRecord of [false, true]) {
      const { store, late } = open()
      const id = newId()
      const record = await store.write(id, {}, { ttlSeconds: 300 })
      late.lose('UpdateItem')
      expect(await store.touch(byRecord ? record : id, { ttlSeconds: lateSeconds })).toBe(true)
      await store.touch(id, { ttlSeconds: laterSeconds })
      const expiresMs = (await store.read(id))?.expiresMs
      await late.carryOut()
      expect((await store.read(id))?.expiresMs).toBe(expiresMs)
    }
  })
})

/** Births are told apart by the millisecond before anything random. */
async function nextMillisecond(): Promise<void> {
  const startMs = Date.now()
  while (Date.now() <= startMs) await new Promise(setImmediate)
}
