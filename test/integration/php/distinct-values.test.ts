import { randomBytes } from 'node:crypto'

import { Hono } from 'hono'
import { type Session as HonoSession, sessionMiddleware } from 'hono-sessions'
import genericSession from 'koa-generic-session'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'

import { DynamoDBStore as ExpressStore } from '../../../src/adapters/express.ts'
import { DynamoDBStore as HonoStore } from '../../../src/adapters/hono-sessions.ts'
import { DynamoDBStore as KoaStore } from '../../../src/adapters/koa.ts'
import { webSessions } from '../../../src/adapters/web.ts'
import { PhpFloat } from '../../../src/layouts/php/values.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import { type KoaRoutes, startKoa, startKoaSession } from '../../adapters/koa/koa-apps.ts'
import { engine } from '../../support/engines.ts'
import { sessionCookie, startApp } from '../../support/express-app.ts'
import { SessionTable } from '../../support/session-table.ts'

const cookie = { signed: false, name: 'PHPSESSID', prefix: 'none' } as const

/** Values that look the same as JSON or once they are decoded, and are not the same to PHP. */
const changes: [before: string, value: unknown, after: string][] = [
  ['N;', Number.NaN, 'd:NAN;'],
  ['N;', Infinity, 'd:INF;'],
  ['d:NAN;', null, 'N;'],
  ['d:INF;', -Infinity, 'd:-INF;'],
  ['i:1;', new PhpFloat(1), 'd:1;'],
  ['d:0;', -0, 'd:-0;'],
  ['a:1:{i:0;i:1;}', [new PhpFloat(1)], 'a:1:{i:0;d:1;}'],
  ['a:1:{i:0;N;}', [Number.NaN], 'a:1:{i:0;d:NAN;}'],
  ['s:1:"1";', 1, 'i:1;'],
  ['s:20:"9223372036854775807n";', 9223372036854775807n, 'i:9223372036854775807;'],
  ['a:1:{s:7:"@number";s:3:"NaN";}', Number.NaN, 'd:NAN;'],
]

describe('PHP values that JavaScript hardly tells apart', () => {
  let table: SessionTable

  beforeAll(async () => {
    table = await SessionTable.create(engine)
  })

  function open(
    options: Omit<Extract<SessionStoreOptions, { readonly layout: 'php' }>, 'layout'> = {},
  ): SessionStore {
    const store = new SessionStore({ ...table.options, layout: 'php', ...options })
    onTestFinished(() => store.close())
    return store
  }

  async function storedAs(data: string): Promise<string> {
    const id = randomBytes(16).toString('hex')
    await putAs(id, data)
    return id
  }

  async function putAs(id: string, data: string): Promise<void> {
    const expires = { N: String(Math.ceil(Date.now() / 1000) + 600) }
    await table.put({ id: { S: `PHPSESSID_${id}` }, data: { S: data }, expires })
  }

  async function stored(id: string): Promise<unknown> {
    return (await table.item(`PHPSESSID_${id}`))?.['data']
  }

  test.each(changes)('a change from %s to %s is stored', async (before, value, after) => {
    const store = open()
    const id = await storedAs(`other|i:7;v|${before}`)
    const basis = await store.read(id)
    await store.write(id, { ...basis?.data, v: value }, { basis })
    expect(await stored(id)).toEqual({ S: `other|i:7;v|${after}` })
  })

  test.each(changes)(
    'a change from %s to %s is merged with that of another',
    async (before, value, after) => {
      const store = open()
      const id = await storedAs(`other|i:7;v|${before}`)
      const basis = await store.read(id)
      await putAs(id, `other|d:7;v|${before}`)
      const record = await store.write(id, { ...basis?.data, v: value }, { basis })
      expect(await stored(id)).toEqual({ S: `other|d:7;v|${after}` })
      expect(record?.data['other']).toBe(7)
    },
  )

  test.each(changes)(
    'a change from %s to %s is stored by a handler of ./web',
    async (before, value, after) => {
      const sessions = webSessions({ ...table.options, layout: 'php', cookie })
      onTestFinished(() => sessions.close())
      const id = await storedAs(`other|i:7;v|${before}`)
      const request = new Request('http://127.0.0.1/', { headers: { cookie: `PHPSESSID=${id}` } })
      await sessions.handle(request, session => {
        session.set('v', value)
        return new Response()
      })
      expect(await stored(id)).toEqual({ S: `other|i:7;v|${after}` })
    },
  )

  test('such changes are stored by Express, next to integers that JSON cannot hold', async () => {
    const store = new ExpressStore({ ...table.options, layout: 'php' })
    let next: unknown
    const app = await startApp({ store }, routes => {
      routes.get('/', (request, response) => {
        Reflect.set(request.session, 'v', next)
        response.json(request.session)
      })
    })
    onTestFinished(async () => {
      await app.close()
      await store.close()
    })
    for (const [before, value, after] of changes) {
      next = value
      const id = await storedAs(`big|i:9223372036854775807;v|${before}`)
      const headers = { cookie: `connect.sid=${sessionCookie(id)}` }
      const response = await fetch(app.origin, { headers })
      expect(app.errors).toEqual([])
      expect(await response.json()).toMatchObject({ big: '9223372036854775807n' })
      expect(await stored(id)).toEqual({ S: `big|i:9223372036854775807;v|${after}` })
    }
  })

  test.each(['koa-session', 'koa-generic-session'])('such changes are stored by %s', async name => {
    const options = { ...table.options, layout: 'php' } as const
    const store =
      name === 'koa-session' ? new KoaStore(options) : new KoaStore<genericSession.Session>(options)
    let next: unknown
    const routes: KoaRoutes = {
      '/': ctx => {
        Reflect.set(ctx.session as object, 'v', next)
        return 'set'
      },
    }
    const generic: object = { store, prefix: '', key: 'PHPSESSID', cookie: { signed: false } }
    const app = await (name === 'koa-session'
      ? startKoaSession({ store, key: 'PHPSESSID', signed: false }, routes)
      : startKoa(() => [genericSession(generic)], routes))
    onTestFinished(async () => {
      await app.close()
      await store.close()
    })
    for (const [before, value, after] of changes) {
      next = value
      const id = await storedAs(`big|i:9223372036854775807;v|${before}`)
      const response = await fetch(app.origin, { headers: { cookie: `PHPSESSID=${id}` } })
      expect(await response.text()).toBe('set')
      expect(await stored(id)).toEqual({ S: `big|i:9223372036854775807;v|${after}` })
    }
  })

  test('such changes are stored by hono-sessions', async () => {
    const store = new HonoStore({ ...table.options, layout: 'php' })
    onTestFinished(() => store.close())
    const app = new Hono<{ Variables: { session: HonoSession<{ v: unknown }> } }>()
    app.use(sessionMiddleware({ store, expireAfterSeconds: 3600 }))
    let next: unknown
    app.get('/', c => {
      c.get('session').set('v', next)
      return c.text('set')
    })
    for (const [before, value, after] of changes) {
      next = value
      const id = await storedAs(`big|i:9223372036854775807;v|${before}`)
      const response = await app.request('/', { headers: { cookie: `session=${id}` } })
      expect(await response.text()).toBe('set')
      expect(await stored(id)).toEqual({ S: `big|i:9223372036854775807;v|${after}` })
    }
  })

  test('such a change by the other is kept', async () => {
    const store = open()
    for (const [before, , after] of changes) {
      const id = await storedAs(`v|${before}`)
      const basis = await store.read(id)
      await putAs(id, `v|${after}`)
      await store.write(id, { ...basis?.data, ours: true }, { basis })
      expect(await stored(id)).toEqual({ S: `v|${after}ours|b:1;` })
    }
  })

  test('a resolver sees numbers, and what it does not touch stays what it was', async () => {
    const store = open({ onConflict: ({ merged }) => ({ ...merged, resolved: typeof merged['v'] }) })
    const id = await storedAs('v|i:1;w|i:1;')
    const basis = await store.read(id)
    await putAs(id, 'v|i:1;w|d:1;')
    await store.write(id, { ...basis?.data, v: new PhpFloat(1) }, { basis })
    expect(await stored(id)).toEqual({ S: 'v|d:1;w|d:1;resolved|s:6:"number";' })
  })
})
