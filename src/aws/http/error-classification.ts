import { TransportError } from '../../errors.ts'
import type { RetryKind } from './retry-policy.ts'

/** What an AWS service says of a request that it refuses, as far as retries depend on it. */
export interface ServiceFailure {
  /** Exception name without its namespace, or `Unknown`. */
  readonly awsCode: string
  readonly statusCode: number
  readonly message: string
  /** Why a transaction was cancelled: one code for each of its actions; empty for every other failure. */
  readonly cancellationCodes?: readonly string[] | undefined
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
  // Not in the lists of the SDKs: a transaction that is under way has the item, for some milliseconds.
  'TransactionConflictException',
])

/** Codes by which a cancelled transaction says that it lacked capacity. */
const CAPACITY_CODES: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceeded',
  'RequestLimitExceeded',
  'ThrottlingError',
])

/** Codes of the actions of a cancelled transaction that say nothing against doing the same again. */
const HARMLESS_CODES: ReadonlySet<string> = new Set([...CAPACITY_CODES, 'None', 'TransactionConflict'])

const TRANSIENT_STATUS_CODES: ReadonlySet<number> = new Set([500, 502, 503, 504])

/**
 * Whether an error answer may be retried, and as what: by the lists of the standard retry mode of the AWS SDKs, and for
 * transactions by the reasons of their actions.
 */
export function retryKindOfAnswer(failure: ServiceFailure): RetryKind | undefined {
  const { awsCode, statusCode, message, cancellationCodes = [] } = failure
  if (cancellationCodes.some(code => CAPACITY_CODES.has(code)) && isHarmless(cancellationCodes)) {
    return 'throttling'
  }
  if (THROTTLING_CODES.has(awsCode) || statusCode === 429) return 'throttling'
  if (TRANSIENT_CODES.has(awsCode) || TRANSIENT_STATUS_CODES.has(statusCode)) return 'transient'
  return awsCode === 'InvalidSignatureException' && message.includes('Signature expired')
    ? 'transient'
    : undefined
}

/**
 * Whether a transaction was cancelled for nothing but others that were under way on its items. It can be tried again, by
 * whoever knows for how long.
 */
export function isTransactionConflict({ cancellationCodes = [] }: ServiceFailure): boolean {
  return cancellationCodes.includes('TransactionConflict') && isHarmless(cancellationCodes)
}

/** Whether a request that got no answer may be retried. */
export function retryKindOfError(error: unknown): RetryKind | undefined {
  return error instanceof TransportError && error.retryable ? 'transient' : undefined
}

function isHarmless(cancellationCodes: readonly string[]): boolean {
  return cancellationCodes.every(code => HARMLESS_CODES.has(code))
}
