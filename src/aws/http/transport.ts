import { isObject } from '../../internal/core-objects.ts'
import type { Endpoint } from './endpoint.ts'

/** One HTTP request, complete but for the `Content-Length` header, which the transport adds. */
export interface TransportRequest {
  readonly endpoint: Endpoint
  readonly method: string
  /** Path and query as they go on the request line. */
  readonly path: string
  /** Header fields with lower-case names, `host` among them. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
  /** Longest time to make a connection, TLS handshake included. Milliseconds. */
  readonly connectTimeoutMs: number
  /** Longest time from having a connection to the last byte of the answer. Milliseconds. */
  readonly attemptTimeoutMs: number
  /**
   * Instant of `performance.now()` at which the caller gives up, whatever the request is waiting for: a free
   * connection, the handshake or the answer.
   */
  readonly deadlineAtMs: number
  /**
   * Instant of `performance.now()` until which the request has time, where that is before {@link deadlineAtMs}: later by as
   * much as the process itself was too busy to look at responses.
   *
   * @default `deadlineAtMs`
   */
  readonly limitAtMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  /**
   * Who judges the response. A request without one leaves its connection in doubt, so that it carries no other. A
   * transport that has no say in connections need not ask.
   */
  readonly recipient?: ResponseRecipient | undefined
  /** Hears that the request was lost and is sent again: the lost one may be carried out all the same. */
  readonly onDoubt?: (() => void) | undefined
  /** The addresses that this request and its hedge have been sent to: the transport adds them, where it knows them. */
  readonly sentTo?: Set<string> | undefined
  /**
   * Whether this is a hedge: the same request is under way. It takes another connection, to an address that is not in
   * {@link sentTo} where there is one, and does not wait for a connection to become free.
   */
  readonly isHedge?: boolean
}

/** A request whose head is at hand as it goes on the wire, but for the `Content-Length`; by {@link encodeHead}. */
export interface EncodedRequest extends TransportRequest {
  readonly head: string
}

/** Whoever understands the response to one request. */
export interface ResponseRecipient {
  /**
   * Judges a complete response, before its connection carries another request (G8). That a response is well-formed does
   * not make it the one to this request, and behind one that is not, every response on the connection is somebody else's.
   *
   * @returns whether the connection can be trusted with another request; the response is delivered either way.
   * @throws what the request is to fail with, when the response is not the one to it.
   */
  accept(response: TransportResponse): boolean
}

/**
 * The bytes of a body: a `Buffer`, described without the types of Node, which not every app has. What a transport of
 * somebody else returns may be any `Uint8Array`.
 */
export interface ResponseBody extends Uint8Array {
  /** The bytes as text. */
  toString(encoding?: 'utf8' | 'latin1'): string
}

/** A complete HTTP response whose body has passed every check there is. */
export interface TransportResponse {
  readonly statusCode: number
  /** Header fields by lower-case name; repeated fields are joined with `, `. */
  readonly headers: ReadonlyMap<string, string>
  /** The body, as bytes or as the text that they are in UTF-8. */
  readonly body: ResponseBody | string
}

/**
 * Sends one HTTP request and returns the answer to exactly that request, or rejects: guarantees G7 (settles in
 * time) and G8 (no cross-talk). It does not retry, except where a kept-alive connection turns out to have been
 * closed before it carried the request.
 */
export interface Transport {
  /**
   * Sends a request.
   *
   * @throws {ConnectTimeoutError | AttemptTimeoutError | ConnectionError} when there is no answer to be had.
   * @throws the `reason` of `signal` when that is aborted.
   */
  request(request: TransportRequest): Promise<TransportResponse>

  /** Refuses new requests, lets those under way finish, and closes every connection. */
  close(): Promise<void>

  /** How many connections there are; absent where a transport cannot tell. */
  connections?(): ConnectionCounts
}

/** The connections of a {@link Transport}. */
export interface ConnectionCounts {
  /** Open, or being opened. */
  readonly open: number
  /** Of these, those that no request uses. */
  readonly idle: number
  /** Requests that wait for a connection. */
  readonly waiting: number
}

/** A transport whose code is loaded with the first request, for those that most applications have no use for. */
function lazyTransport(load: () => Promise<Transport>): Transport {
  let transport: Transport | undefined
  const loaded = async (): Promise<Transport> => {
    const found = await load()
    // Requests that come at the same time share one.
    transport ??= found
    return transport
  }
  return {
    request: async request => (transport ?? (await loaded())).request(request),
    close: async () => (transport ?? (await loaded())).close(),
  }
}

/**
 * The transport that the runtime demands; `undefined` where sockets can be used. In Cloudflare Workers it is `fetch`, because a
 * socket can only be used by the request that has opened it, so that connections cannot be kept open.
 */
export function neededTransport(): Transport | undefined {
  const navigator: unknown = Reflect.get(globalThis, 'navigator')
  if (!isObject(navigator)) return undefined
  if (Reflect.get(navigator, 'userAgent') !== 'Cloudflare-Workers') return undefined
  return lazyTransport(async () => (await import('./fetch-transport.ts')).fetchTransport())
}

/** A transport that the application has made, held to what {@link Transport} promises. */
export function givenTransport(transport: Transport): Transport {
  return lazyTransport(async () => (await import('./bounded-transport.ts')).boundedTransport(transport))
}

const FORBIDDEN_IN_HEADER = /[^\t\x20-\x7e]/

/**
 * The request line and the header fields of a request, without a line break at the end.
 *
 * @throws {TypeError} when the value of a field contains a character that is not printable ASCII.
 */
export function encodeHead({
  method,
  path,
  headers,
}: Pick<TransportRequest, 'method' | 'path' | 'headers'>): string {
  let head = `${method} ${path} HTTP/1.1`
  for (const [name, value] of headers) {
    // A line break in a value would end the header and start whatever follows it (request smuggling).
    if (FORBIDDEN_IN_HEADER.test(value)) {
      throw new TypeError(
        `the value of the request header ${name} contains a character that is not printable ASCII`,
      )
    }
    head += `\r\n${name}: ${value}`
  }
  return head
}
