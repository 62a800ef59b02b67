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
  SessionCorruptError,
  SessionTooLargeError,
  type SkippedProvider,
  TableMismatchError,
  TableNotFoundError,
  ThrottlingError,
  TransportError,
} from './errors.ts'
export { fetchTransport, type FetchTransportOptions } from './http/fetch-transport.ts'
export type { Endpoint } from './http/endpoint.ts'
export type { Transport, TransportRequest, TransportResponse } from './http/transport.ts'
export type { ConnectionOptions } from './session/connection-options.ts'
export type { ExpiryOptions } from './session/expiry.ts'
export { SessionRecord } from './session/record.ts'
export { type CallOptions, SessionStore, type TouchOptions, type WriteOptions } from './session/store.ts'
export type { SessionStoreOptions } from './session/store-options.ts'
export type { Clock, CredentialProvider, Credentials, SessionData } from './types.ts'
