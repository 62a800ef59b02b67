import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'

import { engineEnvironment } from '../integration/cli/engine-environment.ts'
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
    for (const page of ['fastify', 'koa', 'hono', 'web', 'react-router', 'unstorage']) {
      const table = await SessionTable.create(engine)
      const tables = { sessions: table.name, storage: table.name }
      pages.set(page, { folder: await compiledModulesOf(`docs/frameworks/${page}.md`, tables), table })
    }
  }, 300_000)

  /** The compiled modules of a page, and the table of its sessions. */
  function compiled(page: string): { readonly folder: string; readonly table: SessionTable } {
    const found = pages.get(page)
    if (found === undefined) throw new Error(`the page about ${page} is not compiled`)
    return found
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
})

/** A module of a page, loaded into this process. */
async function loaded(folder: string, name: string): Promise<unknown> {
  for (const [variable, value] of Object.entries(engineEnvironment(engine))) vi.stubEnv(variable, value)
  vi.stubEnv('SESSION_SECRET', SECRET)
  return import(pathToFileURL(join(folder, name)).href)
}

/** Runs the app of a page in a process of its own, and returns its origin. */
async function served(folder: string): Promise<string> {
  const variables = { PORT: '0', SESSION_SECRET: SECRET, ...engineEnvironment(engine) }
  const app: ChildProcess = spawn(process.execPath, ['app.js'], {
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
