import { hash } from 'node:crypto'

/** Name and value of one HTTP header. */
export type Header = readonly [name: string, value: string]

/** The parts of an HTTP request that a canonical request is made of, besides the hash of the body. */
export interface CanonicalRequestInput {
  /** HTTP method in upper case. */
  readonly method: string
  /** Path as it is on the request line, without the query. Empty means `/`. */
  readonly path: string
  /** Query string as it is on the request line, without the leading `?`. Empty when there is none. */
  readonly query: string
  /** Headers in the order they are sent, in any case; a name may occur more than once. */
  readonly headers: readonly Header[]
}

/** How {@link canonicalRequest} treats the path. */
export interface CanonicalRequestOptions {
  /**
   * Whether empty and `.` segments are dropped and `..` segments resolved. Only services that give these
   * segments a meaning, such as S3, need `false`.
   *
   * @default true
   */
  readonly normalizePath?: boolean | undefined
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
 * @param request The request as it is sent.
 * @param payloadHash Lower-case hexadecimal SHA-256 of the body, from {@link sha256Hex}.
 * @param options See {@link CanonicalRequestOptions}.
 */
export function canonicalRequest(
  request: CanonicalRequestInput,
  payloadHash: string,
  options?: CanonicalRequestOptions,
): CanonicalRequest {
  const valuesByName = new Map<string, string>()
  for (const [anyCaseName, value] of request.headers) {
    const name = anyCaseName.toLowerCase()
    if (!isSignableHeader(name)) continue
    const earlier = valuesByName.get(name)
    const canonicalValue = canonicalHeaderValue(value)
    valuesByName.set(name, earlier === undefined ? canonicalValue : `${earlier},${canonicalValue}`)
  }
  const names = [...valuesByName.keys()].sort()
  const headerLines = names.map(name => `${name}:${valuesByName.get(name) ?? ''}\n`).join('')
  const signedHeaders = names.join(';')
  const path = canonicalPath(request.path, options?.normalizePath ?? true)
  const query = canonicalQuery(request.query)
  return {
    text: `${request.method}\n${path}\n${query}\n${headerLines}\n${signedHeaders}\n${payloadHash}`,
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
  return !unsignableHeaders.has(name) && !name.startsWith('proxy-') && !name.startsWith('sec-')
}

/**
 * Path of the canonical request.
 *
 * Each segment is percent-encoded once more than it is on the request line, `%` included, as every AWS service
 * except S3 expects. The result starts with `/`, and ends with one when `path` does.
 *
 * @param path Path as it is on the request line.
 * @param normalize See {@link CanonicalRequestOptions.normalizePath}.
 */
export function canonicalPath(path: string, normalize: boolean): string {
  const absolutePath = path.startsWith('/') ? path : `/${path}`
  const segments = absolutePath.slice(1).split('/')
  if (!normalize) return `/${segments.map(percentEncode).join('/')}`
  const kept: string[] = []
  for (const segment of segments) {
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(percentEncode(segment))
  }
  const trailingSlash = kept.length > 0 && absolutePath.endsWith('/') ? '/' : ''
  return `/${kept.join('/')}${trailingSlash}`
}

const unsignableHeaders: ReadonlySet<string> = new Set([
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
