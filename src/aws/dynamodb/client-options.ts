import type { Deadline, PendingSteps } from '../../internal/deadline.ts'
import type { Clock, Credentials, CredentialSource, Item, Random } from '../../types.ts'
import type { Transport } from '../http/transport.ts'
import type { FailoverTerms } from './regions.ts'
import type { RequestSettings } from './operation-request.ts'
import type { HedgingTerms } from './hedged-reads.ts'

/** What a `DynamoDBClient` has to know before it can send anything. */
export interface DynamoDBSettings extends RequestSettings {
  /** Most times one call is sent, the first included. */
  readonly maxAttempts: number
  /** Whether a wrong clock is corrected by the server's. */
  readonly correctsClockSkew: boolean
  /** The settings for the other Regions that calls may go to, the preferred ones first. `@default` none */
  readonly elsewhere?: readonly RequestSettings[]
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
  /** When a GetItem is sent a second time. `@default` never */
  readonly hedgedReads?: HedgingTerms | undefined
}

/** Per-call options of `DynamoDBClient.send`. */
export interface SendOptions {
  /** Gives the call up at any moment, during back-off too. */
  readonly signal?: AbortSignal | undefined
  /**
   * When the call has to have settled, for several calls within one deadline. The earlier of this and the client's own
   * deadline counts.
   *
   * @default the client's `deadlineMs` from now
   */
  readonly deadline?: Deadline | undefined
  /**
   * Key of the item that the request is about, where the input does not name it as such (`PutItem`): a response that shows
   * another item is not the one to this request.
   */
  readonly key?: Item | undefined
  /** The input as JSON, from a caller that has most of it at hand. */
  readonly json?: string | undefined
  /**
   * Hears of each attempt that ended without a response, or with one that does not tell what became of the request, as that of a
   * gateway: the request may be carried out all the same, however late.
   */
  readonly onDoubt?: (() => void) | undefined
  /** Name of the Region to send it to, and no other. `@default` the one that is well */
  readonly region?: string | undefined
}

/** Options of what takes several requests, which share one deadline. */
export type TimedOptions = SendOptions & { readonly deadline: Deadline }
