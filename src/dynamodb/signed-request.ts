import type { Endpoint } from '../http/endpoint.ts'
import type { TransportRequest } from '../http/transport.ts'
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

/** The signed HTTP request of an operation, in DynamoDB's JSON protocol. */
export function signedRequest(
  operation: Operation,
  body: string,
  { endpoint, region, credentials, nowMs, signingKeys }: SigningTarget,
): Pick<TransportRequest, 'endpoint' | 'method' | 'path' | 'headers' | 'body'> {
  const { host, path } = endpoint
  const signed: readonly (readonly [string, string])[] = [
    ['content-type', CONTENT_TYPE],
    ['x-amz-target', `${API_VERSION}.${operation}`],
  ]
  const { amzDate, authorization } = signPost(
    { host, path, headers: signed, body },
    { credentials, region, service: 'dynamodb', nowMs, signingKeys },
  )
  const headers: (readonly [string, string])[] = [
    ['host', host],
    ...signed,
    ['x-amz-date', amzDate],
    ['authorization', authorization],
  ]
  if (credentials.sessionToken !== undefined) headers.push(['x-amz-security-token', credentials.sessionToken])
  return { endpoint, method: 'POST', path, headers, body }
}
