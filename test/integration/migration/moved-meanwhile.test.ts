import { describe, expect, test } from 'vitest'

import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import type { SessionStore } from '../../../src/store/session-store.ts'
import { engine } from '../../support/engines.ts'
import { newId } from '../../support/session-ids.ts'
import { everyTouch, tableSubject } from '../../support/table-subject.ts'
import type { Hooks, SentRequest } from '../garbage/intercepted-transport.ts'
import { everySides, meanwhile, openSide, saveOn } from './moving-sides.ts'

const isLook = ({ operation }: SentRequest): boolean =>
  operation === 'GetItem' || operation === 'TransactGetItems'
const isWrite = (request: SentRequest): boolean => !isLook(request)

/** A session as a store has read it. */
interface Basis {
  readonly id: string
  readonly basis: NonNullable<Awaited<ReturnType<SessionStore['read']>>>
}

/** The clock of a machine on which it is earlier, so that what it writes began in another second. */
const earlier = { clock: { now: () => Date.now() - 100_000 } }

describe.runIf(engine.supports.transactions)('sessions that others move meanwhile', () => {
  const subject = tableSubject(engine, everyTouch)
  const open = (options: SessionStoreOptions, hooks?: Hooks): SessionStore =>
    openSide(subject, options, hooks)

  describe.each(everySides)('between $name', ({ forth, back }) => {
    test('a read finds what is moved here between its looks', async () => {
      const [mover, old] = [open(forth), open(back)]
      const id = newId()
      await old.write(id, { a: 1 })
      const reader = open(
        forth,
        meanwhile(isLook, () => saveOn(mover, id, 'b')),
      )
      expect((await reader.read(id))?.data).toEqual({ a: 1, b: 1 })
    })

    test('a read finds what is moved to and fro between its looks', async () => {
      const [mover, old] = [open(forth), open(back)]
      const id = newId()
      await old.write(id, { a: 1 })
      const moves = [() => saveOn(mover, id, 'b'), () => saveOn(old, id, 'c')]
      const reader = open(forth, { after: async () => moves.shift()?.() })
      expect((await reader.read(id))?.data).toEqual({ a: 1, b: 1, c: 1 })
    })

    test('a session that is moved while it is destroyed does not come back (G3)', async () => {
      const [mover, old] = [open(forth), open(back)]
      const id = newId()
      await old.write(id, { a: 1 })
      const basis = await mover.read(id)
      const destroyer = open(
        forth,
        meanwhile(isWrite, () => mover.write(id, { a: 2 }, { basis })),
      )
      await destroyer.destroy(id)
      expect(await mover.read(id)).toBeUndefined()
      expect(await mover.write(id, { a: 3 }, { basis })).toBeUndefined()
      expect(await old.read(id)).toBeUndefined()
    })

    test.each(['created', 'saved'])(
      'a record of a session that was %s destroys it wherever it is (G3)',
      async how => {
        const [store, other] = [open(forth), open(back)]
        const id = newId()
        const created = await store.write(id, { a: 1 })
        const target = how === 'created' ? created : await store.write(id, { a: 2 }, { basis: created })
        if (target === undefined) throw new Error('the session is not there')
        await saveOn(other, id, 'b')
        await store.destroy(target)
        expect(await other.read(id)).toBeUndefined()
      },
    )

    test('a new session is not lost to who moves it at once', async () => {
      const other = open(back)
      const id = newId()
      const creator = open(
        forth,
        meanwhile(
          ({ operation }) => operation === 'PutItem' || operation === 'TransactWriteItems',
          () => saveOn(other, id, 'theirs'),
        ),
      )
      const basis = await creator.write(id, { a: 1 })
      expect((await other.read(id))?.data).toEqual({ a: 1, theirs: 1 })
      const saved = await creator.write(id, { a: 1, ours: 1 }, { basis })
      expect(saved?.data).toEqual({ a: 1, ours: 1, theirs: 1 })
    })

    test('a save follows a session that is moved between its looks, from where it was read (G2)', async () => {
      const [mover, old] = [open(forth), open(back)]
      const id = newId()
      await old.write(id, { a: 1 })
      let isSaving = false
      const store = open(
        forth,
        meanwhile(
          request => isSaving && isLook(request),
          () => saveOn(mover, id, 'other'),
        ),
      )
      const basis = await store.read(id)
      await saveOn(old, id, 'theirs')
      isSaving = true
      const saved = await store.write(id, { a: 1, ours: 1 }, { basis })
      expect(saved?.data).toEqual({ a: 1, ours: 1, other: 1, theirs: 1 })
      expect((await mover.read(id))?.data).toEqual(saved?.data)
      expect((await old.read(id))?.data).toEqual(saved?.data)
    })

    /** A session that was here and is there, and that others move here between the next two looks of `store`. */
    const movedToAndFro = async (): Promise<Readonly<Record<'store' | 'mover', SessionStore>> & Basis> => {
      const [mover, old] = [open(forth), open(back)]
      const id = newId()
      await mover.write(id, { a: 1 })
      let isMoving = false
      const store = open(
        forth,
        meanwhile(
          request => isMoving && isLook(request),
          () => saveOn(mover, id, 'other'),
        ),
      )
      const basis = await store.read(id)
      if (basis === undefined) throw new Error('the session is not there')
      await saveOn(old, id, 'theirs')
      isMoving = true
      return { store, mover, id, basis }
    }

    describe('a session that was here and is moved away, and here again between two looks', () => {
      test('is followed by a save (G2)', async () => {
        const { store, id, basis } = await movedToAndFro()
        const saved = await store.write(id, { a: 1, ours: 1 }, { basis })
        expect(saved?.data).toEqual({ a: 1, ours: 1, other: 1, theirs: 1 })
      })

      test('is followed by a touch', async () => {
        const { store, mover, id, basis } = await movedToAndFro()
        expect(await store.touch(basis, { ttlSeconds: 5000 })).toBe(true)
        expect(Number((await mover.read(id))?.expiresMs)).toBeLessThan(Date.now() + 5_001_000)
      })
    })

    test('a save is told that the session is gone when it was moved and destroyed', async () => {
      const [store, other] = [open(forth), open(back)]
      const id = newId()
      const basis = await store.write(id, { a: 1 })
      if (basis === undefined) throw new Error('the session is not there')
      await saveOn(other, id, 'b')
      await other.destroy(id)
      expect(await store.write(id, { a: 2 }, { basis })).toBeUndefined()
      expect(await store.touch(basis)).toBe(false)
      expect(await store.read(id)).toBeUndefined()
    })

    test('what an earlier save merged in stays when the session is moved after it', async () => {
      const [store, other, old] = [open(forth), open(forth), open(back)]
      const id = newId()
      await store.write(id, { a: 1 })
      const basis = await store.read(id)
      await saveOn(other, id, 'theirs')
      const merged = await store.write(id, { a: 1, first: 1 }, { basis })
      await saveOn(old, id, 'moved')
      const saved = await store.write(id, { a: 1, first: 1, second: 1 }, { basis: merged?.asWritten() })
      expect(saved?.data).toEqual({ a: 1, theirs: 1, first: 1, moved: 1, second: 1 })
    })

    test('a session that begins anew by being moved to and fro is still the same', async () => {
      const [store, old] = [open(forth), open(back)]
      const id = newId()
      await open({ ...forth, ...earlier }).write(id, { a: 1 }, { ttlSeconds: 600 })
      const basis = await store.read(id)
      if (basis === undefined) throw new Error('the session is not there')
      await saveOn(old, id, 'theirs')
      await saveOn(open(forth), id, 'other')
      expect(await store.touch(basis)).toBe(true)
      const saved = await store.write(id, { a: 1, ours: 1 }, { basis })
      expect(saved?.data).toEqual({ a: 1, ours: 1, other: 1, theirs: 1 })
    })

    test('onConflict decides about what others have written before they moved it', async () => {
      const old = open(back)
      const id = newId()
      await old.write(id, { a: 1 })
      const [rejecting, overwriting] = [
        open({ ...forth, onConflict: 'reject' }),
        open({ ...forth, onConflict: 'overwrite' }),
      ]
      const [first, second] = [await rejecting.read(id), await overwriting.read(id)]
      await saveOn(old, id, 'theirs')
      const rejected = rejecting.write(id, { a: 2 }, { basis: first })
      await expect(rejected).rejects.toMatchObject({ code: 'SESSION_CONFLICT' })
      expect((await old.read(id))?.data).toEqual({ a: 1, theirs: 1 })
      await overwriting.write(id, { a: 3 }, { basis: second })
      expect((await rejecting.read(id))?.data).toEqual({ a: 3 })
    })
  })

  const [{ forth: native, back: foreign }, , { forth: hashed, back: plain }] = everySides as [
    (typeof everySides)[number],
    unknown,
    (typeof everySides)[number],
  ]

  test('another session that took the place of a destroyed one is left alone, where sessions say when they began', async () => {
    const [store, old] = [open(hashed), open(plain)]
    const id = newId()
    await open({ ...hashed, ...earlier }).write(id, { a: 1 }, { ttlSeconds: 600 })
    const basis = await store.read(id)
    if (basis === undefined) throw new Error('the session is not there')
    await old.destroy(id)
    await old.write(id, { another: 1 })
    expect(await store.write(id, { a: 2 }, { basis })).toBeUndefined()
    expect(await store.touch(basis)).toBe(false)
    expect((await old.read(id))?.data).toEqual({ another: 1 })
  })

  test('a lock is taken of a session that others have just moved away', async () => {
    const old = open(foreign)
    const id = newId()
    await old.write(id, { a: 1 })
    const store = open(
      native,
      meanwhile(isWrite, () => saveOn(old, id, 'theirs')),
    )
    const lock = await store.lock(id)
    expect(lock?.record.data).toEqual({ a: 1, theirs: 1 })
    await lock?.release()
  })

  test('a record that was read under a lock destroys the session wherever it is (G3)', async () => {
    const [store, other] = [open(native), open(foreign)]
    const id = newId()
    await store.write(id, { a: 1 })
    const lock = await store.lock(id)
    if (lock === undefined) throw new Error('the session is not there')
    await saveOn(other, id, 'b')
    await store.destroy(lock.record)
    expect(await other.read(id)).toBeUndefined()
  })

  test('a lock that was lost by a move lets nothing be saved (G10)', async () => {
    const [store, old] = [open(native), open(foreign)]
    const id = newId()
    await store.write(id, { a: 1 })
    const lock = await store.lock(id)
    await saveOn(old, id, 'theirs')
    const late = store.write(id, { a: 2 }, { basis: lock?.record })
    await expect(late).rejects.toMatchObject({ code: 'LOCK_LOST' })
    expect((await old.read(id))?.data).toEqual({ a: 1, theirs: 1 })
    const gone = await store.lock(id)
    await old.destroy(id)
    expect(await store.write(id, { a: 3 }, { basis: gone?.record })).toBeUndefined()
  })
})
