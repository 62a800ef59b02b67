import { AttemptTimeoutError, ConnectionError, DynamoDBSessionsError } from '../errors.ts'
import { matchesChecksum } from './checksum.ts'
import { because, errorCode } from './system-error.ts'
import type { Transport, TransportRequest, TransportResponse } from './transport.ts'

/** Options of {@link fetchTransport}. */
export interface FetchTransportOptions {
  /**
   * The `fetch` function to send requests with, for example one that goes through a proxy.
   *
   * @default `globalThis.fetch`
   */
  readonly fetch?: typeof globalThis.fetch | undefined
}

/** Header fields that `fetch` sets itself. */
const SET_BY_FETCH: ReadonlySet<string> = new Set(['host', 'content-length'])
/** Codes of TLS failures, which are the same the next time. Each runtime has codes of its own for the others. */
const NO_TRUST = /^(?:CERT_|ERR_TLS_|ERR_SSL_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_)/

const MAX_BODY_BYTES = 64 * 1024 * 1024

/**
 * A transport over `fetch`, for runtimes without raw sockets and for proxies.
 *
 * It promises what the socket transport does (G7, G8), as far as the runtime's `fetch` does: that one decides how many
 * connections there are and which certificates are trusted. Making a connection cannot be told from waiting for the
 * answer, so that an attempt may take `connectTimeoutMs` and `attemptTimeoutMs` together.
 *
 * @example
 * ```ts
 * import { fetchTransport, SessionStore } from 'dynamodb-sessions'
 *
 * const store = new SessionStore({ table: 'sessions', region: 'eu-west-1', transport: fetchTransport() })
 * ```
 */
export function fetchTransport(options: FetchTransportOptions = {}): Transport {
  return new FetchTransport(options.fetch ?? globalThis.fetch)
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
    const { endpoint, method, path, body, signal } = request
    const timeoutMs = timeLeftMs(request)
    const giveUp = new AbortController()
    const onAbort = (): void => {
      giveUp.abort()
    }
    const timer = setTimeout(onAbort, timeoutMs)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      const response = await this.#fetch(endpoint.origin + path, {
        method,
        headers: headersOf(request),
        ...(method !== 'GET' && { body }),
        redirect: 'manual',
        signal: giveUp.signal,
      })
      return await readResponse(response, endpoint.origin)
    } catch (error) {
      const isGivenUp = giveUp.signal.aborted
      // What is left of an answer that nobody reads would keep its connection, and the process, from ending.
      giveUp.abort()
      if (signal?.aborted === true) throw signal.reason
      if (isGivenUp) {
        throw new AttemptTimeoutError(`no complete answer from ${endpoint.origin} within ${timeoutMs} ms`)
      }
      throw error instanceof ConnectionError ? error : failed(endpoint.origin, error)
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }
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

async function readResponse(response: Response, origin: string): Promise<TransportResponse> {
  const headers = new Map(response.headers)
  if (Number(headers.get('content-length') ?? 0) > MAX_BODY_BYTES) throw tooLarge(origin)
  const body = await readBody(response, origin)
  if (!matchesChecksum(headers, body))
    throw invalid(origin, 'the body does not match its x-amz-crc32 checksum')
  return { statusCode: response.status, headers, body }
}

/** Counts while it reads: a body in chunks does not say how long it is. */
async function readBody({ body }: Response, origin: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength
    if (bytes > MAX_BODY_BYTES) throw tooLarge(origin)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, bytes)
}

function tooLarge(origin: string): ConnectionError {
  return invalid(origin, `the body is larger than ${MAX_BODY_BYTES} bytes`)
}

function invalid(origin: string, reason: string): ConnectionError {
  return new ConnectionError('INVALID_RESPONSE', `unusable answer from ${origin}: ${reason}`, {
    retryable: true,
  })
}

/** `fetch` rejects with a TypeError whose cause is the system error, where there is one. */
function failed(origin: string, error: unknown): ConnectionError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = errorCode(cause)
  return new ConnectionError(
    'CONNECTION_FAILED',
    `the request to ${origin} failed${because(cause instanceof Error ? cause : undefined)}`,
    { cause: error, retryable: code === undefined || !NO_TRUST.test(code) },
  )
}
