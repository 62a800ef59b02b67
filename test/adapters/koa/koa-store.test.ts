import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'

import { describe, expect, test } from 'vitest'

import { DynamoDBStore, type DynamoDBStoreOptions } from '../../../src/adapters/koa.ts'
import { type SessionData, SessionStore, TableNotFoundError } from '../../../src/index.ts'
import { engine, uniqueTableName } from '../../support/engines.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { numberText } from '../../support/session-table.ts'
import { everyTouch, tableSubject } from '../../support/table-subject.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

describe('DynamoDBStore of Koa', () => {
  const subject = tableSubject(engine, { hashIds: false, ...everyTouch })

  const openStore = (options: DynamoDBStoreOptions = {}): DynamoDBStore =>
    subject.closeLater(new DynamoDBStore({ ...subject.options, ...options }))

  test('a session is there from its set to its destroy, both of which resolve with nothing', async () => {
    const store = openStore()
    expect(await store.get('one')).toBeUndefined()
    expect(await store.set('one', { user: 'ada' })).toBeUndefined()
    expect(await store.get('one')).toEqual(expect.objectContaining({ user: 'ada' }))
    expect(await store.destroy('one')).toBeUndefined()
    expect(await store.get('one')).toBeUndefined()
    expect(await store.destroy('one')).toBeUndefined()
  })

  test('a SessionStore may be given, and is left open', async () => {
    const sessions = subject.closeLater(new SessionStore(subject.options))
    const store = new DynamoDBStore(sessions)
    await store.set('shared', { user: 'ada' })
    await store.close()
    expect((await sessions.read('shared'))?.data).toEqual({ user: 'ada' })
    const own = openStore()
    await own.close()
    await expect(own.get('shared')).rejects.toMatchObject({ code: 'STORE_CLOSED' })
  })

  test('wrong options are refused at once', () => {
    expect(() => new DynamoDBStore({ tabel: 'x' } as object)).toThrow(/"tabel"/)
  })

  test('failures reject, and no more', async () => {
    const store = openStore({ table: uniqueTableName() })
    const outcomes = await Promise.allSettled([
      store.get('id'),
      store.set('id', {}),
      store.destroy('id'),
      store.destroy('id', callOf({ session: {} })),
    ])
    const failed = { status: 'rejected', reason: expect.any(TableNotFoundError) as unknown }
    expect(outcomes).toEqual([failed, failed, failed, failed])
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ reason: { httpStatusCode: 400 } })
      expect(outcome).not.toHaveProperty(['reason', 'statusCode'])
    }
  })

  test.each([[undefined], [null], [''], [7]])('%j is the ID of no session, and none to save', async key => {
    const store = openStore()
    const id = key as string
    expect(await store.get(id)).toBeUndefined()
    await expect(store.set(id, { user: 'ada' })).rejects.toMatchObject({ code: 'INVALID_SESSION_ID' })
    await expect(store.destroy(id)).rejects.toMatchObject({ code: 'INVALID_SESSION_ID' })
  })

  test.each([[undefined], [null], ['text'], [7], [[1]]])('%j is no session to save', async session => {
    const store = openStore()
    await expect(store.set('no-session', session as never)).rejects.toMatchObject({
      name: 'TypeError',
      code: 'INVALID_SESSION_DATA',
    })
    expect(await subject.table.item('no-session')).toBeUndefined()
  })

  describe('a session expires', () => {
    const clock = new ManualClock()
    const at = (ms: number): number => clock.nowMs + ms
    const cases: readonly (readonly [string, object, number | 'session' | undefined, number])[] = [
      ['at _expire', { _expire: at(HOUR_MS), _maxAge: HOUR_MS }, HOUR_MS + 10_000, HOUR_MS],
      ['after maxAge', {}, HOUR_MS, HOUR_MS],
      ['after maxAge, with an _expire that is none', { _expire: Number.NaN }, HOUR_MS, HOUR_MS],
      ['after ttlSeconds, with "session"', { _session: true }, 'session', DAY_MS],
      ['after ttlSeconds, with nothing', {}, undefined, DAY_MS],
      ['after ttlSeconds, with NaN', {}, Number.NaN, DAY_MS],
      ['after ttlSeconds, with Infinity', {}, Number.POSITIVE_INFINITY, DAY_MS],
      ['by its cookie', { cookie: { expires: new Date(at(HOUR_MS)) } }, undefined, HOUR_MS],
      ['by its cookie, with NaN', { cookie: { maxAge: HOUR_MS } }, Number.NaN, HOUR_MS],
      [
        'after ttlSeconds, with an Invalid Date',
        { cookie: { expires: new Date(Number.NaN) } },
        Number.NaN,
        DAY_MS,
      ],
      ['at once, with 0', {}, 0, 0],
      ['at once, below 0', {}, -5, 0],
      ['at once, with an _expire in the past', { _expire: at(-HOUR_MS) }, HOUR_MS, 0],
    ]
    test.each(cases)('%s', async (name, session, maxAge, lifetimeMs) => {
      const store = openStore({ clock })
      await store.set(name, session as SessionData, maxAge)
      const item = await subject.table.item(name)
      expect(numberText(item, 'expiresMs')).toBe(String(clock.nowMs + lifetimeMs))
      expect(numberText(item, 'expires')).toBe(String(Math.ceil((clock.nowMs + lifetimeMs) / 1000)))
      expect((await store.get(name)) === undefined).toBe(lifetimeMs === 0)
    })

    test('_expire is not stored, and is loaded as the session expires in fact', async () => {
      const store = openStore({ clock })
      const sessions = subject.closeLater(new SessionStore({ ...subject.options, clock }))
      await store.set('koa', { user: 'ada', _expire: at(HOUR_MS), _maxAge: HOUR_MS }, HOUR_MS + 10_000)
      expect((await sessions.read('koa'))?.data).toEqual({ user: 'ada', _maxAge: HOUR_MS })
      await sessions.touch('koa', { expiresMs: at(2 * HOUR_MS) })
      expect(await store.get('koa', HOUR_MS, callOf())).toEqual({
        user: 'ada',
        _expire: at(2 * HOUR_MS),
        _maxAge: HOUR_MS,
      })
    })

    test('a session for the browser has no _expire', async () => {
      const store = openStore({ clock })
      await store.set('browser', { user: 'ada', _session: true }, 'session')
      expect(await store.get('browser', undefined, callOf())).toEqual({ user: 'ada', _session: true })
    })

    test('a cookie shows the stored expiry, where it shows one', async () => {
      const store = openStore({ clock })
      await store.set('dated', { cookie: { expires: 'soon', path: '/' } }, HOUR_MS)
      await store.set('plain', { cookie: { path: '/' } }, HOUR_MS)
      expect((await store.get('dated'))?.['cookie']).toEqual({
        expires: new Date(at(HOUR_MS)).toISOString(),
        path: '/',
      })
      expect((await store.get('plain'))?.['cookie']).toEqual({ path: '/' })
    })
  })

  describe('late saves', () => {
    test('of a request that had loaded the session do not undo a destroy', async () => {
      const store = openStore()
      const call = callOf()
      await store.set('late', { user: 'ada' })
      await store.get('late', undefined, call)
      await openStore().destroy('late', callOf())
      await store.set('late', { user: 'eve' }, HOUR_MS, call)
      await store.set('late', { user: 'eve' }, HOUR_MS, call)
      expect(await subject.table.item('late')).toBeUndefined()
      await store.set('late', { user: 'bob' }, HOUR_MS, callOf())
      expect(await store.get('late')).toMatchObject({ user: 'bob' })
    })

    test('without a context, of the loaded object and its copies do not either', async () => {
      const store = openStore()
      await store.set('copied', { user: 'ada' })
      const session = await store.get('copied')
      if (session === undefined) throw new Error('the session is not there')
      expect(Object.keys(session)).toEqual(['user'])
      await store.destroy('copied')
      for (const late of [session, { ...session, visits: 1 }, Object.assign({}, session)]) {
        await store.set('copied', late)
        expect(await subject.table.item('copied')).toBeUndefined()
      }
      await store.set('copied elsewhere', session)
      expect(await store.get('copied elsewhere')).toMatchObject({ user: 'ada' })
    })
  })

  describe('with locking', () => {
    test('a call without a response is refused', async () => {
      const store = openStore({ locking: true })
      const refused = { name: 'TypeError', code: 'INVALID_OPTION' }
      await expect(store.get('id')).rejects.toMatchObject(refused)
      await expect(store.get('id', HOUR_MS, { rolling: false })).rejects.toMatchObject(refused)
      await expect(store.get('id', HOUR_MS, { ctx: {} })).rejects.toMatchObject(refused)
    })

    test('a WebSocket, or a job beside koa-session, reads without a lock', async () => {
      const store = openStore({ locking: { maxWaitMs: 0 } })
      await store.set('free', { user: 'ada' })
      const upgrade = Object.assign(new IncomingMessage(new Socket()), { upgrade: true })
      const call = callOf({ req: upgrade })
      const holder = callOf()
      expect(await store.get('free', HOUR_MS, call)).toMatchObject({ user: 'ada' })
      expect(await store.get('free', HOUR_MS, holder)).toMatchObject({ user: 'ada' })
      for (const reading of [store.get('free', HOUR_MS, call), store.get('free')]) {
        expect(await reading).toMatchObject({ user: 'ada' })
      }
      holder.ctx.res.emit('close')
      await expect.poll(() => subject.table.item('free')).not.toHaveProperty('lock')
    })

    test('the lock ends with the response, or with the destroy', async () => {
      const store = openStore({ locking: { maxWaitMs: 0 } })
      await store.set('locked', { user: 'ada' })
      const call = callOf()
      await store.get('locked', HOUR_MS, call)
      await expect(store.get('locked', HOUR_MS, callOf())).rejects.toMatchObject({ code: 'SESSION_LOCKED' })
      call.ctx.res.emit('close')
      await expect.poll(() => subject.table.item('locked')).not.toHaveProperty('lock')
      const next = callOf()
      await store.get('locked', HOUR_MS, next)
      await store.destroy('locked', next)
      expect(await subject.table.item('locked')).toBeUndefined()
    })

    test('a response that is over already keeps no lock', async () => {
      const store = openStore({ locking: true })
      await store.set('over', { user: 'ada' })
      const call = callOf()
      call.ctx.res.destroy()
      expect(await store.get('over', HOUR_MS, call)).toMatchObject({ user: 'ada' })
      await expect.poll(() => subject.table.item('over')).not.toHaveProperty('lock')
    })

    test('a session that is not there is not locked, and not created', async () => {
      const store = openStore({ locking: true })
      expect(await store.get('absent', HOUR_MS, callOf())).toBeUndefined()
      expect(await subject.table.item('absent')).toBeUndefined()
    })
  })
})

/** What koa-session passes along for one request. */
function callOf(context: object = {}): { ctx: { res: ServerResponse }; rolling: boolean; changed: boolean } {
  const res = new ServerResponse(new IncomingMessage(new Socket()))
  return { ctx: { ...context, res }, rolling: false, changed: true }
}
