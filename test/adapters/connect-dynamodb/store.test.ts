import type { SessionData } from 'express-session'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

import type {
  DynamoDBStore,
  DynamoDBStoreOptions,
  TouchResult,
} from '../../../src/adapters/connect-dynamodb.ts'
import type { Item } from '../../../src/types.ts'
import { callbackOutcome, callbackValue } from '../../support/callback-outcome.ts'
import { engine, uniqueTableName } from '../../support/engines.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { unhandledErrorsDuring, warningDuring } from '../../support/process-events.ts'
import { StubEndpoint } from '../../support/stub-endpoint.ts'
import { newId } from '../../support/session-ids.ts'
import { connectDynamoDBSubject, get, set, Store, touch } from './subject.ts'

const HOUR_MS = 3_600_000

/** However busy the machine is. */
const OFTEN = { interval: 5 }

/** In how many parts a table is scanned. */
const SEGMENTS = 4

const clock = new ManualClock()
const nowSeconds = (): number => Math.floor(clock.nowMs / 1000)

describe('a store in the place of connect-dynamodb', () => {
  const subject = connectDynamoDBSubject(engine)
  const item = async (id: string): Promise<Item | undefined> => subject.table.item(`sess:${id}`)

  describe('writes the items that connect-dynamodb writes', () => {
    test('with the whole second in which the session expires', async () => {
      const store = subject.store({ clock })
      const id = newId()
      const session = sessionOf({ maxAge: 2500 }, { user: 'ada' })
      await set(store, id, session)
      expect(await item(id)).toEqual({
        id: { S: `sess:${id}` },
        sess: { S: JSON.stringify(session) },
        expires: { N: String(nowSeconds() + 3) },
        type: { S: 'connect-session' },
      })
    })

    test('which expires after a day when the cookie does not say, or after ttlSeconds', async () => {
      const [store, shorter] = [subject.store({ clock }), subject.store({ clock, ttlSeconds: 60 })]
      const [one, two] = [newId(), newId()]
      await set(store, one, sessionOf({}))
      await set(shorter, two, sessionOf({}))
      // The clock stands a millisecond past the full second.
      expect((await item(one))?.['expires']).toEqual({ N: String(nowSeconds() + 86_401) })
      expect((await item(two))?.['expires']).toEqual({ N: String(nowSeconds() + 61) })
    })

    test('with another key, prefix and table', async () => {
      const store = subject.store({ prefix: 'shop:' })
      const id = newId()
      await set(store, id, sessionOf({}, { user: 'ada' }))
      expect(await subject.table.item(`shop:${id}`)).toMatchObject({ type: { S: 'connect-session' } })
      expect(await get(store, id)).toMatchObject({ user: 'ada' })
      expect(await get(subject.store(), id)).toBeNull()
    })
  })

  describe('get', () => {
    test('the expiry of the cookie is as exact as it was set', async () => {
      const store = subject.store({ clock })
      const id = newId()
      const expires = new Date(Math.floor(clock.nowMs / 1000) * 1000 + HOUR_MS + 123).toISOString()
      await set(store, id, sessionOf({ expires }, { user: 'ada' }))
      expect((await get(store, id))?.cookie.expires).toBe(expires)
    })

    test.each([
      ['no expiry', undefined],
      ['an expiry that is a text', { S: '1700000000' }],
      ['an expiry that is nothing', { NULL: true }],
    ])('an item with %s is a session, as in connect-dynamodb', async (_, expires) => {
      const store = subject.store({ clock })
      const id = newId()
      const session = sessionOf({ expires: '2026-11-23T12:00:00.000Z' }, { user: 'ada' })
      await subject.table.put({
        id: { S: `sess:${id}` },
        sess: { S: JSON.stringify(session) },
        ...(expires && { expires }),
      })
      expect(await get(store, id)).toEqual(session)
      expect(store.getParsedSession({ Item: await item(id) })).toEqual(session)
      expect(await outcome<number>(done => store.length(done))).toMatchObject({ error: null })
    })

    test('calls back with the session, or with null', async () => {
      const store = subject.store()
      const id = newId()
      await set(store, id, sessionOf({ maxAge: 2000 }, { user: 'ada' }))
      expect(await outcome<SessionData>(done => store.get(id, done))).toEqual({
        error: null,
        value: { cookie: { maxAge: 2000 }, user: 'ada' },
        calls: 1,
        asynchronous: true,
      })
      expect(await outcome<SessionData>(done => store.get(newId(), done))).toMatchObject({
        error: null,
        value: null,
      })
    })

    test.each<[string, Item, object]>([
      ['a fraction of a second', { expires: { N: '1936076900.5' } }, { user: 'ada' }],
      [
        'milliseconds, as the first versions wrote them',
        { expires: { N: '1936076900500' } },
        { user: 'ada' },
      ],
    ])('reads an expiry with %s', async (_name, attributes, expected) => {
      const store = subject.store({ clock: new ManualClock(1_936_076_900_499) })
      const later = subject.store({ clock: new ManualClock(1_936_076_900_500) })
      const id = newId()
      const sess = { S: JSON.stringify(sessionOf({}, { user: 'ada' })) }
      await subject.table.put({ id: { S: `sess:${id}` }, sess, ...attributes })
      expect(await get(store, id)).toMatchObject(expected)
      expect(await get(later, id)).toBeNull()
    })

    test('takes a leftover of a touch for no session', async () => {
      const id = newId()
      await subject.table.put({ id: { S: `sess:${id}` }, expires: { N: '4102444800' } })
      expect(await get(subject.store(), id)).toBeNull()
    })

    test('calls back with an error when the session cannot be read', async () => {
      const id = newId()
      await subject.table.put({
        id: { S: `sess:${id}` },
        sess: { S: '{"user":' },
        expires: { N: '4102444800' },
      })
      expect((await outcome<SessionData>(done => subject.store().get(id, done))).error).toMatchObject({
        code: 'SESSION_CORRUPT',
      })
    })
  })

  describe('special keys', () => {
    const specialKeys = [
      { name: 'user', type: 'S' },
      { name: 'visits', type: 'N' },
      { name: 'admin', type: 'BOOL' },
    ] as const

    test('become attributes, and stay in the session', async () => {
      const store = subject.store({ specialKeys })
      const id = newId()
      await set(store, id, sessionOf({}, { user: 'ada', visits: 7, admin: true }))
      expect(await item(id)).toMatchObject({ user: { S: 'ada' }, visits: { N: '7' }, admin: { BOOL: true } })
      expect(await get(store, id)).toMatchObject({ user: 'ada', visits: 7, admin: true })
    })

    test('that a session lacks are an error of the save, and nothing is written', async () => {
      const store = subject.store({ specialKeys })
      const id = newId()
      const { error } = await outcome(done => store.set(id, sessionOf({}, { user: 'ada' }), done))
      expect(error).toMatchObject({
        code: 'INVALID_SESSION_DATA',
        message: expect.stringMatching(/"visits", "admin".*skipThrowMissingSpecialKeys/) as string,
      })
      expect(String(error)).not.toContain('ada')
      expect(await item(id)).toBeUndefined()
    })

    test.each([true, false])('may be lacking with skipThrowMissingSpecialKeys: %s', async skip => {
      const store = subject.store({ specialKeys, skipThrowMissingSpecialKeys: skip })
      const id = newId()
      const { error } = await outcome(done => store.set(id, sessionOf({}, { user: 'ada' }), done))
      expect(error === null).toBe(skip)
      expect((await item(id))?.['user']).toEqual(skip ? { S: 'ada' } : undefined)
    })

    test('that have left the session leave the item', async () => {
      const store = subject.store({ specialKeys, skipThrowMissingSpecialKeys: true })
      const id = newId()
      await set(store, id, sessionOf({}, { user: 'ada', visits: 1 }))
      const session = await get(store, id)
      if (!session) throw new Error('the session is not there')
      delete session.user
      await set(store, id, { ...session })
      expect(Object.keys((await item(id)) ?? {}).toSorted()).toEqual([
        'expires',
        'id',
        'sess',
        'type',
        'visits',
      ])
    })
  })

  describe('touch', () => {
    test('gives an item that does not say when it expires an expiry in seconds', async () => {
      const store = subject.store({ clock })
      const id = newId()
      const session = sessionOf({ maxAge: HOUR_MS }, { user: 'ada' })
      await subject.table.put({
        id: { S: `sess:${id}` },
        sess: { S: JSON.stringify(session) },
        expires: { S: '1700000000' },
      })
      const loaded = await get(store, id)
      if (!loaded) throw new Error('the session is not there')
      await touch(store, id, loaded)
      expect((await item(id))?.['expires']).toEqual({ N: String(nowSeconds() + 3601) })
    })

    test('moves the expiry, and calls back with the whole second', async () => {
      const store = subject.store({ clock })
      const id = newId()
      const session = sessionOf({ maxAge: 2000 }, { user: 'ada' })
      await set(store, id, session)
      const expires = nowSeconds() + 3601
      const touched = await outcome<TouchResult>(done => {
        store.touch(id, sessionOf({ maxAge: HOUR_MS }), done)
      })
      expect(touched).toEqual({ error: null, value: { expires }, calls: 1, asynchronous: true })
      expect((await item(id))?.['expires']).toEqual({ N: String(expires) })
      expect((await item(id))?.['sess']).toEqual({ S: JSON.stringify(session) })
    })

    test('leaves nothing behind where there is no session', async () => {
      const store = subject.store({ clock })
      const id = newId()
      const touched = await outcome<TouchResult>(done => {
        store.touch(id, sessionOf({ maxAge: HOUR_MS }), done)
      })
      expect(touched).toMatchObject({ error: null, value: { expires: nowSeconds() + 3601 } })
      expect(await item(id)).toBeUndefined()
    })

    test('does not revive a session that has expired', async () => {
      const past = new ManualClock(clock.nowMs - HOUR_MS)
      const id = newId()
      await set(subject.store({ clock: past }), id, sessionOf({ maxAge: 1000 }))
      const before = await item(id)
      await touch(subject.store({ clock }), id, sessionOf({ maxAge: HOUR_MS }))
      expect(await item(id)).toEqual(before)
    })

    test('is left out when it would change little', async () => {
      const store = subject.store({ clock, touchAfterSeconds: 60 })
      const id = newId()
      await set(store, id, sessionOf({ maxAge: HOUR_MS }))
      const session = await get(store, id)
      if (!session) throw new Error('the session is not there')
      session.cookie.maxAge = HOUR_MS + 30_000
      await touch(store, id, session)
      expect((await item(id))?.['expires']).toEqual({ N: String(nowSeconds() + 3601) })
      session.cookie.maxAge = HOUR_MS + 90_000
      await touch(store, id, session)
      expect((await item(id))?.['expires']).toEqual({ N: String(nowSeconds() + 3691) })
    })
  })

  describe('destroy', () => {
    test('deletes the item, with or without a callback', async () => {
      const store = subject.store()
      const [one, two] = [newId(), newId()]
      await set(store, one, sessionOf({}))
      await set(store, two, sessionOf({}))
      expect(await outcome(done => store.destroy(one, done))).toEqual({
        error: null,
        value: undefined,
        calls: 1,
        asynchronous: true,
      })
      expect(await item(one)).toBeUndefined()
      store.destroy(two)
      await expect.poll(() => item(two)).toBeUndefined()
    })

    test('wins against the late save and the late touch of a session that was loaded before', async () => {
      const store = subject.store()
      const id = newId()
      await set(store, id, sessionOf({}, { user: 'ada' }))
      const session = await get(store, id)
      if (!session) throw new Error('the session is not there')
      await callbackValue(done => store.destroy(id, done))
      session.visits = 1
      await set(store, id, session)
      await touch(store, id, session)
      expect(await item(id)).toBeUndefined()
    })
  })

  describe('what is no session', () => {
    const specialKeys = [{ name: 'user', type: 'S' as const }]

    test.each<[string, unknown, DynamoDBStoreOptions]>([
      ['undefined', undefined, {}],
      ['null', null, {}],
      ['a text', 'ada', {}],
      ['undefined, with special keys', undefined, { specialKeys }],
    ])('is an error of the callback: %s', async (_, session, options) => {
      const store = subject.store(options)
      const id = newId()
      for (const method of ['set', 'touch'] as const) {
        expect(await outcome(done => store[method](id, session as SessionData, done))).toMatchObject({
          error: {
            name: 'TypeError',
            code: 'INVALID_SESSION_DATA',
            message: 'session data must be an object',
          },
          calls: 1,
          asynchronous: true,
        })
      }
      expect(await item(id)).toBeUndefined()
    })

    test('is an error event without a callback', async () => {
      const store = subject.store()
      const nothing: unknown = undefined
      for (const method of ['set', 'touch'] as const) {
        const told = new Promise(resolve => {
          store.once('error', resolve)
        })
        store[method](newId(), nothing as SessionData)
        expect(await told).toMatchObject({ code: 'INVALID_SESSION_DATA' })
      }
    })
  })

  test('a function "ttlSeconds" that fails is an error of the callback', async () => {
    const reason = new Error('no lifetime today')
    const store = subject.store({
      ttlSeconds: () => {
        throw reason
      },
    })
    for (const method of ['set', 'touch'] as const) {
      const { error, asynchronous } = await outcome(done => store[method](newId(), sessionOf({}), done))
      expect(error).toBe(reason)
      expect(asynchronous).toBe(true)
    }
  })

  describe('a session whose cookie is over', () => {
    const over = [{ maxAge: -20_000 }, { maxAge: 0 }, { expires: new Date(clock.nowMs) }]

    test.each(over)('is gone once it is saved: %o', async cookie => {
      const store = subject.store({ clock })
      const id = newId()
      await set(store, id, sessionOf({}, { user: 'ada' }))
      await set(store, id, sessionOf(cookie, { user: 'ada' }))
      expect(await get(store, id)).toBeNull()
      expect(await item(id)).toBeUndefined()
    })

    test.each(over)('is gone once it is touched: %o', async cookie => {
      const store = subject.store({ clock })
      const id = newId()
      await set(store, id, sessionOf({}, { user: 'ada' }))
      const touched = await outcome<TouchResult>(done => {
        store.touch(id, sessionOf(cookie), done)
      })
      expect(touched).toMatchObject({
        error: null,
        calls: 1,
        value: { expires: expect.any(Number) as number },
      })
      expect(await get(store, id)).toBeNull()
    })
  })

  describe('reap', () => {
    test('deletes what has expired, of this prefix, and calls back once', async () => {
      const prefix = newId()
      const store = subject.store({ prefix })
      const past = subject.store({ prefix, clock: new ManualClock(Date.now() - HOUR_MS) })
      const others = subject.store({ prefix: newId(), clock: new ManualClock(Date.now() - HOUR_MS) })
      for (const id of ['one', 'two', 'three']) await set(past, id, sessionOf({ maxAge: 1000 }))
      await set(others, 'four', sessionOf({ maxAge: 1000 }))
      await set(store, 'five', sessionOf({ maxAge: HOUR_MS }))
      await subject.table.put({ id: { S: `${prefix}husk` }, expires: { N: '1000000000' } })
      expect(await outcome(done => store.reap(done))).toEqual({
        error: null,
        value: undefined,
        calls: 1,
        asynchronous: true,
      })
      const keys = (await subject.table.items(prefix)).map(({ id }) => id)
      expect(keys).toEqual([{ S: `${prefix}five` }])
      expect(await subject.table.items(others.prefix)).toHaveLength(1)
    })

    describe('with reapInterval', () => {
      beforeEach(() => {
        vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
      })
      afterEach(() => {
        vi.useRealTimers()
      })

      test('is done every so often, until clearInterval', async () => {
        const prefix = newId()
        const past = subject.store({ prefix, clock: new ManualClock(Date.now() - HOUR_MS) })
        const store = subject.store({ prefix, reapInterval: HOUR_MS })
        for (const id of ['one', 'two']) {
          await set(past, id, sessionOf({ maxAge: 1000 }))
          vi.advanceTimersByTime(HOUR_MS)
          await expect.poll(() => subject.table.items(prefix), OFTEN).toEqual([])
        }
        store.clearInterval()
        store.clearInterval()
        expect(vi.getTimerCount()).toBe(0)
        await set(past, 'three', sessionOf({ maxAge: 1000 }))
        await callbackValue(done => store.reap(done))
        expect(await subject.table.items(prefix)).toEqual([])
      })

      test('is ended by close', async () => {
        const store = subject.store({ reapInterval: HOUR_MS })
        expect(vi.getTimerCount()).toBe(1)
        await store.close()
        expect(vi.getTimerCount()).toBe(0)
      })

      test('is not begun again while it is under way', async () => {
        const release: (() => void)[] = []
        let scans = 0
        const stub = await StubEndpoint.start(async () => {
          scans++
          await new Promise<void>(resolve => release.push(resolve))
          return { statusCode: 400, body: { __type: 'AccessDeniedException', message: 'not for you' } }
        })
        const store = subject.store({ endpoint: stub.url, reapInterval: HOUR_MS, initialized: true })
        const failed = new Promise(resolve => {
          store.once('error', resolve)
        })
        vi.advanceTimersByTime(HOUR_MS)
        await expect.poll(() => scans, OFTEN).toBe(SEGMENTS)
        vi.advanceTimersByTime(3 * HOUR_MS)
        for (const answer of release) answer()
        expect(await failed).toMatchObject({ code: 'ACCESS_DENIED', name: 'AccessDeniedException' })
        expect(scans).toBe(SEGMENTS)
        await store.close()
        await stub.close()
      })

      test('that fails is an error event, else a warning', async () => {
        const store = subject.store({ table: uniqueTableName(), initialized: true, reapInterval: HOUR_MS })
        const warning = await warningDuring(() => {
          vi.advanceTimersByTime(HOUR_MS)
        })
        expect(warning).toMatchObject({ code: 'TABLE_NOT_FOUND' })
        const heard: unknown[] = []
        store.on('error', error => heard.push(error))
        const unhandled = await unhandledErrorsDuring(async () => {
          vi.advanceTimersByTime(HOUR_MS)
          await expect.poll(() => heard.length, OFTEN).toBe(1)
        })
        expect(heard).toMatchObject([{ code: 'TABLE_NOT_FOUND' }])
        expect(unhandled).toEqual({ uncaughtExceptions: [], unhandledRejections: [] })
      })
    })
  })

  describe('the methods of express-session that connect-dynamodb does not have', () => {
    test('list, count and clear the sessions of the prefix', async () => {
      const store = subject.store({ prefix: newId() })
      await set(store, 'one', sessionOf({}, { user: 'ada' }))
      await set(store, 'two', sessionOf({}, { user: 'bob' }))
      expect(await callbackValue<number>(done => store.length(done))).toBe(2)
      expect(await callbackValue<SessionData[] | null>(done => store.all(done))).toHaveLength(2)
      expect(await callbackValue<string[]>(done => store.ids(done))).toHaveLength(2)
      await callbackValue(done => store.clear(done))
      expect(await callbackValue<number>(done => store.length(done))).toBe(0)
      expect(await callbackValue<string[]>(done => store.ids(done))).toEqual([])
    })

    test('refuse calls after close', async () => {
      const store = subject.store()
      await set(store, newId(), sessionOf({}))
      await store.close()
      await store.close()
      await expect(get(store, 'one')).rejects.toMatchObject({ code: 'STORE_CLOSED' })
      const unused = subject.store()
      await unused.close()
      await expect(get(unused, 'one')).rejects.toMatchObject({ code: 'STORE_CLOSED' })
    })
  })
})

describe('without DynamoDB', () => {
  const store = connectDynamoDBStoreAt(clock)

  test('getExpiresValue is the whole second of the cookie', () => {
    expect(store.getExpiresValue(sessionOf({ maxAge: 2500 }))).toBe(nowSeconds() + 3)
    expect(store.getExpiresValue(sessionOf({ expires: new Date(clock.nowMs + HOUR_MS) }))).toBe(
      nowSeconds() + 3601,
    )
    expect(store.getExpiresValue(sessionOf({}))).toBe(nowSeconds() + 86_401)
    expect(store.getExpiresValue(sessionOf({ maxAge: Number.NaN }))).toBe(nowSeconds() + 86_401)
    expect(store.getExpiresValue(sessionOf({ maxAge: -1 }))).toBeLessThan(nowSeconds())
  })

  test('getExpiresValue heeds ttlSeconds', () => {
    expect(connectDynamoDBStoreAt(clock, 60).getExpiresValue(sessionOf({}))).toBe(nowSeconds() + 61)
    const byUser = connectDynamoDBStoreAt(clock, ({ user }) => (user === 'ada' ? 10 : undefined))
    expect(byUser.getExpiresValue(sessionOf({}, { user: 'ada' }))).toBe(nowSeconds() + 11)
    expect(byUser.getExpiresValue(sessionOf({}))).toBe(nowSeconds() + 86_401)
  })

  test('getParsedSession reads an answer of the AWS SDK', () => {
    const sess = { S: '{"cookie":{},"user":"ada"}' }
    const parsed = { cookie: {}, user: 'ada' }
    expect(store.getParsedSession({ Item: { sess } })).toEqual(parsed)
    expect(store.getParsedSession({ Item: { sess, expires: numberAttribute(nowSeconds() + 1) } })).toEqual(
      parsed,
    )
    expect(store.getParsedSession({ Item: { sess, expires: numberAttribute(clock.nowMs + 1) } })).toEqual(
      parsed,
    )
    expect(store.getParsedSession({ Item: { sess, expires: numberAttribute(nowSeconds()) } })).toBeNull()
    expect(store.getParsedSession({ Item: { sess, expires: numberAttribute(clock.nowMs) } })).toBeNull()
    expect(store.getParsedSession({ Item: { sess: { S: '{"user"' } } })).toBeNull()
    expect(store.getParsedSession({ Item: { sess: { S: '7' } } })).toBeNull()
    expect(store.getParsedSession({ Item: { sess: { M: {} } } })).toBeNull()
    expect(store.getParsedSession({ Item: {} })).toBeNull()
    expect(store.getParsedSession({})).toBeNull()
  })
})

function numberAttribute(value: number): object {
  return { N: String(value) }
}

function connectDynamoDBStoreAt(
  at: ManualClock,
  ttlSeconds?: DynamoDBStoreOptions['ttlSeconds'],
): DynamoDBStore {
  return new Store({ clock: at, ...(ttlSeconds !== undefined && { ttlSeconds }) })
}

function sessionOf(cookie: object, data: Partial<SessionData> & { admin?: boolean } = {}): SessionData {
  return { cookie: cookie as SessionData['cookie'], ...data }
}

async function outcome<Value = undefined>(
  start: (done: (error?: unknown, value?: Value | null) => void) => void,
): ReturnType<typeof callbackOutcome<Value | null>> {
  return callbackOutcome<Value | null>(start)
}
