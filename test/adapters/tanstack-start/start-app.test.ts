import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { UserTable } from '../../integration/users/user-table.ts'
import { engine } from '../../support/engines.ts'
import { type Page, PageVisitor, ServedApp, variablesFor } from '../served-app.ts'
import { builtServer, clientFolder } from './start-app.ts'

const server = await builtServer()

describe.runIf(server)('an app of TanStack Start, built for production', () => {
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

  /** Sends a form of the page, which a server function answers. */
  async function submit(visitor: PageVisitor, name: string, user = 'ada'): Promise<Page> {
    const { text } = await visitor.open(url('/'))
    const form = text.split('<form').find(part => part.includes(`data-name="${name}"`)) ?? ''
    const action = /action="([^"]+)"/.exec(form)?.[1] ?? ''
    const body = new FormData()
    body.append('user', user)
    return visitor.send(url(action), body)
  }

  async function signedIn(user = 'ada', visitor = new PageVisitor()): Promise<PageVisitor> {
    const answer = await submit(visitor, 'sign-in', user)
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/'])
    return visitor
  }

  test('sends browsers nothing of the package', async () => {
    const files = (await readdir(clientFolder, { recursive: true })).filter(file => file.endsWith('.js'))
    const codes = await Promise.all(files.map(file => readFile(join(clientFolder, file), 'utf8')))
    expect(codes.length).toBeGreaterThan(0)
    expect(codes.filter(code => code.includes('DYNAMODB_SESSIONS'))).toEqual([])
  })

  test('a visitor of whom nothing is kept gets no cookie', async () => {
    const visitor = new PageVisitor()
    expect((await visitor.open(url('/'))).text).toContain('user:nobody;')
    expect(visitor.cookie).toBeUndefined()
    expect(await table.itemCount()).toBe(0)
  })

  test('a server function signs in under a new ID and redirects', async () => {
    const visitor = new PageVisitor()
    await visitor.open(url('/visit'))
    const before = visitor.cookie
    await signedIn('grace', visitor)
    expect(visitor.cookie).not.toBe(before)
    expect((await visitor.open(url('/'))).text).toContain('user:grace;visits:1;')
    expect((await new PageVisitor(before).open(url('/'))).text).toContain('user:nobody;')
  })

  test('a redirect of other middleware keeps the message that was set before, which is shown once', async () => {
    const visitor = new PageVisitor()
    const answer = await visitor.open(url('/account'))
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/'])
    expect((await visitor.open(url('/'))).text).toContain('message:sign in first;')
    expect((await visitor.open(url('/'))).text).toContain('message:none;')
    await signedIn('ada', visitor)
    expect((await visitor.open(url('/account'))).text).toContain('account')
  })

  test('server functions that are called while a page is rendered have its session', async () => {
    const visitor = await signedIn()
    const { text, headers } = await visitor.open(url('/nested'))
    expect(text).toContain('own:1,2,3;')
    expect(headers.getSetCookie().filter(cookie => cookie.startsWith('session=')).length).toBeLessThan(2)
    expect((await visitor.open(url('/', other))).text).toContain('user:ada;visits:3;')
  })

  test.each(['fail', 'throw'])(
    'what a server route sets that ends with 500 (%s) is not stored',
    async end => {
      const visitor = await signedIn()
      await visitor.open(url('/visit'))
      expect((await visitor.open(url(`/visit?${end}`))).status).toBe(500)
      expect((await visitor.open(url('/'))).text).toContain('visits:1;')
    },
  )

  test('parallel requests in two processes take turns', async () => {
    const visitor = await signedIn()
    const open = (at: ServedApp | undefined): Promise<Page> =>
      new PageVisitor(visitor.cookie).open(url('/visit', at))
    await Promise.all([open(app), open(other), open(app), open(other), open(app)])
    expect((await visitor.open(url('/', other))).text).toContain('user:ada;visits:5;')
  })

  test('a sign-out counts in every process', async () => {
    const visitor = await signedIn()
    const elsewhere = new PageVisitor(visitor.cookie)
    await submit(visitor, 'sign-out')
    expect(visitor.cookie).toBeUndefined()
    expect((await elsewhere.open(url('/', other))).text).toContain('user:nobody;')
  })

  test('the sessions of a user are destroyed everywhere', async () => {
    const visitors = [await signedIn('joan'), await signedIn('joan')]
    expect((await new PageVisitor().open(url('/visit'), { method: 'DELETE' })).text).toBe('{"count":2}')
    for (const visitor of visitors) expect((await visitor.open(url('/'))).text).toContain('user:nobody;')
  })
})
