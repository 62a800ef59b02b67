import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { UserTable } from '../../integration/users/user-table.ts'
import { engine } from '../../support/engines.ts'
import { PageVisitor, ServedApp, variablesFor } from '../served-app.ts'
import { builtServer } from './sveltekit-app.ts'

const servers = { 2: await builtServer(2), 3: await builtServer(3) }

describe.each([2, 3] as const)('an app of SvelteKit %i, built for production', version => {
  const server = servers[version]
  let table: UserTable
  let [app, other]: ServedApp[] = []

  beforeAll(async () => {
    if (server === undefined) return
    table = await UserTable.create(engine)
    const variables = variablesFor(engine, table.name)
    ;[app, other] = await Promise.all([
      ServedApp.start(server, variables),
      ServedApp.start(server, variables),
    ])
  })

  afterAll(async () => {
    await Promise.all([app?.close(), other?.close()])
  })

  const url = (path: string, { origin } = app ?? { origin: '' }): string => origin + path

  async function signedIn(user = 'ada', visitor = new PageVisitor()): Promise<PageVisitor> {
    const answer = await visitor.send(url('/?/signIn'), new URLSearchParams({ user }))
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/'])
    return visitor
  }

  test.runIf(server)(
    'a visitor of whom nothing is kept gets no cookie, and prerendered pages need no session',
    async () => {
      const visitor = new PageVisitor()
      expect((await visitor.open(url('/'))).text).toContain('user:nobody;')
      expect((await visitor.open(url('/about'))).text).toContain('about')
      expect(visitor.cookie).toBeUndefined()
      expect(await table.itemCount()).toBe(0)
    },
  )

  test.runIf(server)('a form action signs in under a new ID and redirects', async () => {
    const visitor = new PageVisitor()
    await visitor.open(url('/visit'))
    const before = visitor.cookie
    await signedIn('grace', visitor)
    expect(visitor.cookie).not.toBe(before)
    expect((await visitor.open(url('/'))).text).toContain('user:grace;visits:1;')
    expect((await new PageVisitor(before).open(url('/'))).text).toContain('user:nobody;')
  })

  test.runIf(server)('a form action that ends with fail() is committed; one that fails is not', async () => {
    const visitor = new PageVisitor()
    for (const tries of [1, 2]) {
      const answer = await visitor.send(url('/?/signIn'), new URLSearchParams({ user: '' }))
      expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(`tries:${tries};`)])
    }
    expect((await visitor.send(url('/?/crash'))).status).toBe(500)
    expect((await visitor.open(url('/'))).text).toContain('user:nobody;')
  })

  test.runIf(server)(
    'a redirect of another hook keeps the message that was set before, which is shown once',
    async () => {
      const visitor = new PageVisitor()
      const answer = await visitor.open(url('/account'))
      expect([answer.status, answer.headers.get('location')]).toEqual([303, '/'])
      expect((await visitor.open(url('/'))).text).toContain('message:sign in first;')
      expect((await visitor.open(url('/'))).text).toContain('message:none;')
      await signedIn('ada', visitor)
      expect((await visitor.open(url('/account'))).text).toContain('account')
    },
  )

  test.runIf(server)('parallel requests in two processes take turns', async () => {
    const visitor = await signedIn()
    const open = (at: ServedApp | undefined) => new PageVisitor(visitor.cookie).open(url('/visit', at))
    await Promise.all([open(app), open(other), open(app), open(other), open(app)])
    expect((await visitor.open(url('/', other))).text).toContain('user:ada;visits:5;')
  })

  test.runIf(server)(
    'requests that event.fetch makes to the app have the session of their parent',
    async () => {
      const visitor = await signedIn()
      const { text, headers } = await visitor.open(url('/nested'))
      expect(text).toContain('own:11,12;strangers:1;user:renewed;')
      expect(headers.getSetCookie().filter(cookie => cookie.startsWith('session='))).toHaveLength(1)
      expect((await visitor.open(url('/', other))).text).toContain('user:renewed;visits:12;')
    },
  )

  test.runIf(server)('a sign-out counts in every process', async () => {
    const visitor = await signedIn()
    const elsewhere = new PageVisitor(visitor.cookie)
    await visitor.send(url('/?/signOut'))
    expect(visitor.cookie).toBeUndefined()
    expect((await elsewhere.open(url('/', other))).text).toContain('user:nobody;')
  })

  test.runIf(server)('the sessions of a user are destroyed everywhere', async () => {
    const visitors = [await signedIn('joan'), await signedIn('joan')]
    expect((await new PageVisitor().open(url('/visit'), { method: 'DELETE' })).text).toBe('{"count":2}')
    for (const visitor of visitors) expect((await visitor.open(url('/'))).text).toContain('user:nobody;')
  })
})
