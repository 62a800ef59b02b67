import type { Endpoint } from '../http/endpoint.ts'
import type { TransportRequest } from '../http/transport.ts'
import type { Header } from '../sigv4/canonical-request.ts'
import { PostSigner } from '../sigv4/sign.ts'
import { SigningKeyCache } from '../sigv4/signing-key.ts'
import type { Credentials } from '../../types.ts'
import type { Operation } from './operations.ts'

/** Where a request goes, and who signs it when. */
export interface SigningTarget {
  readonly endpoint: Endpoint
  /** Region that the request is signed for. */
  readonly region: string
  readonly credentials: Credentials
  readonly nowMs: number
  readonly userAgent: Header
  /** Value of `x-amzn-trace-id`. */
  readonly traceId: string | undefined
}

/** What a request may take, who may give it up, and who judges the response. */
export type RequestTerms = Pick<
  TransportRequest,
  'connectTimeoutMs' | 'attemptTimeoutMs' | 'deadlineAtMs' | 'signal' | 'recipient' | 'onDoubt'
>

const API_VERSION = 'DynamoDB_20120810'
const CONTENT_TYPE: Header = ['content-type', 'application/x-amz-json-1.0']

/**
 * Makes the signed HTTP requests of a client, in DynamoDB's JSON protocol. What the requests of an operation have in
 * common is made once, and again when the endpoint, the region or the credentials have changed.
 */
export class RequestSigner {
  readonly #signingKeys = new SigningKeyCache()
  readonly #prepared = new Map<Operation, PreparedOperation>()

  /** The request of an operation. */
  sign(
    operation: Operation,
    body: string,
    target: SigningTarget,
    { connectTimeoutMs, attemptTimeoutMs, deadlineAtMs, signal, recipient, onDoubt }: RequestTerms,
  ): TransportRequest {
    const { signer, host, contentTarget, token } = this.#prepare(operation, target)
    const { amzDate, authorization } = signer.sign(body, target.nowMs)
    const headers: Header[] = [
      host,
      CONTENT_TYPE,
      contentTarget,
      ['x-amz-date', amzDate],
      ['authorization', authorization],
      // Neither this nor the trace is signed: both may change on the way.
      target.userAgent,
    ]
    if (target.traceId !== undefined) headers.push(['x-amzn-trace-id', target.traceId])
    if (token !== undefined) headers.push(token)
    // Written out, and not spread together: this object is made for every request.
    return {
      endpoint: target.endpoint,
      method: 'POST',
      path: target.endpoint.path,
      headers,
      body,
      connectTimeoutMs,
      attemptTimeoutMs,
      deadlineAtMs,
      signal,
      recipient,
      onDoubt,
    }
  }

  #prepare(operation: Operation, target: SigningTarget): PreparedOperation {
    const known = this.#prepared.get(operation)
    if (known !== undefined && isFor(known, target)) return known
    const prepared = prepare(operation, target, this.#signingKeys)
    this.#prepared.set(operation, prepared)
    return prepared
  }
}

interface PreparedOperation {
  readonly endpoint: Endpoint
  readonly region: string
  /** A copy: whoever gave the credentials may change the object. */
  readonly credentials: Credentials
  readonly signer: PostSigner
  readonly host: Header
  readonly contentTarget: Header
  readonly token: Header | undefined
}

function prepare(
  operation: Operation,
  { endpoint, region, credentials }: SigningTarget,
  signingKeys: SigningKeyCache,
): PreparedOperation {
  const { host, path } = endpoint
  const { accessKeyId, secretAccessKey, sessionToken } = credentials
  const contentTarget: Header = ['x-amz-target', `${API_VERSION}.${operation}`]
  const own = { accessKeyId, secretAccessKey, sessionToken }
  return {
    endpoint,
    region,
    credentials: own,
    signer: new PostSigner(
      { host, path, headers: [CONTENT_TYPE, contentTarget] },
      { credentials: own, region, service: 'dynamodb', signingKeys },
    ),
    host: ['host', host],
    contentTarget,
    token: sessionToken === undefined ? undefined : ['x-amz-security-token', sessionToken],
  }
}

function isFor(prepared: PreparedOperation, { endpoint, region, credentials }: SigningTarget): boolean {
  const own = prepared.credentials
  return (
    prepared.endpoint === endpoint &&
    prepared.region === region &&
    own.accessKeyId === credentials.accessKeyId &&
    own.secretAccessKey === credentials.secretAccessKey &&
    own.sessionToken === credentials.sessionToken
  )
}
