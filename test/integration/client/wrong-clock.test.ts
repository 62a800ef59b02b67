import { Cookie, type SessionData } from 'express-session'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { DynamoDBStore } from '../../../src/adapters/express.ts'
import { dynamoDBDriver } from '../../../src/adapters/unstorage.ts'
import { dynamoDBSecondaryStorage } from '../../../src/adapters/better-auth.ts'
import { SessionStore } from '../../../src/index.ts'
import { callbackValue } from '../../support/callback-outcome.ts'
import { engine } from '../../support/engines.ts'
import { SessionTable, type TableOptions } from '../../support/session-table.ts'
import { rightNow, TimeCheckingEngine } from '../../support/time-checking-engine.ts'
import { toArray } from '../../support/to-array.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Times are compared to some minutes, which is little next to a day: `toBeCloseTo` takes digits after the point. */
const MINUTES = -6

const settings = { touchAfterSeconds: 0, ttlSeconds: HOUR_MS / 1000, hashIds: false }

interface Data {
  count?: number
  theirs?: boolean
}

interface Opened {
  readonly table: SessionTable
  readonly engine: TimeCheckingEngine
  readonly options: TableOptions & typeof settings
  /** A store whose machine has the right time. */
  readonly right: SessionStore<Data>
  /** A store on another machine, which has not called yet. */
  readonly wrong: SessionStore<Data>
}

describe('on a machine whose clock is', () => {
  describe.each([
    ['a day behind', -DAY_MS],
    ['a day ahead', DAY_MS],
  ])('%s, the first call', (_name, aheadMs) => {
    const wrongNow = (): number => rightNow() + aheadMs

    async function open(): Promise<Opened> {
      const table = await SessionTable.create(engine)
      const checking = await TimeCheckingEngine.start(engine)
      const options = {
        ...table.options,
        endpoint: checking.endpoint,
        ...settings,
      }
      const right = new SessionStore<Data>({ ...options, clock: { now: rightNow } })
      const wrong = new SessionStore<Data>({ ...options, clock: { now: wrongNow } })
      onTestFinished(async () => {
        await right.close()
        await wrong.close()
      })
      return { table, engine: checking, options, right, wrong }
    }

    test(
      'can be a write: the session lives as long as it should',
      async () => {
        const { engine: checking, right, wrong } = await open()
        const written = await wrong.write('id', { count: 1 })
        expect(checking.refused).toEqual(['PutItem'])
        const record = await right.read('id')
        expect(record?.data).toEqual({ count: 1 })
        expect(record?.expiresMs).toBeCloseTo(rightNow() + HOUR_MS, MINUTES)
        expect(written.createdMs).toBeCloseTo(wrongNow(), MINUTES)
        expect(written.expiresMs).toBeCloseTo(wrongNow() + HOUR_MS, MINUTES)
      },
      MINUTES,
    )

    test('can be a write that says when the session expires, by that clock', async () => {
      const { right, wrong } = await open()
      await wrong.write('id', { count: 1 }, { expiresMs: wrongNow() + HOUR_MS })
      expect((await right.read('id'))?.expiresMs).toBeCloseTo(rightNow() + HOUR_MS, MINUTES)
    })

    test('can be a touch: the session lives on', async () => {
      const { engine: checking, right, wrong } = await open()
      await right.write('id', { count: 1 }, { ttlSeconds: 60 })
      expect(await wrong.touch('id')).toBe(true)
      expect(checking.refused).toEqual(['UpdateItem'])
      expect((await right.read('id'))?.expiresMs).toBeCloseTo(rightNow() + HOUR_MS, MINUTES)
    })

    test(
      'can be a save, whatever others have saved',
      async () => {
        const { right, wrong } = await open()
        const basis = await right.write('id', { count: 1 })
        await right.write('id', { count: 1, theirs: true }, { basis })
        const saved = await wrong.write('id', { count: 2 }, { basis })
        expect(saved?.data).toEqual({ count: 2, theirs: true })
        const record = await right.read('id')
        expect(record?.data).toEqual({ count: 2, theirs: true })
        expect(record?.expiresMs).toBeCloseTo(rightNow() + HOUR_MS, MINUTES)
      },
      MINUTES,
    )

    test('can be a lock', async () => {
      const { right, wrong } = await open()
      await right.write('id', { count: 1 })
      const lock = await wrong.lock('id')
      expect(lock?.record.data).toEqual({ count: 1 })
      await expect(right.lock('id', { maxWaitMs: 0 })).rejects.toMatchObject({ code: 'SESSION_LOCKED' })
      await lock?.release()
      expect(await right.lock('id', { maxWaitMs: 0 })).toBeDefined()
    })

    test('can be one that looks for sessions', async () => {
      const { right, wrong } = await open()
      await right.write('a', { count: 1 })
      expect(await toArray(wrong.keys())).toEqual(['a'])
      expect(await wrong.count()).toBe(1)
    })

    test('can be one that collects garbage: what lives stays', async () => {
      const { table, right, wrong } = await open()
      await right.write('live', { count: 1 })
      const expiredMs = rightNow() - 60_000
      await table.put({
        id: { S: 'expired' },
        data: { S: '{}' },
        expiresMs: { N: String(Math.round(expiredMs)) },
      })
      expect(await wrong.collectGarbage()).toMatchObject({ deleted: 1 })
      expect(await toArray(right.keys())).toEqual(['live'])
    })

    test('can be one of express-session, whose cookie expires by that clock', async () => {
      const { options, right } = await open()
      vi.useFakeTimers({ toFake: ['Date'], now: wrongNow() })
      onTestFinished(() => {
        vi.useRealTimers()
      })
      const store = new DynamoDBStore(options)
      onTestFinished(() => store.close())
      const expires = new Date(Date.now() + HOUR_MS)
      const cookie = Object.assign(new Cookie(), { originalMaxAge: HOUR_MS, expires })
      await callbackValue(done => {
        store.set('id', { cookie }, done)
      })
      expect((await right.read('id'))?.expiresMs).toBeCloseTo(rightNow() + HOUR_MS, MINUTES)
      const loaded = await callbackValue<SessionData | null>(done => {
        store.get('id', done)
      })
      expect(new Date(String(loaded?.cookie.expires))).toEqual(expires)
    })

    test('can be one of a key-value storage', async () => {
      const { options } = await open()
      const { ttlSeconds: _, touchAfterSeconds: __, hashIds: ___, ...connection } = options
      const clock = { now: wrongNow }
      const rightClock = { now: rightNow }
      const driver = dynamoDBDriver({ ...connection, clock })
      await driver.setItem?.('key', 'text', { ttl: 3600 })
      const same = dynamoDBDriver({ ...connection, clock: rightClock })
      expect(await same.getItem('key')).toBe('text')
      expect(((await same.getMeta?.('key'))?.ttl ?? 0) * 1000).toBeCloseTo(HOUR_MS, MINUTES)
      const meta = await driver.getMeta?.('key')
      expect(meta?.mtime?.getTime()).toBeCloseTo(wrongNow(), MINUTES)
      for (const use of [
        async (storage: ReturnType<typeof dynamoDBSecondaryStorage>) => storage.set('token', 'text', 3600),
        async (storage: ReturnType<typeof dynamoDBSecondaryStorage>) => storage.increment?.('counter', 3600),
      ]) {
        const storage = dynamoDBSecondaryStorage({ ...connection, clock })
        await use(storage)
        await storage.close()
      }
      const storage = dynamoDBSecondaryStorage({ ...connection, clock: rightClock })
      expect(await storage.get('token')).toBe('text')
      expect(await storage.increment?.('counter', 3600)).toBe(2)
      await Promise.all([driver.dispose?.(), same.dispose?.(), storage.close()])
    })
  })
})
