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
  DynamoDBSessionsError,
  type ErrorCode,
  type InvalidArgumentCode,
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
} from './errors.ts'
export type { DynamoDBHealth } from './aws/dynamodb/regions.ts'
export type {
  CallOptions,
  GarbageCollectionOptions,
  ListOptions,
  LockOptions,
  TouchOptions,
} from './options/call-options.ts'
export type { GarbageCollectionResult } from './scan/garbage-collection.ts'
export {
  type DestroyByUserOptions,
  type RegenerateOptions,
  SessionRecord,
  type WriteOptions,
} from './items/session-record.ts'
export { SessionLock } from './locks/lease.ts'
export { SessionStore } from './store/session-store.ts'
export type { SessionConflict, SessionStoreOptions } from './options/store-options.ts'
export type { UserSession } from './scan/user-sessions.ts'
export type { SessionData } from './types.ts'
