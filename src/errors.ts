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
  'INVALID_ARGUMENT' | 'INVALID_OPTION' | 'INVALID_SESSION_ID' | 'INVALID_SESSION_DATA'

/**
 * Base class of the errors of this package.
 *
 * A call may fail with others, too: a `TypeError` with a {@link InvalidArgumentCode} for a mistake of the caller, the reason of
 * an aborted `AbortSignal`, and whatever a function of the application, such as a credential provider, `onConflict` or
 * `userId`, fails with. The last two are passed on as they are.
 */
export class DynamoDBSessionsError extends Error {
  static {
    this.prototype.name = 'DynamoDBSessionsError'
  }

  /** Stable identifier to branch on, for example `'TABLE_NOT_FOUND'`. Never `'ENOENT'`. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A setting that only the environment can supply, such as the region, is missing or unusable. */
export class ConfigurationError extends DynamoDBSessionsError {
  static {
    this.prototype.name = 'ConfigurationError'
  }

  constructor(code: 'REGION_MISSING' | 'INVALID_SETTING', message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

/** Why one credential provider did not supply credentials. */
export interface SkippedProvider {
  /** What was asked, for example `environment variables`. */
  readonly provider: string
  /** Why it had nothing to give. */
  readonly reason: string
}

/**
 * No usable AWS credentials. The message lists every provider that was asked, in order, with the reason it was
 * passed over.
 */
export class CredentialsError extends DynamoDBSessionsError {
  static {
    this.prototype.name = 'CredentialsError'
  }

  /** The providers that were asked, in order; empty when one provider alone was asked. */
  readonly skipped: readonly SkippedProvider[]
  /**
   * Whether the provider is simply not configured, so that a chain goes on to the next one. `false` means that it
   * is configured and broken, which ends a chain.
   */
  readonly tryNextProvider: boolean

  constructor(
    message: string,
    options?: ErrorOptions & {
      readonly skipped?: readonly SkippedProvider[]
      readonly tryNextProvider?: boolean
    },
  ) {
    super('CREDENTIALS_UNAVAILABLE', message, options)
    this.skipped = options?.skipped ?? []
    this.tryNextProvider = options?.tryNextProvider ?? false
  }
}

/** The request did not get an HTTP response that can be trusted. Base class of the network errors. */
export class TransportError extends DynamoDBSessionsError {
  static {
    this.prototype.name = 'TransportError'
  }

  /** Whether the same request may succeed when it is sent again. */
  readonly retryable: boolean

  constructor(code: string, message: string, options: ErrorOptions & { readonly retryable: boolean }) {
    super(code, message, options)
    this.retryable = options.retryable
  }
}

/** The TCP connection or TLS handshake took longer than `connectTimeoutMs`. */
export class ConnectTimeoutError extends TransportError {
  static {
    this.prototype.name = 'ConnectTimeoutError'
  }

  constructor(message: string, options?: ErrorOptions) {
    super('CONNECT_TIMEOUT', message, { ...options, retryable: true })
  }
}

/** One attempt took longer than `attemptTimeoutMs`, from being given a connection to the last byte of the answer. */
export class AttemptTimeoutError extends TransportError {
  static {
    this.prototype.name = 'AttemptTimeoutError'
  }

  constructor(message: string, options?: ErrorOptions) {
    super('ATTEMPT_TIMEOUT', message, { ...options, retryable: true })
  }
}

/**
 * The connection could not be made, broke, or carried something that is not the answer to the request. `cause`
 * is the system error where there is one.
 */
export class ConnectionError extends TransportError {
  static {
    this.prototype.name = 'ConnectionError'
  }

  constructor(
    code:
      'CONNECTION_FAILED' | 'CONNECTION_LOST' | 'CERTIFICATE_REJECTED' | 'INVALID_RESPONSE' | 'QUEUE_FULL',
    message: string,
    options: ErrorOptions & { readonly retryable: boolean },
  ) {
    super(code, message, options)
  }
}

/** The whole call, retries included, took longer than `deadlineMs`. `cause` is what the last attempt met. */
export class DeadlineExceededError extends DynamoDBSessionsError {
  static {
    this.prototype.name = 'DeadlineExceededError'
  }

  constructor(message: string, options?: ErrorOptions) {
    super('DEADLINE_EXCEEDED', message, options)
  }
}

/** What {@link DynamoDBError} knows about a refused request. */
export interface DynamoDBErrorDetails {
  /** Exception name in the words of AWS, for example `ConditionalCheckFailedException`. */
  readonly awsCode: string
  /**
   * HTTP status of the response of DynamoDB. Not called `status` or `statusCode`, which frameworks would send to the
   * visitor: that a table is missing is no mistake of theirs.
   */
  readonly httpStatusCode: number
  /** AWS request ID, to quote to AWS support; absent when the answer had none. */
  readonly requestId?: string | undefined
  /** How many times the request was sent. */
  readonly attempts: number
  /** Whether the same request may succeed later. */
  readonly retryable: boolean
}

/** DynamoDB answered, and the answer is an error. */
export class DynamoDBError extends DynamoDBSessionsError implements DynamoDBErrorDetails {
  static {
    this.prototype.name = 'DynamoDBError'
  }

  readonly awsCode: string
  readonly httpStatusCode: number
  readonly requestId: string | undefined
  readonly attempts: number
  readonly retryable: boolean

  constructor(code: string, message: string, details: DynamoDBErrorDetails, options?: ErrorOptions) {
    super(code, message, options)
    this.awsCode = details.awsCode
    this.httpStatusCode = details.httpStatusCode
    this.requestId = details.requestId
    this.attempts = details.attempts
    this.retryable = details.retryable
  }
}

/** DynamoDB throttled the request, and still did after the retries. */
export class ThrottlingError extends DynamoDBError {
  static {
    this.prototype.name = 'ThrottlingError'
  }

  constructor(message: string, details: DynamoDBErrorDetails) {
    super('THROTTLED', message, details)
  }
}

/** The table does not exist in the region and account that were asked, or is still being created. */
export class TableNotFoundError extends DynamoDBError {
  static {
    this.prototype.name = 'TableNotFoundError'
  }

  constructor(message: string, details: DynamoDBErrorDetails) {
    super('TABLE_NOT_FOUND', message, details)
  }
}

/** AWS did not accept the credentials, or they do not permit the operation. */
export class AccessDeniedError extends DynamoDBError {
  static {
    this.prototype.name = 'AccessDeniedError'
  }

  constructor(message: string, details: DynamoDBErrorDetails) {
    super('ACCESS_DENIED', message, details)
  }
}

/** AWS refused the signature because this machine's clock is too far off. */
export class ClockSkewError extends DynamoDBError {
  static {
    this.prototype.name = 'ClockSkewError'
  }

  constructor(message: string, details: DynamoDBErrorDetails) {
    super('CLOCK_SKEW', message, details)
  }
}

/** The session does not fit into a DynamoDB item. It was not sent, and what is stored is unchanged. */
export class SessionTooLargeError extends DynamoDBSessionsError {
  static {
    this.prototype.name = 'SessionTooLargeError'
  }

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

/** What is stored under the session's key is not a session that this package can read. It was left as it is. */
export class SessionCorruptError extends DynamoDBSessionsError {
  static {
    this.prototype.name = 'SessionCorruptError'
  }

  constructor(message: string, options?: ErrorOptions) {
    super('SESSION_CORRUPT', message, options)
  }
}

/**
 * What is stored is encrypted with a key that this store was not given, or is not what was encrypted: it has been
 * changed, cut short or moved to another session. It was left as it is.
 */
export class SessionDecryptionError extends DynamoDBSessionsError {
  static {
    this.prototype.name = 'SessionDecryptionError'
  }

  constructor(message: string, options?: ErrorOptions) {
    super('SESSION_NOT_DECRYPTED', message, options)
  }
}

/**
 * Somebody else has written the session since it was read, and the changes were not merged: because `onConflict` is
 * `'reject'`, or because others kept writing for as long as it was tried. Nothing was written.
 */
export class SessionConflictError extends DynamoDBSessionsError {
  static {
    this.prototype.name = 'SessionConflictError'
  }

  /** How many times the write was tried. */
  readonly attempts: number

  constructor(message: string, details: ErrorOptions & { readonly attempts: number }) {
    super('SESSION_CONFLICT', message, details)
    this.attempts = details.attempts
  }
}

/** Somebody else holds the lock of the session, and still did after `maxWaitMs`. */
export class SessionLockedError extends DynamoDBSessionsError {
  static {
    this.prototype.name = 'SessionLockedError'
  }

  /**
   * Milliseconds until the holder's lease ends unless it is renewed; `undefined` where the layout's locks have no end.
   */
  readonly remainingMs: number | undefined

  constructor(message: string, details: { readonly remainingMs: number | undefined }) {
    super('SESSION_LOCKED', message)
    this.remainingMs = details.remainingMs
  }
}

/**
 * The lease of the lock ran out and the session was locked or written by somebody else since; or a save without the lock has
 * moved the session. The save was refused. Only when the response to its first request was lost, and others have written more
 * since than the item remembers, it may have been carried out before (G11).
 */
export class LockLostError extends DynamoDBSessionsError {
  static {
    this.prototype.name = 'LockLostError'
  }

  constructor(message: string) {
    super('LOCK_LOST', message)
  }
}

/** The table exists, but sessions cannot be kept in it as it is. */
export class TableMismatchError extends DynamoDBSessionsError {
  static {
    this.prototype.name = 'TableMismatchError'
  }

  /** What the table has and what was asked for, one sentence each. */
  readonly differences: readonly string[]

  constructor(message: string, differences: readonly string[]) {
    super('TABLE_MISMATCH', message)
    this.differences = differences
  }
}

/**
 * Makes the `TypeError` for a mistake of the caller.
 *
 * @internal
 */
export function invalidArgument(
  code: InvalidArgumentCode,
  message: string,
  options?: ErrorOptions,
): TypeError & { readonly code: InvalidArgumentCode } {
  return Object.assign(new TypeError(message, options), { code })
}
