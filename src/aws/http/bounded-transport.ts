import { AttemptTimeoutError, ConnectionError } from '../../errors.ts'
import { isObject, isUint8Array } from '../../internal/core-objects.ts'
import { withTimeout } from '../../internal/timers.ts'
import type { Transport, TransportRequest, TransportResponse } from './transport.ts'

/** A transport that keeps its limits says so itself, and better; it is late as any timer can be. */
const GRACE_MS = 100

/**
 * A transport that somebody else has made, held to what {@link Transport} promises: it settles in time and at once when
 * the signal is aborted (G7), whatever the other does, and its answers are whole.
 *
 * A request that is given up is aborted in the other transport, and goes on there if that does not heed its signal.
 */
export function boundedTransport(transport: Transport): Transport {
  return {
    request: async request => checked(await bounded(transport, request)),
    close: () => transport.close(),
  }
}

async function bounded(transport: Transport, request: TransportRequest): Promise<TransportResponse> {
  const { endpoint, method, path, headers, body, connectTimeoutMs, attemptTimeoutMs, deadlineAtMs } = request
  const { limitAtMs = deadlineAtMs, signal, recipient, onDoubt } = request
  const leftMs = deadlineAtMs - performance.now()
  const latestMs = leftMs + GRACE_MS
  // The other transport does not know of a limit before the deadline.
  const ownLimitMs = limitAtMs < deadlineAtMs ? leftMs - (deadlineAtMs - limitAtMs) : latestMs
  const limitMs = Math.min(connectTimeoutMs + attemptTimeoutMs + GRACE_MS, ownLimitMs)
  const inner = new AbortController()
  let isOver = false
  // Written out: what else there is to a request belongs to this package, as does the class that it may be of.
  const own: TransportRequest = {
    endpoint,
    method,
    path,
    headers,
    body,
    connectTimeoutMs,
    attemptTimeoutMs,
    deadlineAtMs,
    signal: inner.signal,
    recipient,
    onDoubt,
  }
  const response = Promise.resolve(transport.request(own)).finally(() => {
    isOver = true
  })
  try {
    return await withTimeout(
      response,
      limitMs,
      signal,
      () =>
        new AttemptTimeoutError(
          `the transport brought no response from ${endpoint.origin} within ${Math.round(limitMs)} ms`,
        ),
      latestMs,
    )
  } catch (error) {
    // It may be waiting for a connection of its own, and would send what nobody waits for any more.
    if (!isOver) inner.abort(error)
    throw error
  }
}

/** Whatever JavaScript code returns, the rest of the package may take for a response. */
function checked(response: unknown): TransportResponse {
  if (isResponse(response)) return withBuffer(response)
  throw new ConnectionError(
    'INVALID_RESPONSE',
    'the transport must return statusCode (a number), headers (a Map by ' +
      'lower-case name) and body (a string, a Buffer or another Uint8Array)',
    { retryable: false },
  )
}

function isResponse(value: unknown): value is TransportResponse {
  if (!isObject(value)) return false
  const { statusCode, headers, body }: { statusCode?: unknown; headers?: unknown; body?: unknown } = value
  return (
    Number.isInteger(statusCode) &&
    (typeof body === 'string' || isUint8Array(body)) &&
    typeof headers === 'object' &&
    headers !== null &&
    typeof Reflect.get(headers, 'get') === 'function' &&
    typeof Reflect.get(headers, 'has') === 'function'
  )
}

/** The rest of the package decodes bodies with `toString`, which a plain `Uint8Array` does otherwise. */
function withBuffer({ statusCode, headers, body }: TransportResponse): TransportResponse {
  const isReady = typeof body === 'string' || Buffer.isBuffer(body)
  return {
    statusCode,
    headers,
    body: isReady ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength),
  }
}
