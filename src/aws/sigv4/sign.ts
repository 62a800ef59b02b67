import { createHmac } from 'node:crypto'

import { isDate } from '../../internal/core-objects.ts'
import type { Credentials } from '../../types.ts'
import {
  canonicalPath,
  canonicalRequest,
  type CanonicalRequest,
  type CanonicalRequestInput,
  type CanonicalRequestOptions,
  type Header,
  sha256Hex,
} from './canonical-request.ts'
import { deriveSigningKey, HmacSha256, type SigningKeyCache } from './signing-key.ts'

/** An HTTP request to sign. `headers` must hold `host`, with the port where the URL has one. */
export interface SignableRequest extends CanonicalRequestInput {
  /** The body; empty when there is none. */
  readonly body: string | Uint8Array
}

/** Who signs, for which service, and when. */
export interface SigningOptions extends CanonicalRequestOptions {
  /** Credentials to sign with. */
  readonly credentials: Credentials
  /** Region of the endpoint, for example `eu-west-1`. */
  readonly region: string
  /** Signing name of the service, for example `dynamodb` or `sts`. */
  readonly service: string
  /** Time of the signature. AWS accepts a few minutes of difference from its own clock. */
  readonly date: Date
  /** Cache to take the signing key from; without one the key is derived anew. */
  readonly signingKeys?: SigningKeyCache | undefined
  /**
   * Whether the hash of the body is also sent and signed as the header `x-amz-content-sha256`. S3 requires it;
   * DynamoDB and STS do not.
   *
   * @default false
   */
  readonly sendPayloadHash?: boolean | undefined
  /**
   * Whether the session token of temporary credentials is signed. A few services want it added after signing
   * instead, which `false` does; DynamoDB and STS want it signed.
   *
   * @default true
   */
  readonly signSessionToken?: boolean | undefined
}

/** A signature, and every stage on the way to it. */
export interface SignedRequest {
  /**
   * Headers to put on the request, in place of those of the same name: `x-amz-date`, `x-amz-content-sha256`
   * and `x-amz-security-token` where they apply, `authorization`.
   */
  readonly headers: readonly Header[]
  /** Text of the canonical request. */
  readonly canonicalRequest: string
  /** Lower-case names of the signed headers, sorted and separated by `;`. */
  readonly signedHeaders: string
  /** Text that the signature is the HMAC of. */
  readonly stringToSign: string
  /** Lower-case hexadecimal signature. */
  readonly signature: string
}

/**
 * Signs any request with Signature Version 4 in the `Authorization` header.
 *
 * Headers of the request that the signer itself sets (`authorization`, `x-amz-date`, ...) are ignored, and so
 * is `date`, which would compete with `x-amz-date`. The result depends on the arguments alone.
 *
 * @param request The request as it is sent.
 * @param options See {@link SigningOptions}.
 * @throws {RangeError} when `date` is an invalid date.
 */
export function signRequest(request: SignableRequest, options: SigningOptions): SignedRequest {
  const { credentials, region, service } = options
  const { sessionToken } = credentials
  const amzDate = formatAmzDate(options.date)
  const date = amzDate.slice(0, 8)
  const payloadHash = sha256Hex(request.body)
  const tokenHeaders: readonly Header[] = sessionToken ? [['x-amz-security-token', sessionToken]] : []
  const signToken = options.signSessionToken ?? true

  const signedAdditions: Header[] = [['x-amz-date', amzDate]]
  if (options.sendPayloadHash ?? false) signedAdditions.push(['x-amz-content-sha256', payloadHash])
  if (signToken) signedAdditions.push(...tokenHeaders)
  const unsignedAdditions = signToken ? [] : tokenHeaders

  const replacedNames = new Set(['authorization', 'date'])
  for (const [name] of [...signedAdditions, ...unsignedAdditions]) replacedNames.add(name)
  const keptHeaders = request.headers.filter(([name]) => !replacedNames.has(name.toLowerCase()))

  const canonical: CanonicalRequest = canonicalRequest(
    { ...request, headers: [...keptHeaders, ...signedAdditions] },
    payloadHash,
    options,
  )
  const scope = credentialScope(date, region, service)
  const text = stringToSignPrefix(amzDate, scope) + sha256Hex(canonical.text)
  const signingKey =
    options.signingKeys?.get(credentials, date, region, service) ??
    deriveSigningKey(credentials.secretAccessKey, date, region, service)
  const hexSignature = createHmac('sha256', signingKey).update(text).digest('hex')
  const authorization =
    authorizationPrefix(credentials.accessKeyId, scope, canonical.signedHeaders) + hexSignature
  return {
    headers: [...signedAdditions, ...unsignedAdditions, ['authorization', authorization]],
    canonicalRequest: canonical.text,
    signedHeaders: canonical.signedHeaders,
    stringToSign: text,
    signature: hexSignature,
  }
}

/**
 * What a signing key is good for: a day, a region and a service.
 *
 * @param date Day of the signature in UTC as `YYYYMMDD`.
 */
export function credentialScope(date: string, region: string, service: string): string {
  return `${date}/${region}/${service}/aws4_request`
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

/** Whether a value can be used as credentials: the shape that {@link Credentials} describes. */
export function isCredentials(value: unknown): value is Credentials {
  if (typeof value !== 'object' || value === null) return false
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

/** What requests have in common that one {@link PostSigner} signs. */
export interface PostTarget {
  /** Value of the `Host` header, with the port where the URL has one. */
  readonly host: string
  /** Path as it is on the request line; `/` for DynamoDB. */
  readonly path: string
  /**
   * Headers to sign, already in canonical form: names in lower case, each of them once, sorted, and none that
   * is never signed; values without blanks at their ends or several in a row. `host`, `x-amz-date` and
   * `x-amz-security-token` are not among them: they are signed without being named here.
   */
  readonly headers: readonly Header[]
}

/** Who signs, and for which service. */
export interface PostSigningIdentity {
  /** Credentials to sign with. The session token, where there is one, contains no blanks. */
  readonly credentials: Credentials
  /** Region of the endpoint, for example `eu-west-1`. */
  readonly region: string
  /** Signing name of the service, for example `dynamodb`. */
  readonly service: string
  /** Cache to take the signing key from. */
  readonly signingKeys: SigningKeyCache
}

/** Headers to send with a signed request, next to those that were signed with it. */
export interface PostSignature {
  /** Value of `x-amz-date`. */
  readonly amzDate: string
  /** Value of `authorization`. */
  readonly authorization: string
}

/**
 * Signs POST requests without a query as `signRequest` does, with the same result, for a fraction of the work.
 *
 * Requests to one target differ in their bodies, and all of one second have the same date. What follows from the
 * second is worked out once for all of its requests, so that three hashes are what is left to do for each.
 *
 * It relies on the canonical form that {@link PostTarget} asks for and does not check it: headers in another form give
 * a signature that AWS refuses.
 */
export class PostSigner {
  readonly #target: PostTarget
  readonly #identity: PostSigningIdentity
  #second: SigningSecond | undefined

  constructor(target: PostTarget, identity: PostSigningIdentity) {
    this.#target = target
    this.#identity = identity
  }

  /**
   * Signs one request. What has to be sent is `host`, `x-amz-date` with the returned value, `x-amz-security-token`
   * when the credentials have a session token, the headers of the target, and `authorization`.
   *
   * @param nowMs Time of the signature in milliseconds since the Unix epoch, corrected for clock skew.
   * @throws {RangeError} when `nowMs` is not a time.
   */
  sign(body: string, nowMs: number): PostSignature {
    const epochSecond = Math.floor(nowMs / 1000)
    let second = this.#second
    if (second?.epochSecond !== epochSecond) {
      second = this.#workOut(epochSecond)
      this.#second = second
    }
    const canonicalHash = sha256Hex(second.beforeBodyHash + sha256Hex(body))
    const hexSignature = second.hmac.hex(second.beforeCanonicalHash + canonicalHash)
    return { amzDate: second.amzDate, authorization: second.beforeSignature + hexSignature }
  }

  #workOut(epochSecond: number): SigningSecond {
    const { credentials, region, service, signingKeys } = this.#identity
    const { path } = this.#target
    const amzDate = formatAmzDate(new Date(epochSecond * 1000))
    const date = amzDate.slice(0, 8)
    const { headerLines, signedHeaders } = this.#canonicalHeaders(amzDate)
    const scope = credentialScope(date, region, service)
    return {
      epochSecond,
      amzDate,
      beforeBodyHash: `POST\n${path === '/' ? '/' : canonicalPath(path, true)}\n\n${headerLines}\n${signedHeaders}\n`,
      beforeCanonicalHash: stringToSignPrefix(amzDate, scope),
      beforeSignature: authorizationPrefix(credentials.accessKeyId, scope, signedHeaders),
      hmac: new HmacSha256(signingKeys.get(credentials, date, region, service).export()),
    }
  }

  #canonicalHeaders(amzDate: string): { readonly headerLines: string; readonly signedHeaders: string } {
    const { host, headers } = this.#target
    const { sessionToken } = this.#identity.credentials
    const all: Header[] = [...headers, ['host', host], ['x-amz-date', amzDate]]
    if (sessionToken) all.push(['x-amz-security-token', sessionToken])
    all.sort(([one], [other]) => (one < other ? -1 : 1))
    return {
      headerLines: all.map(([name, value]) => `${name}:${value}\n`).join(''),
      signedHeaders: all.map(([name]) => name).join(';'),
    }
  }
}

/** What all signatures of one second have in common. */
interface SigningSecond {
  readonly epochSecond: number
  readonly amzDate: string
  readonly beforeBodyHash: string
  readonly beforeCanonicalHash: string
  readonly beforeSignature: string
  readonly hmac: HmacSha256
}

/** The text that a signature is the HMAC of, up to the hash of the canonical request. */
function stringToSignPrefix(amzDate: string, scope: string): string {
  return `AWS4-HMAC-SHA256\n${amzDate}\n${scope}\n`
}

/** The value of the `Authorization` header, up to the signature. */
function authorizationPrefix(accessKeyId: string, scope: string, signedHeaders: string): string {
  return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signedHeaders}, Signature=`
}
