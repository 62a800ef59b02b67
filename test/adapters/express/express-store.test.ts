import expressSession from 'express-session'
import type { SessionData } from 'express-session'
import { describe, expect, test } from 'vitest'

import '../../support/express-session-data.ts'

import { DynamoDBStore } from '../../../src/adapters/express.ts'
import { SessionCorruptError } from '../../../src/errors.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import type { Item } from '../../../src/types.ts'
import { callbackOutcome, callbackValue } from '../../support/callback-outcome.ts'
import { engine } from '../../support/engines.ts'
import { expressSubject } from '../../support/express-subject.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { newId } from '../../support/session-ids.ts'
import { numberText } from '../../support/session-table.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

type Cookie = SessionData['cookie']

describe('DynamoDBStore', () => {
  const subject = expressSubject(engine)

  describe('is a store of express-session', () => {
    test('by its prototype and its methods', () => {
      const store = subject.store()
      expect(store).toBeInstanceOf(expressSession.Store)
      for (const method of ['get', 'set', 'destroy', 'touch', 'all', 'length', 'clear', 'ids'] as const) {
        expect(store[method]).toBeTypeOf('function')
      }
    })

    test('that load makes a session of what get loads', async () => {
      const store = subject.store()
      const id = newId()
      await save(store, id, sessionOf({ maxAge: HOUR_MS, originalMaxAge: HOUR_MS }, 'ada'))
      const session = await callbackValue<SessionData>(done => {
        store.load(id, done)
      })
      expect(session?.user).toBe('ada')
      expect(session?.cookie.expires).toBeInstanceOf(Date)
      expect(session?.cookie.originalMaxAge).toBe(HOUR_MS)
      const absent = await callbackOutcome<SessionData>(done => {
        store.load(newId(), done)
      })
      expect(absent).toMatchObject({ value: undefined, calls: 1 })
    })

    test('that can be given a SessionStore, which it leaves open', async () => {
      const sessions = new SessionStore<SessionData>(subject.table.options)
      const store = new DynamoDBStore(sessions)
      const id = newId()
      await save(store, id, sessionOf({}, 'ada'))
      await store.close()
      expect((await sessions.read(id))?.data.user).toBe('ada')
      await sessions.close()
      expect(await outcomeOfGet(store, id)).toMatchObject({ error: { code: 'STORE_CLOSED' } })
    })

    test('under the names that other stores have for an option, once each', async () => {
      const clock = new ManualClock()
      const names = { ttl: 60, touchAfter: 30, touchAfterSeconds: undefined }
      const store = subject.store({ prefix: newId(), clock, ...names })
      await save(store, 'one', { user: 'ada' } as unknown as SessionData)
      clock.advance(60_000)
      expect(await outcomeOfGet(store, 'one')).toMatchObject({ value: null })
      for (const [name, own] of [
        ['ttl', 'ttlSeconds'],
        ['touchAfter', 'touchAfterSeconds'],
      ] as const) {
        expect(() => new DynamoDBStore({ [name]: 60, [own]: 60 })).toThrow(
          `"${name}" and "${own}" are the same`,
        )
        expect(() => new DynamoDBStore({ [name]: 'long' })).toThrow(`"${own}" must be`)
      }
    })

    test('that refuses wrong options at once', () => {
      expect(() => new DynamoDBStore({ tabel: 'x' } as object)).toThrow(/"tabel"/)
      expect(() => new DynamoDBStore({ table: 'x' })).toThrow(/"table"/)
    })
  })

  describe('callbacks', () => {
    test('are called once, later, with null for an error', async () => {
      const store = subject.store({ prefix: newId() })
      const session = sessionOf({}, 'ada')
      const success = { error: null, calls: 1, asynchronous: true }
      expect(await outcome(done => store.set('one', session, done))).toEqual({ ...success, value: undefined })
      expect(await outcome(done => store.touch('one', session, done))).toEqual({
        ...success,
        value: undefined,
      })
      expect(await outcomeOfGet(store, 'one')).toMatchObject({ ...success, value: { user: 'ada' } })
      expect(await outcome(done => store.length(done))).toEqual({ ...success, value: 1 })
      expect(await outcome(done => store.all(done))).toMatchObject({ ...success, value: [{ user: 'ada' }] })
      expect(await outcome(done => store.ids(done))).toMatchObject({
        ...success,
        value: [expect.any(String)],
      })
      expect(await outcome(done => store.destroy('one', done))).toEqual({ ...success, value: undefined })
      expect(await outcome(done => store.clear(done))).toEqual({ ...success, value: undefined })
      expect(await outcomeOfGet(store, 'one')).toEqual({ ...success, value: null })
    })

    test('may be left out', async () => {
      const store = subject.store({ prefix: newId() })
      const session = sessionOf({ maxAge: HOUR_MS }, 'ada')
      store.set('one', session)
      await expect.poll(() => loaded(store, 'one')).toMatchObject({ user: 'ada' })
      store.touch('one', session)
      store.destroy('one')
      await expect.poll(() => loaded(store, 'one')).toBeNull()
      await save(store, 'two', session)
      store.clear()
      await expect.poll(() => loaded(store, 'two')).toBeNull()
    })

    test('may be null, as plain JavaScript passes it', async () => {
      const store = subject.store()
      const id = newId()
      await save(store, id, sessionOf({}, 'ada'))
      Reflect.apply(store.destroy.bind(store), undefined, [id, null])
      await expect.poll(() => loaded(store, id)).toBeNull()
    })
  })

  describe('what is no session, or no session ID,', () => {
    test.each<[string, unknown]>([
      ['undefined', undefined],
      ['null', null],
      ['a text', 'ada'],
      ['an array', []],
    ])('is an error of the callback: %s', async (_, session) => {
      const store = subject.store()
      const id = newId()
      for (const method of ['set', 'touch'] as const) {
        if (method === 'touch' && Array.isArray(session)) continue
        const refused = await callbackOutcome(done => {
          store[method](id, session as SessionData, done)
        })
        expect(refused).toMatchObject(failure('INVALID_SESSION_DATA'))
        expect(refused.error).toHaveProperty('message', 'session data must be an object')
      }
      expect(await loaded(store, id)).toBeNull()
    })

    test.each<[string, unknown]>([
      ['undefined', undefined],
      ['null', null],
      ['an empty text', ''],
    ])('is an error of the callback, as an ID: %s', async (_, given) => {
      const store = subject.store()
      const id = given as string
      const calls = [
        (done: (error?: unknown) => void): void => store.get(id, done),
        (done: (error?: unknown) => void): void => store.set(id, sessionOf({}, 'ada'), done),
        (done: (error?: unknown) => void): void => store.touch(id, sessionOf({}, 'ada'), done),
        (done: (error?: unknown) => void): void => store.destroy(id, done),
      ]
      for (const call of calls) {
        expect(await callbackOutcome(call)).toMatchObject(failure('INVALID_SESSION_ID'))
      }
    })

    test('is an error event without a callback', async () => {
      const store = subject.store()
      const told = new Promise(resolve => {
        store.once('error', resolve)
      })
      const nothing: unknown = undefined
      store.set('id', nothing as SessionData)
      expect(await told).toMatchObject({ code: 'INVALID_SESSION_DATA' })
    })
  })

  describe('the cookie decides when a session expires', () => {
    const clock = new ManualClock()
    const at = (ms: number): Date => new Date(clock.nowMs + ms)

    const cookies: readonly (readonly [string, unknown, number])[] = [
      ['expires, a Date', { expires: at(HOUR_MS) }, HOUR_MS],
      [
        'expires, ISO text as a session has it that was not revived',
        { expires: at(HOUR_MS).toISOString() },
        HOUR_MS,
      ],
      ['expires before maxAge', { expires: at(HOUR_MS), maxAge: 5 }, HOUR_MS],
      ['maxAge alone', { maxAge: HOUR_MS }, HOUR_MS],
      ['maxAge with fractions', { maxAge: 1234.5 }, 1235],
      ['expires null', { expires: null }, DAY_MS],
      ['expires false', { expires: false }, DAY_MS],
      ['expires an Invalid Date', { expires: new Date(Number.NaN) }, DAY_MS],
      ['expires an unreadable text', { expires: 'soon' }, DAY_MS],
      ['expires an Invalid Date, but maxAge', { expires: new Date(Number.NaN), maxAge: HOUR_MS }, HOUR_MS],
      ['maxAge NaN', { maxAge: Number.NaN }, DAY_MS],
      ['maxAge Infinity', { maxAge: Number.POSITIVE_INFINITY }, DAY_MS],
      ['maxAge null', { maxAge: null }, DAY_MS],
      ['an empty cookie', {}, DAY_MS],
      ['no cookie', undefined, DAY_MS],
      ['a cookie that is null', null, DAY_MS],
      ['a cookie that is a text', 'cookie', DAY_MS],
      ['expires in the past', { expires: at(-HOUR_MS) }, 0],
      ['expires at the beginning of time', { expires: new Date(0) }, 0],
      ['maxAge 0', { maxAge: 0 }, 0],
      ['maxAge below 0', { maxAge: -5 }, 0],
    ]

    test.each(cookies)('%s', async (_name, cookie, lifetimeMs) => {
      const store = subject.store({ clock, hashIds: false })
      const [written, touched] = [newId(), newId()]
      const session = { user: 'ada', ...(cookie !== undefined && { cookie }) } as unknown as SessionData
      await save(store, written, session)
      await save(store, touched, sessionOf({ expires: at(30 * DAY_MS) }, 'bob'))
      await callbackValue(done => {
        store.touch(touched, session, done)
      })
      for (const id of [written, touched]) {
        const item = await subject.table.item(id)
        expect(numberText(item, 'expiresMs')).toBe(String(clock.nowMs + lifetimeMs))
        expect(numberText(item, 'expires')).toBe(String(Math.ceil((clock.nowMs + lifetimeMs) / 1000)))
        const session_ = await loaded(store, id)
        expect(session_ === null).toBe(lifetimeMs === 0)
      }
    })

    test('without its saying so, ttlSeconds does, a number or a function of the session', async () => {
      const fixed = subject.store({ clock, hashIds: false, ttlSeconds: 60 })
      const byUser = subject.store({
        clock,
        hashIds: false,
        ttlSeconds: session => (session.user === 'ada' ? 600 : 60),
      })
      const [one, ada, bob] = [newId(), newId(), newId()]
      await save(fixed, one, sessionOf({ expires: null }, 'ada'))
      await save(byUser, ada, sessionOf({ expires: null }, 'ada'))
      await save(byUser, bob, sessionOf({ expires: null }, 'bob'))
      const lifetimes = await Promise.all(
        [one, ada, bob].map(async id => {
          return Number(numberText(await subject.table.item(id), 'expiresMs')) - clock.nowMs
        }),
      )
      expect(lifetimes).toEqual([60_000, 600_000, 60_000])
    })

    test('get shows the stored expiry, and does not extend it', async () => {
      const store = subject.store({ clock })
      const id = newId()
      await save(store, id, sessionOf({ expires: at(HOUR_MS) }, 'ada'))
      const session = await loaded(store, id)
      expect(session?.cookie.expires).toBe(at(HOUR_MS).toISOString())
      await callbackValue(done => {
        store.touch(id, sessionOf({ expires: at(2 * HOUR_MS) }), done)
      })
      await loaded(store, id)
      expect((await loaded(store, id))?.cookie.expires).toBe(at(2 * HOUR_MS).toISOString())
    })

    test('get leaves a cookie without expiry as it is', async () => {
      const store = subject.store({ clock })
      const id = newId()
      await save(store, id, sessionOf({ expires: null }, 'ada'))
      expect((await loaded(store, id))?.cookie.expires).toBeNull()
    })

    test('a session without cookie is loaded as it was saved', async () => {
      const store = subject.store({ clock })
      const id = newId()
      await save(store, id, { user: 'ada' } as unknown as SessionData)
      expect(await loaded(store, id)).toEqual({ user: 'ada' })
    })
  })

  describe('touch', () => {
    test('of a session that is not there creates nothing and is no error', async () => {
      const store = subject.store({ hashIds: false })
      const id = newId()
      const session = sessionOf({ maxAge: HOUR_MS }, 'ada')
      expect(await outcome(done => store.touch(id, session, done))).toMatchObject({ error: null, calls: 1 })
      expect(await subject.table.item(id)).toBeUndefined()
    })

    test('of a session that has expired does not revive it', async () => {
      const clock = new ManualClock()
      const store = subject.store({ clock, hashIds: false })
      const id = newId()
      await save(store, id, sessionOf({ expires: new Date(clock.nowMs + 1000) }, 'ada'))
      const session = await loaded(store, id)
      const before = await subject.table.item(id)
      clock.advance(1000)
      const late = { ...session, cookie: { expires: new Date(clock.nowMs + HOUR_MS) } } as SessionData
      expect(await outcome(done => store.touch(id, late, done))).toMatchObject({ error: null })
      expect(await subject.table.item(id)).toEqual(before)
      expect(await loaded(store, id)).toBeNull()
    })
  })

  describe('late saves and touches of what get loaded', () => {
    test.each(['the object that get returned', 'the session that createSession makes of it'])(
      '%s does not undo a destroy',
      async form => {
        const store = subject.store({ hashIds: false })
        const id = newId()
        await save(store, id, sessionOf({ maxAge: HOUR_MS }, 'ada'))
        const data = await loaded(store, id)
        if (data === null) throw new Error('the session is not there')
        const session = form.startsWith('the object') ? data : createSession(store, id, data)
        await save(subject.store({ hashIds: false }), id, { ...session, user: 'saved by another process' })
        await callbackValue(done => {
          subject.store({ hashIds: false }).destroy(id, done)
        })
        expect(await outcome(done => store.set(id, session, done))).toMatchObject({ error: null, calls: 1 })
        expect(await outcome(done => store.touch(id, session, done))).toMatchObject({ error: null, calls: 1 })
        expect(await outcome(done => store.set(id, session, done))).toMatchObject({ error: null, calls: 1 })
        expect(await subject.table.item(id)).toBeUndefined()
      },
    )

    test('leave the session alone that has taken the ID of a destroyed one', async () => {
      const clock = new ManualClock()
      const store = subject.store({ clock, hashIds: false })
      const id = newId()
      await save(store, id, sessionOf({ expires: new Date(clock.nowMs + HOUR_MS) }, 'ada'))
      const late = await loaded(store, id)
      if (late === null) throw new Error('the session is not there')
      await callbackValue(done => {
        store.destroy(id, done)
      })
      clock.advance(1000)
      await save(store, id, sessionOf({ expires: new Date(clock.nowMs + HOUR_MS) }, 'bob'))
      const before = await subject.table.item(id)
      expect(await outcome(done => store.touch(id, late, done))).toMatchObject({ error: null })
      expect(await outcome(done => store.set(id, late, done))).toMatchObject({ error: null })
      expect(await subject.table.item(id)).toEqual(before)
    })

    test('a session object may be saved under another ID, which begins a session', async () => {
      const store = subject.store()
      const [id, copy] = [newId(), newId()]
      await save(store, id, sessionOf({ maxAge: HOUR_MS }, 'ada'))
      const session = await loaded(store, id)
      if (session === null) throw new Error('the session is not there')
      await save(store, copy, session)
      expect((await loaded(store, copy))?.user).toBe('ada')
      expect((await loaded(store, id))?.user).toBe('ada')
    })
  })

  describe('all, length, ids and clear', () => {
    test('see the sessions of their prefix that have not expired', async () => {
      const clock = new ManualClock()
      const prefix = `${newId()}:`
      const store = subject.store({ clock, prefix })
      const other = subject.store({ clock, prefix: `${newId()}:` })
      const session = sessionOf({ expires: new Date(clock.nowMs + HOUR_MS) }, 'ada')
      await save(store, 'short', sessionOf({ expires: new Date(clock.nowMs + 1) }, 'eve'))
      await save(store, 'one', session)
      await save(store, 'two', session)
      await save(other, 'one', session)
      clock.advance(1)

      expect(await callbackValue<number>(done => store.length(done))).toBe(2)
      const ids = await callbackValue<string[]>(done => store.ids(done))
      expect(ids).toHaveLength(2)
      expect(ids?.every(id => id.startsWith(prefix))).toBe(true)
      const sessions = await callbackValue<SessionData[] | null>(done => store.all(done))
      expect(sessions?.map(({ user, cookie }) => [user, cookie.expires])).toEqual(
        Array.from({ length: 2 }, () => ['ada', new Date(clock.nowMs - 1 + HOUR_MS).toISOString()]),
      )

      await callbackValue(done => {
        store.clear(done)
      })
      expect(await callbackValue<number>(done => store.length(done))).toBe(0)
      expect(await callbackValue<SessionData[] | null>(done => store.all(done))).toEqual([])
      expect(await callbackValue<string[]>(done => store.ids(done))).toEqual([])
      expect(await subject.table.items(prefix)).toEqual([])
      expect(await callbackValue<number>(done => other.length(done))).toBe(1)
    })

    test.each([{ hashIds: false }, { layout: 'php' }] as const)(
      '%j: ids and all tell the session IDs',
      async options => {
        const store = subject.store({ ...options, prefix: newId() })
        const id = newId()
        await save(store, id, sessionOf({}, 'ada'))
        expect(await callbackValue<string[]>(done => store.ids(done))).toEqual([id])
        const [session] = (await callbackValue<SessionData[] | null>(done => store.all(done))) ?? []
        expect(session).toMatchObject({ id, user: 'ada' })
        expect(JSON.stringify(session)).not.toContain(id)
        await callbackValue(done => {
          store.destroy(id, done)
        })
        expect(await callbackValue<string[]>(done => store.ids(done))).toEqual([])
      },
    )

    test('all tells no IDs that are hashed', async () => {
      const store = subject.store({ prefix: newId() })
      await save(store, newId(), sessionOf({}, 'ada'))
      const [session = {}] = (await callbackValue<SessionData[] | null>(done => store.all(done))) ?? []
      expect('id' in session).toBe(false)
    })

    test('an item that cannot be read hides no other from all, and is reported', async () => {
      const prefix = newId()
      const store = subject.store({ hashIds: false, prefix })
      const item = async (id: string): Promise<Item> => (await subject.table.item(prefix + id)) ?? {}
      const errors: unknown[] = []
      store.on('error', (error: unknown) => errors.push(error))
      await save(store, 'good', sessionOf({}, 'ada'))
      await save(store, 'bad', sessionOf({}, 'eve'))
      const expires = new Date(Date.now() + HOUR_MS)
      await save(store, 'eternal', sessionOf({ expires }, 'ben'))
      await subject.table.put({ ...(await item('bad')), data: { S: 'no JSON' } })
      const farAway = { N: '9'.repeat(38) }
      await subject.table.put({ ...(await item('eternal')), expiresMs: farAway, expires: farAway })
      const sessions = await callbackValue<SessionData[] | null>(done => store.all(done))
      expect(sessions?.map(({ user }) => user).toSorted()).toEqual(['ada', 'ben'])
      expect(errors).toEqual([expect.any(SessionCorruptError)])
      const ofEternal = await callbackValue<SessionData | null>(done => store.get('eternal', done))
      expect(ofEternal?.cookie.expires).toBe(expires.toISOString())
    })

    test('touches show in what all returns', async () => {
      const clock = new ManualClock()
      const store = subject.store({ clock, prefix: newId() })
      await save(store, 'one', sessionOf({ expires: new Date(clock.nowMs + 1000) }, 'ada'))
      const touched = new Date(clock.nowMs + HOUR_MS)
      await callbackValue(done => {
        store.touch('one', sessionOf({ expires: touched }), done)
      })
      const sessions = await callbackValue<SessionData[] | null>(done => store.all(done))
      expect(sessions?.map(({ cookie }) => cookie.expires)).toEqual([touched.toISOString()])
    })
  })
})

/** A session as the middleware makes it, with the given members in its cookie. */
function sessionOf(cookie: object, user?: string): SessionData {
  const made = new expressSession.Cookie()
  Object.assign(made, cookie)
  return { cookie: made satisfies Cookie, ...(user !== undefined && { user }) }
}

function createSession(store: DynamoDBStore, id: string, data: SessionData): SessionData {
  const request: unknown = { sessionID: id, sessionStore: store }
  return store.createSession(request as Parameters<DynamoDBStore['createSession']>[0], data)
}

/** What a callback is called with for a mistake of the caller. */
function failure(code: string): object {
  return {
    error: expect.objectContaining({ name: 'TypeError', code }) as object,
    calls: 1,
    asynchronous: true,
  }
}

async function outcome(
  start: (callback: (error?: unknown, value?: unknown) => void) => void,
): Promise<unknown> {
  return callbackOutcome(start)
}

async function outcomeOfGet(store: DynamoDBStore, id: string): Promise<unknown> {
  return callbackOutcome<SessionData | null>(done => {
    store.get(id, done)
  })
}

async function save(store: DynamoDBStore, id: string, session: SessionData): Promise<void> {
  await callbackValue(done => {
    store.set(id, session, done)
  })
}

async function loaded(store: DynamoDBStore, id: string): Promise<SessionData | null> {
  const session = await callbackValue<SessionData | null>(done => {
    store.get(id, done)
  })
  if (session === undefined) throw new Error('get called back without a session and without null')
  return session
}
