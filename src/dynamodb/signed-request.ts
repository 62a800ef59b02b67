import type { Endpoint } from '../http/endpoint.ts'
import type { TransportRequest } from '../http/transport.ts'
import type { Header } from '../sigv4/canonical-request.ts'
import { signPost } from '../sigv4/sign-post.ts'
import type { SigningKeyCache } from '../sigv4/signing-key.ts'
import type { Credentials } from '../types.ts'
import type { Operation } from './operations.ts'

/** Where a request goes, and who signs it when. */
export interface SigningTarget {
  readonly endpoint: Endpoint
  /** Region that the request is signed for. */
  readonly region: string
  readonly credentials: Credentials
  readonly nowMs: number
  readonly signingKeys: SigningKeyCache
}

const API_VERSION = 'DynamoDB_20120810'
const CONTENT_TYPE = 'application/x-amz-json-1.0'

/** What a request may take, and who may give it up. */
export type RequestLimits = Pick<
  TransportRequest,
  'connectTimeoutMs' | 'attemptTimeoutMs' | 'deadlineAtMs' | 'signal'
>

/** The signed HTTP request of an operation, in DynamoDB's JSON protocol. */
export function signedRequest(
  operation: Operation,
  body: string,
  { endpoint, region, credentials, nowMs, signingKeys }: SigningTarget,
  { connectTimeoutMs, attemptTimeoutMs, deadlineAtMs, signal }: RequestLimits,
): TransportRequest {
  const { host, path } = endpoint
  const contentType: Header = ['content-type', CONTENT_TYPE]
  const target: Header = ['x-amz-target', `${API_VERSION}.${operation}`]
  const { amzDate, authorization } = signPost(
    { host, path, headers: [contentType, target], body },
    { credentials, region, service: 'dynamodb', nowMs, signingKeys },
  )
  const headers: Header[] = [
    ['host', host],
    contentType,
    target,
    ['x-amz-date', amzDate],
    ['authorization', authorization],
  ]
  if (credentials.sessionToken !== undefined) headers.push(['x-amz-security-token', credentials.sessionToken])
  // Written out, and not spread together: this object is made for every request.
  return {
    endpoint,
    method: 'POST',
    path,
    headers,
    body,
    connectTimeoutMs,
    attemptTimeoutMs,
    deadlineAtMs,
    signal,
  }
}
