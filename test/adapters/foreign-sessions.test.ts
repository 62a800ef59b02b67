import type { Session } from 'fastify'
import { Hono } from 'hono'
import { type Session as HonoSession, sessionMiddleware } from 'hono-sessions'
import type { Context } from 'koa'
import genericSession from 'koa-generic-session'
import { describe, expect, test } from 'vitest'

import { DynamoDBStore as FastifyStore } from '../../src/adapters/fastify.ts'
import { DynamoDBStore as HonoStore } from '../../src/adapters/hono-sessions.ts'
import { DynamoDBStore as KoaStore } from '../../src/adapters/koa.ts'
import { SessionStore, type SessionStoreOptions } from '../../src/index.ts'
import type { SessionData } from '../../src/types.ts'
import { engine } from '../support/engines.ts'
import { newId } from '../support/session-ids.ts'
import { tableSubject } from '../support/table-subject.ts'
import { startFastify } from './fastify/fastify-app.ts'
import { type KoaRoutes, startKoa, startKoaSession } from './koa/koa-apps.ts'

const HOUR_MS = 3_600_000
const MONTH_SECONDS = 30 * 24 * 3600

/** Opens `/visit` or `/user` of an app in which every visitor has the session of one ID. */
type Open = (path: string) => Promise<string>

interface Closing {
  readonly close: () => Promise<unknown>
}

type Start = (
  options: SessionStoreOptions,
  id: string,
  closeLater: <Opened extends Closing>(opened: Opened) => Opened,
) => Promise<Open>

const unsigned: object = {
  secret: { sign: (id: string) => id, unsign: (value: string) => ({ valid: true, renew: false, value }) },
}

const frameworks: Readonly<Record<string, Start>> = {
  '@fastify/session': async (options, id, closeLater) => {
    const store = closeLater(new FastifyStore(options as object))
    const app = await startFastify({ store, ...unsigned, cookie: { maxAge: HOUR_MS } }, instance => {
      const on = (url: string, answer: (session: Session) => unknown): void => {
        instance.route({ method: 'GET', url, handler: async request => String(answer(request.session)) })
      }
      on('/visit', session => (session.visits = (session.visits ?? 0) + 1))
      on('/user', session => session.user)
    })
    closeLater(app)
    return opening(app.origin, `sessionId=${id}`)
  },
  'koa-session': async (options, id, closeLater) => {
    const store = closeLater(new KoaStore(options))
    const externalKey = { get: () => id, set: () => undefined }
    const routes = koaRoutes(ctx => ctx.session)
    const { origin } = closeLater(
      await startKoaSession({ store, externalKey, maxAge: HOUR_MS, rolling: true }, routes),
    )
    return opening(origin)
  },
  'koa-generic-session': async (options, id, closeLater) => {
    const store = closeLater(new KoaStore<genericSession.Session>({ ...options, prefix: '' } as object))
    const sessionIdStore = { get: () => id, set: () => undefined, reset: () => undefined }
    const middleware = genericSession({ store, prefix: '', sessionIdStore, rolling: true })
    const { origin } = closeLater(
      await startKoa(
        () => [middleware],
        koaRoutes(ctx => ctx.session),
      ),
    )
    return opening(origin)
  },
  'hono-sessions': async (options, id, closeLater) => {
    const store = closeLater(new HonoStore(options as object))
    const app = new Hono<{ Variables: { session: HonoSession<{ user: string; visits: number }> } }>()
    app.use(sessionMiddleware({ store, expireAfterSeconds: HOUR_MS / 1000 }))
    app.get('/visit', c => {
      const session = c.get('session')
      session.set('visits', (session.get('visits') ?? 0) + 1)
      return c.text(String(session.get('visits')))
    })
    app.get('/user', c => c.text(String(c.get('session').get('user'))))
    return async path => (await app.request(path, { headers: { cookie: `session=${id}` } })).text()
  },
}

// What frameworks keep, or have methods and properties for, under these names is not meant.
const common = {
  user: 'ada',
  nothing: null,
  id: 7,
  _flash: ['x'],
  _accessed: 'never',
  maxAge: 5,
  save: 1,
  cookie: 'oat',
  sessionId: 's',
}

/** Where no framework keeps keys of its own, these are data of the application, too. */
const framework = {
  cookie: { path: '/shop', expires: 'never', secure: true },
  _expire: 1,
  _maxAge: 5,
  _session: true,
  toJSON: 'text',
}

describe('on an engine', () => {
  const subject = tableSubject(engine, { touchAfterSeconds: 0 })

  describe.each(Object.entries(frameworks))('%s on sessions of others', (_, start) => {
    test.each([
      { layout: 'native', data: common },
      { layout: 'php', data: common },
      { layout: 'aws-ruby', data: common },
      { layout: 'php', data: { ...common, ...framework } },
      { layout: 'aws-ruby', data: { ...common, ...framework } },
      { layout: 'adonis', data: { ...common, ...framework } },
    ] as const)('$layout: they stay what they are', async ({ layout, data }) => {
      const options = { ...subject.options, partitionKey: 'id', layout }
      const owner = subject.closeLater(new SessionStore(options))
      const id = newId()
      await owner.write(id, data, { ttlSeconds: MONTH_SECONDS })
      const open = await start(options, id, subject.closeLater)
      const before = await stored(owner, id)
      expect(await open('/user')).toBe('ada')
      expect(await stored(owner, id)).toEqual(before)
      expect(await open('/visit')).toBe('1')
      expect(await open('/visit')).toBe('2')
      expect(await stored(owner, id)).toEqual({ ...before, visits: 2 })
    })
  })
})

async function stored(owner: SessionStore, id: string): Promise<SessionData | undefined> {
  return (await owner.read(id))?.data
}

function opening(origin: string, cookie = ''): Open {
  return async path => (await fetch(origin + path, { headers: cookie === '' ? {} : { cookie } })).text()
}

function koaRoutes(sessionOf: (ctx: Context) => unknown): KoaRoutes {
  const dataOf = (ctx: Context): { user?: string; visits?: number } => sessionOf(ctx) as object
  return {
    '/user': ctx => String(dataOf(ctx).user),
    '/visit': ctx => {
      dataOf(ctx).visits = (dataOf(ctx).visits ?? 0) + 1
      return String(dataOf(ctx).visits)
    },
  }
}
