export {
  AccessDeniedError,
  AttemptTimeoutError,
  type CallerMistakeCode,
  ClockSkewError,
  ConfigurationError,
  ConnectionError,
  ConnectTimeoutError,
  CredentialsError,
  DeadlineExceededError,
  DynamoDBError,
  type DynamoDBErrorDetails,
  DynamoDBSessionsError,
  LockLostError,
  SessionConflictError,
  SessionCorruptError,
  SessionDecryptionError,
  SessionLockedError,
  SessionTooLargeError,
  type SkippedProvider,
  TableMismatchError,
  TableNotFoundError,
  ThrottlingError,
  TransportError,
} from './errors.ts'
export { fetchTransport, type FetchTransportOptions } from './http/fetch-transport.ts'
export type { Endpoint } from './http/endpoint.ts'
export type {
  ResponseBody,
  ResponseRecipient,
  Transport,
  TransportRequest,
  TransportResponse,
} from './http/transport.ts'
export type {
  AttemptTrace,
  ConflictTrace,
  CredentialsTrace,
  LockTrace,
  OperationTrace,
  RetryReason,
  Trace,
  TracedError,
} from './internal/diagnostics.ts'
export type { ConnectionOptions } from './session/connection-options.ts'
export type { CompressionOptions, EncryptionOptions } from './seal/seal-options.ts'
export type {
  BulkOptions,
  CallOptions,
  DestroyByUserOptions,
  ListOptions,
  LockOptions,
  TouchOptions,
  WriteOptions,
} from './session/call-options.ts'
export type { ExpiryOptions } from './session/expiry.ts'
export type {
  GarbageCollectionOptions,
  GarbageCollectionProgress,
  GarbageCollectionResult,
} from './session/garbage-collection.ts'
export type { LayoutName, LayoutOptions, MigrationSource, SpecialKey } from './session/layout-options.ts'
export type { LockingOptions } from './session/locking-options.ts'
export { SessionRecord } from './session/record.ts'
export type { ConflictPolicy, SessionConflict } from './session/save.ts'
export { SessionLock } from './session/session-lock.ts'
export { SessionStore } from './session/store.ts'
export type { SessionStoreOptions } from './session/store-options.ts'
export type { UserSession } from './session/user-sessions.ts'
export type { Clock, CredentialProvider, Credentials, SessionData } from './types.ts'
