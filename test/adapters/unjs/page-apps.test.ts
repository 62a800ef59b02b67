import { createServer } from 'node:net'
import { once } from 'node:events'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { UserTable } from '../../integration/users/user-table.ts'
import { engine } from '../../support/engines.ts'
import { PageVisitor, ServedApp, type ServerCommand, variablesFor } from '../served-app.ts'
import { builtApp, nodeForApps, type PageApp } from './page-apps.ts'

const apps: readonly PageApp[] = [
  {
    name: 'astro',
    builder: 'astro/bin/astro.mjs',
    server: 'dist/server/entry.mjs',
    storagePath: '/theme',
  },
  {
    name: 'nitro',
    builder: 'nitro/dist/cli/index.mjs',
    server: '.output/server/index.mjs',
    storagePath: '/reports',
  },
  {
    name: 'nuxt',
    builder: 'nuxt/bin/nuxt.mjs',
    server: '.output/server/index.mjs',
    storagePath: '/api/reports',
  },
]

const COOKIE = '__Host-session'
const node = await nodeForApps()

describe.runIf(node).each(apps)('the app of the page about $name, built for production', pageApp => {
  const { name, storagePath } = pageApp
  let table: UserTable
  let server: ServerCommand
  let [app, other]: ServedApp[] = []

  beforeAll(async () => {
    if (node === undefined) return
    table = await UserTable.create(engine)
    server = await builtApp(pageApp, node, table.name)
    ;[app, other] = await Promise.all([start(), start()])
  })

  afterAll(async () => {
    await Promise.all([app?.close(), other?.close()])
  })

  async function start(variables: Readonly<Record<string, string>> = {}): Promise<ServedApp> {
    const listening = { HOST: '127.0.0.1', PORT: String(await freePort()) }
    return ServedApp.start(server, { ...variablesFor(engine, table.name), ...listening, ...variables })
  }

  const url = (path: string, { origin } = app ?? { origin: '' }): string => origin + path

  async function signedIn(user = 'ada', visitor = stranger()): Promise<PageVisitor> {
    const answer = await visitor.send(url('/sign-in'), new URLSearchParams({ user }))
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/'])
    return visitor
  }

  test('a second visit counts on, in a second process too', async () => {
    const visitor = stranger()
    const first = await visitor.open(url('/'))
    expect(first.text).toContain('Visit 1 of a stranger')
    expect(first.headers.get('cache-control')).toBe('no-store')
    expect((await visitor.open(url('/'))).text).toContain('Visit 2 of a stranger')
    expect((await visitor.open(url('/', other))).text).toContain('Visit 3 of a stranger')
  })

  test('signs in under a new ID, and out in every process', async () => {
    const visitor = stranger()
    await visitor.open(url('/'))
    const before = visitor.cookie
    await signedIn('grace', visitor)
    expect(visitor.cookie).not.toBe(before)
    expect((await visitor.open(url('/', other))).text).toContain('Visit 2 of grace')
    expect((await stranger(before).open(url('/'))).text).not.toContain('grace')
    const signedInAs = visitor.cookie
    expect((await visitor.send(url('/sign-out'), new URLSearchParams())).status).toBe(303)
    expect(visitor.cookie).toBeUndefined()
    expect((await stranger(signedInAs).open(url('/', other))).text).toContain('Visit 1 of a stranger')
  })

  test('stores nothing of a request that fails', async () => {
    const visitor = await signedIn()
    expect((await visitor.send(url('/crash'), new URLSearchParams())).status).toBe(500)
    expect((await visitor.open(url('/'))).text).toContain('Visit 1 of ada')
  })

  test('answers 500 when a session cannot be read, and leaves its visitor signed in', async () => {
    const visitor = await signedIn()
    const [port, cookie] = [await freePort(), visitor.cookie]
    const cutOff = await start({
      AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${port}`,
      DYNAMODB_SESSIONS_MAX_ATTEMPTS: '1',
    })
    try {
      expect((await visitor.open(url('/', cutOff))).status).toBe(500)
    } finally {
      await cutOff.close()
    }
    expect(visitor.cookie).toBe(cookie)
    expect((await visitor.open(url('/'))).text).toContain('of ada')
  })

  test.runIf(name === 'astro')('prerendered pages need neither a secret nor a session', async () => {
    const page = await stranger().open(url('/about'))
    expect([page.status, page.headers.getSetCookie()]).toEqual([200, []])
  })

  test.runIf(name === 'astro')("Astro's own sessions are in the table, too", async () => {
    const visitor = new PageVisitor(undefined, 'astro-session')
    expect((await visitor.send(url(storagePath), new URLSearchParams({ theme: 'dark' }))).status).toBe(204)
    expect((await visitor.open(url(storagePath, other))).text).toBe('dark')
  })

  test.skipIf(name === 'astro')('the mount is shared by the processes', async () => {
    expect((await stranger().open(url(storagePath))).text).toMatch(/"count":\s*1/)
    expect((await stranger().open(url(storagePath, other))).text).toMatch(/"count":\s*2/)
  })
})

/** A visitor with a cookie of these sessions, or none. */
function stranger(cookie?: string): PageVisitor {
  return new PageVisitor(cookie, COOKIE)
}

/** A port that none of the frameworks takes by itself: for them 0 is no port. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
