import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { engineEnvironment } from '../integration/cli/engine-environment.ts'
import { UserTable } from '../integration/users/user-table.ts'
import { engine } from '../support/engines.ts'
import { arePackagesInstalled, compiledModulesOf } from './page-modules.ts'

/** What the app of the page answers. */
interface Shown {
  readonly user?: string
  readonly visits: number
  readonly flash: readonly string[]
  readonly token: string
}

describe.runIf(await arePackagesInstalled())('the app of the page about Express', () => {
  let folder: string
  let table: UserTable
  let apps: RunningApp[] = []

  beforeAll(async () => {
    table = await UserTable.create(engine)
    folder = await compiledModulesOf('docs/frameworks/express.md', { sessions: table.name })
    apps = await Promise.all([RunningApp.start(folder), RunningApp.start(folder)])
  })

  afterAll(async () => {
    await Promise.all(apps.map(app => app.end()))
  })

  /** A visitor of both processes. */
  function visitor(): Visitor {
    return new Visitor(apps.map(({ origin }) => origin))
  }

  test('does not start without a secret, and says what to do', async () => {
    const app = spawn(process.execPath, ['app.js'], { cwd: folder, env: { PATH: process.env['PATH'] } })
    let text = ''
    app.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
    expect(await once(app, 'close')).not.toEqual([0, null])
    expect(text).toContain('set SESSION_SECRET, for example to what "openssl rand -base64 32" prints')
  })

  test('a session goes on in the other process', async () => {
    const ada = visitor()
    expect((await ada.show()).visits).toBe(1)
    expect((await ada.show(1)).visits).toBe(2)
  })

  test('signs in under a new ID, welcomes once, and signs out', async () => {
    const ada = visitor()
    await ada.show()
    const before = ada.cookie
    expect(await ada.post('/sign-in', { username: 'ada', password: 'wrong' })).toBe(401)
    expect(await ada.post('/sign-in', { username: 'ada', password: 'correct horse' })).toBe(303)
    expect(ada.cookie).not.toBe(before)
    expect(await ada.show(1)).toMatchObject({ user: 'ada', flash: ['Welcome back'] })
    expect(await ada.show()).toMatchObject({ user: 'ada', flash: [] })
    const signedIn = ada.cookie
    expect(await ada.post('/sign-out')).toBe(303)
    expect((await ada.show()).user).toBeUndefined()
    ada.cookie = signedIn
    expect((await ada.show()).user).toBeUndefined()
  })

  test('refuses a form without the token of the session', async () => {
    const ada = visitor()
    await ada.show()
    ada.token = 'made up'
    expect(await ada.post('/sign-in', { username: 'ada', password: 'correct horse' })).toBe(403)
  })

  test('signs out everywhere', async () => {
    const visitors = [visitor(), visitor()]
    for (const grace of visitors) {
      await grace.show()
      await grace.post('/sign-in', { username: 'grace', password: 'correct horse' })
      expect((await grace.show()).user).toBe('grace')
    }
    expect(await visitors[0]?.post('/sign-out-everywhere')).toBe(303)
    for (const grace of visitors) expect((await grace.show(1)).user).toBeUndefined()
  })

  test('ends when it is told to', async () => {
    const app = await RunningApp.start(folder)
    expect(await app.end()).toBe(0)
  })

  test('is healthy without a session', async () => {
    const response = await fetch(`${apps[0]?.origin}/health`)
    expect([response.status, response.headers.get('set-cookie')]).toEqual([200, null])
  })
})

class RunningApp {
  readonly origin: string
  readonly #process: ChildProcess

  private constructor(app: ChildProcess, origin: string) {
    this.#process = app
    this.origin = origin
  }

  static async start(folder: string): Promise<RunningApp> {
    const variables = { PORT: '0', SESSION_SECRET: 'a long random text', ...engineEnvironment(engine) }
    const app = spawn(process.execPath, ['app.js'], {
      cwd: folder,
      env: { PATH: process.env['PATH'], AWS_EC2_METADATA_DISABLED: 'true', ...variables },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    for await (const line of createInterface({ input: app.stdout })) {
      const port = /port: (\d+)/.exec(line)?.[1]
      if (port === undefined) continue
      app.stdout.resume()
      return new RunningApp(app, `http://127.0.0.1:${port}`)
    }
    throw new Error('the app has ended before it listened')
  }

  /** The exit code of the process after SIGTERM. */
  async end(): Promise<unknown> {
    const exited = once(this.#process, 'exit')
    this.#process.kill('SIGTERM')
    return (await exited)[0]
  }
}

/** A browser without JavaScript: it keeps the session cookie, and the token of the page for its forms. */
class Visitor {
  readonly #origins: readonly string[]
  cookie = ''
  token = ''

  constructor(origins: readonly string[]) {
    this.#origins = origins
  }

  async show(process = 0): Promise<Shown> {
    const response = await this.#fetch(this.#origins[process] ?? '', '/', {})
    const shown = (await response.json()) as Shown
    this.token = shown.token
    return shown
  }

  async post(path: string, fields: Readonly<Record<string, string>> = {}): Promise<number> {
    const body = new URLSearchParams({ ...fields, token: this.token })
    const response = await this.#fetch(this.#origins[0] ?? '', path, { method: 'POST', body })
    await response.arrayBuffer()
    // A new session has a token of its own, which its page shows.
    return response.status
  }

  async #fetch(origin: string, path: string, init: RequestInit): Promise<Response> {
    const headers = { cookie: this.cookie, connection: 'close' }
    const response = await fetch(origin + path, { ...init, redirect: 'manual', headers })
    for (const cookie of response.headers.getSetCookie()) this.cookie = cookie.split(';')[0] ?? ''
    return response
  }
}
