import type { Express } from 'express'
import expressSession from 'express-session'
import { describe, expect, test } from 'vitest'

import { SessionStore, type SessionStoreOptions } from '../../../src/index.ts'
import type { Item, SessionData } from '../../../src/types.ts'
import { Browser } from '../../support/browser.ts'
import { callbackValue } from '../../support/callback-outcome.ts'
import { engine } from '../../support/engines.ts'
import { sessionCookie } from '../../support/express-app.ts'
import { addShop } from '../../support/express-shop.ts'
import { expressSubject } from '../../support/express-subject.ts'
import { newId } from '../../support/session-ids.ts'

const HOUR_MS = 3_600_000
const MONTH_MS = 30 * 24 * HOUR_MS
const layouts = ['native', 'php', 'aws-ruby', 'adonis', 'koa-session-dynamodb', 'architect'] as const

type Layout = (typeof layouts)[number]

// dynalite takes no two maps for the same, which saves in the layout koa-session-dynamodb go by.
describe('express-session on sessions without a cookie', () => {
  const subject = expressSubject(engine)

  const optionsOf = (layout: Layout): SessionStoreOptions => ({
    ...subject.options,
    partitionKey: 'id',
    layout,
  })

  /** A session that other software has written, for a month, and an app that gives its own an hour. */
  const visit = async (layout: Layout, data: SessionData = { user: 'ada', touch: 7 }): Promise<Visit> => {
    const owner = subject.closeLater(new SessionStore(optionsOf(layout)))
    const id = newId()
    const record = await owner.write(id, data, { ttlSeconds: MONTH_MS / 1000 })
    const { origin } = await subject.app(
      {
        store: subject.store({ layout, partitionKey: 'id' }),
        cookie: { maxAge: HOUR_MS, sameSite: 'lax', httpOnly: false },
      },
      addRoutes,
    )
    const browser = new Browser(sessionCookie(id))
    return {
      id,
      expiresMs: record.expiresMs,
      open: async path => browser.open(origin + path),
      data: async () => (await owner.read(id))?.data,
      expiry: async () => (await owner.read(id))?.expiresMs ?? 0,
      item: async () => (await subject.table.item(record.key)) ?? {},
    }
  }

  describe.each(layouts)('%s', layout => {
    test('they are loaded, and what was not touched stays as it is', async () => {
      const { open, item } = await visit(layout)
      const before = withoutExpiry(await item())
      expect(await open('/user')).toMatchObject({ status: 200, text: 'ada', setCookie: undefined })
      expect(withoutExpiry(await item())).toEqual(before)
    })

    test('what is saved has no cookie either, and keeps what the session object cannot show', async () => {
      const { open, data } = await visit(layout)
      expect((await open('/visit')).text).toBe('1')
      expect((await open('/visit')).text).toBe('2')
      expect(await data()).toEqual({ user: 'ada', touch: 7, visits: 2 })
    })

    test('the cookie is that of a new session, and shows when the session expires in fact', async () => {
      const { open, expiresMs, expiry } = await visit(layout)
      const before = Date.now()
      expect(JSON.parse((await open('/cookie')).text)).toEqual({
        expires: new Date(expiresMs).toISOString(),
        originalMaxAge: HOUR_MS,
        sameSite: 'lax',
        httpOnly: false,
        path: '/',
      })
      // Its options apply to the session from now on.
      expect(await expiry()).toBeGreaterThanOrEqual(before + HOUR_MS)
      expect(await expiry()).toBeLessThan(before + MONTH_MS)
      expect((await open('/visit')).setCookie).toMatch(/; Path=\/; Expires=.*; SameSite=Lax$/)
    })

    test('what is kept there as "cookie" by the application stays', async () => {
      const { open, data } = await visit(layout, { user: 'ada', cookie: 'oat' })
      expect((await open('/visit')).text).toBe('1')
      expect(await data()).toEqual({ user: 'ada', cookie: 'oat', visits: 1 })
      const map = await visit(layout, { user: 'ada', cookie: { flavour: 'oat' } })
      expect((await map.open('/visit')).text).toBe('1')
      expect(await map.data()).toEqual({ user: 'ada', cookie: { flavour: 'oat' }, visits: 1 })
    })

    test('a new session has a cookie only where that belongs to the layout', async () => {
      const store = subject.store({ layout, partitionKey: 'id' })
      const id = newId()
      const session = { cookie: new expressSession.Cookie(), user: 'ada' }
      await callbackValue(done => {
        store.set(id, session, done)
      })
      const stored = await subject.closeLater(new SessionStore(optionsOf(layout))).read(id)
      expect(Object.keys(stored?.data ?? {})).toEqual(layout === 'native' ? ['cookie', 'user'] : ['user'])
    })
  })

  test('get, load and all show when they expire, and JSON and copies show what is stored', async () => {
    const { id, expiresMs } = await visit('php', { user: 'ada' })
    const store = subject.store({ layout: 'php', partitionKey: 'id' })
    const expires = new Date(expiresMs).toISOString()
    const loaded = await callbackValue<expressSession.SessionData | null>(done => {
      store.get(id, done)
    })
    expect(loaded?.cookie).toMatchObject({ expires, originalMaxAge: null })
    expect(JSON.stringify(loaded)).toBe('{"user":"ada"}')
    const session = await callbackValue<expressSession.SessionData | undefined>(done => {
      store.load(id, done)
    })
    expect(session?.cookie.expires).toEqual(new Date(expiresMs))
  })

  test.runIf(engine.supports.transactions)(
    'they can be moved here and back, from a Ruby application for one',
    async () => {
      const { id, data } = await visit('aws-ruby')
      const sides = [
        { migrateFrom: { layout: 'aws-ruby' } },
        { layout: 'aws-ruby', migrateFrom: 'native' },
      ] as const
      const browser = new Browser(sessionCookie(id))
      for (const [index, side] of [...sides, ...sides].entries()) {
        const { origin } = await subject.app(
          { store: subject.store({ ...side, partitionKey: 'id' }) },
          addRoutes,
        )
        expect((await browser.open(`${origin}/visit`)).text).toBe(String(index + 1))
      }
      expect(await data()).toEqual({ user: 'ada', touch: 7, visits: 4 })
    },
  )

  test('a cookie that the application changes is stored, where cookies belong to the layout', async () => {
    const native = await visit('native')
    await native.open('/remember')
    const remembered = await native.data()
    expect(remembered).toMatchObject({ cookie: { httpOnly: false }, user: 'ada', touch: 7 })
    // express-session looks at the clock twice, which may tick.
    expect(remembered).not.toHaveProperty('cookie.originalMaxAge', HOUR_MS)
    const php = await visit('php')
    await php.open('/remember')
    expect(await php.data()).toEqual({ user: 'ada', touch: 7 })
    expect(await php.expiry()).toBeGreaterThan(Date.now() + MONTH_MS - HOUR_MS)
  })
})

interface Visit {
  readonly id: string
  readonly expiresMs: number
  readonly open: (path: string) => ReturnType<Browser['open']>
  readonly data: () => Promise<object | undefined>
  readonly expiry: () => Promise<number>
  readonly item: () => Promise<Item>
}

function addRoutes(app: Express): void {
  addShop(app)
  app.get('/cookie', (request, response) => {
    response.json(request.session.cookie)
  })
  app.get('/remember', (request, response) => {
    request.session.cookie.maxAge = MONTH_MS
    response.send('remembered')
  })
}

const EXPIRIES: ReadonlySet<string> = new Set(['expires', 'expiresMs', 'expire_at', 'expires_at', '_ttl'])

function withoutExpiry(item: Item): Item {
  return Object.fromEntries(Object.entries(item).filter(([name]) => !EXPIRIES.has(name)))
}
