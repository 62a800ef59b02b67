import { createHmac, type KeyObject } from 'node:crypto'
import { isDate } from '../../internal/core-objects.ts'
import type { Credentials } from '../../types.ts'
import {
  canonicalRequest,
  sha256Hex,
  type CanonicalRequest,
  type CanonicalRequestInput,
  type CanonicalRequestOptions,
  type Header,
} from './canonical-request.ts'
import { deriveSigningKey, type SigningKeyCache } from './signing-key.ts'

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
  const text = stringToSign(amzDate, scope, canonical.text)
  const signingKey =
    options.signingKeys?.get(credentials, date, region, service) ??
    deriveSigningKey(credentials.secretAccessKey, date, region, service)
  const hexSignature = signature(signingKey, text)
  const authorization = authorizationValue(
    credentials.accessKeyId,
    scope,
    canonical.signedHeaders,
    hexSignature,
  )
  return {
    headers: [...signedAdditions, ...unsignedAdditions, ['authorization', authorization]],
    canonicalRequest: canonical.text,
    signedHeaders: canonical.signedHeaders,
    stringToSign: text,
    signature: hexSignature,
  }
}

/**
 * The text that the signature is the HMAC of.
 *
 * @param amzDate Time of the signature, from {@link formatAmzDate}.
 * @param scope From {@link credentialScope}.
 * @param canonicalRequestText Text of the canonical request.
 */
export function stringToSign(amzDate: string, scope: string, canonicalRequestText: string): string {
  return stringToSignPrefix(amzDate, scope) + sha256Hex(canonicalRequestText)
}

/** What {@link stringToSign} has before the hash of the canonical request. */
export function stringToSignPrefix(amzDate: string, scope: string): string {
  return `AWS4-HMAC-SHA256\n${amzDate}\n${scope}\n`
}

/** Lower-case hexadecimal HMAC-SHA-256 of a string to sign. */
export function signature(signingKey: KeyObject, textToSign: string): string {
  return createHmac('sha256', signingKey).update(textToSign).digest('hex')
}

/**
 * What a signing key is good for: a day, a region and a service.
 *
 * @param date Day of the signature in UTC as `YYYYMMDD`.
 */
export function credentialScope(date: string, region: string, service: string): string {
  return `${date}/${region}/${service}/aws4_request`
}

/** Value of the `Authorization` header. */
export function authorizationValue(
  accessKeyId: string,
  scope: string,
  signedHeaders: string,
  hexSignature: string,
): string {
  return authorizationPrefix(accessKeyId, scope, signedHeaders) + hexSignature
}

/** What {@link authorizationValue} has before the signature. */
export function authorizationPrefix(accessKeyId: string, scope: string, signedHeaders: string): string {
  return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signedHeaders}, Signature=`
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
