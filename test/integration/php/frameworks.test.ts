import { createServer } from 'node:http'
import { unescape } from 'node:querystring'

import express from 'express'
import { Hono } from 'hono'
import { describe, expect, onTestFinished, test } from 'vitest'

import { DynamoDBStore as FastifyStore } from '../../../src/adapters/fastify.ts'
import { dynamoDBSessions as honoSessions, type SessionVariables } from '../../../src/adapters/hono.ts'
import { DynamoDBStore as KoaStore } from '../../../src/adapters/koa.ts'
import { webSessions } from '../../../src/adapters/web.ts'
import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import { startFastify } from '../../adapters/fastify/fastify-app.ts'
import { serveApp } from '../../adapters/hono/http-server.ts'
import { shopRoutes, startKoaSession } from '../../adapters/koa/koa-apps.ts'
import { engine } from '../../support/engines.ts'
import { listen, stop } from '../../support/loopback.ts'
import { SessionTable } from '../../support/session-table.ts'
import { PhpApp } from './php-app.ts'
import { hasPhp } from './php-peer.ts'

interface Visits {
  visits?: number
}

const cookie = { signed: false, name: 'PHPSESSID', prefix: 'none' } as const

/** Starts an app whose `/visit` counts the visits of a session; returns its origin. The page on PHP has these recipes. */
const frameworks: Readonly<Record<string, (options: SessionStoreOptions) => Promise<string>>> = {
  express: async options => {
    const sessions = webSessions<Visits>({ ...(options as object), cookie })
    const app = express()
    app.get('/visit', (request, response, next) => {
      const visit = async (): Promise<void> => {
        const header = request.headers.cookie ?? null
        const session = await sessions.openSession({ headers: { get: () => header } })
        session.set('visits', (session.get('visits') ?? 0) + 1)
        const setCookie = await session.commit()
        if (setCookie !== undefined) response.append('set-cookie', setCookie)
        response.send(String(session.get('visits')))
      }
      visit().then(undefined, next)
    })
    const server = createServer(app)
    onTestFinished(async () => {
      await stop(server)
      await sessions.close()
    })
    return listen(server)
  },
  fastify: async options => {
    const store = new FastifyStore(options as object)
    const secret = {
      sign: (id: string) => id,
      unsign: (value: string) => ({ valid: true, renew: false, value }),
    }
    const settings: object = { secret, cookieName: 'PHPSESSID', store }
    const app = await startFastify(settings, instance => {
      instance.route({
        method: 'GET',
        url: '/visit',
        handler: async ({ session }) => String((session.visits = (session.visits ?? 0) + 1)),
      })
    })
    onTestFinished(async () => {
      await app.close()
      await store.close()
    })
    return app.origin
  },
  'koa-session': async options => {
    const store = new KoaStore(options)
    const externalKey = {
      get: ({ cookies }: { cookies: { get: (name: string, options: object) => string | undefined } }) =>
        unescape(cookies.get('PHPSESSID', { signed: false }) ?? ''),
      set: (
        { cookies }: { cookies: { set: (name: string, value: string, options: object) => unknown } },
        id: string,
      ) => {
        cookies.set('PHPSESSID', encodeURIComponent(id), { signed: false, sameSite: 'lax' })
      },
    }
    const app = await startKoaSession({ store, externalKey, maxAge: 'session' }, shopRoutes)
    onTestFinished(async () => {
      await app.close()
      await store.close()
    })
    return app.origin
  },
  hono: async options => {
    const middleware = honoSessions<Visits>({ ...(options as object), cookie })
    const app = new Hono<{ Variables: SessionVariables<Visits> }>()
    app.use(middleware)
    app.get('/visit', c => {
      c.var.session.set('visits', (c.var.session.get('visits') ?? 0) + 1)
      return c.text(String(c.var.session.get('visits')))
    })
    const { origin, close } = await serveApp(app)
    onTestFinished(async () => {
      await close()
      await middleware.close()
    })
    return origin
  },
}

describe.skipIf(!hasPhp).each(Object.entries(frameworks))('PHP and %s', (_, start) => {
  test('share a session whose ID has commas, and its cookie keeps having no lifetime', async () => {
    const table = await SessionTable.create(engine)
    const settings = { 'session.sid_bits_per_character': '6', 'session.sid_length': '256' }
    const php = await PhpApp.start({ engine, table: table.name, settings })
    onTestFinished(() => php.close())
    const origin = await start({ ...table.options, layout: 'php', touchAfterSeconds: 0 })
    let id = ''
    // One ID in fifty has no comma.
    while (!id.includes('%2C')) {
      id = /^PHPSESSID=([^;]+)/.exec(await php.openAsStranger('/visit'))?.[1] ?? ''
    }
    const response = await fetch(`${origin}/visit`, { headers: { cookie: `PHPSESSID=${id}` } })
    expect(await response.text()).toBe('2')
    expect(response.headers.get('set-cookie') ?? '').not.toMatch(/max-age|expires/i)
    expect((await php.open('/visit', id)).session).toEqual({ visits: 3 })
    const malformed = await fetch(`${origin}/visit`, { headers: { cookie: 'PHPSESSID=%zz' } })
    expect(await malformed.text()).toBe('1')
  })
})
