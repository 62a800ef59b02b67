import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'

import { listen, originOf, stop } from './loopback.ts'

/** A request as it came off the wire. */
export interface StubRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** An HTTP answer of a {@link StubDynamoDB}. */
export interface StubHttpAnswer {
  /** `@default` 200 */
  readonly statusCode?: number
  /** Header fields to add or, with `undefined`, to leave out of those that every answer has. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** Sent as it is when it is a text, else as JSON. `@default` `{}` */
  readonly body?: unknown
}

/**
 * What a {@link StubDynamoDB} does with a request: answers it, never answers it (`hang`), drops the connection
 * before the answer (`reset`) or in the middle of it (`cut`).
 */
export type StubAnswer = StubHttpAnswer | 'hang' | 'reset' | 'cut'

/** An answer, or a function that makes one for a request. */
export type StubStep = StubAnswer | ((request: StubRequest) => StubAnswer)

/** An error answer in the form that DynamoDB gives it. */
export function awsError(code: string, message = 'as scripted', statusCode = 400): StubHttpAnswer {
  return { statusCode, body: { __type: `com.amazonaws.dynamodb.v20120810#${code}`, message } }
}

/**
 * A real HTTP server on loopback that plays DynamoDB by a script and records what it is asked.
 *
 * The script has a step for each request; its last step goes on for all that follow. Every answer has a request
 * ID (`REQUEST-1`, `REQUEST-2`, ...) and the checksum of its body, as DynamoDB's have.
 */
export class StubDynamoDB {
  readonly #server: Server
  readonly #waiting = new Set<() => void>()
  #script: readonly StubStep[] = [{}]
  #step = 0
  /** Requests in the order they came, since {@link answer} was called last. */
  requests: StubRequest[] = []

  private constructor() {
    this.#server = createServer((incoming, response) => {
      this.#handle(incoming, response).catch(() => incoming.socket.destroy())
    })
  }

  /** Starts a server on a free port; it answers `{}` until it is told otherwise. */
  static async start(): Promise<StubDynamoDB> {
    const stub = new StubDynamoDB()
    await listen(stub.#server)
    return stub
  }

  /** URL of the server, without a path. */
  get endpoint(): string {
    return originOf(this.#server)
  }

  /** Sets the script, and forgets the requests so far. */
  answer(...script: readonly StubStep[]): void {
    this.#script = script
    this.#step = 0
    this.requests = []
    // Request IDs begin anew, and an ID that comes twice on one connection is not trusted.
    this.#server.closeIdleConnections()
  }

  /** Resolves when there have been that many requests. */
  async received(count: number): Promise<void> {
    while (this.requests.length < count) {
      await new Promise<void>(resolve => {
        this.#waiting.add(resolve)
      })
    }
  }

  /** Ends every connection and stops. */
  async close(): Promise<void> {
    await stop(this.#server)
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(incoming)
    const { method = '', url = '', headers } = incoming
    const request: StubRequest = { method, url, headers, body }
    this.requests.push(request)
    const number = this.requests.length
    const step = this.#script[Math.min(this.#step++, this.#script.length - 1)] ?? {}
    const answer = typeof step === 'function' ? step(request) : step
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()

    if (answer === 'hang') return
    if (answer === 'reset') {
      incoming.socket.destroy()
      return
    }
    if (answer === 'cut') {
      response.writeHead(200, { 'content-length': 100 })
      response.write('{"Item":', () => incoming.socket.destroy())
      return
    }
    send(response, answer, `REQUEST-${number}`)
  }
}

function send(
  response: ServerResponse,
  { statusCode = 200, headers = {}, body = {} }: StubHttpAnswer,
  requestId: string,
): void {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const fields: Readonly<Record<string, string | undefined>> = {
    'content-type': 'application/x-amz-json-1.0',
    'x-amzn-requestid': requestId,
    'x-amz-crc32': String(crc32(bytes)),
    ...headers,
  }
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) response.setHeader(name, value)
  }
  response.writeHead(statusCode, { 'content-length': bytes.length }).end(bytes)
}
