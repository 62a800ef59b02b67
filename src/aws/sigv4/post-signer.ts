import type { Credentials } from '../../types.ts'
import { canonicalPath, type Header, sha256Hex } from './canonical-request.ts'
import { authorizationPrefix, credentialScope, formatAmzDate, stringToSignPrefix } from './sign.ts'
import { HmacSha256, type SigningKeyCache } from './signing-key.ts'

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
