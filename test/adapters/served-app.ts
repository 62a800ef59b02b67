import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { type Engine, engineCredentials, engineRegion } from '../support/engines.ts'
import { packedPackage } from '../support/packed-package.ts'

/** What processes of the apps are given of the environment. */
export const plainEnvironment: Readonly<Record<string, string | undefined>> = {
  PATH: process.env['PATH'],
  AWS_EC2_METADATA_DISABLED: 'true',
}

/** Puts the package, as it would be published, into the `node_modules` of an app. */
export async function addPackageTo(appFolder: string): Promise<void> {
  const { installed } = await packedPackage()
  const target = join(appFolder, 'node_modules/dynamodb-sessions')
  await rm(target, { recursive: true, force: true })
  await cp(installed, target, { recursive: true })
}

/** The variables by which the apps find their table, and sign their cookies. */
export function variablesFor(engine: Engine, table: string): Record<string, string> {
  return {
    TABLE: table,
    SESSION_SECRET: 'a long random text',
    AWS_REGION: engineRegion,
    AWS_ACCESS_KEY_ID: engineCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: engineCredentials.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint,
  }
}

/** How a process is started that serves an app, and prints its origin on the loopback interface. */
export interface ServerCommand {
  readonly cwd: string
  readonly args: readonly string[]
  /** The Node to run it with. */
  readonly node?: string
}

/** A process that serves an app. */
export class ServedApp {
  readonly origin: string
  readonly #process: ChildProcess
  #complaints = ''

  private constructor(server: ChildProcess, origin: string) {
    this.#process = server
    this.origin = origin
    server.stderr?.on('data', (chunk: Buffer) => {
      this.#complaints += chunk
      process.stderr.write(chunk)
    })
  }

  /** What it has written to standard error since it listens. */
  get complaints(): string {
    return this.#complaints
  }

  static async start(
    { cwd, args, node = process.execPath }: ServerCommand,
    variables: Readonly<Record<string, string>>,
  ): Promise<ServedApp> {
    const server = spawn(node, args, {
      cwd,
      env: { ...plainEnvironment, ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for await (const line of createInterface({ input: server.stdout })) {
      const origin = /http:\/\/127\.0\.0\.1:[1-9]\d*/.exec(line)?.[0]
      if (origin === undefined) continue
      server.stdout.resume()
      return new ServedApp(server, origin)
    }
    throw new Error('the app has ended before it listened')
  }

  async close(): Promise<void> {
    const exited = once(this.#process, 'exit')
    this.#process.kill()
    await exited
  }
}

/** What a {@link PageVisitor} was answered. */
export interface Page {
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

/** What a {@link PageVisitor} sends. */
export interface PageRequest {
  readonly method?: string
  readonly body?: FormData | URLSearchParams
  readonly headers?: Readonly<Record<string, string>>
}

/** A browser without JavaScript, on pages of the app: it keeps the session cookie, and sends forms. */
export class PageVisitor {
  #cookie: string | undefined
  readonly #cookieName: string

  constructor(cookie?: string, cookieName = 'session') {
    this.#cookie = cookie
    this.#cookieName = cookieName
  }

  /** What is in the cookie. */
  get cookie(): string | undefined {
    return this.#cookie
  }

  async open(url: string, init: PageRequest = {}): Promise<Page> {
    const { method = 'GET' } = init
    const headers = new Headers({ accept: 'text/html', ...init.headers })
    if (method !== 'GET') headers.set('origin', new URL(url).origin)
    if (this.#cookie !== undefined) headers.set('cookie', `${this.#cookieName}=${this.#cookie}`)
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    // Where several hooks of a framework set the cookie, the latest one counts.
    for (const header of response.headers.getSetCookie()) {
      const [name, value] = (header.split(';')[0] ?? '').split(/=(.*)/s)
      if (name === this.#cookieName && value !== undefined) this.#cookie = value === '' ? undefined : value
    }
    return { status: response.status, text: plain(await response.text()), headers: response.headers }
  }

  /** Sends a form. */
  send(url: string, body: FormData | URLSearchParams = new FormData()): Promise<Page> {
    return this.open(url, { method: 'POST', body })
  }
}

/** Without the comments that frameworks put between texts. */
function plain(html: string): string {
  return html.replaceAll(/<!--.*?-->/gs, '')
}
