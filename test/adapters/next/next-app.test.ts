import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { engine } from '../../support/engines.ts'
import { UserTable } from '../../integration/users/user-table.ts'
import { ServedApp, variablesFor } from '../served-app.ts'
import { isAppBuilt, nextServer, NextVisitor } from './next-app.ts'

describe.runIf(await isAppBuilt())('an app of Next.js, built for production', () => {
  let table: UserTable
  let [app, other]: ServedApp[] = []

  beforeAll(async () => {
    table = await UserTable.create(engine)
    const variables = { ...variablesFor(engine, table.name), NEXT_TELEMETRY_DISABLED: '1' }
    app = await ServedApp.start(nextServer, variables)
    other = await ServedApp.start(nextServer, variables)
  })

  afterAll(async () => {
    await Promise.all([app?.close(), other?.close()])
  })

  const url = (path: string, { origin } = app ?? { origin: '' }): string => origin + path

  async function signedIn(user = 'ada'): Promise<NextVisitor> {
    const visitor = new NextVisitor()
    await visitor.submit(url('/'), 'name="user"', { user })
    return visitor
  }

  test('a visitor of whom nothing is kept gets no cookie', async () => {
    const visitor = new NextVisitor()
    expect((await visitor.open(url('/'))).text).toContain('user:nobody;')
    expect(visitor.cookie).toBeUndefined()
    expect(await table.itemCount()).toBe(0)
  })

  test('a server action signs in under a new ID and redirects; Server Components and the Pages Router show it', async () => {
    const visitor = new NextVisitor()
    await visitor.open(url('/route'))
    const before = visitor.cookie
    const answer = await visitor.submit(url('/'), 'name="user"', { user: 'grace' })
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/'])
    expect(visitor.cookie).not.toBe(before)
    expect((await visitor.open(url('/'))).text).toMatch(/user:grace;.*visits:1;/s)
    expect((await visitor.open(url('/classic'))).text).toContain('user:grace;')
    expect((await new NextVisitor(before).open(url('/'))).text).toContain('user:nobody;')
  })

  test('a second process has the same sessions', async () => {
    const visitor = await signedIn()
    expect((await visitor.open(url('/', other))).text).toContain('user:ada;')
    await visitor.open(url('/route', other))
    expect((await visitor.open(url('/'))).text).toContain('visits:1;')
  })

  test('a server action signs out: the session is gone for every process', async () => {
    const visitor = await signedIn()
    const elsewhere = new NextVisitor(visitor.cookie)
    expect((await visitor.submit(url('/'), 'sign out')).text).toContain('user:nobody;')
    expect(visitor.cookie).toBeUndefined()
    expect((await elsewhere.open(url('/', other))).text).toContain('user:nobody;')
  })

  test('the sessions of a user are destroyed everywhere', async () => {
    const [first, second] = [await signedIn('joan'), await signedIn('joan')]
    const answer = await new NextVisitor().open(url('/route'), { method: 'DELETE' })
    expect(answer.text).toBe('{"count":2}')
    for (const visitor of [first, second]) {
      expect((await visitor.open(url('/'))).text).toContain('user:nobody;')
    }
  })

  test('a Server Component cannot save or destroy, and nothing of it is stored', async () => {
    const visitor = await signedIn()
    const stored = await table.itemCount()
    expect((await visitor.open(url('/component'))).text).toContain(
      'codes:COOKIES_READ_ONLY,COOKIES_READ_ONLY;',
    )
    expect((await new NextVisitor().open(url('/component'))).status).toBe(200)
    expect(await table.itemCount()).toBe(stored)
    expect((await visitor.open(url('/'))).text).toContain('user:ada;')
  })

  describe('a route handler', () => {
    test('commits before it answers, and keeps the response out of caches', async () => {
      const visitor = new NextVisitor()
      const answer = await visitor.open(url('/route'))
      expect(answer.text).toBe('{"visits":1}')
      expect(answer.headers.get('cache-control')).toContain('no-store')
      expect((await visitor.open(url('/route'))).text).toBe('{"visits":2}')
    })

    test.each([
      ['redirect()', 'redirect', 307, '/?from=route;1'],
      ['notFound()', 'not-found', 404, null],
    ])('commits before %s, with the cookie', async (_title, end, status, location) => {
      const visitor = new NextVisitor()
      for (const visits of [1, 2]) {
        const answer = await visitor.open(url(`/route?end=${end}`))
        expect([answer.status, answer.headers.get('location')]).toEqual([status, location])
        expect((await visitor.open(url('/'))).text).toContain(`visits:${visits};`)
      }
    })

    test('answers a form with 303', async () => {
      const visitor = new NextVisitor()
      const answer = await visitor.open(url('/route'), { method: 'POST', body: new FormData() })
      expect([answer.status, answer.headers.get('location')]).toEqual([303, '/'])
      expect((await visitor.open(url('/'))).text).toContain('visits:100;')
    })

    test('stores nothing when it fails', async () => {
      const visitor = new NextVisitor()
      expect((await visitor.open(url('/route?end=error'))).status).toBe(500)
      expect(visitor.cookie).toBeUndefined()
    })

    test('can also work with the jar, of which there is one', async () => {
      const visitor = new NextVisitor()
      expect((await visitor.open(url('/route'), { method: 'PUT' })).text).toBe('{"isOne":true}')
      expect((await visitor.open(url('/'))).text).toContain('visits:50;')
    })
  })

  test('the Pages Router has the sessions of the App Router, and one store for all bundles', async () => {
    const visitor = new NextVisitor()
    await visitor.open(url('/route'))
    expect((await visitor.open(url('/api/visit'))).text).toBe('{"visits":2,"opened":1}')
  })

  describe('proxy.ts', () => {
    test('gives the page the session that it begins', async () => {
      const visitor = new NextVisitor()
      expect((await visitor.open(url('/?greet'))).text).toContain('user:greeted;')
      expect((await visitor.open(url('/'))).text).toContain('user:greeted;')
    })

    test('extends the session of a visitor who only reads', async () => {
      const visitor = new NextVisitor()
      await visitor.open(url('/route'))
      // Expiries are whole seconds.
      await new Promise(resolve => setTimeout(resolve, 1100))
      const { headers } = await visitor.open(url('/'))
      const cookies = headers.getSetCookie()
      expect(cookies[0]).toMatch(/^session=.*Max-Age=86/s)
      // Next.js computes the expiry of a cookie of the proxy a second time, and sends both when a second has passed between.
      expect(new Set(cookies.map(cookie => cookie.replace(/Expires=[^;]*/, '')))).toHaveProperty('size', 1)
    })
  })
})
