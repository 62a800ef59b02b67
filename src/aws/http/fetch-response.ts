import { ConnectionError } from '../../errors.ts'
import { isUint8Array } from '../../internal/core-objects.ts'
import { matchesChecksum } from './checksum.ts'
import { GrowingBuffer } from './growing-buffer.ts'
import { MAX_BODY_BYTES } from './response-parser.ts'
import type { TransportResponse } from './transport.ts'

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
  if (typeof response !== 'object' || response === null) return false
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
  return new ConnectionError('INVALID_RESPONSE', `unusable answer from ${origin}: ${reason}`, {
    retryable: true,
  })
}

function ignore(): void {
  // Nobody is left to tell.
}
