import { setTimeout as delay } from 'node:timers/promises'

import { createCookie, createSession, redirect, type RouteObject } from 'react-router'
import { describe, expect, test } from 'vitest'

import {
  createDynamoDBSessionStorage,
  type DynamoDBSessionStorage,
  type DynamoDBSessionStorageOptions,
} from '../../../src/adapters/react-router.ts'
import { SessionStore, TableNotFoundError } from '../../../src/index.ts'
import { engine } from '../../support/engines.ts'
import { Meeting } from '../../support/meeting.ts'
import { hashed } from '../../support/session-ids.ts'
import { numberText } from '../../support/session-table.ts'
import { keyValueSubject } from '../unstorage/key-value-subject.ts'
import { cookieOf, RouterVisitor } from './router-visitor.ts'

interface Data {
  user: string
  visits: number
  cart: string[]
  left: number
  right: number
}

interface Flash {
  message: string
}

type Storage = DynamoDBSessionStorage<Data, Flash>
type Options = Partial<DynamoDBSessionStorageOptions<Data, Flash>>

const HOUR_SECONDS = 3600
const COOKIE = { name: 'sid', secrets: ['a secret of these tests'], httpOnly: true, maxAge: HOUR_SECONDS }

describe('session storage for React Router', () => {
  const subject = keyValueSubject(engine)

  function storageOf(options: Options = {}): Storage {
    return subject.closeLater(
      createDynamoDBSessionStorage<Data, Flash>({
        ...subject.options,
        touchAfterSeconds: 0,
        cookie: COOKIE,
        ...options,
      } as DynamoDBSessionStorageOptions<Data, Flash>),
    )
  }

  test('routes keep a session from request to request, flashes included, until it is destroyed', async () => {
    const storage = storageOf()
    const visitor = new RouterVisitor(routesOf(storage))
    expect(await visitor.text('/')).toBe('nobody: visit 1')
    expect((await visitor.post('/sign-in', { user: 'ada' })).status).toBe(302)
    expect(await visitor.text('/')).toBe('ada: visit 1, welcome')
    expect(await visitor.text('/')).toBe('ada: visit 2')
    const id = await idOf(visitor.cookie)
    expect(await subject.table.item(hashed(id))).toBeDefined()
    expect((await visitor.post('/sign-out')).status).toBe(302)
    expect(visitor.cookie).toBeUndefined()
    expect(await subject.table.item(hashed(id))).toBeUndefined()
    expect(await visitor.text('/')).toBe('nobody: visit 1')
  })

  test('IDs have 256 random bits, and no ID of a visitor is ever taken over', async () => {
    const { getSession, commitSession } = storageOf({ cookie: { name: 'sid' } })
    const made = await createCookie('sid').serialize('an-id-that-an-attacker-has-planted')
    const session = await getSession(made)
    expect([session.id, session.data]).toEqual(['', {}])
    session.set('user', 'ada')
    const header = await commitSession(session)
    const id = String(await createCookie('sid').parse(header))
    expect(id).toMatch(/^[\w-]{43}$/)
    expect(await subject.table.item(hashed('an-id-that-an-attacker-has-planted'))).toBeUndefined()
  })

  test.each([
    ['no JSON', 'sid=%%%'],
    ['an object', `sid=${btoa('{"id":1}')}`],
    ['a number', `sid=${btoa('5')}`],
    ['an overlong ID', `sid=${btoa(JSON.stringify('x'.repeat(3000)))}`],
    ['nothing', 'sid='],
    ['another name', 'other=1'],
  ])('a cookie with %s is no session', async (_, header) => {
    const { getSession, commitSession } = storageOf({ cookie: { name: 'sid' }, ...plainIds() })
    const session = await getSession(header)
    expect([session.id, session.data]).toEqual(['', {}])
    expect(await commitSession(session)).toMatch(/^sid=[\w%]{20}/)
  })

  function plainIds(): Options {
    return { ...subject.options, hashIds: false }
  }

  test('a forged signature costs no access to the table', async () => {
    const recorder = await subject.recorder()
    const { getSession } = storageOf({ endpoint: recorder.url })
    await getSession('sid=ImlkIg%3D%3D.forged')
    await getSession(null)
    expect(recorder.operations).toEqual([])
  })

  test('parallel requests keep both their changes (G2)', async () => {
    const storage = storageOf()
    const meeting = new Meeting(2)
    const visitor = new RouterVisitor([
      ...routesOf(storage),
      {
        path: '/together/:side',
        loader: async ({ request, params }) => {
          const session = await storage.getSession(request.headers.get('cookie'))
          await meeting.attend()
          session.set(params['side'] === 'left' ? 'left' : 'right', 1)
          return committed(storage, session)
        },
      },
    ])
    await visitor.post('/sign-in', { user: 'ada' })
    await Promise.all(['left', 'right'].map(side => visitor.anotherWindow().text(`/together/${side}`)))
    const session = await storage.getSession(visitor.cookie)
    expect(session.data).toEqual({ user: 'ada', __flash_message__: 'welcome', left: 1, right: 1 })
  })

  test('a change inside of a value is found, and a flash that was read is gone for good', async () => {
    const storage = storageOf()
    const { getSession, commitSession } = storage
    const fresh = await getSession()
    fresh.set('cart', ['apple'])
    fresh.flash('message', 'once')
    const cookie = cookieOf(await commitSession(fresh))
    const [first, second] = [await getSession(cookie), await getSession(cookie)]
    expect(first.get('message')).toBe('once')
    first.get('cart')?.push('pear')
    await commitSession(first)
    second.set('left', 1)
    await commitSession(second)
    expect((await getSession(cookie)).data).toEqual({ cart: ['apple', 'pear'], left: 1 })
  })

  test('a sign-out stays one while others commit (G3), whose cookie is cleared', async () => {
    const storage = storageOf()
    const visitor = new RouterVisitor(routesOf(storage))
    await visitor.post('/sign-in', { user: 'ada' })
    const { cookie = '' } = visitor
    const [changing, idle] = [await storage.getSession(cookie), await storage.getSession(cookie)]
    await visitor.post('/sign-out')
    changing.set('visits', 100)
    for (const session of [changing, idle, changing]) {
      expect(await storage.commitSession(session, { path: '/app' })).toMatch(
        /^sid=; Path=\/app; Expires=Thu, 01 Jan 1970/,
      )
    }
    expect(await subject.table.item(hashed(await idOf(cookie)))).toBeUndefined()
    // The visitor can begin anew with the cookie of old.
    const again = await storage.getSession(cookie)
    again.set('user', 'grace')
    const header = await storage.commitSession(again)
    expect(await idOf(header)).not.toBe(await idOf(cookie))
    expect((await storage.getSession(cookieOf(header))).get('user')).toBe('grace')
  })

  test('committing one session object again, or destroying it, is about the same session', async () => {
    const storage = storageOf()
    const session = await storage.getSession()
    session.set('visits', 1)
    const first = await storage.commitSession(session)
    session.set('visits', 2)
    const second = await storage.commitSession(session)
    expect(await idOf(second)).toBe(await idOf(first))
    expect((await storage.getSession(cookieOf(first))).data).toEqual({ visits: 2 })
    await storage.destroySession(session)
    expect(await subject.table.item(hashed(await idOf(first)))).toBeUndefined()
    await expect(storage.destroySession(await storage.getSession())).resolves.toMatch(/^sid=;/)
  })

  test('committing a session object that was destroyed clears the cookie, and stores nothing', async () => {
    const storage = storageOf()
    const session = await storage.getSession()
    session.set('user', 'ada')
    const cookie = cookieOf(await storage.commitSession(session))
    const [loaded, begun] = [await storage.getSession(cookie), await storage.getSession()]
    begun.set('user', 'grace')
    for (const destroyed of [loaded, begun]) {
      await storage.destroySession(destroyed)
      expect(await storage.commitSession(destroyed)).toMatch(/^sid=; .*Expires=Thu, 01 Jan 1970/)
      destroyed.set('user', 'eve')
      expect(await storage.commitSession(destroyed)).toMatch(/^sid=; /)
    }
    expect((await storage.getSession(cookie)).data).toEqual({})
  })

  test('a session that was made by hand gets an ID of its own', async () => {
    const storage = storageOf()
    const header = await storage.commitSession(createSession<Data, Flash>({ user: 'ada' } as Data, 'by-hand'))
    expect(await idOf(header)).toMatch(/^[\w-]{43}$/)
    expect(await subject.table.item(hashed('by-hand'))).toBeUndefined()
  })

  test('the session ends when its cookie does, and a visit extends both without writing the data', async () => {
    const recorder = await subject.recorder()
    const storage = storageOf({ endpoint: recorder.url })
    const startedAtMs = Date.now()
    const fresh = await storage.getSession()
    fresh.set('user', 'ada')
    const header = await storage.commitSession(fresh)
    const key = hashed(await idOf(header))
    const before = Number(numberText(await subject.table.item(key), 'expiresMs'))
    expect(before).toBeGreaterThanOrEqual(startedAtMs + HOUR_SECONDS * 1000)
    expect(before).toBeLessThanOrEqual(Date.now() + HOUR_SECONDS * 1000)
    await delay(5)
    recorder.forget()
    await storage.commitSession(await storage.getSession(cookieOf(header)))
    expect(recorder.operations).toEqual(['GetItem', 'UpdateItem'])
    expect(recorder.requests[1]?.input['UpdateExpression']).not.toContain('data')
    expect(Number(numberText(await subject.table.item(key), 'expiresMs'))).toBeGreaterThan(before)

    const longer = await storage.getSession(cookieOf(header))
    await storage.commitSession(longer, { maxAge: 10 * HOUR_SECONDS })
    expect(Number(numberText(await subject.table.item(key), 'expiresMs'))).toBeGreaterThan(
      startedAtMs + 10 * HOUR_SECONDS * 1000 - 1,
    )
    const expires = new Date(Date.now() + 2 * HOUR_SECONDS * 1000)
    await storage.commitSession(await storage.getSession(cookieOf(header)), { expires })
    expect(numberText(await subject.table.item(key), 'expiresMs')).toBe(String(expires.getTime()))
    await storage.commitSession(await storage.getSession(cookieOf(header)), { maxAge: 0 })
    expect((await storage.getSession(cookieOf(header))).data).toEqual({})
  })

  test('a cookie without an age leaves the lifetime to ttlSeconds', async () => {
    const storage = storageOf({ cookie: { name: 'sid', secrets: COOKIE.secrets }, ttlSeconds: 60 })
    const startedAtMs = Date.now()
    const header = await storage.commitSession(await storage.getSession())
    const item = await subject.table.item(hashed(await idOf(header)))
    const expiresMs = Number(numberText(item, 'expiresMs'))
    expect(expiresMs).toBeGreaterThanOrEqual(startedAtMs + 60_000)
    expect(expiresMs).toBeLessThanOrEqual(Date.now() + 60_000)
  })

  test('failures are errors (G6)', async () => {
    const working = storageOf()
    const session = await working.getSession()
    session.set('user', 'ada')
    const cookie = cookieOf(await working.commitSession(session))
    const broken = storageOf({ ...subject.options, table: 'missing-table' })
    await expect(broken.getSession(cookie)).rejects.toThrow(TableNotFoundError)
    await expect(broken.commitSession(await broken.getSession())).rejects.toThrow(TableNotFoundError)
    const loaded = await working.getSession(cookie)
    const visitor = new RouterVisitor(routesOf(broken), cookie)
    await expect(visitor.text('/')).rejects.toThrow(TableNotFoundError)
    expect((await working.getSession(cookie)).data).toEqual(loaded.data)
  })

  test('a store of the app is used, and left open', async () => {
    const store = new SessionStore<Partial<Data & { __flash_message__: string }>>({
      ...subject.options,
      userId: data => data.user,
    })
    subject.closeLater(store)
    const storage = createDynamoDBSessionStorage<Data, Flash>({ store, cookie: COOKIE })
    const session = await storage.getSession()
    session.set('user', 'ada')
    const cookie = cookieOf(await storage.commitSession(session))
    await storage.close()
    expect((await storage.getSession(cookie)).get('user')).toBe('ada')
    expect(storage.store).toBe(store)
  })
})

test('wrong options are refused when the storage is made', () => {
  expect(() => make({ tabel: 'x' })).toThrow(/did you mean "table"/)
  expect(() => make({ locking: true })).toThrow(/"locking" does not go with React Router/)
  expect(() => make({ store: new SessionStore({ locking: true }) })).toThrow(/"locking" does not go/)
  expect(() => make({ store: {} })).toThrow(/"store" must be a SessionStore/)
  expect(() => make({ store: new SessionStore(), table: 'x' })).toThrow(/"table" has no effect/)
})

async function idOf(header: string | undefined): Promise<string> {
  return String(await createCookie('sid', { secrets: COOKIE.secrets }).parse(header ?? ''))
}

function make(options: object): unknown {
  return createDynamoDBSessionStorage(options)
}

async function committed(
  storage: Storage,
  session: Awaited<ReturnType<Storage['getSession']>>,
  text = '',
): Promise<Response> {
  return new Response(text, { headers: { 'set-cookie': await storage.commitSession(session) } })
}

/** A small app, as its documentation writes them. */
function routesOf(storage: Storage): RouteObject[] {
  return [
    {
      path: '/',
      loader: async ({ request }) => {
        const session = await storage.getSession(request.headers.get('cookie'))
        const visits = (session.get('visits') ?? 0) + 1
        session.set('visits', visits)
        const message = session.get('message')
        const text = `${session.get('user') ?? 'nobody'}: visit ${visits}${message === undefined ? '' : `, ${message}`}`
        return committed(storage, session, text)
      },
    },
    {
      path: '/sign-in',
      action: async ({ request }) => {
        await storage.destroySession(await storage.getSession(request.headers.get('cookie')))
        const session = await storage.getSession()
        session.set('user', new URLSearchParams(await request.text()).get('user') ?? '')
        session.flash('message', 'welcome')
        return redirect('/', { headers: { 'set-cookie': await storage.commitSession(session) } })
      },
    },
    {
      path: '/sign-out',
      action: async ({ request }) => {
        const session = await storage.getSession(request.headers.get('cookie'))
        return redirect('/', { headers: { 'set-cookie': await storage.destroySession(session) } })
      },
    },
  ]
}
