/**
 * Every error class of the package, in one file. Each has a stable `code`; none carries a credential, a
 * session ID or session data, in its message or in its properties.
 *
 * Mistakes of the caller (a wrong option, an unusable session ID) are a `TypeError` with a `code`.
 */

/**
 * Codes of the `TypeError`s thrown for mistakes of the caller. `INVALID_ARGUMENT` is for arguments that are neither options
 * nor a session: a user ID, a key of key-value storage, what a factory takes.
 */
export type InvalidArgumentCode =
  | 'INVALID_ARGUMENT'
  | 'INVALID_OPTION'
  | 'INVALID_SESSION_ID'
  // What the layout cannot store.
  | 'INVALID_SESSION_DATA'

/** Codes of {@link DynamoDBSessionsError} and its subclasses; docs/errors.md says what each means. */
export type ErrorCode =
  | ConfigurationError['code']
  | TransportError['code']
  | DynamoDBError['code']
  | 'COOKIES_READ_ONLY'
  | 'CREDENTIALS_UNAVAILABLE'
  | 'DEADLINE_EXCEEDED'
  | 'KEYS_NOT_LISTABLE'
  | 'KEY_DERIVATION_FAILED'
  | 'LOCK_LOST'
  | 'NOT_A_COUNTER'
  | 'SESSION_CONFLICT'
  | 'SESSION_CORRUPT'
  | 'SESSION_DECRYPTION_FAILED'
  | 'SESSION_LOCKED'
  | 'SESSION_TOO_LARGE'
  | 'STORE_CLOSED'
  | 'STORE_FAILED'
  | 'TABLE_MISMATCH'
  | 'TRANSACTIONS_UNSUPPORTED'

/**
 * Base class of the errors of this package.
 *
 * A call may fail with others, too: a `TypeError` with a {@link InvalidArgumentCode} for a mistake of the caller, the reason of
 * an aborted `AbortSignal`, and whatever a function of the application, such as a credential provider, `onConflict` or
 * `userId`, fails with. The last two are passed on as they are.
 */
export class DynamoDBSessionsError extends Error {
  /** Stable identifier to branch on, for example `'TABLE_NOT_FOUND'`. Never `'ENOENT'`. */
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A setting that only the environment can supply, such as the region, is missing or unusable. */
export class ConfigurationError extends DynamoDBSessionsError {
  declare readonly code: 'INVALID_SETTING' | 'REGION_MISSING'

  constructor(code: ConfigurationError['code'], message: string, options?: ErrorOptions) {
    super(code, message, withoutRepetition(code, message, options))
  }
}

/** Why one credential provider did not supply credentials. */
export interface SkippedProvider {
  /** The source, for example `environment variables`. */
  readonly provider: string
  /** Why it has no credentials. */
  readonly reason: string
}

/**
 * No usable AWS credentials. The message lists every provider in order, with the reason why it was skipped. `cause` is the error
 * that came of another place, such as a failed connection or a response of STS, with its code and request ID.
 */
export class CredentialsError extends DynamoDBSessionsError {
  declare readonly code: 'CREDENTIALS_UNAVAILABLE'

  /**
   * The providers that were asked, in order; empty when one provider alone was asked. Loggers do not print it, because the
   * message has it.
   */
  declare readonly skipped: readonly SkippedProvider[]
  /**
   * `true` when the provider is not configured, so that a chain continues with the next one; `false` when it is configured but
   * broken, which ends a chain.
   */
  readonly tryNextProvider: boolean

  constructor(
    message: string,
    options?: ErrorOptions & {
      readonly skipped?: readonly SkippedProvider[]
      readonly tryNextProvider?: boolean
    },
  ) {
    super('CREDENTIALS_UNAVAILABLE', message, withoutRepetition('CREDENTIALS_UNAVAILABLE', message, options))
    Object.defineProperty(this, 'skipped', { value: options?.skipped ?? [] })
    this.tryNextProvider = options?.tryNextProvider ?? false
  }
}

/** The request received no HTTP response, or one that can't be trusted. Base class of the network errors. */
export class TransportError extends DynamoDBSessionsError {
  declare readonly code: ConnectionError['code'] | 'ATTEMPT_TIMEOUT' | 'CONNECT_TIMEOUT'

  /** Whether a retry of the request may succeed. */
  readonly retryable: boolean

  constructor(
    code: TransportError['code'],
    message: string,
    options: ErrorOptions & { readonly retryable: boolean },
  ) {
    super(code, message, options)
    this.retryable = options.retryable
  }
}

/** The TCP connection or TLS handshake took longer than `connectTimeoutMs`. */
export class ConnectTimeoutError extends TransportError {
  declare readonly code: 'CONNECT_TIMEOUT'

  constructor(message: string, options?: ErrorOptions) {
    super('CONNECT_TIMEOUT', message, { ...options, retryable: true })
  }
}

/** One attempt took longer than `attemptTimeoutMs`, from getting a connection to the last byte of the response. */
export class AttemptTimeoutError extends TransportError {
  declare readonly code: 'ATTEMPT_TIMEOUT'

  constructor(message: string, options?: ErrorOptions) {
    super('ATTEMPT_TIMEOUT', message, { ...options, retryable: true })
  }
}

/**
 * The connection could not be made, broke, or carried something that is not the response to the request. `cause`
 * is the system error where there is one.
 */
export class ConnectionError extends TransportError {
  declare readonly code:
    | 'CERTIFICATE_REJECTED'
    | 'CONNECTION_FAILED'
    | 'CONNECTION_LOST'
    | 'INVALID_RESPONSE'
    | 'POOL_TIMEOUT'
    | 'QUEUE_FULL'

  constructor(
    code: ConnectionError['code'],
    message: string,
    options: ErrorOptions & { readonly retryable: boolean },
  ) {
    super(code, message, options)
  }
}

/** The whole call, retries included, took longer than `deadlineMs`. `cause` is the error of the last attempt. */
export class DeadlineExceededError extends DynamoDBSessionsError {
  declare readonly code: 'DEADLINE_EXCEEDED'

  constructor(message: string, options?: ErrorOptions) {
    super('DEADLINE_EXCEEDED', message, options)
  }
}

/** DynamoDB responded with an error. */
export class DynamoDBError extends DynamoDBSessionsError {
  declare readonly code:
    | AccessDeniedError['code']
    | 'CLOCK_SKEW'
    | 'DYNAMODB_ERROR'
    | 'TABLE_NOT_FOUND'
    | 'THROTTLED'

  /** Exception name as AWS reports it, for example `ConditionalCheckFailedException`. */
  readonly awsCode: string
  /**
   * HTTP status of the response of DynamoDB. Not called `status` or `statusCode`, which frameworks would send to the
   * visitor, whose fault a missing table is not.
   */
  readonly httpStatusCode: number
  /** AWS request ID, to quote to AWS support; `undefined` when the response had none. */
  readonly requestId?: string | undefined
  /** How many times the request was sent. */
  readonly attempts: number
  /** Whether the same request may succeed later. */
  readonly retryable: boolean

  constructor(
    code: DynamoDBError['code'],
    message: string,
    details: DynamoDBErrorDetails,
    options?: ErrorOptions,
  ) {
    super(code, message, options)
    this.awsCode = details.awsCode
    this.httpStatusCode = details.httpStatusCode
    this.requestId = details.requestId
    this.attempts = details.attempts
    this.retryable = details.retryable
  }
}

/** What {@link DynamoDBError} knows about a refused request. */
export type DynamoDBErrorDetails = Pick<
  DynamoDBError,
  'awsCode' | 'httpStatusCode' | 'requestId' | 'attempts' | 'retryable'
>

/** DynamoDB throttled the request and all of its retries. */
export class ThrottlingError extends DynamoDBError {
  declare readonly code: 'THROTTLED'

  constructor(message: string, details: DynamoDBErrorDetails) {
    super('THROTTLED', message, details)
  }
}

/** The table does not exist in this region and account, or is still being created. */
export class TableNotFoundError extends DynamoDBError {
  declare readonly code: 'TABLE_NOT_FOUND'

  constructor(message: string, details: DynamoDBErrorDetails) {
    super('TABLE_NOT_FOUND', message, details)
  }
}

/**
 * The credentials do not permit the operation (`ACCESS_DENIED`), or AWS did not accept them: they have expired, it does not know
 * the access key, or the signature is not that of its secret.
 */
export class AccessDeniedError extends DynamoDBError {
  declare readonly code:
    | 'ACCESS_DENIED'
    | 'CREDENTIALS_EXPIRED'
    | 'CREDENTIALS_UNKNOWN'
    | 'SIGNATURE_REJECTED'

  constructor(
    message: string,
    details: DynamoDBErrorDetails,
    code: AccessDeniedError['code'] = 'ACCESS_DENIED',
  ) {
    super(code, message, details)
  }
}

/** AWS refused the signature because this machine's clock is too far off. */
export class ClockSkewError extends DynamoDBError {
  declare readonly code: 'CLOCK_SKEW'

  constructor(message: string, details: DynamoDBErrorDetails) {
    super('CLOCK_SKEW', message, details)
  }
}

/** The session does not fit into a DynamoDB item. Nothing was sent; the stored session is unchanged. */
export class SessionTooLargeError extends DynamoDBSessionsError {
  declare readonly code: 'SESSION_TOO_LARGE'

  /** Size of the item in bytes, as DynamoDB computes it. */
  readonly sizeBytes: number
  /** Largest item DynamoDB takes, in bytes. */
  readonly limitBytes: number

  constructor(sizeBytes: number, limitBytes: number) {
    super(
      'SESSION_TOO_LARGE',
      `the session takes ${sizeBytes} bytes as a DynamoDB item, and the limit is ${limitBytes}; ` +
        'keep large values elsewhere and their keys in the session',
    )
    this.sizeBytes = sizeBytes
    this.limitBytes = limitBytes
  }
}

/** The item under the session's key is not a session that this package can read. It was not changed. */
export class SessionCorruptError extends DynamoDBSessionsError {
  declare readonly code: 'SESSION_CORRUPT'

  constructor(message: string, options?: ErrorOptions) {
    super('SESSION_CORRUPT', message, options)
  }
}

/**
 * The session is encrypted with a key that this store doesn't have, or its data were changed, truncated or copied from another
 * session. It was not changed.
 */
export class SessionDecryptionError extends DynamoDBSessionsError {
  declare readonly code: 'SESSION_DECRYPTION_FAILED'

  constructor(message: string, options?: ErrorOptions) {
    super('SESSION_DECRYPTION_FAILED', message, options)
  }
}

/**
 * Another request has written the session since it was read, and the changes were not merged: `onConflict` is `'reject'`, or
 * other requests kept writing during every retry. Nothing was written.
 */
export class SessionConflictError extends DynamoDBSessionsError {
  declare readonly code: 'SESSION_CONFLICT'

  /** How many times the write was tried. */
  readonly attempts: number

  constructor(message: string, details: ErrorOptions & { readonly attempts: number }) {
    super('SESSION_CONFLICT', message, details)
    this.attempts = details.attempts
  }
}

/** Another request held the lock of the session for all of `maxWaitMs`. */
export class SessionLockedError extends DynamoDBSessionsError {
  declare readonly code: 'SESSION_LOCKED'

  /**
   * Milliseconds until the holder's lease ends unless it is renewed; `undefined` in layouts whose locks never expire.
   */
  readonly remainingMs: number | undefined

  constructor(message: string, details: { readonly remainingMs: number | undefined }) {
    super('SESSION_LOCKED', message)
    this.remainingMs = details.remainingMs
  }
}

/**
 * The lease expired and another request has locked or written the session since, or a save without the lock has moved the
 * session. The save was rejected. Only if the response to its first request was lost, and other requests have written more often
 * since than the item remembers, it may have been stored before that (G11).
 */
export class LockLostError extends DynamoDBSessionsError {
  declare readonly code: 'LOCK_LOST'

  constructor(message: string) {
    super('LOCK_LOST', message)
  }
}

/** The table exists, but its key or index does not fit this store. */
export class TableMismatchError extends DynamoDBSessionsError {
  declare readonly code: 'TABLE_MISMATCH'

  /** What the table has and what was asked for, one sentence each. Loggers do not print it, because the message has it. */
  declare readonly differences: readonly string[]

  constructor(message: string, differences: readonly string[]) {
    super('TABLE_MISMATCH', message)
    Object.defineProperty(this, 'differences', { value: differences })
  }
}

// As text, which minifiers keep, and on the prototypes, so that `inspect` does not print them once more.
for (const [name, { prototype }] of Object.entries({
  AccessDeniedError,
  AttemptTimeoutError,
  ClockSkewError,
  ConfigurationError,
  ConnectionError,
  ConnectTimeoutError,
  CredentialsError,
  DeadlineExceededError,
  DynamoDBError,
  DynamoDBSessionsError,
  LockLostError,
  SessionConflictError,
  SessionCorruptError,
  SessionDecryptionError,
  SessionLockedError,
  SessionTooLargeError,
  TableMismatchError,
  TableNotFoundError,
  ThrottlingError,
  TransportError,
})) {
  prototype.name = name
}

/** A mistake of the caller, as the functions below make it. */
type InvalidArgument = TypeError & { readonly code: InvalidArgumentCode }

/**
 * The error for an option that cannot be used.
 *
 * @internal
 */
export function invalidOption(message: string, options?: ErrorOptions): InvalidArgument {
  return mistake('INVALID_OPTION', message, options)
}

/**
 * The error for what can be no session ID.
 *
 * @internal
 */
export function invalidSessionId(message: string, options?: ErrorOptions): InvalidArgument {
  return mistake('INVALID_SESSION_ID', message, options)
}

/**
 * The error for session data that cannot be stored.
 *
 * @internal
 */
export function invalidSessionData(message: string, options?: ErrorOptions): InvalidArgument {
  return mistake('INVALID_SESSION_DATA', message, options)
}

/**
 * The error for an argument that is neither an option nor a session.
 *
 * @internal
 */
export function invalidArgument(message: string, options?: ErrorOptions): InvalidArgument {
  return mistake('INVALID_ARGUMENT', message, options)
}

/**
 * The error for what is stored and no session.
 *
 * @internal
 */
export function corrupt(problem: string, options?: ErrorOptions): SessionCorruptError {
  return new SessionCorruptError(`${problem}; it was left as it is`, options)
}

/**
 * The error for a setting of the environment that cannot be used.
 *
 * @internal
 */
export function invalidSetting(message: string, options?: ErrorOptions): ConfigurationError {
  return new ConfigurationError('INVALID_SETTING', message, options)
}

/**
 * What a call of a store is refused with that has been closed.
 *
 * @internal
 */
export function storeClosed(): DynamoDBSessionsError {
  return new DynamoDBSessionsError('STORE_CLOSED', 'the store has been closed and takes no more calls')
}

function mistake(code: InvalidArgumentCode, message: string, options?: ErrorOptions): InvalidArgument {
  return Object.assign(new TypeError(message, options), { code })
}

/**
 * Options whose cause is not the same error in other words. What wraps an error of its own code repeats its text, and takes over its
 * cause; a cause of another kind stays, with its code and request ID.
 */
function withoutRepetition(
  code: ErrorCode,
  message: string,
  options: ErrorOptions | undefined,
): ErrorOptions | undefined {
  const cause = options?.cause
  const isRepeated =
    cause instanceof DynamoDBSessionsError && cause.code === code && message.includes(cause.message)
  return isRepeated ? withoutRepetition(code, message, cause) : options
}
