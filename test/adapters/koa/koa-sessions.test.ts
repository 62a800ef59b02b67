import { once } from 'node:events'
import { get } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

import type { Context } from 'koa'
import Koa from 'koa'
import koaSession from 'koa-session'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { DynamoDBStore, type DynamoDBStoreOptions } from '../../../src/adapters/koa.ts'
import { engine, uniqueTableName } from '../../support/engines.ts'
import { originOf, stop } from '../../support/loopback.ts'
import { Meeting } from '../../support/meeting.ts'
import { isMoveMark, numberText } from '../../support/session-table.ts'
import { everyTouch, tableSubject } from '../../support/table-subject.ts'
import type { RunningShop } from '../scenarios/framework.ts'
import { contentOf, Jar, signedIn } from '../scenarios/jar.ts'
import { type KoaRoutes, sessionOf, shopRoutes, startKoa, startKoaSession } from './koa-apps.ts'

const HOUR_MS = 3_600_000

describe('sessions of Koa', () => {
  const subject = tableSubject(engine, everyTouch)

  const openStore = (options: DynamoDBStoreOptions = {}): DynamoDBStore =>
    subject.closeLater(new DynamoDBStore({ ...subject.options, ...options }))

  const start = async (
    routes: KoaRoutes,
    { store = openStore(), ...settings }: Parameters<typeof startKoaSession>[0] = {},
  ): Promise<RunningShop> =>
    subject.closeLater(
      await startKoaSession({ store, maxAge: HOUR_MS, ...settings }, { ...shopRoutes, ...routes }),
    )

  describe('koa-session', () => {
    test('a session that somebody has destroyed does not live on under the new ID of regenerate', async () => {
      const [arrival, departure] = [new Meeting(2), new Meeting(2)]
      const app = await start({
        '/slow-regenerate': async ctx => {
          await arrival.attend()
          await departure.attend()
          await sessionOf(ctx).regenerate()
          sessionOf(ctx).visits = 1
          return 'regenerated'
        },
      })
      const ada = await signedIn(app)
      const [oldId, slowWindow] = [idOf(ada), ada.anotherWindow()]
      const slow = slowWindow.open('/slow-regenerate')
      await arrival.attend()
      await ada.open('/logout')
      await departure.attend()
      expect((await slow).text).toBe('regenerated')
      const newId = idOf(slowWindow)
      expect(newId).not.toBe(oldId)
      expect([await subject.item(oldId), await subject.item(newId)]).toEqual([undefined, undefined])
      expect(await contentOf(slowWindow)).toEqual({})
      expect(app.errors).toEqual([])
    })

    test('requests with the old ID do not sign the visitor out', async () => {
      const [arrival, departure] = [new Meeting(3), new Meeting(3)]
      const app = await start(
        {
          '/regenerate': async ctx => {
            await sessionOf(ctx).regenerate()
            return 'regenerated'
          },
          '/slow': async ctx => {
            const { query } = ctx
            await arrival.attend()
            await departure.attend()
            if ('change' in query) sessionOf(ctx).visits = 7
            return 'done'
          },
        },
        { rolling: true },
      )
      const ada = await signedIn(app)
      const windows = [
        ada.anotherWindow(),
        ada.anotherWindow(),
        ada.anotherWindow(),
        ada.anotherWindow(),
      ] as const
      const [changing, idle, late, again] = windows
      const oldId = idOf(ada)
      const slow = [changing.open('/slow?change'), idle.open('/slow')]
      await arrival.attend()
      expect((await ada.open('/regenerate')).text).toBe('regenerated')
      await departure.attend()
      const answers = [...(await Promise.all(slow)), await late.open('/login/eve')]
      expect(answers.map(({ setCookies }) => setCookies)).toEqual([[], [], []])
      expect(await contentOf(ada)).toEqual({ user: 'ada', visits: 7 })
      expect(isMoveMark(await subject.item(oldId))).toBe(true)
      // It may sign in all the same.
      await again.open('/regenerate')
      expect(idOf(again)).not.toBe(oldId)
      expect(app.errors).toEqual([])
    })

    test('regenerate of a session that has just begun needs nothing to be there', async () => {
      const app = await start({
        '/begin': async ctx => {
          sessionOf(ctx).user = 'eve'
          await sessionOf(ctx).regenerate()
          return 'begun'
        },
      })
      const eve = new Jar(app.origin)
      await eve.open('/begin')
      expect(await contentOf(eve)).toEqual({ user: 'eve' })
    })

    test('what is committed early is merged with what others save before the next commit', async () => {
      const [arrival, departure] = [new Meeting(2), new Meeting(2)]
      const app = await start({
        '/slow': async ctx => {
          sessionOf(ctx).visits = 1
          await sessionOf(ctx).save()
          await arrival.attend()
          await departure.attend()
          sessionOf(ctx)['key2'] = 2
          return 'done'
        },
        '/other': ctx => {
          sessionOf(ctx)['key1'] = 1
          return 'done'
        },
      })
      const ada = await signedIn(app)
      const slow = ada.anotherWindow().open('/slow')
      await arrival.attend()
      await ada.open('/other')
      await departure.attend()
      await slow
      expect(await contentOf(ada)).toEqual({ user: 'ada', visits: 1, key1: 1, key2: 2 })
    })

    test('a session that is replaced as a whole is merged and stays destroyed all the same', async () => {
      const [arrival, departure] = [new Meeting(3), new Meeting(3)]
      const app = await start({
        '/replace': async ctx => {
          await arrival.attend()
          await departure.attend()
          Object.assign(ctx, { session: { user: 'eve' } })
          return 'replaced'
        },
      })
      const [ada, bob] = [await signedIn(app), await signedIn(app)]
      const id = idOf(ada)
      const slow = [ada.anotherWindow(), bob.anotherWindow()].map(window => window.open('/replace'))
      await arrival.attend()
      await ada.open('/logout')
      await bob.open('/visit')
      await departure.attend()
      expect((await Promise.all(slow)).map(({ text }) => text)).toEqual(['replaced', 'replaced'])
      expect(app.errors).toEqual([])
      expect(await subject.item(id)).toBeUndefined()
      expect(await contentOf(bob)).toEqual({ user: 'eve', visits: 1 })
    })

    test('maxAge "session" leaves the lifetime to ttlSeconds, and the cookie to the browser', async () => {
      const app = await start({}, { store: openStore({ ttlSeconds: 60 }), maxAge: 'session' })
      const ada = new Jar(app.origin)
      const { setCookies } = await ada.open('/login')
      expect(setCookies[0]).not.toMatch(/expires/i)
      const item = await subject.item(idOf(ada))
      const lifetimeMs = Number(numberText(item, 'expiresMs')) - Date.now()
      expect(lifetimeMs).toBeGreaterThan(0)
      expect(lifetimeMs).toBeLessThanOrEqual(60_000)
      expect(await contentOf(ada)).toEqual({ user: 'ada' })
    })

    test('a session keeps the lifetime that the app has given it', async () => {
      const app = await start({
        '/remember': ctx => {
          sessionOf(ctx).maxAge = 30 * 24 * HOUR_MS
          return 'remembered'
        },
      })
      const ada = await signedIn(app)
      await ada.open('/remember')
      await ada.open('/visit')
      const lifetimeMs = Number(numberText(await subject.item(idOf(ada)), 'expiresMs')) - Date.now()
      expect(lifetimeMs).toBeGreaterThan(29 * 24 * HOUR_MS)
    })

    test('renew extends a session in the second half of its life', async () => {
      const app = await start({}, { renew: true, maxAge: 240_000 })
      const ada = await signedIn(app)
      const expiry = async (): Promise<number> =>
        Number(numberText(await subject.item(idOf(ada)), 'expiresMs'))
      const first = await expiry()
      await ada.open('/session')
      expect(await expiry()).toBe(first)
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 130_000 })
      onTestFinished(() => void vi.useRealTimers())
      await ada.open('/session')
      expect(await expiry()).toBeGreaterThan(first)
    })

    test('any cookie may come: what cannot be an ID is the ID of no session', async () => {
      const app = await start({}, { store: openStore({ hashIds: false }), signed: false })
      const eve = new Jar(app.origin, [['koa.sess', 'x'.repeat(3000)]])
      expect(await contentOf(eve)).toEqual({})
      expect(app.errors).toEqual([])
    })

    test('the default error handler of Koa answers 500, whatever DynamoDB answered', async () => {
      const app = new Koa()
      app.keys = ['a long random text']
      app.silent = true
      app.use(koaSession({ store: openStore({ table: uniqueTableName() }) }, app))
      app.use(ctx => {
        Object.assign(ctx.session ?? {}, { user: 'ada' })
        ctx.body = 'done'
      })
      const server = app.listen(0, '127.0.0.1')
      subject.closeLater({ close: () => stop(server) })
      await once(server, 'listening')
      const response = await fetch(originOf(server))
      expect([response.status, await response.text()]).toEqual([500, 'Internal Server Error'])
    })
  })

  describe('koa-session with locking (G10)', () => {
    test('counting in parallel loses nothing', async () => {
      const app = await start({ '/count': count }, { store: openStore({ locking: true }) })
      const ada = await signedIn(app)
      const answers = await Promise.all(Array.from({ length: 15 }, () => ada.anotherWindow().open('/count')))
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
      expect(await contentOf(ada)).toEqual({ user: 'ada', visits: 15 })
    })

    test('a request that changes nothing, fails or logs out gives the lock back', async () => {
      const store = openStore({ locking: { maxWaitMs: 50_000 } })
      const app = await start(
        {
          '/fail': () => {
            throw new Error('the handler is broken')
          },
        },
        { store },
      )
      const ada = await signedIn(app)
      for (const path of ['/session', '/fail', '/nowhere', '/visit', '/session']) {
        await ada.open(path)
        await expect.poll(() => subject.item(idOf(ada))).not.toHaveProperty('lock')
      }
      await ada.anotherWindow().open('/logout')
      expect(await contentOf(ada)).toEqual({})
    })

    test('a visitor who leaves before the answer gives the lock back', async () => {
      const arrival = new Meeting(2)
      const app = await start(
        {
          '/hang': async () => {
            await arrival.attend()
            await once(process, 'this never happens')
            return 'never'
          },
        },
        { store: openStore({ locking: { maxWaitMs: 50_000 } }) },
      )
      const ada = await signedIn(app)
      const cookie = `koa.sess=${ada.cookie('koa.sess')}; koa.sess.sig=${ada.cookie('koa.sess.sig')}`
      const request = get(`${app.origin}/hang`, { headers: { cookie } })
      request.on('error', () => {})
      await arrival.attend()
      expect((await subject.item(idOf(ada)))?.['lock']).toBeDefined()
      request.destroy()
      expect((await ada.open('/visit')).text).toBe('1')
    })

    test('the middleware may be mounted twice', async () => {
      const store = openStore({ locking: { maxWaitMs: 0 } })
      const app = subject.closeLater(
        await startKoa(
          instance => [koaSession({ store }, instance), koaSession({ store }, instance)],
          shopRoutes,
        ),
      )
      const ada = await signedIn(app)
      expect((await ada.open('/visit')).text).toBe('1')
      await expect.poll(() => subject.item(idOf(ada))).not.toHaveProperty('lock')
      expect((await ada.open('/visit')).text).toBe('2')
      expect(app.errors).toEqual([])
    })

    test('who waits too long for a lock gets an error', async () => {
      const [arrival, departure] = [new Meeting(2), new Meeting(2)]
      const app = await start(
        {
          '/hold': async () => {
            await arrival.attend()
            await departure.attend()
            return 'held'
          },
        },
        { store: openStore({ locking: { maxWaitMs: 0 } }) },
      )
      const ada = await signedIn(app)
      const holder = ada.anotherWindow().open('/hold')
      await arrival.attend()
      expect(await ada.open('/visit')).toMatchObject({ status: 500, text: 'SESSION_LOCKED' })
      await departure.attend()
      expect((await holder).text).toBe('held')
    })
  })
})

/** Counts visits as nobody should: others may do so at the same time. */
async function count(ctx: Context): Promise<string> {
  const visits = sessionOf(ctx).visits ?? 0
  await delay(1)
  sessionOf(ctx).visits = visits + 1
  return 'counted'
}

function idOf(visitor: Jar): string {
  return visitor.cookie('koa.sess') ?? ''
}
