export {
  AccessDeniedError,
  AttemptTimeoutError,
  ClockSkewError,
  ConfigurationError,
  ConnectionError,
  ConnectTimeoutError,
  CredentialsError,
  DeadlineExceededError,
  DynamoDBError,
  type DynamoDBErrorDetails,
  DynamoDBSessionsError,
  type ErrorCode,
  type InvalidArgumentCode,
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
export { fetchTransport, type FetchTransportOptions } from './aws/http/fetch-transport.ts'
export type { Endpoint } from './aws/http/endpoint.ts'
export type {
  ResponseBody,
  ResponseRecipient,
  Transport,
  TransportRequest,
  TransportResponse,
} from './aws/http/transport.ts'
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
export type { ConnectionOptions } from './options/connection-options.ts'
export type { CompressionOptions, EncryptionOptions } from './encryption/encryption-options.ts'
export type {
  BulkOptions,
  CallOptions,
  DestroyByUserOptions,
  ListOptions,
  LockOptions,
  TouchOptions,
  WriteOptions,
} from './options/call-options.ts'
export type { ExpiryOptions } from './items/expiry.ts'
export type {
  GarbageCollectionOptions,
  GarbageCollectionProgress,
  GarbageCollectionResult,
} from './scan/garbage-collection.ts'
export type { LayoutName, LayoutOptions, MigrationSource, SpecialKey } from './options/layout-options.ts'
export type { LockingOptions } from './options/locking-options.ts'
export { SessionRecord } from './items/session-record.ts'
export type { ConflictPolicy, SessionConflict } from './items/save.ts'
export { SessionLock } from './locks/session-lock.ts'
export { SessionStore } from './store/session-store.ts'
export type { SessionStoreOptions } from './options/store-options.ts'
export type { UserSession } from './scan/user-sessions.ts'
export type { Clock, CredentialProvider, Credentials, SessionData } from './types.ts'
