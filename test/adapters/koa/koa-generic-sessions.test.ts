import type { Context } from 'koa'
import genericSession from 'koa-generic-session'
import { describe, expect, test } from 'vitest'

import { DynamoDBStore, type DynamoDBStoreOptions } from '../../../src/adapters/koa.ts'
import { engine } from '../../support/engines.ts'
import { Meeting } from '../../support/meeting.ts'
import { numberText } from '../../support/session-table.ts'
import { everyTouch, tableSubject } from '../../support/table-subject.ts'
import type { RunningShop } from '../scenarios/framework.ts'
import { contentOf, type Jar, signedIn } from '../scenarios/jar.ts'
import { type KoaRoutes, shopRoutes, startKoa } from './koa-apps.ts'

describe('sessions of koa-generic-session', () => {
  const subject = tableSubject(engine, everyTouch)

  const start = async (
    routes: KoaRoutes,
    settings: object = {},
    options: DynamoDBStoreOptions<genericSession.Session> = {},
  ): Promise<RunningShop> => {
    const store = subject.closeLater(
      new DynamoDBStore<genericSession.Session>({ ...subject.options, ...options }),
    )
    const middleware = genericSession({ store, ...settings })
    return subject.closeLater(await startKoa(() => [middleware], { ...shopRoutes, ...routes }))
  }

  test('a copy of the session keeps G2 and G3', async () => {
    const [arrival, departure] = [new Meeting(3), new Meeting(3)]
    const app = await start({
      '/copy': async ctx => {
        await arrival.attend()
        await departure.attend()
        Reflect.set(ctx, 'session', { ...ctx.session, key1: 1 })
        return 'copied'
      },
    })
    const [ada, bob] = [await signedIn(app), await signedIn(app)]
    const id = idOf(ada)
    const slow = [ada.anotherWindow(), bob.anotherWindow()].map(window => window.open('/copy'))
    await arrival.attend()
    await ada.open('/logout')
    await bob.open('/visit')
    await departure.attend()
    expect((await Promise.all(slow)).map(({ text }) => text)).toEqual(['copied', 'copied'])
    expect(app.errors).toEqual([])
    expect(await subject.item(id)).toBeUndefined()
    expect(await contentOf(bob)).toMatchObject({ user: 'ada', visits: 1, key1: 1 })
  })

  test('saveSession and deferred sessions keep G2', async () => {
    const app = await start(
      {
        '/login': async ctx => {
          Object.assign(await deferred(ctx), { user: 'ada' })
          return 'logged in'
        },
        '/session': async ctx => JSON.stringify(await deferred(ctx)),
        '/deferred': async ctx => {
          const session = await deferred(ctx)
          await meeting.attend()
          Object.assign(session, { [`key${String(ctx.query['key'])}`]: 1 })
          return 'done'
        },
      },
      { defer: true },
    )
    const meeting = new Meeting(2)
    const ada = await signedIn(app)
    await Promise.all(['1', '2'].map(key => ada.anotherWindow().open(`/deferred?key=${key}`)))
    expect(await contentOf(ada)).toMatchObject({ user: 'ada', key1: 1, key2: 1 })
  })

  test('the option ttl of the middleware decides when a session expires', async () => {
    const app = await start({}, { ttl: 60_000 })
    const ada = await signedIn(app)
    const lifetimeMs = Number(numberText(await subject.item(idOf(ada)), 'expiresMs')) - Date.now()
    expect(lifetimeMs).toBeGreaterThan(0)
    expect(lifetimeMs).toBeLessThanOrEqual(60_000)
  })

  test('locking is an error of the request that says what supports it', async () => {
    const plain = await start({})
    const ada = await signedIn(plain)
    const app = await start({}, {}, { locking: true })
    expect(await ada.anotherWindow(app.origin).open('/session')).toMatchObject({
      status: 500,
      text: 'INVALID_OPTION',
    })
    expect(String(app.errors[0])).toContain('koa-session')
  })
})

/** The session that koa-generic-session gives a request with `defer`, which its types do not know. */
async function deferred(ctx: Context): Promise<object> {
  return ctx.session as unknown as Promise<object>
}

function idOf(visitor: Jar): string {
  return `koa:sess:${visitor.cookie('koa.sid') ?? ''}`
}
