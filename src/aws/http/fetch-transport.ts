import { AttemptTimeoutError, invalidArgument, ConnectionError, DynamoDBSessionsError } from '../../errors.ts'
import { offAbort, onAbort } from '../../internal/abort-listeners.ts'
import { deferred } from '../../internal/timers.ts'
import { readAnswer } from './fetch-response.ts'
import { fetchFailed, proxyRefused } from './fetch-failure.ts'
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
    if (this.#closed) {
      throw new DynamoDBSessionsError('STORE_CLOSED', 'the store has been closed and takes no more requests')
    }
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
    const givenUp = deferred<never>()
    const end = (): void => {
      giveUp.abort()
      givenUp.reject(giveUp.signal.reason)
    }
    const timer = setTimeout(end, timeoutMs)
    if (signal !== undefined) onAbort(signal, end)
    try {
      // Whoever wrote the fetch function may not have heeded its signal.
      return await Promise.race([this.#exchange(request, giveUp.signal), givenUp.promise])
    } catch (error) {
      const isGivenUp = giveUp.signal.aborted
      // What is left of an answer that nobody reads would keep its connection, and the process, from ending.
      giveUp.abort()
      if (signal?.aborted === true) throw signal.reason
      if (isGivenUp) {
        throw new AttemptTimeoutError(`no complete answer from ${endpoint.origin} within ${timeoutMs} ms`)
      }
      throw error instanceof ConnectionError ? error : fetchFailed(endpoint, error)
    } finally {
      clearTimeout(timer)
      if (signal !== undefined) offAbort(signal, end)
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

/** The checks are for callers without types. */
function fetchFrom(options: unknown): typeof globalThis.fetch {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidArgument('INVALID_OPTION', 'fetchTransport takes an object of options, such as { fetch }')
  }
  const unknown = Object.keys(options).find(name => name !== 'fetch')
  if (unknown !== undefined) {
    throw invalidArgument(
      'INVALID_OPTION',
      `there is no option "${unknown}" (the only option of fetchTransport is: fetch)`,
    )
  }
  const given: unknown = Reflect.get(options, 'fetch')
  const found: unknown = given === undefined ? Reflect.get(globalThis, 'fetch') : given
  if (isFetch(found)) return found
  throw invalidArgument(
    'INVALID_OPTION',
    given === undefined
      ? 'this runtime has no fetch function; pass one to fetchTransport as the option "fetch"'
      : 'the option "fetch" takes a function like globalThis.fetch',
  )
}

function isFetch(value: unknown): value is typeof globalThis.fetch {
  return typeof value === 'function'
}

function timeLeftMs({ connectTimeoutMs, attemptTimeoutMs, deadlineAtMs }: TransportRequest): number {
  const leftMs = Math.min(connectTimeoutMs + attemptTimeoutMs, deadlineAtMs - performance.now())
  return Math.ceil(Math.max(0, leftMs))
}

function headersOf({ headers }: TransportRequest): [string, string][] {
  const sent = headers
    .filter(([name]) => !SET_BY_FETCH.has(name))
    .map(([name, value]): [string, string] => [name, value])
  // A compressed body could not be compared with its checksum.
  return [...sent, ['accept-encoding', 'identity']]
}
