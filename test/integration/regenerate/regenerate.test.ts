import { tracingChannel } from 'node:diagnostics_channel'

import { describe, expect, onTestFinished, test } from 'vitest'

import { channelNames, type MoveTrace, type OperationTrace } from '../../../src/diagnostics.ts'
import { LockLostError, SessionConflictError, SessionStore } from '../../../src/index.ts'
import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import { engines } from '../../support/engines.ts'
import { sendToEngine } from '../../support/send-to-engine.ts'
import { newId } from '../../support/session-ids.ts'
import { isMoveMark } from '../../support/session-table.ts'
import { StubEndpoint } from '../../support/stub-endpoint.ts'
import { tableSubject } from '../../support/table-subject.ts'
import { toArray } from '../../support/to-array.ts'

type Data = Record<string, unknown>

/** What a test knows to be there. */
function present<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('it is not there')
  return value
}

/** What a channel tells until the test ends; it grows. */
function messagesOf(name: string): Partial<MoveTrace & OperationTrace>[] {
  const messages: Partial<MoveTrace & OperationTrace>[] = []
  const { asyncEnd } = tracingChannel(name)
  const listener = (message: unknown): void => {
    messages.push({ ...(message as MoveTrace & OperationTrace) })
  }
  asyncEnd.subscribe(listener)
  onTestFinished(() => {
    asyncEnd.unsubscribe(listener)
  })
  return messages
}

/** How DynamoDB answers what it takes for invalid. */
const refusal = {
  statusCode: 400,
  body: { __type: 'com.amazon.coral.validate#ValidationException', message: 'not here' },
}

describe.each(engines)('regenerate on $name', engine => {
  const subject = tableSubject(engine)
  const open = (options: SessionStoreOptions<Data> = {}): SessionStore<Data> =>
    subject.closeLater(new SessionStore<Data>({ ...subject.options, ...options }))

  /** A store whose requests can be acted upon, before and after the engine has carried them out. */
  const openBehind = async (
    act: (operation: string, send: () => Promise<unknown>) => Promise<unknown>,
    options: SessionStoreOptions<Data> = {},
  ): Promise<SessionStore<Data>> => {
    const endpoint = await StubEndpoint.start(async ({ operation, input }) => {
      const answer = await act(operation, () => sendToEngine(engine.endpoint, operation, input))
      return answer as Awaited<ReturnType<typeof sendToEngine>>
    })
    return subject.closeLater(
      new SessionStore<Data>({ ...subject.options, ...options, endpoint: subject.closeLater(endpoint).url }),
    )
  }
  /** The request with which a session leaves its old ID, and before that arrives under the new one. */
  const lastWrite = engine.supports.transactions ? 'TransactWriteItems' : 'PutItem'

  describe('moves', () => {
    test('data, age, user and what others keep in the item to the new ID, and leaves a mark under the old one', async () => {
      const store = open({
        userId: ({ user }) => (typeof user === 'string' ? user : undefined),
        absoluteTimeoutSeconds: 86_400,
      })
      const [oldId, id] = [newId(), newId()]
      await store.write(oldId, { cart: ['apple'], user: 'ada' })
      const item = await subject.item(oldId)
      await subject.table.put({ ...item, note: { S: 'kept' } })
      const record = await store.read(oldId)
      const moved = await store.regenerate(present(record), id, { data: { ...record?.data, admin: true } })
      expect(moved?.data).toEqual({ cart: ['apple'], user: 'ada', admin: true })
      expect([moved?.createdMs, moved?.userId]).toEqual([record?.createdMs, 'ada'])
      const { id: key, note, created, birth, user } = (await subject.item(id)) ?? {}
      expect([note, created, birth, user]).toEqual([
        { S: 'kept' },
        item?.['created'],
        item?.['birth'],
        { S: 'ada' },
      ])
      const mark = await subject.item(oldId)
      expect([isMoveMark(mark), mark?.['movedTo']]).toEqual([true, key])
      expect(await store.read(oldId)).toBeUndefined()
      expect((await store.read(id))?.data).toEqual({ cart: ['apple'], user: 'ada', admin: true })
    })

    test('what the caller has changed in the data of the record, where it names none', async () => {
      const store = open()
      const [oldId, id] = [newId(), newId()]
      const record = await store.write(oldId, { visits: 1 })
      record.data['visits'] = 2
      expect((await store.regenerate(record, id))?.data).toEqual({ visits: 2 })
      expect((await store.read(id))?.data).toEqual({ visits: 2 })
    })

    test('encrypted and compressed sessions, and those under plain IDs', async () => {
      for (const options of [
        { encryption: { keys: ['a passphrase that is long enough'] } },
        { compression: { thresholdBytes: 100 } },
        { hashIds: false },
      ] as SessionStoreOptions<Data>[]) {
        const store = open(options)
        const [oldId, id] = [newId(), newId()]
        const record = await store.write(oldId, { text: 'x'.repeat(3000) })
        const moved = await store.regenerate(record, id, { data: { ...record.data, user: 'ada' } })
        expect(moved?.data).toEqual({ text: 'x'.repeat(3000), user: 'ada' })
        expect((await store.read(id))?.data).toEqual(moved?.data)
        expect(await store.write(id, { user: 'eve' }, { basis: moved })).toBeDefined()
      }
    })

    test('an expiry that the caller names', async () => {
      const store = open()
      const [oldId, id] = [newId(), newId()]
      const record = await store.write(oldId, {})
      const moved = await store.regenerate(record, id, { ttlSeconds: 60 })
      expect((moved?.expiresMs ?? 0) - Date.now()).toBeLessThanOrEqual(60_000)
      expect((await store.read(id))?.expiresMs).toBe(moved?.expiresMs)
    })

    test('what others have saved since it was read, by key', async () => {
      const store = open()
      const [oldId, id] = [newId(), newId()]
      const record = await store.write(oldId, { a: 1, b: 1, c: 1 })
      await store.write(oldId, { a: 2, b: 1 }, { basis: await store.read(oldId) })
      const moved = await store.regenerate(record, id, { data: { a: 1, b: 3, c: 1 } })
      expect(moved?.data).toEqual({ a: 2, b: 3 })
      expect((await store.read(id))?.data).toEqual({ a: 2, b: 3 })
    })

    test('what others save between its look and its write', async () => {
      const store = open()
      const [oldId, id] = [newId(), newId()]
      const record = await store.write(oldId, { a: 1 })
      let saves = 0
      const slow = await openBehind(async (operation, send) => {
        if (operation === lastWrite && saves++ === 0) {
          await store.write(oldId, { a: 1, b: 2 }, { basis: await store.read(oldId) })
        }
        return send()
      })
      const read = await slow.read(oldId)
      expect((await slow.regenerate(present(read), id, { data: { a: 1, c: 3 } }))?.data).toEqual({
        a: 1,
        b: 2,
        c: 3,
      })
      expect(isMoveMark(await subject.item(oldId))).toBe(true)
      expect(record.data).toEqual({ a: 1 })
    })

    test('nothing with onConflict "reject" when others have saved', async () => {
      const store = open({ onConflict: 'reject' })
      const [oldId, id] = [newId(), newId()]
      const record = await store.write(oldId, { a: 1 })
      await store.write(oldId, { a: 2 }, { basis: record })
      await expect(store.regenerate(record, id)).rejects.toThrow(SessionConflictError)
      expect((await store.read(oldId))?.data).toEqual({ a: 2 })
      expect(await subject.item(id)).toBeUndefined()
    })

    test('no session to an ID that has one, or to its own', async () => {
      const store = open()
      const [oldId, id] = [newId(), newId()]
      const record = await store.write(oldId, { a: 1 })
      await store.write(id, { other: 1 })
      await expect(store.regenerate(record, id)).rejects.toThrow(SessionConflictError)
      await expect(store.regenerate(record, oldId)).rejects.toMatchObject({ code: 'INVALID_SESSION_ID' })
      expect([(await store.read(oldId))?.data, (await store.read(id))?.data]).toEqual([
        { a: 1 },
        { other: 1 },
      ])
    })

    test('a session that was destroyed or has expired not at all (G3)', async () => {
      const store = open()
      for (const end of ['destroy', 'expire'] as const) {
        const [oldId, id] = [newId(), newId()]
        const record = await store.write(oldId, { a: 1 })
        if (end === 'destroy') await store.destroy(oldId)
        else await store.touch(oldId, { expiresMs: 0 })
        expect(await store.regenerate(record, id)).toBeUndefined()
        expect(await subject.item(id)).toBeUndefined()
      }
    })

    test('a lock of another request along, and ends its own', async () => {
      const store = open()
      const [oldId, id] = [newId(), newId()]
      const record = await store.write(oldId, { a: 1 })
      await store.lock(oldId)
      await store.regenerate(record, id)
      expect(await subject.item(id)).toHaveProperty('lockOwner')
      const second = [newId(), newId()] as const
      await store.write(second[0], { a: 1 })
      const lock = await store.lock(second[0])
      await store.regenerate(present(lock).record, second[1])
      expect(lock?.isHeld).toBe(false)
      expect(await subject.item(second[1])).not.toHaveProperty('lockOwner')
    })

    test('nothing under a lock that another request has taken', async () => {
      const store = open()
      const [oldId, id] = [newId(), newId()]
      await store.write(oldId, { a: 1 })
      const lock = await store.lock(oldId, { leaseSeconds: 1, maxHoldSeconds: 1 })
      const next = await open().lock(oldId, { maxWaitMs: 30_000 })
      await expect(store.regenerate(present(lock).record, id)).rejects.toThrow(LockLostError)
      await next?.release()
      expect(await subject.item(id)).toBeUndefined()
    })
  })

  describe('of a session whose response is lost, or whose process ends', () => {
    test('does it once (G11)', async () => {
      const store = open()
      const [oldId, id] = [newId(), newId()]
      await store.write(oldId, { a: 1 })
      let lost = 0
      const slow = await openBehind(async (operation, send) => {
        const answer = await send()
        if (operation === lastWrite && lost++ === 0 && engine.supports.transactions) throw new Error('lost')
        return answer
      })
      const record = await slow.read(oldId)
      expect((await slow.regenerate(present(record), id, { data: { a: 2 } }))?.data).toEqual({ a: 2 })
      expect((await store.read(id))?.data).toEqual({ a: 2 })
    })

    test('goes on where an earlier call with the same ID has stopped', async () => {
      const store = open()
      const [oldId, id] = [newId(), newId()]
      await store.write(oldId, { a: 1 })
      let isDown = true
      const failing = await openBehind(
        async (_operation, send) => {
          const answer = await send()
          // Without transactions, the new session is there by now, and the old one, too.
          if (isDown && _operation === lastWrite) throw new Error('gone')
          return answer
        },
        { maxAttempts: 1 },
      )
      const record = await failing.read(oldId)
      await expect(failing.regenerate(present(record), id, { data: { a: 2 } })).rejects.toThrow('connection')
      isDown = false
      expect((await failing.regenerate(present(record), id, { data: { a: 2, b: 3 } }))?.data).toEqual({
        a: 2,
        b: 3,
      })
      expect((await store.read(id))?.data).toEqual({ a: 2, b: 3 })
      expect(isMoveMark(await subject.item(oldId))).toBe(true)
    })

    test.skipIf(engine.supports.transactions)(
      'loses nothing when it ends between the two steps',
      async () => {
        const store = open()
        const [oldId, id] = [newId(), newId()]
        await store.write(oldId, { a: 1 })
        let puts = 0
        const ending = await openBehind(
          (operation, send) =>
            operation === 'PutItem' && ++puts >= 2 ? Promise.reject(new Error('the process ended')) : send(),
          { maxAttempts: 1 },
        )
        const record = await ending.read(oldId)
        await expect(ending.regenerate(present(record), id)).rejects.toThrow('connection')
        // Nobody has been told of the new ID.
        expect([(await store.read(oldId))?.data, (await store.read(id))?.data]).toEqual([{ a: 1 }, { a: 1 }])
      },
    )
  })

  describe('and a request that had read the session before', () => {
    test('saves to where it has gone, merged, and again, and sees nothing of it', async () => {
      const store = open()
      const [oldId, id] = [newId(), newId()]
      const record = await store.write(oldId, { visits: 1, cart: ['apple'] })
      const other = open()
      await other.regenerate(present(await other.read(oldId)), id, {
        data: { visits: 1, cart: ['apple'], user: 'ada' },
      })
      const saved = await store.write(oldId, { visits: 2, cart: ['apple'] }, { basis: record })
      expect([saved?.hasMoved, saved?.data]).toEqual([true, { visits: 2, cart: ['apple'] }])
      expect((await store.read(id))?.data).toEqual({ visits: 2, cart: ['apple'], user: 'ada' })
      const again = await store.write(oldId, { visits: 2, note: 1 }, { basis: saved })
      expect([again?.hasMoved, again?.data]).toEqual([true, { visits: 2, note: 1 }])
      expect((await store.read(id))?.data).toEqual({ visits: 2, note: 1, user: 'ada' })
      expect(isMoveMark(await subject.item(oldId))).toBe(true)
    })

    test('saves to where it has gone in the end, through several IDs', async () => {
      const store = open()
      const ids = [newId(), newId(), newId()] as const
      const record = await store.write(ids[0], { a: 1 })
      const second = await store.regenerate(record, ids[1])
      await store.regenerate(present(second), ids[2])
      await open().write(ids[0], { a: 1, b: 2 }, { basis: record })
      expect((await store.read(ids[2]))?.data).toEqual({ a: 1, b: 2 })
    })

    test('is told so, and writes nothing, when it has changed nothing or overwrites', async () => {
      for (const options of [{}, { onConflict: 'overwrite' as const }, { touchAfterSeconds: 0 }]) {
        const store = open(options)
        const [oldId, id] = [newId(), newId()]
        const record = await store.write(oldId, { a: 1 })
        await open().regenerate(record, id, { data: { a: 1, user: 'ada' } })
        const before = await subject.item(id)
        const isOverwriting = 'onConflict' in options
        if (!('touchAfterSeconds' in options) && !isOverwriting) await store.touch(oldId)
        const saved = await store.write(oldId, isOverwriting ? { a: 2 } : { a: 1 }, { basis: record })
        // A touch that is left out does not find out, and does no harm.
        expect(saved?.hasMoved).toBe('touchAfterSeconds' in options || isOverwriting)
        expect(await subject.item(id)).toEqual(before)
      }
    })

    test('does not revive it when it has been destroyed under its new ID (G3)', async () => {
      const store = open()
      const [oldId, id] = [newId(), newId()]
      const record = await store.write(oldId, { a: 1 })
      await store.regenerate(record, id)
      await store.destroy(id)
      for (const other of [store, open()]) {
        expect(await other.write(oldId, { a: 2 }, { basis: record })).toBeUndefined()
        expect(await other.regenerate(record, newId())).toBeUndefined()
      }
      expect([await subject.item(id), isMoveMark(await subject.item(oldId))]).toEqual([undefined, true])
    })

    test('destroys it under both IDs, and through several', async () => {
      const store = open()
      const ids = [newId(), newId(), newId()] as const
      const record = await store.write(ids[0], { a: 1 })
      const second = await store.regenerate(record, ids[1])
      await store.regenerate(present(second), ids[2])
      await open().destroy(record)
      expect(await subject.item(ids[2])).toBeUndefined()
      expect(await open().write(ids[0], { a: 2 }, { basis: record })).toBeUndefined()
      for (const id of ids) expect(await store.read(id)).toBeUndefined()
    })

    test('regenerates what it has of it to a session of its own, without what the other has', async () => {
      const store = open()
      const [oldId, id] = [newId(), newId()]
      const record = await store.write(oldId, { cart: ['apple'] })
      await store.regenerate(record, id, { data: { cart: ['apple'], user: 'ada', secret: 1 } })
      const saved = await store.write(oldId, { cart: ['apple'], note: 1 }, { basis: record })
      for (const basis of [record, present(saved)]) {
        const own = await store.regenerate(basis, newId(), { data: { ...basis.data, user: 'eve' } })
        expect(own?.data).toEqual({ ...basis.data, user: 'eve' })
        expect(own?.data).not.toHaveProperty('secret')
      }
      expect((await store.read(id))?.data).toEqual({ cart: ['apple'], user: 'ada', secret: 1, note: 1 })
    })

    test('is another session than one that took the old ID later', async () => {
      const store = open()
      const [oldId, id] = [newId(), newId()]
      const record = await store.write(oldId, { a: 1 })
      await store.regenerate(record, id)
      const next = await store.write(oldId, { b: 1 })
      expect(await store.write(oldId, { a: 2 }, { basis: record })).toBeUndefined()
      expect((await store.write(oldId, { b: 2 }, { basis: next }))?.hasMoved).toBe(false)
      expect((await store.read(id))?.data).toEqual({ a: 1 })
    })
  })

  describe('leaves a mark that', () => {
    test('is no session to anybody: lists, counts, locks, touches, users', async () => {
      const store = open({ prefix: 'marks:' })
      const [oldId, id] = [newId(), newId()]
      const record = await store.write(oldId, { a: 1 })
      const moved = await store.regenerate(record, id)
      expect((await toArray(store.records())).map(({ key }) => key)).toEqual([moved?.key])
      expect(await toArray(store.keys())).toEqual([moved?.key])
      expect(await store.count()).toBe(1)
      expect(await store.lock(oldId)).toBeUndefined()
      expect(await store.touch(oldId)).toBe(false)
      expect(await store.touch(record, { ttlSeconds: 1e6 })).toBe(false)
    })

    test('garbage collection leaves for as long as it may be of use, and then deletes', async () => {
      let nowMs = Date.now()
      const store = open({ prefix: 'swept:', clock: { now: () => nowMs } })
      const id = newId()
      const record = await store.write(newId(), { a: 1 }, { ttlSeconds: 86_400 })
      const moved = await store.regenerate(record, id, { ttlSeconds: 86_400 })
      expect(await store.collectGarbage()).toMatchObject({ deleted: 0 })
      nowMs += 601_000
      expect(await store.write(id, { a: 2 }, { basis: moved, ttlSeconds: 86_400 })).toBeDefined()
      expect(await store.collectGarbage()).toMatchObject({ deleted: 1 })
      expect(await store.count()).toBe(1)
    })

    test('a request with the old ID is told of for a minute', async () => {
      let nowMs = Date.now()
      const store = open({ clock: { now: () => nowMs } })
      const oldId = newId()
      await store.regenerate(await store.write(oldId, { a: 1 }), newId())
      const told: unknown[] = []
      const ask = (): Promise<unknown> => store.readArriving(oldId, undefined, () => told.push(nowMs))
      expect(await ask()).toBeUndefined()
      expect(told).toHaveLength(1)
      nowMs += 61_000
      expect(await ask()).toBeUndefined()
      expect(told).toHaveLength(1)
    })
  })

  test.skipIf(!engine.supports.transactions)('costs a read, and a transaction of two writes', async () => {
    const seen = messagesOf(channelNames.operation)
    const store = open()
    const record = await store.write(newId(), { cart: ['apple'] })
    seen.length = 0
    await store.regenerate(record, newId(), { data: { cart: ['apple'], user: 'ada' } })
    expect(seen.map(({ operation, consumedCapacity }) => [operation, consumedCapacity])).toEqual([
      ['GetItem', 1],
      // DynamoDB itself counts each of the two twice.
      ['TransactWriteItems', 2],
    ])
  })

  test('is done in two steps where transactions are refused as invalid, and refused where the item is', async () => {
    const operations: string[] = []
    let isRefused = false
    const store = await openBehind(async (operation, send) => {
      operations.push(operation)
      if (operation === 'TransactWriteItems' || (isRefused && operation !== 'GetItem')) {
        return refusal
      }
      return send()
    })
    const [first, second] = [await store.write(newId(), { a: 1 }), await store.write(newId(), { b: 1 })]
    isRefused = true
    await expect(store.regenerate(first, newId())).rejects.toMatchObject({ awsCode: 'ValidationException' })
    isRefused = false
    const id = newId()
    expect((await store.regenerate(first, id))?.data).toEqual({ a: 1 })
    expect((await store.read(id))?.data).toEqual({ a: 1 })
    operations.length = 0
    expect((await store.regenerate(second, newId()))?.data).toEqual({ b: 1 })
    // It has learnt that there are none.
    expect(operations).not.toContain('TransactWriteItems')
  })

  test('tells traces what has happened, and no ID', async () => {
    const seen = messagesOf(channelNames.move)
    const store = open({ onConflict: 'reject' })
    const [oldId, id] = [newId(), newId()]
    const record = await store.write(oldId, { a: 1 })
    await store.regenerate(record, id)
    await store.readArriving(oldId, undefined, () => undefined)
    await open().write(oldId, { a: 2 }, { basis: record })
    await store.destroy(id)
    await store.regenerate(record, newId())
    await store.write(id, { a: 1 })
    const other = await store.write(newId(), {})
    await expect(store.regenerate(other, id)).rejects.toThrow(SessionConflictError)
    expect(seen.map(({ outcome }) => outcome)).toEqual(['moved', 'late', 'followed', 'gone', 'failed'])
    for (const hidden of [oldId, id, record.key]) expect(JSON.stringify(seen)).not.toContain(hidden)
  })
})
