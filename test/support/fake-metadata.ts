import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { onTestFinished } from 'vitest'

import { listen, originOf, stop } from './loopback.ts'

/** A request that a {@link FakeMetadata} server was sent. */
export interface MetadataRequest {
  /** Method, path and query: `GET /latest/meta-data/placement/region`. */
  readonly line: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** A complete answer; a body that is no text is sent as JSON. */
export interface MetadataAnswer {
  /** `@default 200` */
  readonly statusCode?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Waits before it answers. */
  readonly delayMs?: number
}

/**
 * What a server does with a request. `silence`: takes it and never answers; `reset`: drops the connection;
 * `cut-short`: promises a longer body than it sends; `trickle`: sends a byte now and then, without an end.
 */
export type MetadataBehaviour = MetadataAnswer | 'silence' | 'reset' | 'cut-short' | 'trickle'

/** Decides what to do with a request. */
export type MetadataHandler = (request: MetadataRequest) => MetadataBehaviour

const TRICKLE_INTERVAL_MS = 10

/**
 * A real HTTP server on the loopback interface that plays a metadata service: it does what a test scripted for each
 * request line, and writes down what it was sent. What nobody scripted is answered with 404.
 */
export class FakeMetadata {
  readonly requests: MetadataRequest[] = []
  readonly #server: Server
  readonly #scripts = new Map<string, MetadataHandler>()

  private constructor() {
    this.#server = createServer((incoming, response) => {
      this.#serve(incoming, response).catch(() => response.destroy())
    })
  }

  /** Starts one on a free port; it stops when the running test ends. */
  static async start(host: '127.0.0.1' | '::1' = '127.0.0.1'): Promise<FakeMetadata> {
    const fake = new FakeMetadata()
    await listen(fake.#server, host)
    onTestFinished(() => fake.close())
    return fake
  }

  /** URL of the server, without a path. */
  get url(): string {
    return originOf(this.#server)
  }

  /** The request lines so far, in order. */
  get lines(): readonly string[] {
    return this.requests.map(({ line }) => line)
  }

  /** Scripts the answers to a request line: one after the other, the last one for good. */
  answer(line: string, first: MetadataBehaviour, ...next: readonly MetadataBehaviour[]): this {
    const behaviours = [first, ...next]
    return this.handle(line, () => (behaviours.length > 1 ? behaviours.shift() : behaviours[0]) ?? first)
  }

  /** Scripts a request line with a function. */
  handle(line: string, handler: MetadataHandler): this {
    this.#scripts.set(line, handler)
    return this
  }

  /** Forgets the requests so far. */
  forget(): void {
    this.requests.length = 0
  }

  /** Drops every connection and stops; calling it again does nothing. */
  async close(): Promise<void> {
    await stop(this.#server)
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of incoming.setEncoding('utf8')) body += String(chunk)
    const request = { line: `${incoming.method} ${incoming.url}`, headers: incoming.headers, body }
    this.requests.push(request)
    const behaviour = this.#scripts.get(request.line)?.(request) ?? { statusCode: 404, body: 'Not Found' }
    if (behaviour === 'silence') return
    if (behaviour === 'reset') incoming.socket.destroy()
    else if (behaviour === 'cut-short') {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('{"AccessKeyId": "AKID', () => incoming.socket.destroy())
    } else if (behaviour === 'trickle') await trickle(response)
    else await sendAnswer(response, behaviour)
  }
}

/** Names of the role and values of the credentials that {@link playInstance} serves. */
export const instanceRole = 'application-role'

/** Request lines of the instance metadata service. */
export const instanceLines: Readonly<Record<'token' | 'role' | 'credentials' | 'region', string>> = {
  token: 'PUT /latest/api/token',
  role: 'GET /latest/meta-data/iam/security-credentials/',
  credentials: `GET /latest/meta-data/iam/security-credentials/${instanceRole}`,
  region: 'GET /latest/meta-data/placement/region',
}

/** Body with which a metadata service hands out credentials; `changes` replaces properties. */
export function credentialsBody(
  changes: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return {
    Code: 'Success',
    Type: 'AWS-HMAC',
    LastUpdated: '2031-05-06T07:00:00Z',
    AccessKeyId: 'ASIAMETADATA00000001',
    SecretAccessKey: 'MeTaDaTa/SeCrEt+0123456789abcdefghijklmn',
    Token: 'metadata-session-token==',
    Expiration: '2031-05-06T13:00:00Z',
    ...changes,
  }
}

/** Starts a server that plays an instance with a role, whose service insists on tokens. */
export async function playInstance(host: '127.0.0.1' | '::1' = '127.0.0.1'): Promise<FakeMetadata> {
  const fake = await FakeMetadata.start(host)
  return fake
    .answer(instanceLines.token, tokenAnswer('token-1'))
    .handle(instanceLines.role, withToken({ body: `${instanceRole}\n` }))
    .handle(instanceLines.credentials, withToken({ body: credentialsBody() }))
    .handle(instanceLines.region, withToken({ body: 'eu-central-1' }))
}

/** Answers requests that carry the token `token-1`, and refuses the others. */
function withToken(answer: MetadataAnswer): MetadataHandler {
  return ({ headers }) => (headers['x-aws-ec2-metadata-token'] === 'token-1' ? answer : { statusCode: 401 })
}

/** The answer to a request for a token. */
export function tokenAnswer(token: string, ttlSeconds = 21_600): MetadataAnswer {
  return { body: token, headers: { 'x-aws-ec2-metadata-token-ttl-seconds': ttlSeconds.toString() } }
}

async function sendAnswer(
  response: ServerResponse,
  { statusCode = 200, headers = {}, body = '', delayMs = 0 }: MetadataAnswer,
): Promise<void> {
  if (delayMs > 0) await delay(delayMs)
  response.writeHead(statusCode, headers)
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

async function trickle(response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-length': '1000000' })
  while (!response.destroyed) {
    response.write(' ')
    await delay(TRICKLE_INTERVAL_MS)
  }
}
