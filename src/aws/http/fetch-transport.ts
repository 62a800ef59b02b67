import {
  AttemptTimeoutError,
  ConnectionError,
  invalidOption,
  storeClosed,
  TransportError,
} from '../../errors.ts'
import { isJsonObject, isObject, isUint8Array } from '../../internal/core-objects.ts'
import { ignore, withTimeout } from '../../internal/timers.ts'
import { connectFailed, isTlsCode } from './connect-failure.ts'
import type { Endpoint } from './endpoint.ts'
import { GrowingBuffer, matchesChecksum, MAX_BODY_BYTES } from './response-parser.ts'
import type { Transport, TransportRequest, TransportResponse } from './transport.ts'

/** Options of {@link fetchTransport}. */
export interface FetchTransportOptions {
  /**
   * The `fetch` function to send requests with, for example one that goes through a proxy. One that does not heed its
   * `signal` is left behind when the time is up.
   *
   * @default `globalThis.fetch`
   */
  readonly fetch?: typeof globalThis.fetch | undefined
}

/** Header fields that `fetch` sets itself. */
const SET_BY_FETCH: ReadonlySet<string> = new Set(['host', 'content-length'])
const PROXY_AUTHENTICATION_REQUIRED = 407

/**
 * A transport over `fetch`, for runtimes without raw sockets and for proxies.
 *
 * Requests settle in time as they do over sockets (G7). Connections are the business of `fetch`: it decides how many
 * there are and which certificates are trusted. A response that is not the one to its request is refused by what it says,
 * as it is over sockets, but `fetch` may go on using its connection, on which the next response then is not the right one
 * either (G8). Making a connection cannot be told from waiting for the answer, so that an attempt may take `connectTimeoutMs` and
 * `attemptTimeoutMs` together.
 *
 * @example
 * ```ts
 * import { SessionStore } from 'dynamodb-sessions'
 * import { fetchTransport } from 'dynamodb-sessions/transport'
 *
 * const store = new SessionStore({ table: 'sessions', region: 'eu-west-1', transport: fetchTransport() })
 * ```
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values, and where the runtime has no `fetch`.
 */
export function fetchTransport(options: FetchTransportOptions = {}): Transport {
  return new FetchTransport(fetchFrom(options))
}

class FetchTransport implements Transport {
  readonly #fetch: typeof globalThis.fetch
  readonly #underWay = new Set<Promise<unknown>>()
  #closed = false

  constructor(fetch: typeof globalThis.fetch) {
    // Runtimes refuse a fetch that is called as a method of something else.
    this.#fetch = (input, init) => fetch(input, init)
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    request.signal?.throwIfAborted()
    if (this.#closed) throw storeClosed()
    const answer = this.#send(request)
    this.#underWay.add(answer)
    try {
      return await answer
    } finally {
      this.#underWay.delete(answer)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#underWay)
  }

  async #send(request: TransportRequest): Promise<TransportResponse> {
    const { endpoint, signal } = request
    const timeoutMs = timeLeftMs(request)
    const giveUp = new AbortController()
    try {
      // Whoever wrote the fetch function may not have heeded its signal.
      return await withTimeout(
        this.#exchange(request, giveUp.signal),
        timeoutMs,
        signal,
        () => new AttemptTimeoutError(`no complete response from ${endpoint.origin} within ${timeoutMs} ms`),
      )
    } catch (error) {
      // What is left of an answer that nobody reads would keep its connection, and the process, from ending.
      giveUp.abort()
      if (signal?.aborted === true) throw signal.reason
      throw error instanceof TransportError ? error : fetchFailed(endpoint, error)
    }
  }

  async #exchange(request: TransportRequest, signal: AbortSignal): Promise<TransportResponse> {
    const { endpoint, method, path, body } = request
    const response = await this.#fetch(endpoint.origin + path, {
      method,
      headers: headersOf(request),
      ...(method !== 'GET' && { body }),
      redirect: 'manual',
      signal,
    })
    const answer = await readAnswer(response, endpoint.origin, signal)
    // No endpoint answers so, but a proxy on the way to it.
    if (answer.statusCode === PROXY_AUTHENTICATION_REQUIRED) throw proxyRefused(endpoint, answer.statusCode)
    return answer
  }
}

/** What a body is read from. */
interface Chunks {
  next(): Promise<{ readonly done?: boolean | undefined; readonly value?: unknown }>
  /** Ends the body, also while a chunk is being waited for. */
  end(): Promise<unknown>
}

/**
 * Reads what `fetch` has answered, and checks it as far as it can be checked.
 *
 * @param response what came; that it is a `Response` is only what its function says.
 * @param signal ends the reading and whatever is under way for it.
 * @throws {ConnectionError} `INVALID_RESPONSE`.
 */
export async function readAnswer(
  response: Response,
  origin: string,
  signal: AbortSignal,
): Promise<TransportResponse> {
  if (!isResponse(response)) {
    throw new ConnectionError('INVALID_RESPONSE', 'the fetch function did not return a Response', {
      retryable: false,
    })
  }
  const headers = new Map(response.headers)
  const body = await readBody(response.body, headers, origin, signal)
  if (!matchesChecksum(headers, body)) {
    throw invalid(origin, 'the body does not match its x-amz-crc32 checksum')
  }
  return { statusCode: response.status, headers, body }
}

/** How long a chain of causes is followed: `fetch` gives its reason in the first or second cause. */
const MAX_DEPTH = 5
/** What a code looks like; anything else is a text of somebody. */
const CODE = /^[A-Za-z][A-Za-z0-9_]{1,63}$/
/** The beginning of what the `fetch` of Node reports of a proxy that does not connect through. */
const PROXY_ANSWER = /^Proxy response \((\d{3})\)/

/**
 * The error for a request that `fetch` has failed.
 *
 * A `fetch` of the caller's may put anything into the texts of its errors, headers and bodies included (G9): of them,
 * only codes are passed on. The error itself is the `cause`.
 */
function fetchFailed(endpoint: Endpoint, error: unknown): ConnectionError {
  const chain = [...causesOf(error)]
  const proxyStatus = chain.map(proxyStatusOf).find(status => status !== undefined)
  if (proxyStatus !== undefined) return proxyRefused(endpoint, proxyStatus, error)
  const code = chain.map(codeOf).find(found => found !== undefined)
  return connectFailed({
    endpoint,
    code,
    cause: error,
    otherwise:
      `the request to ${endpoint.origin} failed` +
      // The fetch of Node says nothing at all of the status 407.
      (code === undefined
        ? ', and fetch gave no error code, as where a proxy asks for a user name and password; see the cause'
        : ` (${code})`),
    // Each runtime has codes of its own for what may be different the next time.
    retryable: code === undefined || !isTlsCode(code),
    trustAdvice: 'name its file in NODE_EXTRA_CA_CERTS, or pass fetchTransport a fetch that trusts it',
  })
}

/** The error for a proxy that does not let a request through. */
function proxyRefused(endpoint: Endpoint, statusCode: number, cause?: unknown): ConnectionError {
  const remedy =
    statusCode === 407
      ? 'pass fetchTransport a fetch that gives the proxy the user name and password that it asks for'
      : 'ask whoever runs the proxy to let the endpoint through'
  return new ConnectionError(
    'CONNECTION_FAILED',
    `the proxy on the way to ${endpoint.origin} refused with HTTP status ${statusCode}; ${remedy}`,
    { cause, retryable: statusCode >= 500 },
  )
}

/** The checks are for callers without types. */
function fetchFrom(options: unknown): typeof globalThis.fetch {
  if (!isJsonObject(options)) {
    throw invalidOption('the options of fetchTransport() must be an object, such as { fetch }')
  }
  const unknown = Object.keys(options).find(name => name !== 'fetch')
  if (unknown !== undefined) {
    throw invalidOption(`there is no option "${unknown}" (the only option of fetchTransport is: fetch)`)
  }
  const given: unknown = Reflect.get(options, 'fetch')
  const found: unknown = given === undefined ? Reflect.get(globalThis, 'fetch') : given
  if (isFetch(found)) return found
  throw invalidOption(
    given === undefined
      ? 'this runtime has no fetch function; pass one to fetchTransport as the option "fetch"'
      : 'the option "fetch" must be a function like globalThis.fetch',
  )
}

function isFetch(value: unknown): value is typeof globalThis.fetch {
  return typeof value === 'function'
}

function timeLeftMs({
  connectTimeoutMs,
  attemptTimeoutMs,
  deadlineAtMs,
  limitAtMs = deadlineAtMs,
}: TransportRequest): number {
  const leftMs = Math.min(connectTimeoutMs + attemptTimeoutMs, limitAtMs - performance.now())
  return Math.ceil(Math.max(0, leftMs))
}

function headersOf({ headers }: TransportRequest): [string, string][] {
  const sent = headers
    .filter(([name]) => !SET_BY_FETCH.has(name))
    .map(([name, value]): [string, string] => [name, value])
  // A compressed body could not be compared with its checksum.
  return [...sent, ['accept-encoding', 'identity']]
}

async function readBody(
  body: unknown,
  headers: ReadonlyMap<string, string>,
  origin: string,
  signal: AbortSignal,
): Promise<Buffer> {
  const chunks = chunksOf(body)
  const end = (): void => {
    chunks.end().catch(ignore)
  }
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  if (Number(headers.get('content-length') ?? 0) > MAX_BODY_BYTES) throw tooLarge(origin)
  const read = new GrowingBuffer()
  for (;;) {
    const { done, value } = await chunks.next()
    // A body that was ended ends as a complete one does.
    signal.throwIfAborted()
    if (done === true) return read.view
    if (!isUint8Array(value)) throw invalid(origin, 'the body does not consist of bytes')
    // Counted while it is read: a body in chunks does not say how long it is.
    if (read.length + value.byteLength > MAX_BODY_BYTES) throw tooLarge(origin)
    read.append(value, MAX_BODY_BYTES)
  }
}

/** The chunks of a stream of the web, or of Node, which some implementations of `fetch` have instead. */
function chunksOf(body: unknown): Chunks {
  if (body === null || body === undefined) {
    return { next: async () => ({ done: true }), end: async () => undefined }
  }
  if (isWebStream(body)) {
    const reader = body.getReader()
    return { next: async () => reader.read(), end: async () => reader.cancel() }
  }
  const stream = body as AsyncIterable<unknown> & { destroy?(): unknown }
  const iterator = stream[Symbol.asyncIterator]()
  return { next: async () => iterator.next(), end: async () => stream.destroy?.() }
}

function isWebStream(body: object): body is ReadableStream<unknown> {
  return typeof Reflect.get(body, 'getReader') === 'function'
}

function isResponse(response: unknown): response is Response {
  if (!isObject(response)) return false
  const { status, headers }: { status?: unknown; headers?: unknown } = response
  return (
    typeof status === 'number' &&
    typeof headers === 'object' &&
    headers !== null &&
    Symbol.iterator in headers
  )
}

function tooLarge(origin: string): ConnectionError {
  return invalid(origin, `the body is larger than ${MAX_BODY_BYTES} bytes`)
}

function invalid(origin: string, reason: string): ConnectionError {
  return new ConnectionError('INVALID_RESPONSE', `unusable response from ${origin}: ${reason}`, {
    retryable: true,
  })
}

function* causesOf(error: unknown): Generator<object> {
  let current = error
  for (let depth = 0; depth < MAX_DEPTH && isObject(current); depth++) {
    yield current
    // Where both address families were tried and failed, the first says as much as the other.
    const errors: unknown = Reflect.get(current, 'errors')
    current = Reflect.get(current, 'cause') ?? (Array.isArray(errors) ? errors[0] : undefined)
  }
}

function codeOf(error: object): string | undefined {
  const code: unknown = Reflect.get(error, 'code')
  return typeof code === 'string' && CODE.test(code) ? code : undefined
}

function proxyStatusOf(error: object): number | undefined {
  const message: unknown = Reflect.get(error, 'message')
  const status = typeof message === 'string' ? PROXY_ANSWER.exec(message)?.[1] : undefined
  return status === undefined ? undefined : Number(status)
}
