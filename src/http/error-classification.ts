import { TransportError } from '../errors.ts'
import type { RetryKind } from './retry-policy.ts'

/** What an AWS service says of a request that it refuses, as far as retries depend on it. */
export interface ServiceFailure {
  /** Exception name without its namespace, or `Unknown`. */
  readonly awsCode: string
  readonly statusCode: number
  readonly message: string
}

const THROTTLING_CODES: ReadonlySet<string> = new Set([
  'BandwidthLimitExceeded',
  'EC2ThrottledException',
  'LimitExceededException',
  'PriorRequestNotComplete',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'TransactionInProgressException',
])

const TRANSIENT_CODES: ReadonlySet<string> = new Set([
  'IDPCommunicationError',
  'InternalServerError',
  'ReplicatedWriteConflictException',
  'RequestTimeout',
  'RequestTimeoutException',
  'TimeoutError',
])

const TRANSIENT_STATUS_CODES: ReadonlySet<number> = new Set([500, 502, 503, 504])

/** Whether an error answer may be retried, and as what: the lists of the standard retry mode of the AWS SDKs. */
export function retryKindOfAnswer({ awsCode, statusCode, message }: ServiceFailure): RetryKind | undefined {
  if (THROTTLING_CODES.has(awsCode) || statusCode === 429) return 'throttling'
  if (TRANSIENT_CODES.has(awsCode) || TRANSIENT_STATUS_CODES.has(statusCode)) return 'transient'
  return awsCode === 'InvalidSignatureException' && message.includes('Signature expired')
    ? 'transient'
    : undefined
}

/** Whether a request that got no answer may be retried. */
export function retryKindOfError(error: unknown): RetryKind | undefined {
  return error instanceof TransportError && error.retryable ? 'transient' : undefined
}
