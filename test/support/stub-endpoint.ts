import { createServer } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'

import { listen, originOf, stop } from './loopback.ts'

/** A request that a {@link StubEndpoint} was sent. */
export interface StubRequest {
  readonly operation: string
  readonly input: Readonly<Record<string, unknown>>
}

/** What to answer it with; a body that is no text is sent as JSON. */
export interface StubAnswer {
  readonly statusCode: number
  readonly body: unknown
}

/** Decides what to answer; it may take its time, or never settle. */
export type StubHandler = (request: StubRequest) => StubAnswer | Promise<StubAnswer>

/** An HTTP server that stands in for DynamoDB, or in front of an engine, and writes down what it was sent. */
export class StubEndpoint {
  readonly requests: StubRequest[] = []
  readonly #server: Server

  private constructor(handler: StubHandler) {
    this.#server = createServer((request, response) => {
      this.#answer(request, handler).then(
        ({ statusCode, body }) => {
          response.writeHead(statusCode, { 'content-type': 'application/x-amz-json-1.0' })
          response.end(typeof body === 'string' ? body : JSON.stringify(body))
        },
        (error: unknown) => response.destroy(error instanceof Error ? error : new Error('no answer')),
      )
    })
  }

  /** Starts one on a free port of the loopback interface. */
  static async start(handler: StubHandler): Promise<StubEndpoint> {
    const stub = new StubEndpoint(handler)
    await listen(stub.#server)
    return stub
  }

  /** Starts one that passes on to an engine what `intercept` does not answer. */
  static async inFrontOf(
    endpoint: string,
    intercept: (request: StubRequest) => StubAnswer | undefined = () => undefined,
  ): Promise<StubEndpoint> {
    return StubEndpoint.start(async request => {
      const { operation, input } = request
      const intercepted = intercept(request)
      if (intercepted !== undefined) return intercepted
      const response = await fetch(endpoint, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-amz-json-1.0',
          'x-amz-target': `DynamoDB_20120810.${operation}`,
          'x-amz-date': '20310506T070809Z',
          authorization:
            'AWS4-HMAC-SHA256 Credential=local/20310506/us-east-1/dynamodb/aws4_request, ' +
            `SignedHeaders=host;x-amz-date;x-amz-target, Signature=${'0'.repeat(64)}`,
        },
        body: JSON.stringify(input),
      })
      return { statusCode: response.status, body: await response.text() }
    })
  }

  /** URL to use as the option `endpoint`. */
  get url(): string {
    return originOf(this.#server)
  }

  /** Names of the operations that were asked for, in order. */
  get operations(): readonly string[] {
    return this.requests.map(({ operation }) => operation)
  }

  /** Forgets the requests so far. */
  forget(): void {
    this.requests.length = 0
  }

  /** How many connections are open. */
  async openConnections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.getConnections((error, count) => {
        if (error === null) resolve(count)
        else reject(error)
      })
    })
  }

  /** Drops every connection and stops. */
  async close(): Promise<void> {
    await stop(this.#server)
  }

  async #answer(incoming: IncomingMessage, handler: StubHandler): Promise<StubAnswer> {
    let text = ''
    for await (const chunk of incoming.setEncoding('utf8')) text += String(chunk)
    const request: StubRequest = {
      operation: String(incoming.headers['x-amz-target']).replace(/^.*\./, ''),
      input: JSON.parse(text) as StubRequest['input'],
    }
    this.requests.push(request)
    return handler(request)
  }
}
