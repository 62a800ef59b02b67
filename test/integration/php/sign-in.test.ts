import { randomBytes } from 'node:crypto'

import type { Session } from 'fastify'
import genericSession from 'koa-generic-session'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'

import { DynamoDBStore as ExpressStore } from '../../../src/adapters/express.ts'
import { DynamoDBStore as FastifyStore } from '../../../src/adapters/fastify.ts'
import { DynamoDBStore as KoaStore } from '../../../src/adapters/koa.ts'
import { webSessions } from '../../../src/adapters/web.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import { startFastify } from '../../adapters/fastify/fastify-app.ts'
import { sessionOf, startKoa, startKoaSession } from '../../adapters/koa/koa-apps.ts'
import { engine } from '../../support/engines.ts'
import { sessionCookie, startApp } from '../../support/express-app.ts'
import { SessionTable } from '../../support/session-table.ts'

/** Signs the visitor with a session in: gives it a new ID, carries its data over, and sets `user`. */
type SignIn = (options: SessionStoreOptions, id: string) => Promise<void>

const frameworks: Readonly<Record<string, SignIn>> = {
  './web': async (options, id) => {
    const sessions = webSessions<Record<string, unknown>>({
      ...options,
      cookie: { signed: false, name: 'PHPSESSID', prefix: 'none' },
    })
    onTestFinished(() => sessions.close())
    const request = new Request('http://127.0.0.1/', { headers: { cookie: `PHPSESSID=${id}` } })
    await sessions.handle(request, session => {
      session.regenerate()
      session.set('user', 'ada')
      return new Response()
    })
  },
  'express-session': async (options, id) => {
    const store = new ExpressStore(options as ConstructorParameters<typeof ExpressStore>[0])
    const app = await startApp({ store }, routes => {
      routes.get('/', (request, response, next) => {
        const previous = request.session
        // As passport does it with keepSessionInfo.
        request.session.regenerate((error: unknown) => {
          if (error !== undefined && error !== null) {
            next(error)
            return
          }
          for (const [key, value] of Object.entries(previous)) {
            if (key !== 'cookie') Reflect.set(request.session, key, value)
          }
          request.session.user = 'ada'
          response.end()
        })
      })
    })
    onTestFinished(async () => {
      await app.close()
      await store.close()
    })
    const response = await fetch(app.origin, { headers: { cookie: `connect.sid=${sessionCookie(id)}` } })
    expect(response.status).toBe(200)
  },
}

const unsigned = {
  sign: (id: string) => id,
  unsign: (value: string) => ({ valid: true, renew: false, value }),
}

const others: Readonly<Record<string, SignIn>> = {
  '@fastify/session': async (options, id) => {
    const store = new FastifyStore(options as object)
    const settings: object = { secret: unsigned, cookieName: 'PHPSESSID' }
    const app = await startFastify({ ...settings, store }, instance => {
      instance.route({
        method: 'GET',
        url: '/',
        handler: async request => {
          const names = Object.keys(request.session).filter(name => name !== 'cookie')
          await request.session.regenerate(names as (keyof Session)[])
          request.session.user = 'ada'
          return 'signed in'
        },
      })
    })
    onTestFinished(async () => {
      await app.close()
      await store.close()
    })
    await visit(app.origin, id)
  },
  'koa-session': async (options, id) => {
    const store = new KoaStore(options)
    const app = await startKoaSession(
      { store, key: 'PHPSESSID', signed: false },
      {
        '/': async ctx => {
          sessionOf(ctx).user = 'ada'
          await sessionOf(ctx).regenerate()
          return 'signed in'
        },
      },
    )
    onTestFinished(async () => {
      await app.close()
      await store.close()
    })
    await visit(app.origin, id)
  },
  'koa-generic-session': async (options, id) => {
    const store = new KoaStore<genericSession.Session>(options as object)
    const cookie: object = { signed: false }
    const middleware = genericSession({ store, prefix: '', key: 'PHPSESSID', cookie })
    const app = await startKoa(() => [middleware], {
      '/': async ctx => {
        const previous = ctx.session
        await ctx.regenerateSession()
        Object.assign(ctx.session ?? {}, previous, { user: 'ada' })
        return 'signed in'
      },
    })
    onTestFinished(async () => {
      await app.close()
      await store.close()
    })
    await visit(app.origin, id)
  },
}

async function visit(origin: string, id: string): Promise<void> {
  const response = await fetch(origin, { headers: { cookie: `PHPSESSID=${id}` } })
  expect(await response.text()).toBe('signed in')
}

const sessions: readonly (readonly [what: string, data: string])[] = [
  ['a float without a fraction', 'price|d:3;'],
  ['floats in an array', 'prices|a:2:{i:0;d:1;i:1;i:1;}'],
  ['an object and a reference to it', 'basket|O:6:"Basket":1:{s:5:"items";a:0:{}}again|r:1;'],
  ['an integer that JavaScript cannot hold', 'big|i:9223372036854775807;'],
  ['a float of another precision', 'rate|d:0.10000000000000001;'],
]

describe.each(Object.entries({ ...frameworks, ...others }))('a sign-in with %s', (name, signIn) => {
  let table: SessionTable

  beforeAll(async () => {
    table = await SessionTable.create(engine)
  })

  // koa-generic-session makes JSON of the object that the application copies to, which has no BigInt.
  const carried = sessions.filter(([, data]) => name !== 'koa-generic-session' || !data.startsWith('big'))

  test.each(carried)('carries over %s, byte for byte', async (_, data) => {
    const id = randomBytes(16).toString('hex')
    const expires = { N: String(Math.ceil(Date.now() / 1000) + 600) }
    await table.put({ id: { S: `PHPSESSID_${id}` }, data: { S: data }, expires })
    await signIn({ ...table.options, layout: 'php' }, id)
    expect(await table.item(`PHPSESSID_${id}`)).toBeUndefined()
    const stored = (await table.items()).map(item => item['data'])
    expect(stored).toContainEqual({ S: `${data}user|s:3:"ada";` })
  })
})

test('movedFrom takes the record of another session, and no basis beside it', async () => {
  const table = await SessionTable.create(engine)
  const store = new SessionStore(table.options)
  onTestFinished(() => store.close())
  const record = await store.write('one', { a: 1 })
  const mistake = { name: 'TypeError', code: 'INVALID_OPTION' }
  for (const options of [{ movedFrom: { data: {} } }, { movedFrom: record, basis: record }]) {
    await expect(store.write('one', {}, options as object)).rejects.toMatchObject(mistake)
  }
  expect((await store.write('two', { a: 1 }, { movedFrom: record })).data).toEqual({ a: 1 })
})
