import { describe, expect, test } from 'vitest'

import {
  type DynamoDBSecondaryStorage,
  dynamoDBSecondaryStorage,
  type DynamoDBSecondaryStorageOptions,
} from '../../../src/adapters/better-auth.ts'
import { SessionStore, TableNotFoundError } from '../../../src/index.ts'
import type { Item } from '../../../src/types.ts'
import { engine } from '../../support/engines.ts'
import { LateTransport } from '../../support/late-transport.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { hashed } from '../../support/session-ids.ts'
import { numberText } from '../../support/session-table.ts'
import { keyValueSubject } from '../unstorage/key-value-subject.ts'

describe('the methods of the secondary storage', () => {
  const subject = keyValueSubject(engine)
  let keys = 0

  function storage(options: DynamoDBSecondaryStorageOptions = {}): DynamoDBSecondaryStorage {
    return subject.closeLater(dynamoDBSecondaryStorage({ ...subject.options, ...options }))
  }

  function freshKey(): string {
    return `key-${keys++}`
  }

  /** How many writers have left a mark in a counter. */
  async function marksOf(key: string): Promise<number> {
    const item = await subject.table.item(`better-auth:${hashed(key)}`)
    return Object.keys(item ?? {}).filter(name => name.startsWith('seq-')).length
  }

  describe('values', () => {
    test('what was set is there until it is deleted', async () => {
      const [store, key] = [storage(), freshKey()]
      expect(await store.get(key)).toBeNull()
      await store.set(key, 'text')
      expect(await store.get(key)).toBe('text')
      await store.set(key, '')
      expect(await store.get(key)).toBe('')
      await store.delete(key)
      await store.delete(key)
      expect(await store.get(key)).toBeNull()
    })

    test('a value is absent from the millisecond in which its ttl is over (G5)', async () => {
      const clock = new ManualClock()
      const [store, key] = [storage({ clock }), freshKey()]
      await store.set(key, 'text', 10)
      clock.advance(9999)
      expect(await store.get(key)).toBe('text')
      clock.advance(1)
      expect(await store.get(key)).toBeNull()
      expect(await store.getAndDelete(key)).toBeNull()
    })

    test.each([undefined, 0, -5])('with a ttl of %s a value does not expire', async ttl => {
      const clock = new ManualClock()
      const [store, key] = [storage({ clock }), freshKey()]
      await store.set(key, 'text', ttl)
      clock.advance(1e12)
      expect(await store.get(key)).toBe('text')
    })

    test('keys are hashed, or plain when that is wanted', async () => {
      const key = freshKey()
      await storage().set(key, 'text')
      expect(await subject.table.item(`better-auth:${hashed(key)}`)).toBeDefined()
      await storage({ prefix: 'app:', hashKeys: false }).set(key, 'text')
      expect(await subject.table.item(`app:better-auth:${key}`)).toBeDefined()
    })

    test('methods work without their object', async () => {
      const { get, set, increment, getAndDelete, delete: remove } = storage()
      const key = freshKey()
      await set(key, 'text')
      expect(await get(key)).toBe('text')
      await remove(key)
      expect([await increment(key, 10), await get(key), await getAndDelete(key)]).toEqual([1, '1', '1'])
    })

    test('failures are errors (G6)', async () => {
      const store = storage({ table: 'missing-table' })
      const outcomes = await Promise.allSettled([
        store.get('key'),
        store.set('key', ''),
        store.delete('key'),
        store.getAndDelete('key'),
        store.increment('key', 1),
      ])
      const reason: unknown = expect.any(TableNotFoundError)
      expect(outcomes).toEqual(outcomes.map(() => ({ status: 'rejected', reason })))
    })

    test('what has expired is garbage for a SessionStore of the namespace, and nothing else is', async () => {
      const clock = new ManualClock()
      const store = storage({ prefix: 'garbage:', clock })
      await store.set('brief', 'text', 1)
      await store.set('longer', 'text', 100)
      await store.set('lasting', 'text')
      await store.increment('counter', 1)
      const sessions = subject.closeLater(
        new SessionStore({ ...subject.options, prefix: 'garbage:better-auth:', clock }),
      )
      clock.advance(1000)
      expect(await sessions.collectGarbage()).toMatchObject({ deleted: 2 })
      expect([await store.get('longer'), await store.get('lasting')]).toEqual(['text', 'text'])
    })
  })

  describe('getAndDelete', () => {
    test('gives a value once, whoever asks', async () => {
      const key = freshKey()
      const stores = Array.from({ length: 8 }, () => storage())
      await storage().set(key, 'once', 60)
      const taken = await Promise.all(stores.map(store => store.getAndDelete(key)))
      expect(taken.filter(value => value !== null)).toEqual(['once'])
      expect(await subject.table.item(`better-auth:${hashed(key)}`)).toBeUndefined()
    })

    test('gives the value although the answer was lost (G11), once', async () => {
      const key = freshKey()
      let lost = 0
      const endpoint = await subject.losing(({ operation }) => operation === 'UpdateItem' && lost++ < 2)
      const store = storage({ endpoint: endpoint.url })
      await store.set(key, 'once', 60)
      expect(await store.getAndDelete(key)).toBe('once')
      expect(lost).toBeGreaterThan(1)
      expect([await store.getAndDelete(key), await store.get(key)]).toEqual([null, null])
    })

    test('a value whose delete fails is gone for everybody, also where clocks are behind', async () => {
      const key = freshKey()
      const endpoint = await subject.recorder(({ operation }) =>
        operation === 'DeleteItem'
          ? { statusCode: 400, body: { __type: 'com.amazonaws.dynamodb.v20120810#AccessDeniedException' } }
          : undefined,
      )
      const clock = new ManualClock()
      const store = storage({ endpoint: endpoint.url, clock })
      await store.set(key, 'once', 60)
      expect(await store.getAndDelete(key)).toBe('once')
      const item = await subject.table.item(`better-auth:${hashed(key)}`)
      expect(numberText(item, 'expires')).toBe(String(Math.ceil(clock.nowMs / 1000)))
      clock.advance(-3_600_000)
      expect([await store.get(key), await store.getAndDelete(key)]).toEqual([null, null])
    })

    test('does not delete a value that was set in the meantime', async () => {
      const key = freshKey()
      const other = storage()
      const endpoint = await subject.losing(async ({ operation }) => {
        if (operation === 'UpdateItem') await other.set(key, 'next')
        return false
      })
      const store = storage({ endpoint: endpoint.url })
      await store.set(key, 'first', 60)
      expect(await store.getAndDelete(key)).toBe('first')
      expect(await store.get(key)).toBe('next')
    })
  })

  describe('a request that is carried out late', () => {
    test.each<[string, string, (store: DynamoDBSecondaryStorage, key: string) => Promise<unknown>]>([
      ['writes', 'PutItem', (store, key) => store.set(key, 'first')],
      ['deletes', 'DeleteItem', (store, key) => store.delete(key)],
      ['takes away', 'UpdateItem', (store, key) => store.getAndDelete(key)],
    ])('and %s a value leaves the one alone that was set since', async (_what, operation, request) => {
      const late = subject.closeLater(new LateTransport())
      const [clock, key] = [new ManualClock(), freshKey()]
      const store = storage({ transport: late, clock })
      await store.set(key, 'old')
      clock.advance(5)
      late.lose(operation)
      await request(store, key)
      clock.advance(5)
      await store.set(key, 'new')
      expect(await late.carryOut()).toEqual([400])
      expect(await store.get(key)).toBe('new')
      expect(await store.getAndDelete(key)).toBe('new')
    })

    test('does what it is to do, whatever the clocks are', async () => {
      const [ahead, behind, key] = [new ManualClock(), new ManualClock(), freshKey()]
      ahead.advance(3000)
      const [store, other] = [storage({ clock: behind }), storage({ clock: ahead })]
      await other.set(key, 'a')
      await store.set(key, 'b')
      expect(await store.get(key)).toBe('b')
      await other.set(key, 'c')
      expect(await store.getAndDelete(key)).toBe('c')
      await other.set(key, 'd')
      await store.delete(key)
      expect(await store.get(key)).toBeNull()
    })

    test('and may have taken a value away, of which another has taken the place, is an error', async () => {
      const late = subject.closeLater(new LateTransport())
      const [clock, key] = [new ManualClock(), freshKey()]
      const store = storage({ transport: late, clock })
      await store.set(key, 'once')
      late.lose('UpdateItem')
      late.beforeNext = async () => {
        await late.carryOut()
        clock.advance(5)
        await storage({ clock }).set(key, 'another')
      }
      await expect(store.getAndDelete(key)).rejects.toMatchObject({ code: 'SESSION_CONFLICT' })
      expect(await store.get(key)).toBe('another')
    })
  })

  describe('increment', () => {
    test('counts from 1, and the window is that of the first increment', async () => {
      const clock = new ManualClock()
      const [store, key] = [storage({ clock }), freshKey()]
      expect(await store.increment(key, 10)).toBe(1)
      clock.advance(9999)
      expect([await store.increment(key, 10), await store.get(key)]).toEqual([2, '2'])
      clock.advance(1)
      expect(await store.get(key)).toBeNull()
      expect(await store.increment(key, 10)).toBe(1)
      const item = await subject.table.item(`better-auth:${hashed(key)}`)
      expect(numberText(item, 'expiresMs')).toBe(String(clock.nowMs + 10_000))
      clock.advance(5000)
      expect(await store.increment(key, 60)).toBe(2)
      clock.advance(5000)
      expect(await store.increment(key, 60)).toBe(1)
    })

    test('counts for ever without a ttl', async () => {
      const clock = new ManualClock()
      const [store, key] = [storage({ clock }), freshKey()]
      await store.increment(key, 0)
      clock.advance(1e12)
      expect(await store.increment(key, -1)).toBe(2)
    })

    test('parallel increments of several servers get different numbers, without a gap', async () => {
      const key = freshKey()
      const stores = Array.from({ length: 5 }, () => storage())
      const counts = await Promise.all(
        stores.flatMap(store => Array.from({ length: 20 }, () => store.increment(key, 60))),
      )
      expect(counts.toSorted((left, right) => left - right)).toEqual(
        Array.from({ length: 100 }, (_, index) => index + 1),
      )
    })

    test('increments that come while one is under way are sent together', async () => {
      const key = freshKey()
      const recorder = await subject.recorder()
      const store = storage({ endpoint: recorder.url })
      await store.increment(key, 60)
      recorder.forget()
      const first = store.increment(key, 60)
      await Promise.resolve()
      const counts = await Promise.all([first, ...Array.from({ length: 50 }, () => store.increment(key, 60))])
      expect(counts).toEqual(Array.from({ length: 51 }, (_, index) => index + 2))
      expect(recorder.operations.length).toBeLessThanOrEqual(2)
    })

    test('counts once although the answer was lost (G11): beginning, going on, and with others in between', async () => {
      const key = freshKey()
      const other = storage()
      const lostOperations: string[] = []
      let isLossy = true
      let elsewhere = 0
      const endpoint = await subject.losing(async ({ operation }, { statusCode }) => {
        if (!isLossy || statusCode !== 200 || operation === 'GetItem') return false
        isLossy = false
        lostOperations.push(operation)
        await Promise.all(Array.from({ length: elsewhere }, () => other.increment(key, 60)))
        return true
      })
      const store = storage({ endpoint: endpoint.url })
      expect(await store.increment(key, 60)).toBe(1)
      isLossy = true
      expect(await store.increment(key, 60)).toBe(2)
      isLossy = true
      elsewhere = 40
      // Its own place, and not how far the counter has come by the time the request is sent again.
      expect(await store.increment(key, 60)).toBe(3)
      expect(await store.increment(key, 60)).toBe(44)
      expect(lostOperations).toEqual(['PutItem', 'UpdateItem', 'UpdateItem'])
    })

    test.each([
      ['one after the other, over hours', 61_000, 40, 16],
      ['at the same time', 0, 70, 64],
    ])('marks of writers do not pile up: %s', async (_when, pauseMs, writers, most) => {
      const clock = new ManualClock()
      const key = freshKey()
      const counts: number[] = []
      for (let writer = 0; writer < writers; writer++) {
        counts.push(await storage({ clock }).increment(key, 0))
        clock.advance(pauseMs)
      }
      expect(counts).toEqual(Array.from({ length: writers }, (_, index) => index + 1))
      expect(await marksOf(key)).toBeLessThanOrEqual(most)
    })

    test('marks that an older version has left are removed, some at a time', async () => {
      const key = freshKey()
      const id = { S: `better-auth:${hashed(key)}` }
      const marks = Array.from({ length: 300 }, (_, index): [string, Item[string]][] => [
        [`seq-old${index}`, { N: String(index + 1) }],
        [`at-old${index}`, { N: String(index + 1) }],
      ]).flat()
      await subject.table.put({ id, count: { N: '300' }, ...Object.fromEntries(marks) })
      const store = storage()
      for (let count = 301; count <= 310; count++) expect(await store.increment(key, 0)).toBe(count)
      expect(await marksOf(key)).toBeLessThanOrEqual(64)
    })

    test('counts right by a clock that is behind', async () => {
      const clock = new ManualClock()
      const late = new ManualClock()
      const key = freshKey()
      for (let writer = 0; writer < 20; writer++) {
        await storage({ clock }).increment(key, 0)
        clock.advance(61_000)
      }
      const store = storage({ clock: late })
      expect([await store.increment(key, 0), await store.increment(key, 0)]).toEqual([21, 22])
      expect(await storage({ clock }).increment(key, 0)).toBe(23)
    })

    test.each([
      ['so many others have counted since that its mark is gone', 0, 70, '72'],
      ['its window is over and another has begun', 61_000, 1, '1'],
    ])('is an error and counts once, when %s', async (_what, pauseMs, others, count) => {
      const clock = new ManualClock()
      const key = freshKey()
      let isLossy = false
      const endpoint = await subject.losing(async ({ operation }) => {
        if (!isLossy || operation !== 'UpdateItem') return false
        isLossy = false
        clock.advance(pauseMs)
        for (let other = 0; other < others; other++) {
          clock.advance(1)
          await storage({ clock }).increment(key, 60)
        }
        return true
      })
      // The others take their time before the response is lost.
      const patience = { attemptTimeoutMs: 60_000, deadlineMs: 120_000 }
      const store = storage({ endpoint: endpoint.url, clock, ...patience })
      expect(await store.increment(key, 60)).toBe(1)
      isLossy = true
      await expect(store.increment(key, 60)).rejects.toMatchObject({ code: 'SESSION_CONFLICT' })
      expect(await store.get(key)).toBe(count)
      expect(await store.increment(key, 60)).toBe(Number(count) + 1)
    })

    test('a key that holds a text is refused and keeps it', async () => {
      const [store, key] = [storage(), freshKey()]
      await store.set(key, '5')
      await expect(store.increment(key, 60)).rejects.toMatchObject({ code: 'NOT_A_COUNTER' })
      expect(await store.get(key)).toBe('5')
      await store.set(key, 'brief', 0.001)
      await store.delete(key)
      expect(await store.increment(key, 60)).toBe(1)
    })

    test('after a failure it counts on', async () => {
      const key = freshKey()
      let isBroken = true
      const recorder = await subject.recorder(() =>
        isBroken
          ? { statusCode: 400, body: { __type: 'com.amazonaws.dynamodb.v20120810#AccessDeniedException' } }
          : undefined,
      )
      const store = storage({ endpoint: recorder.url })
      const failed = await Promise.allSettled([store.increment(key, 60), store.increment(key, 60)])
      expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
      isBroken = false
      expect(await store.increment(key, 60)).toBe(1)
    })
  })
})

test('wrong options are refused when the storage is made', () => {
  expect(() => dynamoDBSecondaryStorage({ tabel: 'x' } as never)).toThrow(/did you mean "table"/)
  expect(() => dynamoDBSecondaryStorage({ ttlSeconds: 5 } as never)).toThrow(/no option "ttlSeconds"/)
})
