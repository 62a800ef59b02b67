import { requestIdIn } from '../../internal/foreign-text.ts'
import {
  MAX_BODY_BYTES,
  MAX_FIELDS,
  MAX_HEAD_BYTES,
  parseFields,
  type ParsedResponse,
} from './response-parser.ts'

const NUL = 0
const TAB = 9
const LF = 10
const CR = 13
const SPACE = 32
const ZERO = 48
const COLON = 58

/** 1 at the codes of the characters that the name of a header field may have. */
const IS_NAME_BYTE = new Uint8Array(256)
for (const byte of Buffer.from(
  "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
)) {
  IS_NAME_BYTE[byte] = 1
}

const START = Buffer.from('HTTP/1.1 ')
const CONNECTION = Buffer.from('connection')
const CHECKSUM = Buffer.from('x-amz-crc32')
const CONTENT_LENGTH = Buffer.from('content-length')
const CONTENT_ENCODING = Buffer.from('content-encoding')
const ANSWER_ID = Buffer.from('x-amzn-requestid')
const TRANSFER_ENCODING = Buffer.from('transfer-encoding')
const KEEP_ALIVE = Buffer.from('keep-alive')

const MAX_DIGITS = 15

/**
 * Reads a response that is there as a whole and of the plainest kind: HTTP/1.1, one `Content-Length`, a body of that
 * length and no byte more. That is what nearly every answer is. Reading it byte by byte, without strings for lines and
 * fields that nobody looks at, takes a fraction of the time of the general parser.
 *
 * @returns `undefined` for anything else, be it incomplete, malformed or only unusual: what to make of that is for
 *   `ResponseParser` to say, which reads whatever this function reads, with the same result.
 */
export function readWholeResponse(bytes: Buffer): ParsedResponse | undefined {
  const statusCode = statusCodeOf(bytes)
  if (statusCode === undefined) return undefined
  const fieldsStart = endOfLine(bytes, START.length + 3)
  let position = fieldsStart
  let bodyBytes: number | undefined
  let checksum: number | undefined
  let requestId: string | undefined
  let hasId = false
  let isEncoded = false
  let fields = 0

  // No line without a line feed, and no byte from behind the end: both make a line end at 0.
  while (position > 0 && bytes[position] !== CR) {
    if (++fields > MAX_FIELDS) return undefined
    const nameStart = position
    while (IS_NAME_BYTE[bytes[position] ?? NUL] === 1) position++
    const valueStart = position + 1
    const nameBytes = position - nameStart
    if (nameBytes === 0 || bytes[position] !== COLON) return undefined
    position = endOfLine(bytes, valueStart)
    const valueEnd = position - 2
    switch (nameBytes) {
      case CONNECTION.length:
        if (is(bytes, nameStart, CONNECTION) && !isKeepAlive(bytes, valueStart, valueEnd)) return undefined
        break
      case CHECKSUM.length:
        if (is(bytes, nameStart, CHECKSUM)) {
          if (checksum !== undefined) return undefined
          checksum = decimal(bytes, valueStart, valueEnd)
          if (checksum === undefined) return undefined
        }
        break
      case CONTENT_LENGTH.length:
        if (is(bytes, nameStart, CONTENT_LENGTH)) {
          if (bodyBytes !== undefined) return undefined
          bodyBytes = decimal(bytes, valueStart, valueEnd)
          if (bodyBytes === undefined) return undefined
        }
        break
      case ANSWER_ID.length:
        if (is(bytes, nameStart, ANSWER_ID)) {
          if (hasId) return undefined
          hasId = true
          requestId = requestIdIn(bytes.toString('latin1', valueStart, valueEnd).trim())
        } else if (is(bytes, nameStart, CONTENT_ENCODING)) {
          isEncoded = true
        }
        break
      case TRANSFER_ENCODING.length:
        if (is(bytes, nameStart, TRANSFER_ENCODING)) return undefined
    }
  }

  const bodyStart = position + 2
  if (position === 0 || bytes[position + 1] !== LF || bodyBytes === undefined) return undefined
  if (bodyStart + bodyBytes !== bytes.length) return undefined
  if (position > MAX_HEAD_BYTES || bodyBytes > MAX_BODY_BYTES) return undefined
  return new WholeResponse(
    bytes,
    fieldsStart,
    bodyStart,
    statusCode,
    isEncoded ? undefined : checksum,
    requestId,
  )
}

/** What {@link readWholeResponse} has read; the header fields are taken apart when somebody asks for them. */
class WholeResponse implements ParsedResponse {
  readonly statusCode: number
  readonly body: Buffer
  readonly keepAlive = true
  readonly checksum: number | undefined
  readonly requestId: string | undefined
  readonly #bytes: Buffer
  readonly #fieldsStart: number
  readonly #bodyStart: number
  #headers: ReadonlyMap<string, string> | undefined

  constructor(
    bytes: Buffer,
    fieldsStart: number,
    bodyStart: number,
    statusCode: number,
    checksum: number | undefined,
    requestId: string | undefined,
  ) {
    this.statusCode = statusCode
    this.body = bytes.subarray(bodyStart)
    this.checksum = checksum
    this.requestId = requestId
    this.#bytes = bytes
    this.#fieldsStart = fieldsStart
    this.#bodyStart = bodyStart
  }

  get headers(): ReadonlyMap<string, string> {
    this.#headers ??= parseFields(this.#bytes.toString('latin1', this.#fieldsStart, this.#bodyStart - 4))
    return this.#headers
  }
}

/** The status code of a final answer in HTTP/1.1 that may have a body. */
function statusCodeOf(bytes: Buffer): number | undefined {
  for (let index = 0; index < START.length; index++) {
    if (bytes[index] !== START[index]) return undefined
  }
  const statusCode = decimal(bytes, START.length, START.length + 3)
  const behind = bytes[START.length + 3]
  const isPlain =
    statusCode !== undefined && statusCode >= 200 && statusCode < 600 && (behind === SPACE || behind === CR)
  return isPlain && statusCode !== 204 && statusCode !== 304 ? statusCode : undefined
}

/** Where the next line starts; 0 when there is no end of this one, or a byte in it that no line may have. */
function endOfLine(bytes: Buffer, start: number): number {
  let position = start
  for (let byte = bytes[position]; byte !== CR; byte = bytes[++position]) {
    if (byte === undefined || byte === LF || byte === NUL) return 0
  }
  return bytes[position + 1] === LF ? position + 2 : 0
}

/** Whether lower-case text is at a place; letters there may be upper-case. All bytes there are those of a name. */
function is(bytes: Buffer, start: number, text: Buffer): boolean {
  for (let index = 0; index < text.length; index++) {
    // Sets the bit that lower-case letters have; the digits and the hyphen of the names have it anyway.
    if (((bytes[start + index] ?? NUL) | 0x20) !== text[index]) return false
  }
  return true
}

function isKeepAlive(bytes: Buffer, start: number, end: number): boolean {
  const from = skipBlanks(bytes, start)
  return from + KEEP_ALIVE.length === end && is(bytes, from, KEEP_ALIVE)
}

/** A number of decimal digits with nothing but blanks around. */
function decimal(bytes: Buffer, start: number, end: number): number | undefined {
  const from = skipBlanks(bytes, start)
  let value = 0
  let position = from
  for (; position < end; position++) {
    const digit = (bytes[position] ?? NUL) - ZERO
    if (digit < 0 || digit > 9) break
    value = value * 10 + digit
  }
  const digits = position - from
  return digits > 0 && digits <= MAX_DIGITS && skipBlanks(bytes, position) >= end ? value : undefined
}

function skipBlanks(bytes: Buffer, start: number): number {
  let position = start
  while (bytes[position] === SPACE || bytes[position] === TAB) position++
  return position
}
