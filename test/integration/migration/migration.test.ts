import { describe, expect, test } from 'vitest'

import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import type { Item } from '../../../src/types.ts'
import { engine } from '../../support/engines.ts'
import { newId } from '../../support/session-ids.ts'
import { SessionTable } from '../../support/session-table.ts'
import { everyTouch, tableSubject } from '../../support/table-subject.ts'

describe.runIf(engine.supports.transactions)('sessions that move', () => {
  const subject = tableSubject(engine, everyTouch)

  const open = (options: SessionStoreOptions): SessionStore =>
    subject.closeLater(new SessionStore({ ...subject.options, ...options }))
  const oldItem = (id: string): Promise<Item | undefined> => subject.table.item(`sess:${id}`)

  describe.each<[string, SessionStoreOptions, SessionStoreOptions]>([
    [
      'from connect-dynamodb to the native layout',
      { layout: 'connect-dynamodb' },
      { migrateFrom: 'connect-dynamodb' },
    ],
    [
      'from plain to hashed IDs',
      { hashIds: false, prefix: 'sess:' },
      { migrateFrom: { prefix: 'sess:', hashIds: false } },
    ],
  ])('%s', (_, before, after) => {
    test('a session is read where it was, and its first save moves it', async () => {
      const [old, store] = [open(before), open(after)]
      const id = newId()
      await old.write(id, { user: 'ada', visits: 1 }, { ttlSeconds: 600 })
      const basis = await store.read(id)
      expect(basis?.data).toEqual({ user: 'ada', visits: 1 })
      expect(await oldItem(id)).toBeDefined()
      const moved = await store.write(id, { user: 'ada', visits: 2 }, { basis })
      expect(moved?.data).toEqual({ user: 'ada', visits: 2 })
      expect(await oldItem(id)).toBeUndefined()
      expect(await old.read(id)).toBeUndefined()
      const next = await store.write(id, { user: 'ada', visits: 3 }, { basis: moved })
      expect((await store.read(id))?.data).toEqual({ user: 'ada', visits: 3 })
      expect(next?.key).toBe(basis?.key)
    })

    test('a touch touches it where it is and does not move it', async () => {
      const [old, store] = [open(before), open(after)]
      const id = newId()
      await old.write(id, { a: 1 }, { ttlSeconds: 60 })
      const basis = await store.read(id)
      expect(basis && (await store.touch(basis, { ttlSeconds: 600 }))).toBe(true)
      expect(await store.touch(id, { ttlSeconds: 700 })).toBe(true)
      expect(Number((await old.read(id))?.expiresMs)).toBeGreaterThan(Number(basis?.expiresMs) + 500_000)
      expect(await store.write(id, { a: 1 }, { basis })).toBeDefined()
      expect(await oldItem(id)).toBeDefined()
    })

    test.each(['ID', 'record'])('destroying it by %s destroys it in both places (G3)', async by => {
      const [old, store] = [open(before), open(after)]
      const id = newId()
      await old.write(id, { a: 1 })
      const basis = await store.read(id)
      if (basis === undefined) throw new Error('the session is not there')
      await store.destroy(by === 'ID' ? id : basis)
      expect(await oldItem(id)).toBeUndefined()
      expect(await store.write(id, { a: 2 }, { basis })).toBeUndefined()
      expect(await store.touch(basis)).toBe(false)
      expect(await store.read(id)).toBeUndefined()
    })

    test('a session that was destroyed there since it was read does not come back', async () => {
      const [old, store] = [open(before), open(after)]
      const id = newId()
      await old.write(id, { a: 1 })
      const basis = await store.read(id)
      await old.destroy(id)
      expect(await store.write(id, { a: 2 }, { basis })).toBeUndefined()
      expect(await store.read(id)).toBeUndefined()
    })

    test('an old process that saves meanwhile is merged with (G2)', async () => {
      const [old, store] = [open(before), open(after)]
      const id = newId()
      await old.write(id, { a: 1 })
      const basis = await store.read(id)
      await old.write(id, { a: 1, theirs: 1 }, { basis: await old.read(id) })
      const moved = await store.write(id, { a: 1, ours: 1 }, { basis })
      expect(moved?.data).toEqual({ a: 1, theirs: 1, ours: 1 })
      expect(await oldItem(id)).toBeUndefined()
    })

    test('two processes that move it at the same time keep the changes of both', async () => {
      const [old, store, other] = [open(before), open(after), open(after)]
      const id = newId()
      await old.write(id, { a: 1 })
      const [ours, theirs] = await Promise.all([store.read(id), other.read(id)])
      await Promise.all([
        store.write(id, { a: 1, ours: 1 }, { basis: ours }),
        other.write(id, { a: 1, theirs: 1 }, { basis: theirs }),
      ])
      expect((await store.read(id))?.data).toEqual({ a: 1, ours: 1, theirs: 1 })
      expect(await oldItem(id)).toBeUndefined()
    })

    test('processes of both kinds serve one session side by side, to and fro', async () => {
      const forth = open(after)
      const back = open({ ...before, migrateFrom: 'native' })
      const id = newId()
      await back.write(id, { visits: 0 })
      for (let visits = 1; visits <= 6; visits++) {
        const store = visits % 2 === 0 ? back : forth
        const basis = await store.read(id)
        expect(basis?.data).toEqual({ visits: visits - 1 })
        expect((await store.write(id, { visits }, { basis }))?.data).toEqual({ visits })
      }
      expect((await forth.read(id))?.data).toEqual({ visits: 6 })
    })

    test('a session that was moved away since it was read is followed', async () => {
      const forth = open(after)
      const back = open({ ...before, migrateFrom: 'native' })
      const id = newId()
      await forth.write(id, { a: 1 })
      const basis = await forth.read(id)
      await back.write(id, { a: 1, theirs: 1 }, { basis: await back.read(id) })
      expect(basis && (await forth.touch(basis))).toBe(true)
      expect((await forth.write(id, { a: 1, ours: 1 }, { basis }))?.data).toEqual({
        a: 1,
        theirs: 1,
        ours: 1,
      })
      expect((await forth.read(id))?.data).toEqual({ a: 1, theirs: 1, ours: 1 })
      await back.destroy(id)
      expect(await forth.read(id)).toBeUndefined()
    })

    test('a lock brings it here first', async () => {
      const [old, store] = [open(before), open(after)]
      const id = newId()
      await old.write(id, { a: 1 })
      const lock = await store.lock(id)
      expect(lock?.record.data).toEqual({ a: 1 })
      expect(await oldItem(id)).toBeUndefined()
      await store.write(id, { a: 2 }, { basis: lock?.record })
      expect((await store.read(id))?.data).toEqual({ a: 2 })
    })

    test('a new session is created here alone, and replaces one that was there', async () => {
      const [old, store] = [open(before), open(after)]
      const id = newId()
      await old.write(id, { a: 1 })
      await store.write(id, { fresh: true })
      expect(await oldItem(id)).toBeUndefined()
      expect((await store.read(id))?.data).toEqual({ fresh: true })
    })

    test('an expired session is none', async () => {
      const old = open(before)
      const later = open({ ...after, clock: { now: () => Date.now() + 120_000 } })
      const id = newId()
      await old.write(id, { a: 1 }, { ttlSeconds: 60 })
      expect(await old.read(id)).toBeDefined()
      expect(await later.read(id)).toBeUndefined()
    })
  })

  test.each(['forth', 'back'])(
    'a source in the same table has the same key attribute, %s',
    async direction => {
      const other = await SessionTable.create(engine, 'sessionId')
      const key = { table: other.name, partitionKey: 'sessionId' }
      const forth: SessionStoreOptions = { ...key, migrateFrom: 'connect-dynamodb' }
      const back: SessionStoreOptions = { ...key, layout: 'connect-dynamodb', migrateFrom: 'native' }
      const [from, to] = direction === 'forth' ? [back, forth] : [forth, back]
      const id = newId()
      await open(from).write(id, { a: 1 })
      const store = open(to)
      await store.write(id, { a: 2 }, { basis: await store.read(id) })
      expect((await store.read(id))?.data).toEqual({ a: 2 })
      expect(await other.items()).toHaveLength(1)
    },
  )

  test('a place that is its own source is refused', async () => {
    const store = open({ hashIds: false, migrateFrom: { hashIds: false } })
    await expect(store.read(newId())).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})
