import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

import { io } from 'socket.io-client'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { WebSocket } from 'ws'

import { engineEnvironment } from '../integration/cli/engine-environment.ts'
import { callbackValue } from '../support/callback-outcome.ts'
import { engine } from '../support/engines.ts'
import { SessionTable } from '../support/session-table.ts'
import { CookieClient } from './cookie-client.ts'
import { arePackagesInstalled, compiledModulesOf } from './page-modules.ts'

/** A handler of requests, or what has one. */
type Serve = (request: Request) => Response | Promise<Response>

/** What `app/sessions.server.ts` of the page about React Router exports. */
interface RouterSessions {
  getSession(
    cookie: string | null,
  ): Promise<{ get(key: string): unknown; set(key: string, value: string): void }>
  commitSession(session: unknown): Promise<string>
}

const SECRET = 'at least 32 characters that nobody knows'

describe.runIf(await arePackagesInstalled())('the app of the page about', () => {
  const pages = new Map<string, { readonly folder: string; readonly table: SessionTable }>()

  beforeAll(async () => {
    for (const [page, yours] of Object.entries(yoursByPage)) {
      const table = await SessionTable.create(engine)
      const tables = { sessions: table.name, storage: table.name, auth: table.name }
      const folder = await compiledModulesOf(`docs/frameworks/${page}.md`, tables, { yours })
      pages.set(page, { folder, table })
    }
  }, 300_000)

  /** The compiled modules of a page, and the table of its sessions. */
  function compiled(page: string): { readonly folder: string; readonly table: SessionTable } {
    const found = pages.get(page)
    if (found === undefined) throw new Error(`the page about ${page} is not compiled`)
    return found
  }

  /** A visitor of an app of the page about WebSockets, who has signed in. */
  async function signedInAt(name: string): Promise<readonly [visitor: CookieClient, origin: string]> {
    const origin = await served(compiled('websockets').folder, name)
    const visitor = new CookieClient(origin)
    await visitor.open('/sign-in', { method: 'POST' })
    return [visitor, origin]
  }

  test.each(['fastify', 'koa'])('%s counts visits over plain HTTP, signs in and out', async page => {
    const { folder, table } = compiled(page)
    const visitor = new CookieClient(await served(folder))
    expect([await visitor.open('/'), await visitor.open('/')]).toEqual(['Visit 1', 'Visit 2'])
    expect(await table.items()).toHaveLength(1)
    await visitor.open('/login', page === 'koa' ? {} : { method: 'POST' })
    await visitor.open('/')
    const signedIn = (await table.items()).filter(item => JSON.stringify(item).includes('ada'))
    expect(signedIn).toHaveLength(1)
    await visitor.open('/logout', page === 'koa' ? {} : { method: 'POST' })
    expect(await visitor.open('/')).toBe('Visit 1')
  })

  test.each(['fastify', 'koa'])('%s does not start without a secret', async page => {
    const { folder } = compiled(page)
    const app = spawn(process.execPath, ['app.js'], { cwd: folder, env: { PATH: process.env['PATH'] } })
    let complaint = ''
    app.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
    expect(await once(app, 'close')).toEqual([1, null])
    expect(complaint).toContain('SESSION_SECRET is not set')
  })

  test.each([
    ['hono', 'app.js'],
    ['hono', 'with-hono-sessions.js'],
  ])('%s counts visits, in %s', async (page, name) => {
    const { folder, table } = compiled(page)
    const items = (await table.items()).length
    const { app } = (await loaded(folder, name)) as { app: { fetch: Serve } }
    const visitor = new CookieClient('https://app.example', request => app.fetch(request))
    expect([await visitor.open('/'), await visitor.open('/')]).toEqual(['Visit 1', 'Visit 2'])
    expect(await table.items()).toHaveLength(items + 1)
  })

  test('web keeps the cart', async () => {
    const { folder, table } = compiled('web')
    const server = (await loaded(folder, 'server.js')) as { fetch: Serve }
    const visitor = new CookieClient('https://app.example', server.fetch)
    expect([await visitor.open('/'), await visitor.open('/')]).toEqual(['["apple"]', '["apple","apple"]'])
    expect(await table.items()).toHaveLength(1)
  })

  test('react-router keeps what is set', async () => {
    const { folder } = compiled('react-router')
    const sessions = (await loaded(folder, 'app/sessions.server.js')) as RouterSessions
    const serve = async (request: Request): Promise<Response> => {
      const session = await sessions.getSession(request.headers.get('cookie'))
      const user = String(session.get('userId'))
      session.set('userId', 'ada')
      return new Response(user, { headers: { 'set-cookie': await sessions.commitSession(session) } })
    }
    const visitor = new CookieClient('https://app.example', serve)
    expect([await visitor.open('/'), await visitor.open('/')]).toEqual(['undefined', 'ada'])
  })

  test('unstorage stores a value', async () => {
    const { folder, table } = compiled('unstorage')
    await loaded(folder, 'storage.js')
    expect(await table.items()).toEqual([
      expect.objectContaining({ id: { S: 'unstorage:reports:today' }, data: { S: '{"visits":3}' } }),
    ])
  })

  test('better-auth keeps a visitor signed in, with keys that are hashed and values that are encrypted', async () => {
    const { folder, table } = compiled('better-auth')
    vi.stubEnv('AUTH_STORAGE_KEY', `base64:${randomBytes(32).toString('base64')}`)
    vi.stubEnv('BETTER_AUTH_SECRET', SECRET)
    vi.stubEnv('BETTER_AUTH_URL', 'https://app.example')
    const { auth } = (await loaded(folder, 'auth.js')) as { auth: { handler: Serve } }
    const visitor = new CookieClient('https://app.example', request => auth.handler(request))
    const session = (): Promise<string> => visitor.open('/api/auth/get-session')
    const post = (path: string, body: object): Promise<string> =>
      visitor.open(`/api/auth${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: 'https://app.example' },
        body: JSON.stringify(body),
      })
    await post('/sign-up/email', { name: 'Ada', email: 'ada@example.com', password: 'correct horse' })
    for (let visit = 0; visit < 2; visit++) {
      expect(JSON.parse(await session())).toMatchObject({ user: { email: 'ada@example.com' } })
    }
    const items = JSON.stringify(await table.items())
    expect([items.includes('better-auth:'), items.includes('ada@example.com')]).toEqual([true, false])
    await post('/sign-out', {})
    expect(await session()).toBe('null')
  })

  describe('websockets counts', () => {
    test('messages of a WebSocket, which only visitors who have signed in can open', async () => {
      const [visitor, origin] = await signedInAt('sockets.js')
      const address = origin.replace('http:', 'ws:')
      await expect(once(new WebSocket(address), 'open')).rejects.toThrow('401')
      const socket = new WebSocket(address, { headers: { cookie: visitor.cookie } })
      await once(socket, 'open')
      for (const count of ['1', '2']) {
        socket.send('hello')
        await expect.poll(() => visitor.open('/messages')).toBe(count)
      }
      const { folder } = compiled('websockets')
      const { countMessage, expressStore } = (await loaded(folder, 'shared-store.js')) as SharedStore
      const id = decodeURIComponent(visitor.cookie).replace(/^.*=s:([^.]+).*$/, '$1')
      await countMessage(id)
      expect(await visitor.open('/messages')).toBe('3')
      await callbackValue(done => expressStore.destroy(id, done))
      socket.send('hello')
      await once(socket, 'close')
    })

    test.each(['polling', 'websocket'])('messages of Socket.IO, by %s', async transport => {
      const [visitor, origin] = await signedInAt('socket-io.js')
      const socket = io(origin, { transports: [transport], extraHeaders: { cookie: visitor.cookie } })
      onTestFinished(() => {
        socket.disconnect()
      })
      for (const count of ['1', '2']) {
        socket.emit('message')
        await expect.poll(() => visitor.open('/messages')).toBe(count)
      }
    })

    test('nothing in a stream, which keeps what it has set before', async () => {
      const [visitor, origin] = await signedInAt('events.js')
      const { body } = await fetch(`${origin}/events`, { headers: { cookie: visitor.cookie } })
      for await (const chunk of body ?? []) {
        expect(Buffer.from(chunk as Uint8Array).toString()).toBe('data: hello\n\n')
        break
      }
      const stored = JSON.stringify(await compiled('websockets').table.items())
      expect(stored).toContain(String.raw`\"watching\":true`)
    })
  })
})

/** What the page about WebSockets exports for jobs and socket handlers. */
interface SharedStore {
  readonly countMessage: (id: string) => Promise<void>
  readonly expressStore: { destroy(id: string, done: (error?: unknown) => void): void }
}

/** The pages, and the modules that they leave to their readers. */
const yoursByPage: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  fastify: {},
  koa: {},
  hono: {},
  web: {},
  'react-router': {},
  unstorage: {},
  websockets: {},
  'better-auth': {
    'database.ts': `import { memoryAdapter } from 'better-auth/adapters/memory'
export const database = memoryAdapter({ user: [], account: [], session: [], verification: [] })`,
  },
}

/** A module of a page, loaded into this process. */
async function loaded(folder: string, name: string): Promise<unknown> {
  for (const [variable, value] of Object.entries(engineEnvironment(engine))) vi.stubEnv(variable, value)
  vi.stubEnv('SESSION_SECRET', SECRET)
  return import(pathToFileURL(join(folder, name)).href)
}

/** Runs the app of a page in a process of its own, and returns its origin. */
async function served(folder: string, name = 'app.js'): Promise<string> {
  const variables = { PORT: '0', SESSION_SECRET: SECRET, ...engineEnvironment(engine) }
  const app: ChildProcess = spawn(process.execPath, [name], {
    cwd: folder,
    env: { PATH: process.env['PATH'], AWS_EC2_METADATA_DISABLED: 'true', ...variables },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    app.kill()
  })
  if (app.stdout === null) throw new Error('the output of the app is not read')
  for await (const line of createInterface({ input: app.stdout })) {
    const port = /(\d+)\D*$/.exec(line)?.[1]
    if (port === undefined) continue
    app.stdout.resume()
    return `http://localhost:${port}`
  }
  throw new Error('the app has ended before it listened')
}
