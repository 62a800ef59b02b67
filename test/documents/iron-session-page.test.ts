import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'

import { engineEnvironment } from '../integration/cli/engine-environment.ts'
import { engine } from '../support/engines.ts'
import { areInstalled } from '../support/packages.ts'
import { SessionTable } from '../support/session-table.ts'
import { CookieClient } from './cookie-client.ts'
import { arePackagesInstalled, compiledModulesOf } from './page-modules.ts'

const nextFolder = fileURLToPath(new URL('../adapters/next', import.meta.url))
const isComplete = (await arePackagesInstalled()) && (await areInstalled(nextFolder, 'Next.js'))
const password = 'a password of at least thirty-two characters'

describe.runIf(isComplete)('the modules of docs/migrating/iron-session.md', () => {
  let folder: string
  let table: SessionTable

  beforeAll(async () => {
    table = await SessionTable.create(engine)
    const nextPackages = join(nextFolder, 'node_modules')
    const tables = { sessions: table.name }
    folder = await compiledModulesOf('docs/migrating/iron-session.md', tables, { nextPackages })
    for (const [name, value] of Object.entries(engineEnvironment(engine))) vi.stubEnv(name, value)
    vi.stubEnv('SESSION_SECRET', 'a long random text')
    vi.stubEnv('OLD_PASSWORD', password)
  }, 180_000)

  async function module<Exports>(name: string): Promise<Exports> {
    return (await import(pathToFileURL(join(folder, name)).href)) as Exports
  }

  test('proxy.ts takes a sealed cookie over, once, and drops it', async () => {
    const { proxy } = await module<{ proxy: (request: unknown, context: object) => Promise<Response> }>(
      'proxy.js',
    )
    const { NextRequest } = await module<{ NextRequest: new (url: string, init: RequestInit) => Request }>(
      'node_modules/next/server.js',
    )
    const { sealData } = await module<{ sealData: (data: object, options: object) => Promise<string> }>(
      '../../node_modules/iron-session/dist/index.js',
    )
    const visit = (cookie: string): Promise<Response> =>
      proxy(new NextRequest('https://app.example/', { headers: { cookie } }), {})
    const sealed = `iron-session=${await sealData({ user: 'ada' }, { password })}`
    const cookies = (await visit(sealed)).headers.getSetCookie()
    expect(cookies).toContainEqual(expect.stringMatching(/^iron-session=;.*Expires=Thu, 01 Jan 1970/))
    const [own = ''] = cookies.filter(cookie => cookie.startsWith('__Host-session=')).map(cookieIn)
    const { sessions } = await module<{ sessions: Sessions }>('lib/sessions.js')
    const request = { headers: { cookie: own } }
    const session = await sessions.get(request, {
      headersSent: false,
      setHeader: vi.fn<() => undefined>(),
      getHeader: vi.fn<() => undefined>(),
    })
    expect([session.status, session.get('user')]).toEqual(['stored', 'ada'])

    const stored = (await table.items()).length
    const eve = `iron-session=${await sealData({ user: 'eve' }, { password })}`
    await visit(`${own}; ${eve}`)
    expect(await sessions.store.read(session.id ?? '')).toMatchObject({ data: { user: 'ada' } })
    const forged = `iron-session=${await sealData({ user: 'eve' }, { password: password.toUpperCase() })}`
    expect((await visit(forged)).headers.getSetCookie()).toHaveLength(1)
    expect(await table.items()).toHaveLength(stored)
  })

  test('a remembered visitor keeps the session for longer, by the function that replaces updateConfig', async () => {
    const { sessions } = await module<{ sessions: Sessions }>('lib/sessions.js')
    const lifetimes = await Promise.all(
      [false, true].map(async remember => {
        const headers: string[] = []
        const response = {
          headersSent: false,
          getHeader: () => undefined,
          setHeader: (name: string, value: string | string[]) =>
            name === 'set-cookie' && headers.push(...[value].flat()),
        }
        const session = await sessions.get({ headers: {} }, response)
        session.set('remember', remember)
        await session.save()
        return Number(/Max-Age=(\d+)/.exec(headers.join())?.[1])
      }),
    )
    expect(lifetimes).toEqual([86_400, 30 * 86_400])
  })

  test('server.ts keeps and ends a session, with req and res alone', async () => {
    const { server } = await module<{ server: Server }>('server.js')
    onTestFinished(() => void server.close())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    // The cookie is for HTTPS, which ends in front of the app.
    const visitor = new CookieClient('https://app.example', request =>
      fetch(request.url.replace('https://app.example', `http://127.0.0.1:${port}`), {
        method: request.method,
        headers: request.headers,
      }),
    )
    expect(await visitor.open('/')).toBe('nobody')
    await visitor.open('/', { method: 'POST' })
    expect(await visitor.open('/')).toBe('Alison')
    await visitor.open('/sign-out')
    expect(await visitor.open('/')).toBe('nobody')
  })

  test('web.ts keeps a session, with handle and with two functions for cookies', async () => {
    const { fetch: serve, visit } = await module<{
      fetch: (request: Request) => Promise<Response>
      visit: (
        read: (name: string) => string | undefined,
        write: (name: string, value: string) => void,
      ) => Promise<string>
    }>('web.js')
    const visitor = new CookieClient('https://app.example', serve)
    await visitor.open('/', { method: 'POST' })
    expect(await visitor.open('/')).toBe('Alison')

    const jar = new Map<string, string>()
    const stored = (await table.items()).length
    for (let round = 0; round < 2; round++) {
      expect(
        await visit(
          name => jar.get(name),
          (name, value) => jar.set(name, value),
        ),
      ).toBe('Alison')
    }
    expect(jar.size).toBe(1)
    expect(await table.items()).toHaveLength(stored + 1)
  })

  test('a route handler keeps what is set', async () => {
    type Handler = (request: Request, context: object) => Promise<Response>
    const { GET, POST } = await module<{ GET: Handler; POST: Handler }>('app/visit/route.js')
    const visitor = new CookieClient('https://app.example', request =>
      (request.method === 'POST' ? POST : GET)(request, {}),
    )
    await visitor.open('/', { method: 'POST' })
    expect(await visitor.open('/')).toBe('{"user":"Alison"}')
  })

  test('a magic link works once', async () => {
    const { newLink, useLink, links } = await module<{
      newLink: (email: string) => Promise<string>
      useLink: (token: string) => Promise<string | undefined>
      links: { close(): Promise<void> }
    }>('lib/links.js')
    onTestFinished(() => links.close())
    const token = new URL(await newLink('ada@example.com')).searchParams.get('token') ?? ''
    const used = await Promise.all([useLink(token), useLink(token)])
    expect(used.filter(email => email !== undefined)).toEqual(['ada@example.com'])
    expect(await useLink(token)).toBeUndefined()
    expect(await useLink('made up')).toBeUndefined()
  })
})

/** What `lib/sessions.ts` of the page exports. */
interface Sessions {
  get(
    request: object,
    response: object,
  ): Promise<{
    readonly id: string | undefined
    readonly status: string
    get(key: string): unknown
    set(key: string, value: unknown): void
    save(): Promise<void>
  }>
  readonly store: { read(id: string): Promise<unknown> }
}

function cookieIn(header: string): string {
  return header.replace(/;.*/s, '')
}
