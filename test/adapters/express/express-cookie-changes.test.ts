import type { Express } from 'express'
import expressSession, { type CookieOptions, type SessionData, type Store } from 'express-session'
import { describe, expect, test } from 'vitest'

import type { DynamoDBStore } from '../../../src/adapters/express.ts'
import { Browser } from '../../support/browser.ts'
import { callbackValue } from '../../support/callback-outcome.ts'
import { engine } from '../../support/engines.ts'
import { addShop } from '../../support/express-shop.ts'
import { expressSubject } from '../../support/express-subject.ts'
import { newId } from '../../support/session-ids.ts'

const HOUR_MS = 3_600_000
const FORTNIGHT_MS = 14 * 24 * HOUR_MS

const changes: readonly CookieOptions[] = [
  { maxAge: FORTNIGHT_MS },
  { maxAge: 60_000 },
  { expires: new Date(Date.now() + FORTNIGHT_MS) },
  { expires: null },
  // No moment: express-session fails to send it, and stores it.
  { maxAge: Number.POSITIVE_INFINITY },
  { httpOnly: false },
  { secure: true },
  { sameSite: 'strict' },
  { path: '/shop' },
  { domain: 'example.com' },
  { priority: 'high' },
  { partitioned: true },
]

describe('a request that changes nothing but the cookie', () => {
  const subject = expressSubject(engine)

  const visitor = async (
    store: Store,
    change: CookieOptions = {},
  ): Promise<(path: string) => Promise<string>> => {
    const addRoutes = (app: Express): void => {
      addShop(app)
      app.get('/change', (request, response) => {
        Object.assign(request.session.cookie, change)
        response.send('changed')
      })
      app.get('/cookie', (request, response) => {
        response.json(request.session.cookie)
      })
    }
    const { origin } = await subject.app({ store, cookie: { maxAge: HOUR_MS } }, addRoutes)
    const browser = new Browser()
    await browser.open(`${origin}/login/ada`)
    return async path => (await browser.open(origin + path)).text
  }

  test.each(changes)('%j is as it is with a MemoryStore', async change => {
    const cookies: Record<string, unknown>[] = []
    for (const store of [
      new expressSession.MemoryStore(),
      subject.store({ touchAfterSeconds: 3600 * 24 * 365 }),
    ]) {
      const open = await visitor(store, change)
      await open('/change')
      await open('/user')
      cookies.push(JSON.parse(await open('/cookie')) as Record<string, unknown>)
    }
    const [{ expires: _, originalMaxAge: reference, ...expected } = {}, ours = {}] = cookies
    const { expires, originalMaxAge, ...others } = ours
    expect(others).toEqual(expected)
    expect([originalMaxAge === null, expires === null]).toEqual([reference === null, reference === null])
    expect(Math.abs(Number(originalMaxAge) - Number(reference))).toBeLessThan(10_000)
  })

  test('what others have saved meanwhile stays, and a session that is gone stays gone', async () => {
    const store = subject.store()
    const [kept, gone] = [newId(), newId()]
    for (const id of [kept, gone]) await save(store, id, sessionOf({ maxAge: HOUR_MS }))
    const [ours, theirs, late] = [await load(store, kept), await load(store, kept), await load(store, gone)]
    await save(store, kept, Object.assign(theirs, { user: 'eve' }))
    await touch(store, kept, remembered(ours))
    expect(await load(store, kept)).toMatchObject({ user: 'eve', cookie: { originalMaxAge: FORTNIGHT_MS } })
    await callbackValue(done => {
      store.destroy(gone, done)
    })
    await touch(store, gone, remembered(late))
    expect(await subject.item(gone)).toBeUndefined()
  })

  test('neither the save nor the touch of a request that began before takes it back', async () => {
    const store = subject.store()
    const id = newId()
    await save(store, id, sessionOf({ maxAge: HOUR_MS }))
    const [ours, touching, saving] = [await load(store, id), await load(store, id), await load(store, id)]
    await touch(store, id, remembered(ours))
    const { expires } = (await load(store, id)).cookie
    touching.cookie.expires = new Date(Date.now() + HOUR_MS + 5000)
    await touch(store, id, touching)
    expect((await load(store, id)).cookie).toMatchObject({ expires, originalMaxAge: FORTNIGHT_MS })
    await save(store, id, Object.assign(saving, { user: 'eve' }))
    expect(await load(store, id)).toMatchObject({
      user: 'eve',
      cookie: { expires, originalMaxAge: FORTNIGHT_MS },
    })
  })

  test('the cookie of an object that the store does not know is stored, and nothing else of it', async () => {
    const store = subject.store()
    const id = newId()
    await save(store, id, { ...sessionOf({ maxAge: HOUR_MS }), user: 'ada' })
    await touch(store, id, { ...sessionOf({ maxAge: FORTNIGHT_MS, secure: true }), user: 'eve' })
    expect(await load(store, id)).toMatchObject({ user: 'ada', cookie: { secure: true } })
    const known = await load(store, id)
    known.user = 'eve'
    known.cookie.secure = false
    await touch(store, id, known)
    expect(await load(store, id)).toMatchObject({ user: 'ada', cookie: { secure: false } })
  })

  test('a request that changes nothing writes no data', async () => {
    const { url, requests } = await subject.recorder()
    const open = await visitor(subject.store({ endpoint: url }))
    requests.length = 0
    await open('/user')
    expect(requests.map(({ operation }) => operation)).toEqual(['GetItem', 'UpdateItem'])
    expect(JSON.stringify(requests[1]?.input)).not.toContain('originalMaxAge')
  })
})

function sessionOf(options: CookieOptions): SessionData {
  return { cookie: Object.assign(new expressSession.Cookie(), options) }
}

function remembered(session: SessionData): SessionData {
  session.cookie.originalMaxAge = FORTNIGHT_MS
  session.cookie.expires = new Date(Date.now() + FORTNIGHT_MS)
  return session
}

async function load(store: DynamoDBStore, id: string): Promise<SessionData> {
  const session = await callbackValue<SessionData | null>(done => {
    store.get(id, done)
  })
  if (!session) throw new Error('there is no session')
  return session
}

async function save(store: DynamoDBStore, id: string, session: SessionData): Promise<void> {
  await callbackValue(done => {
    store.set(id, session, done)
  })
}

async function touch(store: DynamoDBStore, id: string, session: SessionData): Promise<void> {
  await callbackValue(done => {
    store.touch(id, session, done)
  })
}
