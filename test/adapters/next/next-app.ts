import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { packedPackage } from '../../support/packed-package.ts'
import { areInstalled } from '../../support/packages.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const appFolder = join(folder, 'app')
const program = join(folder, 'node_modules/next/dist/bin/next')
const environment = {
  PATH: process.env['PATH'],
  NEXT_TELEMETRY_DISABLED: '1',
  AWS_EC2_METADATA_DISABLED: 'true',
}

/**
 * Installs Next.js, and builds the app in `app` for production with the package as it would be published. The build gets
 * neither a secret nor the name of a table.
 *
 * @returns whether that is done; Next.js is 300 MB, and no development dependency.
 */
export async function isAppBuilt(): Promise<boolean> {
  if (!(await areInstalled(folder, 'Next.js'))) return false
  const { installed } = await packedPackage()
  const target = join(appFolder, 'node_modules/dynamodb-sessions')
  await rm(target, { recursive: true, force: true })
  await cp(installed, target, { recursive: true })
  await promisify(execFile)(process.execPath, [program, 'build'], { cwd: appFolder, env: environment })
  return true
}

/** A process that serves the built app. */
export class NextApp {
  readonly origin: string
  readonly #process: ChildProcess

  private constructor(server: ChildProcess, origin: string) {
    this.#process = server
    this.origin = origin
  }

  static async start(variables: Readonly<Record<string, string>>): Promise<NextApp> {
    const server = spawn(process.execPath, [program, 'start', '--hostname', '127.0.0.1', '--port', '0'], {
      cwd: appFolder,
      env: { ...environment, ...variables },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    for await (const line of createInterface({ input: server.stdout })) {
      const origin = /http:\/\/127\.0\.0\.1:[1-9]\d*/.exec(line)?.[0]
      if (origin === undefined) continue
      server.stdout.resume()
      return new NextApp(server, origin)
    }
    throw new Error('the app has ended before it listened')
  }

  async close(): Promise<void> {
    const exited = once(this.#process, 'exit')
    this.#process.kill()
    await exited
  }
}

/** What a {@link NextVisitor} was answered. */
export interface Page {
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

/** A browser without JavaScript: it keeps the session cookie, and sends forms. */
export class NextVisitor {
  #cookie: string | undefined

  constructor(cookie?: string) {
    this.#cookie = cookie
  }

  /** What is in the cookie. */
  get cookie(): string | undefined {
    return this.#cookie
  }

  async open(url: string, init: RequestInit = {}): Promise<Page> {
    const headers = new Headers(init.headers)
    if (this.#cookie !== undefined) headers.set('cookie', `session=${this.#cookie}`)
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    // Where proxy.ts and an action both set the cookie, the later one counts.
    for (const header of response.headers.getSetCookie()) {
      const value = /^session=([^;]*)/.exec(header)?.[1]
      if (value !== undefined) this.#cookie = value === '' ? undefined : value
    }
    return { status: response.status, text: plain(await response.text()), headers: response.headers }
  }

  /** Sends the form of a page that has a field or a button with a text. */
  async submit(url: string, marker: string, fields: Readonly<Record<string, string>> = {}): Promise<Page> {
    const { text } = await this.open(url)
    const form = text.split('<form').find(part => part.includes(marker)) ?? ''
    const body = new FormData()
    for (const [, name = ''] of form.matchAll(/<input type="hidden" name="([^"]+)"/g)) body.append(name, '')
    for (const [name, value] of Object.entries(fields)) body.append(name, value)
    return this.open(url, { method: 'POST', body, headers: { origin: new URL(url).origin } })
  }
}

/** Without the comments that React puts between texts. */
function plain(html: string): string {
  return html.replaceAll('<!-- -->', '')
}
