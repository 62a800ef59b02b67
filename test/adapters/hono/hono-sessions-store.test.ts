import { setTimeout as delay } from 'node:timers/promises'

import { Hono } from 'hono'
import { type Session, sessionMiddleware, type SessionOptions } from 'hono-sessions'
import { describe, expect, test } from 'vitest'

import {
  DynamoDBStore,
  type DynamoDBStoreOptions,
  type HonoSessionData,
} from '../../../src/adapters/hono-sessions.ts'
import { SessionStore, TableNotFoundError } from '../../../src/index.ts'
import { engine } from '../../support/engines.ts'
import { Meeting } from '../../support/meeting.ts'
import { numberText } from '../../support/session-table.ts'
import { tableSubject } from '../../support/table-subject.ts'
import { overHttp, Visitor } from '../web/visitor.ts'
import { serveApp } from './http-server.ts'

interface Data {
  user: string
  visits: number
  message: string
  cookie: string
  _private: string
  [key: `key${string}`]: number
}

type Env = { Variables: { session: Session<Data>; session_key_rotation: boolean } }

const ENCRYPTION_KEY = 'a text of more than thirty-two characters'
const HOUR_SECONDS = 3600

describe('the store for hono-sessions', () => {
  const subject = tableSubject(engine)

  function storeOf(options?: DynamoDBStoreOptions): DynamoDBStore {
    return subject.closeLater(new DynamoDBStore({ ...subject.options, ...options }))
  }

  async function startApp(
    options: DynamoDBStoreOptions = {},
    settings: Partial<SessionOptions> = {},
    addRoutes: (hono: Hono<Env>) => void = () => undefined,
  ): Promise<{ readonly origin: string; readonly visitor: Visitor; readonly errors: unknown[] }> {
    const errors: unknown[] = []
    const hono = new Hono<Env>()
    hono.use(sessionMiddleware({ store: storeOf(options), expireAfterSeconds: HOUR_SECONDS, ...settings }))
    hono.onError((error, c) => {
      errors.push(error)
      return c.text('code' in error ? String(error.code) : error.message, 500)
    })
    addPages(hono)
    addRoutes(hono)
    const { origin } = subject.closeLater(await serveApp(hono))
    return { origin, visitor: new Visitor(overHttp(origin), { cookieName: 'session' }), errors }
  }

  describe.each([undefined, ENCRYPTION_KEY])('with the encryption key %s', encryptionKey => {
    const settings = encryptionKey === undefined ? {} : { encryptionKey }

    test('what one request sets the next one gets, whatever the key is called', async () => {
      const { visitor, errors } = await startApp({}, settings)
      await visitor.open('/set/user/ada')
      await visitor.open('/set/cookie/eaten')
      await visitor.open('/set/_private/thing')
      const gets = async (key: string): Promise<string> => (await visitor.open(`/get/${key}`)).text
      expect([
        await gets('user'),
        await gets('cookie'),
        await gets('_private'),
        await gets('visits'),
      ]).toEqual(['"ada"', '"eaten"', '"thing"', 'null'])
      await visitor.open('/forget/user')
      expect(await gets('user')).toBe('null')
      await visitor.open('/flash/hello')
      expect([await gets('message'), await gets('message')]).toEqual(['"hello"', 'null'])
      expect(errors).toEqual([])
    })

    test('a failed read reaches onError, and the visitor keeps the session (G6)', async () => {
      const { visitor } = await startApp({}, settings)
      await visitor.open('/set/user/ada')
      const { cookie } = visitor
      const broken = await startApp({ table: 'missing-table' }, settings)
      const atBroken = new Visitor(overHttp(broken.origin), { cookieName: 'session', cookie })
      const answer = await atBroken.open('/get/user')
      expect([answer.status, answer.text]).toEqual([500, 'TABLE_NOT_FOUND'])
      expect(answer.setCookie).toBeUndefined()
      expect(broken.errors).toEqual([expect.any(TableNotFoundError)])
      expect((await visitor.open('/get/user')).text).toBe('"ada"')
    })
  })

  test('a failed read fails its own request only', async () => {
    let isBroken = true
    const recorder = await subject.recorder(({ operation }) =>
      operation === 'GetItem' && isBroken
        ? { statusCode: 400, body: { __type: 'com.amazonaws.dynamodb.v20120810#AccessDeniedException' } }
        : undefined,
    )
    const { visitor, errors, origin } = await startApp({ endpoint: recorder.url })
    await visitor.open('/set/user/ada')
    const newcomers = Array.from(
      { length: 5 },
      () => new Visitor(overHttp(origin), { cookieName: 'session' }),
    )
    const answers = await Promise.all(
      newcomers.flatMap(newcomer => [visitor.anotherWindow().open('/get/user'), newcomer.open('/get/user')]),
    )
    expect(answers.map(({ status }) => status)).toEqual(newcomers.flatMap(() => [500, 200]))
    isBroken = false
    expect((await visitor.open('/get/user')).text).toBe('"ada"')
    expect(errors).toHaveLength(5)
  })

  test('failed writes reach onError', async () => {
    const { visitor, errors } = await startApp({ table: 'missing-table' })
    expect((await visitor.open('/set/user/ada')).status).toBe(500)
    expect(errors).toEqual([expect.any(TableNotFoundError)])
  })

  test('parallel requests keep both their changes (G2)', async () => {
    const meeting = new Meeting(3)
    const { visitor, errors } = await startApp({}, {}, hono => {
      hono.get('/together/:key', async c => {
        await meeting.attend()
        c.var.session.set(`key${c.req.param('key')}`, 1)
        return c.text('set')
      })
    })
    await visitor.open('/set/user/ada')
    await Promise.all([1, 2, 3].map(key => visitor.anotherWindow().open(`/together/${key}`)))
    for (const key of ['key1', 'key2', 'key3']) expect((await visitor.open(`/get/${key}`)).text).toBe('1')
    expect((await visitor.open('/get/user')).text).toBe('"ada"')
    expect(errors).toEqual([])
  })

  test('a logout stays one while slow requests save and extend (G3)', async () => {
    const arrival = new Meeting(3)
    const departure = new Meeting(3)
    const { visitor, errors } = await startApp({ touchAfterSeconds: 0 }, {}, hono => {
      hono.get('/slow/:what', async c => {
        await arrival.attend()
        await departure.attend()
        if (c.req.param('what') === 'change') c.var.session.set('visits', 100)
        return c.text('done')
      })
    })
    await visitor.open('/set/user/ada')
    const slow = ['change', 'read'].map(what => visitor.anotherWindow().open(`/slow/${what}`))
    await arrival.attend()
    await visitor.open('/logout')
    await departure.attend()
    expect((await Promise.all(slow)).map(({ status }) => status)).toEqual([200, 200])
    expect(await subject.item(visitor.id)).toBeUndefined()
    expect(errors).toEqual([])
  })

  test('rotating the key moves the session', async () => {
    const { visitor, origin } = await startApp({}, {}, hono => {
      hono.get('/login/:user', c => {
        c.set('session_key_rotation', true)
        c.var.session.set('user', c.req.param('user'))
        return c.text('logged in')
      })
    })
    await visitor.open('/set/visits/1')
    const { id } = visitor
    // The middleware sends the cookie twice then, of which browsers keep the last.
    const response = await fetch(`${origin}/login/ada`, { headers: { cookie: `session=${id}` } })
    const [, moved = ''] = response.headers.getSetCookie().map(header => header.replace(/^session=|;.*/g, ''))
    expect(moved).not.toBe(id)
    expect(await subject.item(id)).toBeUndefined()
    expect(await subject.item(moved)).toBeDefined()
  })

  test('the item expires when the session does, and a visit extends both without writing the data', async () => {
    const recorder = await subject.recorder()
    const { visitor } = await startApp({ endpoint: recorder.url, touchAfterSeconds: 0 })
    const startedAtMs = Date.now()
    await visitor.open('/set/user/ada')
    const before = await subject.item(visitor.id)
    expect(Number(numberText(before, 'expiresMs'))).toBeGreaterThanOrEqual(startedAtMs + HOUR_SECONDS * 1000)
    expect(Number(numberText(before, 'expiresMs'))).toBeLessThanOrEqual(Date.now() + HOUR_SECONDS * 1000)
    await delay(5)
    recorder.forget()
    await visitor.open('/get/user')
    expect(recorder.operations).toEqual(['GetItem', 'UpdateItem'])
    const after = await subject.item(visitor.id)
    expect(Number(numberText(after, 'expiresMs'))).toBeGreaterThan(Number(numberText(before, 'expiresMs')))
    expect({ ...after, expires: 0, expiresMs: 0 }).toEqual({ ...before, expires: 0, expiresMs: 0 })
    const stored = await storeOf().getSessionById(visitor.id)
    expect(stored?._expire).toBe(new Date(Number(numberText(after, 'expiresMs'))).toISOString())
  })

  test('the session ID is not in the item', async () => {
    const { visitor } = await startApp()
    await visitor.open('/set/user/ada')
    const item = await subject.item(visitor.id)
    expect(JSON.stringify(item)).toContain('ada')
    expect(JSON.stringify(item)).not.toContain(visitor.id)
  })

  test('storeEmptySessions goes with a store of the app, which is left open', async () => {
    const recorder = await subject.recorder()
    const sessions = new SessionStore<Record<string, unknown>>({ ...subject.options, endpoint: recorder.url })
    subject.closeLater(sessions)
    const store = new DynamoDBStore({ store: sessions, storeEmptySessions: false })
    await store.createSession('an-id', { ...data(), _data: {} })
    expect(recorder.operations).toEqual([])
    await store.createSession('an-id', data())
    await store.close()
    expect((await sessions.read('an-id'))?.data).toMatchObject({ user: { value: 'ada' } })
  })

  test('with storeEmptySessions: false, visitors of whom nothing is kept cost nothing', async () => {
    const recorder = await subject.recorder()
    const { visitor, errors } = await startApp({ endpoint: recorder.url, storeEmptySessions: false })
    await visitor.open('/get/user')
    await visitor.open('/get/user')
    expect(recorder.operations).toEqual(['GetItem'])
    recorder.forget()
    await visitor.open('/set/user/ada')
    expect(recorder.operations).toEqual(['GetItem', 'PutItem'])
    expect((await visitor.open('/get/user')).text).toBe('"ada"')
    expect(errors).toEqual([])
  })

  describe('by itself', () => {
    test('what was created and saved is loaded again', async () => {
      const store = storeOf()
      await store.createSession('by-itself', data())
      expect(await store.getSessionById('by-itself')).toEqual({ ...data(), _id: 'by-itself' })
      await store.persistSessionData('by-itself', { ...data(), _data: {} })
      expect(await store.getSessionById('by-itself')).toEqual({ ...data(), _data: {}, _id: 'by-itself' })
      await store.deleteSession('by-itself')
      await store.deleteSession('by-itself')
      expect(await store.getSessionById('by-itself')).toBeNull()
    })

    test('what can be no ID is the ID of no session', async () => {
      const store = storeOf({ hashIds: false })
      expect(await store.getSessionById()).toBeNull()
      expect(await store.getSessionById('')).toBeNull()
      expect(await store.getSessionById('x'.repeat(3000))).toBeNull()
    })

    test('a session whose _expire has passed is none', async () => {
      const store = storeOf()
      await store.createSession('over', { ...data(), _expire: '2001-01-01T00:00:00.000Z' })
      expect(await store.getSessionById('over')).toBeNull()
    })

    test('failures are errors, read or write', async () => {
      const store = storeOf({ table: 'missing-table' })
      await expect(store.persistSessionData('id', data())).rejects.toThrow(TableNotFoundError)
      await expect(store.deleteSession('id')).rejects.toThrow(TableNotFoundError)
      await expect(store.getSessionById('id')).rejects.toThrow(TableNotFoundError)
    })
  })
})

test('locking is refused', () => {
  const locking = new SessionStore<Record<string, unknown>>({ locking: true })
  expect(() => new DynamoDBStore(locking)).toThrow(/"locking" does not go with hono-sessions/)
  expect(() => new DynamoDBStore({ storeEmptySessions: 1 as unknown as boolean })).toThrow(
    /must be true or false/,
  )
  expect(() => new DynamoDBStore({ storeEmptySession: false } as object)).toThrow(/did you mean "storeEmpty/)
})

function addPages(hono: Hono<Env>): void {
  hono.get('/get/:key', c => c.json(c.var.session.get(c.req.param('key') as 'user')))
  hono.get('/set/:key/:value', c => {
    c.var.session.set(c.req.param('key') as 'user', c.req.param('value'))
    return c.text('set')
  })
  hono.get('/flash/:message', c => {
    c.var.session.flash('message', c.req.param('message'))
    return c.text('set')
  })
  hono.get('/forget/:key', c => {
    c.var.session.forget(c.req.param('key') as 'user')
    return c.text('forgotten')
  })
  hono.get('/logout', c => {
    c.var.session.deleteSession()
    return c.text('logged out')
  })
}

function data(): HonoSessionData {
  return {
    _data: { user: { value: 'ada', flash: false }, ['__proto__']: { value: 1, flash: true } },
    _expire: null,
    _delete: false,
    _accessed: '2031-05-06T07:08:09.000Z',
  }
}
