import { createHmac, hash } from 'node:crypto'

import { isDate, isObject } from '../../internal/core-objects.ts'
import type { Credentials } from '../../types.ts'

/** Name and value of one HTTP header. */
export type Header = readonly [name: string, value: string]

/** An HTTP request to sign, apart from its body. */
export interface SignableRequest {
  /** HTTP method in upper case. */
  readonly method: string
  /** Path as it is on the request line, without the query. Empty means `/`. */
  readonly path: string
  /** Query string as it is on the request line, without the leading `?`. Empty when there is none. */
  readonly query: string
  /**
   * Headers in the order they are sent, in any case; a name may occur more than once. `host` is among them, with the port
   * where the URL has one.
   */
  readonly headers: readonly Header[]
}

/** Who signs, for which service, and when. */
export interface SigningOptions {
  /** Credentials to sign with. */
  readonly credentials: Credentials
  /** Region of the endpoint, for example `eu-west-1`. */
  readonly region: string
  /** Signing name of the service, for example `dynamodb` or `sts`. */
  readonly service: string
  /** Time of the signature. AWS accepts a few minutes of difference from its own clock. */
  readonly date: Date
}

const BLOCK_BYTES = 64
const DIGEST_BYTES = 32
const HEX_DIGITS = 2 * DIGEST_BYTES
const INNER_PAD = 0x36
const OUTER_PAD = 0x5c

/** Where the hash of a body will be. */
const NO_HASH = '0'.repeat(HEX_DIGITS)

/**
 * Signature Version 4 of requests that differ in nothing but their bodies, in the `Authorization` header.
 *
 * What the signature is made of is the same but for the hash of the body, and is kept as bytes, so that four hashes are left
 * to do for each request. The last two are an HMAC-SHA-256 (RFC 2104), in half the time that `createHmac` takes, which
 * makes an object with a native half each time. Printing it shows nothing of the key (G9).
 */
export class SignatureTemplate {
  readonly #additions: readonly Header[]
  readonly #authorization: string
  /** The canonical request, which ends with the hash of the body. */
  readonly #canonical: Buffer
  /** The padded key and the string to sign, which ends with the hash of the canonical request. */
  readonly #inner: Buffer
  /** The padded key, and behind it room for a digest. */
  readonly #outer: Buffer

  /**
   * Headers of the request that signing itself sets (`authorization`, `x-amz-date`, `x-amz-security-token`) are ignored, and
   * so is `date`, which would compete with `x-amz-date`.
   *
   * @throws {RangeError} when the date is an invalid one.
   */
  constructor(request: SignableRequest, { credentials, region, service, date }: SigningOptions) {
    const { accessKeyId, secretAccessKey, sessionToken } = credentials
    const amzDate = formatAmzDate(date)
    const day = amzDate.slice(0, 8)
    this.#additions = [
      ['x-amz-date', amzDate],
      ...(sessionToken ? [['x-amz-security-token', sessionToken] as const] : []),
    ]
    const headers = request.headers.filter(([name]) => !SET_BY_SIGNING.has(name.toLowerCase()))
    const { text, signedHeaders } = canonicalRequest(
      { ...request, headers: [...headers, ...this.#additions] },
      NO_HASH,
    )
    const scope = `${day}/${region}/${service}/aws4_request`
    this.#authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signedHeaders}, Signature=`
    this.#canonical = Buffer.from(text)
    const stringToSign = Buffer.from(`AWS4-HMAC-SHA256\n${amzDate}\n${scope}\n${NO_HASH}`)
    const key = deriveSigningKey(secretAccessKey, day, region, service)
    this.#inner = Buffer.concat([padded(key, INNER_PAD), stringToSign])
    this.#outer = Buffer.concat([padded(key, OUTER_PAD), Buffer.alloc(DIGEST_BYTES)])
  }

  /**
   * Headers to put on the request, in place of those of the same name: `x-amz-date`, `x-amz-security-token` where there is
   * one, and at the end `authorization`, whose value has to be completed by {@link signatureOf}.
   */
  headers(): readonly Header[] {
    return [...this.#additions, ['authorization', this.#authorization]]
  }

  /** Lower-case hexadecimal signature of the request with this body. */
  signatureOf(body: string | Uint8Array): string {
    const inner = this.#inner
    const outer = this.#outer
    this.#canonical.write(sha256Hex(body), this.#canonical.length - HEX_DIGITS, 'latin1')
    inner.write(sha256Hex(this.#canonical), inner.length - HEX_DIGITS, 'latin1')
    // As a string, because a string costs less to make than a Buffer.
    outer.write(hash('sha256', inner, 'binary'), BLOCK_BYTES, 'binary')
    return sha256Hex(outer)
  }
}

/**
 * The headers to put on a request, in place of those of the same name: `x-amz-date`, `x-amz-security-token` where there is
 * one, `authorization`. The result depends on the arguments alone.
 *
 * @throws {RangeError} when `date` is an invalid date.
 */
export function signRequest(
  request: SignableRequest & { readonly body: string | Uint8Array },
  options: SigningOptions,
): readonly Header[] {
  const template = new SignatureTemplate(request, options)
  const signature = template.signatureOf(request.body)
  return template
    .headers()
    .map(([name, value]) => [name, name === 'authorization' ? value + signature : value])
}

/** Whether a value can be used as credentials: the shape that {@link Credentials} describes. */
export function isCredentials(value: unknown): value is Credentials {
  if (!isObject(value)) return false
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = value as Partial<
    Record<keyof Credentials, unknown>
  >
  return (
    isHeaderText(accessKeyId) &&
    isHeaderText(secretAccessKey) &&
    (sessionToken === undefined || isHeaderText(sessionToken)) &&
    (expiration === undefined || (isDate(expiration) && !Number.isNaN(expiration.getTime())))
  )
}

/** Whether a value is a text that a header field may be: a line break would begin another one. */
export function isHeaderText(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)
}

/**
 * Value of the `X-Amz-Date` header: the time in UTC, in whole seconds, as `YYYYMMDDTHHMMSSZ`. The first eight
 * characters are the day that the signing key is derived for.
 *
 * @throws {RangeError} when `date` is an invalid date.
 */
export function formatAmzDate(date: Date): string {
  return `${date.toISOString().slice(0, 19).replaceAll(/[:-]/g, '')}Z`
}

/**
 * Derives the key that signs every request of one day to one service in one region.
 *
 * @param day of the signature in UTC as `YYYYMMDD`.
 */
export function deriveSigningKey(
  secretAccessKey: string,
  day: string,
  region: string,
  service: string,
): Uint8Array {
  let key: string | Uint8Array = `AWS4${secretAccessKey}`
  for (const text of [day, region, service]) key = hmacSha256(key, text)
  return hmacSha256(key, 'aws4_request')
}

/** The text that is hashed into the string to sign, and the headers it covers. */
export interface CanonicalRequest {
  /** The canonical request, lines separated by a line feed, without one at the end. */
  readonly text: string
  /** Lower-case names of the signed headers, sorted and separated by `;`. */
  readonly signedHeaders: string
}

/**
 * Builds the canonical request of Signature Version 4.
 *
 * Header names become lower-case and sorted; the values of a repeated name are joined with `,` in the order
 * they came; blanks, tabs and line breaks inside a value shrink to one space and are trimmed at its ends.
 * Headers that proxies and clients change on the way ({@link isSignableHeader}) are left out. Everything else
 * is signed: the caller adds `host` and `x-amz-date`, without which AWS refuses the request.
 *
 * @param payloadHash Lower-case hexadecimal SHA-256 of the body, from {@link sha256Hex}.
 */
export function canonicalRequest(
  { method, path, query, headers }: SignableRequest,
  payloadHash: string,
): CanonicalRequest {
  const valuesByName = new Map<string, string>()
  for (const [anyCaseName, value] of headers) {
    const name = anyCaseName.toLowerCase()
    if (!isSignableHeader(name)) continue
    const earlier = valuesByName.get(name)
    const canonicalValue = canonicalHeaderValue(value)
    valuesByName.set(name, earlier === undefined ? canonicalValue : `${earlier},${canonicalValue}`)
  }
  const names = [...valuesByName.keys()].sort()
  const headerLines = names.map(name => `${name}:${valuesByName.get(name) ?? ''}\n`).join('')
  const signedHeaders = names.join(';')
  return {
    text: `${method}\n${canonicalPath(path)}\n${canonicalQuery(query)}\n${headerLines}\n${signedHeaders}\n${payloadHash}`,
    signedHeaders,
  }
}

/**
 * Lower-case hexadecimal SHA-256 of a body or of a canonical request. Text is hashed as UTF-8, with U+FFFD in
 * place of lone surrogates, which is also how Node.js writes such text to a socket.
 */
export function sha256Hex(data: string | Uint8Array): string {
  return hash('sha256', data, 'hex')
}

/**
 * Whether a header takes part in the signature. Those that do not are rewritten by proxies and HTTP clients, or
 * carry the signature itself.
 *
 * @param name Header name in lower case.
 */
export function isSignableHeader(name: string): boolean {
  return !UNSIGNABLE_HEADERS.has(name) && !name.startsWith('proxy-') && !name.startsWith('sec-')
}

/**
 * Path of the canonical request: empty and `.` segments are dropped, `..` segments resolved.
 *
 * Each segment is percent-encoded once more than it is on the request line, `%` included, as every AWS service
 * except S3 expects. The result starts with `/`, and ends with one when `path` does.
 *
 * @param path Path as it is on the request line.
 */
export function canonicalPath(path: string): string {
  const kept: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(percentEncode(segment))
  }
  const trailingSlash = kept.length > 0 && path.endsWith('/') ? '/' : ''
  return `/${kept.join('/')}${trailingSlash}`
}

/** Headers that are left out of what is signed, because signing sets them. */
const SET_BY_SIGNING: ReadonlySet<string> = new Set([
  'authorization',
  'date',
  'x-amz-date',
  'x-amz-security-token',
])

const UNSIGNABLE_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'cache-control',
  'connection',
  'expect',
  'from',
  'keep-alive',
  'max-forwards',
  'pragma',
  'referer',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'x-amzn-trace-id',
])

function canonicalHeaderValue(value: string): string {
  // Not `\s` and `trim()`: they would also take away characters such as U+00A0, which the service keeps.
  return value.replaceAll(/[ \t\r\n]+/g, ' ').replaceAll(/^ | $/g, '')
}

function canonicalQuery(query: string): string {
  if (query === '') return ''
  const parameters: [key: string, value: string][] = []
  for (const parameter of query.split('&')) {
    if (parameter === '') continue
    const equalsIndex = parameter.indexOf('=')
    const key = equalsIndex === -1 ? parameter : parameter.slice(0, equalsIndex)
    const value = equalsIndex === -1 ? '' : parameter.slice(equalsIndex + 1)
    parameters.push([reencode(key), reencode(value)])
  }
  parameters.sort(([keyA, valueA], [keyB, valueB]) => compare(keyA, keyB) || compare(valueA, valueB))
  return parameters.map(([key, value]) => `${key}=${value}`).join('&')
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** Percent-encodes what is not encoded yet, and brings existing escapes into the one canonical spelling. */
function reencode(text: string): string {
  return text
    .split(/(%[\da-f]{2})/i)
    .map((part, index) =>
      // Splitting on a captured group puts the escapes at the odd places.
      index % 2 === 0 ? percentEncode(part) : percentEncodeByte(Number.parseInt(part.slice(1), 16)),
    )
    .join('')
}

function percentEncode(text: string): string {
  if (/^[\w.~-]*$/.test(text)) return text
  // Byte by byte, because `encodeURIComponent` throws on lone surrogates and leaves `!'()*` as they are.
  let encoded = ''
  for (const byte of new TextEncoder().encode(text)) encoded += percentEncodeByte(byte)
  return encoded
}

function percentEncodeByte(byte: number): string {
  const character = String.fromCharCode(byte)
  if (/[\w.~-]/.test(character)) return character
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
}

/** A key as one of the two hashes of an HMAC begins with it; derived keys are shorter than a block. */
function padded(key: Uint8Array, pad: number): Uint8Array {
  return Uint8Array.from({ length: BLOCK_BYTES }, (_, index) => (key[index] ?? 0) ^ pad)
}

function hmacSha256(key: string | Uint8Array, text: string): Uint8Array {
  return createHmac('sha256', key).update(text).digest()
}
