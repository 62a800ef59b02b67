import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

import { deferred, type Deferred } from '../../../src/internal/timers.ts'

/** What an invocation has returned. */
export interface Returned {
  readonly result: FunctionResult
  /** Whether it came as a stream, in whose first part the result is, but for its body. */
  readonly isStream: boolean
}

/** What functions return to the senders of HTTP events. */
export interface FunctionResult {
  readonly statusCode: number
  readonly headers?: Readonly<Record<string, string>>
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>>
  readonly cookies?: readonly string[]
  readonly body?: string
}

interface Invocation {
  readonly id: string
  readonly event: object
  readonly returned: Deferred<Returned>
}

const PREFIX = '/2018-06-01/runtime/'
const TIMEOUT_MS = 900_000

/**
 * Stands in for the Runtime API that Lambda has inside of each execution environment: hands events out to one process,
 * and takes what it returns. One invocation at a time, as there.
 */
export class RuntimeApi {
  readonly #server: Server
  readonly #waiting: Invocation[] = []
  readonly #running = new Map<string, Invocation>()
  #next: ServerResponse | undefined
  #idle = deferred<void>()
  #count = 0

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => response.destroy(error as Error))
    })
    // The process keeps a connection, which must not end while it is frozen.
    this.#server.keepAliveTimeout = 0
    this.#server.requestTimeout = 0
  }

  static async start(): Promise<RuntimeApi> {
    const api = new RuntimeApi()
    api.#server.listen(0, '127.0.0.1')
    await once(api.#server, 'listening')
    return api
  }

  /** For `AWS_LAMBDA_RUNTIME_API`. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Runs the function with an event. */
  async invoke(event: object): Promise<Returned> {
    const invocation = { id: `request-${++this.#count}`, event, returned: deferred<Returned>() }
    this.#waiting.push(invocation)
    this.#handOut()
    return invocation.returned.promise
  }

  /** Resolves when the process asks for the next event: from then on Lambda may freeze it. */
  async untilIdle(): Promise<void> {
    await this.#idle.promise
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').slice(PREFIX.length)
    if (path === 'invocation/next') {
      this.#next = response
      this.#idle.resolve()
      this.#handOut()
      return
    }
    const body = await buffer(request)
    const [, id = '', kind] = path.split('/')
    const invocation = this.#running.get(id)
    response.statusCode = 202
    response.end('{"status":"OK"}')
    if (path === 'init/error') this.#fail([...this.#waiting], body)
    else if (invocation !== undefined && kind === 'error') this.#fail([invocation], body)
    else invocation?.returned.resolve(returnedBy(request, body))
  }

  #handOut(): void {
    const [response, invocation] = [this.#next, this.#waiting[0]]
    if (response === undefined || invocation === undefined) return
    this.#waiting.shift()
    this.#next = undefined
    this.#idle = deferred()
    this.#running.set(invocation.id, invocation)
    response.setHeader('Lambda-Runtime-Aws-Request-Id', invocation.id)
    response.setHeader('Lambda-Runtime-Deadline-Ms', Date.now() + TIMEOUT_MS)
    response.setHeader(
      'Lambda-Runtime-Invoked-Function-Arn',
      'arn:aws:lambda:eu-west-1:111122223333:function:shop',
    )
    response.setHeader('Lambda-Runtime-Trace-Id', 'Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0')
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify(invocation.event))
  }

  #fail(invocations: readonly Invocation[], body: Buffer): void {
    const { errorType, errorMessage } = JSON.parse(body.toString()) as Record<string, string>
    for (const { returned } of invocations) returned.reject(new Error(`${errorType}: ${errorMessage}`))
  }
}

function returnedBy({ headers }: IncomingMessage, body: Buffer): Returned {
  const isStream = headers['lambda-runtime-function-response-mode'] === 'streaming'
  if (!isStream) return { result: JSON.parse(body.toString()) as FunctionResult, isStream }
  const end = body.indexOf(Buffer.alloc(8))
  const head = JSON.parse(body.toString('utf8', 0, end)) as FunctionResult
  return { result: { ...head, body: body.toString('utf8', end + 8) }, isStream }
}
