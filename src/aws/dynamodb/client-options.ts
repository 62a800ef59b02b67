import type { PendingSteps } from '../../internal/deadline.ts'
import type { Clock, Credentials, CredentialSource, Random } from '../../types.ts'
import type { Transport } from '../http/transport.ts'
import type { FailoverTerms } from './regions.ts'
import type { RequestSettings } from './operation-request.ts'

/** What a `DynamoDBClient` has to know before it can send anything. */
export interface DynamoDBSettings extends RequestSettings {
  /** Most times one call is sent, the first included. */
  readonly maxAttempts: number
  /** Whether a wrong clock is corrected by the server's. */
  readonly correctsClockSkew: boolean
}

/** Options of `DynamoDBClient`; the defaults are the caller's business. */
export interface DynamoDBClientOptions {
  /** Finds the settings; asked until it succeeds, once. */
  readonly settings: () => DynamoDBSettings | Promise<DynamoDBSettings>
  /** Some that do not change, or what is asked for every attempt, so that it has to cache. */
  readonly credentials: Credentials | CredentialSource
  /** What the searches for settings and credentials are waiting for: the error of a deadline that passes meanwhile says so. */
  readonly pending?: Readonly<Record<'settings' | 'credentials', PendingSteps>>
  readonly transport: Transport
  /** Whether `DynamoDBClient.close` closes the transport. */
  readonly ownsTransport: boolean
  /** Finds the value of `x-amzn-trace-id`; absent where there are no traces. */
  readonly traceId?: (() => string | undefined) | undefined
  readonly clock: Clock
  readonly random: Random
  readonly connectTimeoutMs: number
  readonly attemptTimeoutMs: number
  /** Longest time for a whole call: settings, credentials, queueing, attempts and back-off. */
  readonly deadlineMs: number
  /** How calls go on in other Regions. `@default` not at all */
  readonly failover?: FailoverTerms | undefined
}
