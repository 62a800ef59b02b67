import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'

import { listen, originOf, stop } from './loopback.ts'

/** A request that a {@link FakeService} was sent. */
export interface FakeServiceRequest {
  /** Method, path and query: `POST /token`. */
  readonly line: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A complete answer; a body that is no text is sent as JSON. */
export interface FakeServiceAnswer {
  /** `@default 200` */
  readonly statusCode?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** What to do with a request; `cut-short` promises a longer body than it sends. */
export type FakeServiceBehaviour = FakeServiceAnswer | 'reset' | 'cut-short'

/** A behaviour, or what decides on it; it may take its time. */
export type FakeServiceScript =
  | FakeServiceBehaviour
  | ((request: FakeServiceRequest) => FakeServiceBehaviour | Promise<FakeServiceBehaviour>)

/**
 * A real HTTP server on the loopback interface that plays one service: it answers from its script, whose last entry
 * is used for good, and writes down what it was sent. Without a script it answers with 404.
 */
export class FakeService {
  readonly requests: FakeServiceRequest[] = []
  readonly #server: Server
  #script: FakeServiceScript[] = []

  private constructor() {
    this.#server = createServer((incoming, response) => {
      this.#serve(incoming, response).catch(() => response.destroy())
    })
  }

  /** Starts one on a free port; it stops when the running test ends. */
  static async start(): Promise<FakeService> {
    const fake = new FakeService()
    await listen(fake.#server)
    onTestFinished(() => fake.close())
    return fake
  }

  /** URL to configure as the endpoint. */
  get url(): string {
    return originOf(this.#server)
  }

  /** Method, path and query of every request, in order. */
  get lines(): readonly string[] {
    return this.requests.map(({ line }) => line)
  }

  /** Replaces the script. */
  answers(...script: readonly FakeServiceScript[]): void {
    this.#script = [...script]
  }

  /** Drops every connection and stops. */
  async close(): Promise<void> {
    await stop(this.#server)
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of incoming.setEncoding('utf8')) body += String(chunk)
    const request = { line: `${incoming.method} ${incoming.url}`, headers: incoming.headers, body }
    this.requests.push(request)
    const step = this.#script.length > 1 ? this.#script.shift() : this.#script[0]
    const behaviour = typeof step === 'function' ? await step(request) : (step ?? { statusCode: 404 })
    if (behaviour === 'reset') {
      incoming.socket.resetAndDestroy()
      return
    }
    if (behaviour === 'cut-short') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 })
      response.write('{"', () => incoming.socket.destroy())
      return
    }
    const { statusCode = 200, headers = {}, body: answer = '' } = behaviour
    // Tests have clocks of their own, and the date of this machine would tell that they are wrong.
    response.sendDate = false
    response.writeHead(statusCode, { 'content-type': 'application/json', ...headers })
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
  }
}

/** The services that log-ins of people talk to. */
export interface FakeSso {
  /** The portal: `GetRoleCredentials`. */
  readonly portal: FakeService
  /** The token service: `CreateToken`. */
  readonly oidc: FakeService
  /** Sign-in: `CreateOAuth2Token`. */
  readonly signIn: FakeService
  /** Variables with which they are found. */
  readonly environment: Readonly<Record<string, string>>
}

/** Starts all three; they stop when the running test ends. */
export async function fakeSso(): Promise<FakeSso> {
  const [portal, oidc, signIn] = await Promise.all([
    FakeService.start(),
    FakeService.start(),
    FakeService.start(),
  ])
  return {
    portal,
    oidc,
    signIn,
    environment: {
      AWS_ENDPOINT_URL_SSO: portal.url,
      AWS_ENDPOINT_URL_SSO_OIDC: oidc.url,
      AWS_ENDPOINT_URL_SIGNIN: signIn.url,
    },
  }
}

/** Path of the cache file that `aws sso login` makes for an `sso-session` or, in the older form, a start URL. */
export function ssoCachePath(home: string, key: string): string {
  return join(home, '.aws', 'sso', 'cache', `${createHash('sha1').update(key).digest('hex')}.json`)
}

/** Path of the cache file that `aws login` makes for a `login_session`. */
export function loginCachePath(home: string, session: string): string {
  return join(home, '.aws', 'login', 'cache', `${createHash('sha256').update(session).digest('hex')}.json`)
}

/** Writes a file whose folder need not exist; a content that is no text is written as JSON. */
export async function writeCache(path: string, content: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
}
