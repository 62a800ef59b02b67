import type { Session } from 'fastify'
import { describe, expect, test } from 'vitest'

import './fastify-app.ts'

import { DynamoDBStore, type DynamoDBStoreOptions } from '../../../src/adapters/fastify.ts'
import { SessionStore, TableNotFoundError } from '../../../src/index.ts'
import { callbackOutcome, callbackValue } from '../../support/callback-outcome.ts'
import { engine, uniqueTableName } from '../../support/engines.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { unhandledErrorsDuring, warningDuring } from '../../support/process-events.ts'
import { numberText } from '../../support/session-table.ts'
import { everyTouch, tableSubject } from '../../support/table-subject.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

describe('DynamoDBStore of Fastify', () => {
  const subject = tableSubject(engine, { hashIds: false, ...everyTouch })

  const openStore = (options: DynamoDBStoreOptions = {}): DynamoDBStore =>
    subject.closeLater(new DynamoDBStore({ ...subject.options, ...options }))

  test('callbacks are called once, later, with null for an error', async () => {
    const store = openStore()
    const success = { error: null, calls: 1, asynchronous: true }
    expect(await outcome(done => store.set('one', sessionOf({}), done))).toEqual(success)
    expect(await outcomeOfGet(store, 'one')).toMatchObject({ ...success, value: { user: 'ada' } })
    expect(await outcome(done => store.destroy('one', done))).toEqual(success)
    expect(await outcomeOfGet(store, 'one')).toEqual({ ...success, value: null })
    expect(await outcome(done => store.destroy('one', done))).toEqual(success)
  })

  test('a callback that throws is an uncaught exception, once', async () => {
    const failure = new Error('the callback is broken')
    const store = openStore()
    const calls: ((done: () => void) => void)[] = [
      done => store.get('thrown', done),
      done => store.set('thrown', sessionOf({}), done),
      done => store.destroy('thrown', done),
      done => store.destroy('', done),
    ]
    for (const call of calls) {
      let count = 0
      const unhandled = await unhandledErrorsDuring(async () => {
        await new Promise<void>(resolve => {
          call(() => {
            count++
            resolve()
            throw failure
          })
        })
      })
      expect(unhandled).toEqual({ uncaughtExceptions: [failure], unhandledRejections: [] })
      expect(count).toBe(1)
    }
  })

  test('a failure without a callback is a warning, and does not end the process', async () => {
    const store = openStore({ table: uniqueTableName() })
    for (const call of [() => store.set('id', sessionOf({})), () => store.destroy('id')]) {
      const unhandled = await unhandledErrorsDuring(async () => {
        expect(await warningDuring(call)).toBeInstanceOf(TableNotFoundError)
      })
      expect(unhandled).toEqual({ uncaughtExceptions: [], unhandledRejections: [] })
    }
  })

  test.each([undefined, null, '', 7])('the session ID %j is an error of the callback', async id => {
    const store = openStore()
    const mistake = { error: { name: 'TypeError', code: 'INVALID_SESSION_ID' }, calls: 1, asynchronous: true }
    const sessionId = id as string
    expect(await outcomeOfGet(store, sessionId)).toMatchObject(mistake)
    expect(await outcome(done => store.set(sessionId, sessionOf({}), done))).toMatchObject(mistake)
    expect(await outcome(done => store.destroy(sessionId, done))).toMatchObject(mistake)
  })

  test.each([[undefined], [null], ['text'], [7], [[1]]])('%j is no session to save', async session => {
    const store = openStore()
    expect(await outcome(done => store.set('no-session', session as never, done))).toMatchObject({
      error: { name: 'TypeError', code: 'INVALID_SESSION_DATA' },
      calls: 1,
    })
    expect(await subject.table.item('no-session')).toBeUndefined()
  })

  test('a SessionStore may be given, and is left open', async () => {
    const sessions = subject.closeLater(new SessionStore<Session>(subject.options))
    const store = new DynamoDBStore(sessions)
    await save(store, 'shared', sessionOf({}))
    await store.close()
    expect((await sessions.read('shared'))?.data.user).toBe('ada')
    const own = openStore()
    await own.close()
    expect(await outcomeOfGet(own, 'shared')).toMatchObject({ error: { code: 'STORE_CLOSED' } })
  })

  test('wrong options and locking are refused at once', () => {
    expect(() => new DynamoDBStore({ tabel: 'x' } as object)).toThrow(/"tabel"/)
    expect(() => new DynamoDBStore({ ttl: 60, ttlSeconds: 60 })).toThrow(
      /"ttl" and "ttlSeconds" are the same/,
    )
    const refusal = /"locking" does not go with @fastify\/session/
    expect(() => new DynamoDBStore({ locking: true } as object)).toThrow(refusal)
    const locking = new SessionStore<Session>({ locking: { leaseSeconds: 5 } })
    expect(() => new DynamoDBStore(locking)).toThrow(refusal)
  })

  describe('the cookie decides when a session expires', () => {
    const clock = new ManualClock()
    const at = (ms: number): Date => new Date(clock.nowMs + ms)
    const cookies: readonly (readonly [string, unknown, number])[] = [
      ['expires, a Date', { expires: at(HOUR_MS) }, HOUR_MS],
      ['expires, a text', { expires: at(HOUR_MS).toISOString() }, HOUR_MS],
      ['expires before maxAge', { expires: at(HOUR_MS), maxAge: 5 }, HOUR_MS],
      ['maxAge alone', { maxAge: HOUR_MS }, HOUR_MS],
      ['expires null', { expires: null, originalMaxAge: null }, DAY_MS],
      ['an Invalid Date', { expires: new Date(Number.NaN) }, DAY_MS],
      ['an Invalid Date, but maxAge', { expires: new Date(Number.NaN), maxAge: HOUR_MS }, HOUR_MS],
      ['maxAge NaN', { maxAge: Number.NaN }, DAY_MS],
      ['no cookie', undefined, DAY_MS],
      ['a cookie that is null', null, DAY_MS],
      ['expires in the past', { expires: at(-HOUR_MS) }, 0],
    ]
    test.each(cookies)('%s', async (name, cookie, lifetimeMs) => {
      const store = openStore({ clock })
      const session = { user: 'ada', ...(cookie !== undefined && { cookie }) } as unknown as Session
      await save(store, name, session)
      const item = await subject.table.item(name)
      expect(numberText(item, 'expiresMs')).toBe(String(clock.nowMs + lifetimeMs))
      expect(numberText(item, 'expires')).toBe(String(Math.ceil((clock.nowMs + lifetimeMs) / 1000)))
      expect((await loaded(store, name)) === null).toBe(lifetimeMs === 0)
    })

    test('what is loaded shows the stored expiry, and loading does not extend it', async () => {
      const store = openStore({ clock })
      await save(store, 'shown', sessionOf({ expires: at(HOUR_MS) }))
      const session = await loaded(store, 'shown')
      if (session === null) throw new Error('the session is not there')
      expect(session.cookie.expires).toBe(at(HOUR_MS).toISOString())
      session.cookie.expires = at(2 * HOUR_MS)
      await save(store, 'shown', session)
      await loaded(store, 'shown')
      expect((await loaded(store, 'shown'))?.cookie.expires).toBe(at(2 * HOUR_MS).toISOString())
    })

    test('a cookie without an expiry is loaded as it is', async () => {
      const store = openStore({ clock })
      await save(store, 'plain', sessionOf({ expires: null, originalMaxAge: null, path: '/' }))
      expect((await loaded(store, 'plain'))?.cookie).toEqual({
        expires: null,
        originalMaxAge: null,
        path: '/',
      })
    })
  })

  describe('what was loaded', () => {
    test('carries that to the objects that are made of it, under the same ID only', async () => {
      const store = openStore()
      const [id, other] = ['carried', 'carried-elsewhere']
      await save(store, id, sessionOf({}))
      const session = await loaded(store, id)
      if (session === null) throw new Error('the session is not there')
      await callbackValue(done => {
        store.destroy(id, done)
      })
      for (const late of [session, { ...session }, Object.assign({}, session, { visits: 1 })]) {
        expect(await outcome(done => store.set(id, late, done))).toMatchObject({ error: null, calls: 1 })
        expect(await subject.table.item(id)).toBeUndefined()
      }
      await save(store, other, session)
      expect((await loaded(store, other))?.user).toBe('ada')
    })

    test('means nothing to another store', async () => {
      const [one, two] = [openStore({ prefix: 'one:' }), openStore({ prefix: 'two:' })]
      await save(one, 'id', sessionOf({}))
      const session = await loaded(one, 'id')
      if (session === null) throw new Error('the session is not there')
      await save(two, 'id', session)
      expect((await loaded(two, 'id'))?.user).toBe('ada')
      expect(JSON.stringify(await subject.table.item('two:id'))).not.toContain('$dynamodb-sessions')
    })

    test('a session without cookie stays one', async () => {
      const store = openStore()
      await save(store, 'bare', { user: 'ada' } as unknown as Session)
      const session = await loaded(store, 'bare')
      expect(JSON.parse(JSON.stringify(session))).toEqual({ user: 'ada' })
    })
  })
})

/** A session with the given members in its cookie. */
function sessionOf(cookie: object): Session {
  return { cookie: cookie as Session['cookie'], user: 'ada' }
}

async function outcome(start: (callback: (error?: unknown) => void) => void): Promise<unknown> {
  return callbackOutcome(start)
}

async function outcomeOfGet(store: DynamoDBStore, id: string): Promise<unknown> {
  return callbackOutcome<Session | null>(done => {
    store.get(id, done)
  })
}

async function save(store: DynamoDBStore, id: string, session: Session): Promise<void> {
  await callbackValue(done => {
    store.set(id, session, done)
  })
}

async function loaded(store: DynamoDBStore, id: string): Promise<Session | null> {
  const session = await callbackValue<Session | null>(done => {
    store.get(id, done)
  })
  if (session === undefined) throw new Error('get called back without a session and without null')
  return session
}
