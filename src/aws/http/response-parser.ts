import { crc32 } from 'node:zlib'

import type { TransportResponse } from './transport.ts'

/** What the parser hands over when the last byte of a response is in. */
export interface ParsedResponse extends TransportResponse {
  /** Whether the server will take another request on the same connection. */
  readonly keepAlive: boolean
  /** ID that AWS gives every answer; `undefined` for what cannot be one. */
  readonly requestId: string | undefined
  /** It may be a part of the last bytes that the parser was given, and is there for as long as they are. */
  readonly body: Buffer
}

/** The bytes are not an HTTP/1.x response, or not one that can be read without guessing. */
export class ResponseFormatError extends Error {
  static {
    this.prototype.name = 'ResponseFormatError'
  }
}

/**
 * Longest head of a response, without the empty line that ends it. What else a response has beside its body (interim
 * responses, extensions of chunks, trailers) counts, too.
 */
const MAX_HEAD_BYTES = 64 * 1024
/** Most header fields of a response. Each takes more memory than its bytes. */
const MAX_FIELDS = 256
/** Longest body of a response. */
export const MAX_BODY_BYTES: number = 64 * 1024 * 1024
/** A part of a head keeps all of the head in memory; longer ones are not to be kept by the ID in them. */
const SHORT_HEAD_LENGTH = 1024
const MAX_REQUEST_ID_LENGTH = 128
const NO_FIELDS: ReadonlyMap<string, string> = new Map()
const MAX_CHUNK_LINE_BYTES = 4 * 1024

const EMPTY: Buffer = Buffer.alloc(0)
const END_OF_LINE: Buffer = Buffer.from('\r\n')
const END_OF_HEAD: Buffer = Buffer.from('\r\n\r\n')
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [^\r\n\0]*)?$/
/**
 * One line of a head. A blank before the colon, folded lines and bare line breaks are how messages are smuggled (RFC 9112
 * 5.1, 5.2, RFC 9110 5.5).
 */
const FIELD = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([^\r\n\0]*)\r\n/y
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n\0]*)?$/

type State = 'head' | 'sized-body' | 'chunk-size' | 'chunk-data' | 'trailers' | 'until-close' | 'complete'

/**
 * Reads one HTTP/1.x response from the bytes of a connection, however they are cut into pieces.
 *
 * Strict where leniency could mix up two responses (G8): conflicting or malformed lengths, an unknown transfer
 * coding, oversized heads and bytes behind the body are refused, following RFC 9112 sections 6 and 11.2.
 * Interim 1xx responses are skipped. Pure: no socket, no clock.
 */
export class ResponseParser {
  #state: State = 'head'
  /** Bytes of an element that is not complete, and how many of them have been searched for its end. */
  #unread: Buffer = EMPTY
  #searched = 0
  #held: GrowingBuffer | undefined
  #bytesBesideBody = 0

  #statusCode = 0
  #headers: ReadonlyMap<string, string> = NO_FIELDS
  #keepAlive = true

  #remaining = 0
  /** The body, where it came as a whole; else it is collected in `#body`. */
  #wholeBody: Buffer | undefined
  #body: GrowingBuffer | undefined

  /**
   * Takes the next bytes. They are not needed any more when it returns; only the body of a response may be a part of them.
   *
   * @returns the response when these bytes completed it.
   * @throws {ResponseFormatError} when the bytes cannot be trusted; the parser is of no use afterwards.
   */
  push(chunk: Buffer): ParsedResponse | undefined {
    if (this.#held === undefined) this.#unread = chunk
    else this.#hold(chunk)
    while (this.#step()) {
      // Each step consumes one element: a head, a chunk line, a run of body bytes.
    }
    if (this.#state !== 'complete') {
      if (this.#held === undefined && this.#unread.length > 0) this.#hold(this.#unread)
      return undefined
    }
    if (this.#unread.length > 0) {
      throw new ResponseFormatError('the server sent bytes behind the end of the body')
    }
    return this.#response()
  }

  /**
   * Tells the parser that the server has closed its side.
   *
   * @returns the response when its body is one that lasts until the connection closes.
   * @throws {ResponseFormatError} when the response is not complete.
   */
  end(): ParsedResponse {
    if (this.#state !== 'until-close') {
      throw new ResponseFormatError('the connection was closed in the middle of the response')
    }
    this.#state = 'complete'
    return this.#response()
  }

  #response(): ParsedResponse {
    const body = this.#wholeBody ?? this.#body?.view ?? EMPTY
    if (!matchesChecksum(this.#headers, body)) {
      throw new ResponseFormatError('the body does not match its x-amz-crc32 checksum')
    }
    return {
      statusCode: this.#statusCode,
      headers: this.#headers,
      body,
      keepAlive: this.#keepAlive,
      requestId: this.#requestId(),
    }
  }

  #requestId(): string | undefined {
    const id = this.#headers.get('x-amzn-requestid')
    if (id === undefined || id === '' || id.length > MAX_REQUEST_ID_LENGTH) return undefined
    return this.#bytesBesideBody > SHORT_HEAD_LENGTH ? ownText(id) : id
  }

  /** Keeps a copy of what is unread, together with what has come before. */
  #hold(chunk: Buffer): void {
    this.#held ??= new GrowingBuffer()
    this.#held.append(chunk, MAX_HEAD_BYTES)
    this.#unread = this.#held.view
  }

  /** Consumes one element of the response; false when it takes more bytes or everything is in. */
  #step(): boolean {
    switch (this.#state) {
      case 'head':
        return this.#readHead()
      case 'sized-body':
        return this.#readBodyBytes('complete')
      case 'chunk-size':
        return this.#readChunkSize()
      case 'chunk-data':
        return this.#readChunkData()
      case 'trailers':
        return this.#readTrailer()
      case 'until-close':
        this.#takeBody(this.#unread.length)
        return false
      case 'complete':
        return false
    }
  }

  #readHead(): boolean {
    const end = this.#find(END_OF_HEAD)
    if (isBeyond(MAX_HEAD_BYTES - this.#bytesBesideBody, end, END_OF_HEAD, this.#unread)) throw headTooLarge()
    if (end === -1) return false
    this.#countBesideBody(end)
    const head = this.#take(end + END_OF_HEAD.length).toString('latin1', 0, end + END_OF_LINE.length)
    const fieldsStart = head.indexOf('\r\n') + END_OF_LINE.length
    const status = STATUS_LINE.exec(head.slice(0, fieldsStart - END_OF_LINE.length))
    if (status === null) throw new ResponseFormatError('the server did not respond in HTTP/1.x')
    this.#statusCode = Number(status[2])
    if (this.#statusCode === 101) throw new ResponseFormatError('the server switched protocols unasked')
    const headers = readFields(head, fieldsStart)
    if (this.#statusCode < 200) return true

    this.#headers = headers
    const connection = headers.get('connection')?.toLowerCase() ?? ''
    const isHttp10 = status[1] === '0'
    this.#keepAlive = !connection.includes('close') && (!isHttp10 || connection.includes('keep-alive'))
    // HTTP/1.0 has no chunks: what sent them may have been misled about where they end (RFC 9112 6.1).
    if (isHttp10 && headers.has('transfer-encoding')) this.#keepAlive = false
    this.#chooseBody(headers)
    return true
  }

  #chooseBody(headers: ReadonlyMap<string, string>): void {
    const transferEncoding = headers.get('transfer-encoding')
    const length = contentLength(headers.get('content-length'))
    if (transferEncoding !== undefined) {
      if (length !== undefined) {
        throw new ResponseFormatError('the response has both Content-Length and Transfer-Encoding')
      }
      if (transferEncoding.toLowerCase() !== 'chunked') {
        throw new ResponseFormatError('the response has a Transfer-Encoding other than chunked')
      }
    }
    // 204 and 304 end with their head, whatever it says about a body (RFC 9112 6.3).
    if (this.#statusCode === 204 || this.#statusCode === 304 || length === 0) {
      this.#state = 'complete'
    } else if (transferEncoding !== undefined) {
      this.#state = 'chunk-size'
    } else if (length === undefined) {
      this.#keepAlive = false
      this.#state = 'until-close'
    } else {
      this.#remaining = length
      this.#checkBodySize(length)
      this.#state = 'sized-body'
    }
  }

  #readChunkSize(): boolean {
    const line = this.#takeLine()
    if (line === undefined) return false
    const size = CHUNK_SIZE.exec(line)
    if (size === null) throw new ResponseFormatError('the response has a malformed chunk')
    const [, digits = ''] = size
    const bytes = Number.parseInt(digits, 16)
    this.#countBesideBody(line.length - digits.length)
    if (bytes === 0) {
      this.#state = 'trailers'
    } else {
      this.#remaining = bytes
      this.#checkBodySize(this.#bodyLength + bytes)
      this.#state = 'chunk-data'
    }
    return true
  }

  #readChunkData(): boolean {
    if (this.#remaining > 0) return this.#readBodyBytes('chunk-data')
    if (this.#unread.length < 2) return false
    if (this.#take(2).toString('latin1') !== '\r\n') {
      throw new ResponseFormatError('the response has a chunk that is longer than it says')
    }
    this.#state = 'chunk-size'
    return true
  }

  #readTrailer(): boolean {
    const line = this.#takeLine()
    if (line === undefined) return false
    if (line === '') {
      this.#state = 'complete'
    } else {
      // Trailers are checked and dropped: nothing here depends on them, and RFC 9110 6.5.1 forbids merging
      // them into the header without knowing each field.
      readFields(`${line}\r\n`, 0)
      this.#countBesideBody(line.length)
    }
    return true
  }

  #readBodyBytes(next: State): boolean {
    if (this.#unread.length === 0) return false
    const length = Math.min(this.#remaining, this.#unread.length)
    this.#remaining -= length
    this.#takeBody(length)
    if (this.#remaining === 0) this.#state = next
    return this.#remaining === 0
  }

  #takeBody(length: number): void {
    if (length === 0) return
    const total = this.#bodyLength + length
    this.#checkBodySize(total)
    const taken = this.#take(length)
    const isSized = this.#state === 'sized-body'
    if (isSized && this.#remaining === 0 && this.#body === undefined) {
      this.#wholeBody = taken
      return
    }
    this.#body ??= new GrowingBuffer()
    this.#body.append(taken, isSized ? total + this.#remaining : MAX_BODY_BYTES)
  }

  get #bodyLength(): number {
    return this.#body?.length ?? 0
  }

  #checkBodySize(bytes: number): void {
    if (bytes > MAX_BODY_BYTES) {
      throw new ResponseFormatError(`the response body is larger than ${MAX_BODY_BYTES} bytes`)
    }
  }

  #countBesideBody(bytes: number): void {
    this.#bytesBesideBody += bytes
    if (this.#bytesBesideBody > MAX_HEAD_BYTES) throw headTooLarge()
  }

  #takeLine(): string | undefined {
    const end = this.#find(END_OF_LINE)
    if (isBeyond(MAX_CHUNK_LINE_BYTES, end, END_OF_LINE, this.#unread)) {
      throw new ResponseFormatError('the response has an overlong chunk line')
    }
    return end === -1 ? undefined : this.#take(end + END_OF_LINE.length).toString('latin1', 0, end)
  }

  /** Where the end of an element is; -1 when it has not come. What was searched before is not searched again. */
  #find(terminator: Buffer): number {
    const from = Math.max(0, this.#searched - terminator.length + 1)
    this.#searched = this.#unread.length
    return this.#unread.indexOf(terminator, from)
  }

  #take(length: number): Buffer {
    this.#searched = 0
    // What is left of the bytes that are held is copied when more come; the rest of them is not needed any more.
    this.#held = undefined
    const taken = this.#unread.subarray(0, length)
    this.#unread = this.#unread.subarray(length)
    return taken
  }
}

/** A service sends the same few field names every time, which need not be made anew for each response. */
const knownFieldKeys = new Map<string, string>()
const MAX_KNOWN_FIELD_KEYS = 64
const MAX_KNOWN_FIELD_KEY_LENGTH = 64

const MIN_BYTES = 1024

/**
 * Bytes that come in pieces, in one place: kept as pieces, each single byte would cost as much memory as a hundred.
 *
 * It takes up at most twice what is in it.
 */
export class GrowingBuffer {
  #bytes: Buffer = EMPTY
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Everything so far. It shows what is here, and what is appended later does not change it. */
  get view(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** @param most how many bytes there can be in the end; no more than that is set aside. */
  append(piece: Uint8Array, most: number): void {
    const length = this.#length + piece.byteLength
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, Math.min(most, Math.max(2 * length, MIN_BYTES))))
      grown.set(this.view)
      this.#bytes = grown
    }
    this.#bytes.set(piece, this.#length)
    this.#length = length
  }
}

/**
 * Whether a body is the one that the server sent, as far as its header fields tell: DynamoDB puts the CRC-32 of the body into
 * `x-amz-crc32`, which says nothing of a body that was encoded on the way.
 */
export function matchesChecksum(headers: ReadonlyMap<string, string>, body: Uint8Array): boolean {
  const expected = headers.get('x-amz-crc32')
  return expected === undefined || headers.has('content-encoding') || Number(expected) === crc32(body)
}

function headTooLarge(): ResponseFormatError {
  return new ResponseFormatError(`the response head is larger than ${MAX_HEAD_BYTES} bytes`)
}

/** Whether an element is longer than `limit`, or will be: of an end that has not come, all but a byte may be in. */
function isBeyond(limit: number, end: number, terminator: Buffer, unread: Buffer): boolean {
  return (end === -1 ? unread.length - terminator.length + 1 : end) > limit
}

/** The header fields from a place in a head on, by lower-case name. Every line ends with its line break. */
function readFields(head: string, start: number): Map<string, string> {
  const fields = new Map<string, string>()
  let count = 0
  for (let position = start; position < head.length; position = FIELD.lastIndex) {
    if (++count > MAX_FIELDS) {
      throw new ResponseFormatError(`the response has more than ${MAX_FIELDS} header fields`)
    }
    FIELD.lastIndex = position
    const [, name, text] = FIELD.exec(head) ?? []
    if (name === undefined || text === undefined) {
      throw new ResponseFormatError('the response has a malformed header line')
    }
    const key = fieldKey(name)
    const value = text.trim()
    const earlier = fields.get(key)
    fields.set(key, earlier === undefined ? value : `${earlier}, ${value}`)
  }
  return fields
}

function fieldKey(name: string): string {
  const known = knownFieldKeys.get(name)
  if (known !== undefined) return known
  const key = name.toLowerCase()
  if (knownFieldKeys.size < MAX_KNOWN_FIELD_KEYS && name.length <= MAX_KNOWN_FIELD_KEY_LENGTH) {
    knownFieldKeys.set(ownText(name), ownText(key))
  }
  return key
}

/** A copy of a part of a head that is kept: the part itself would keep all of the head in memory. */
function ownText(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}

function contentLength(value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  if (!/^\d{1,15}$/.test(value)) {
    throw new ResponseFormatError('the response has a malformed or repeated Content-Length')
  }
  return Number(value)
}
