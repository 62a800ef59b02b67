import { DeadlineExceededError, DynamoDBSessionsError } from '../errors.ts'
import { retryKindOfAnswer, retryKindOfError } from '../http/error-classification.ts'
import { type FailedAttempt, type SuccessfulAttempt, withRetries } from '../http/retry.ts'
import { RetryQuota, retryHintMs } from '../http/retry-policy.ts'
import type { Transport, TransportResponse } from '../http/transport.ts'
import type { EndpointSettings } from '../internal/endpoint-settings.ts'
import { type Deferred, deferred } from '../internal/deferred.ts'
import { settleWithin } from '../internal/waiting.ts'
import { SigningKeyCache } from '../sigv4/signing-key.ts'
import type { Clock, Credentials, CredentialSource, Random } from '../types.ts'
import { withheldMessage } from './echo-guard.ts'
import { EndpointCache } from './endpoint-cache.ts'
import { signingRegionFor } from './endpoint-rules.ts'
import type { Input, Operation, Output } from './operations.ts'
import { readOutput } from './output.ts'
import { ServerClock } from './server-clock.ts'
import { type SigningTarget, signedRequest } from './signed-request.ts'
import { canBeClockSkew, isRejectedCredentials, readWireError, toDynamoDBError } from './wire-error.ts'

/** What a {@link DynamoDBClient} has to know before it can send anything. */
export interface DynamoDBSettings extends EndpointSettings {
  /** Most times one call is sent, the first included. */
  readonly maxAttempts: number
  /** Whether a wrong clock is corrected by the server's. */
  readonly correctsClockSkew: boolean
}

/** Options of {@link DynamoDBClient}; the defaults are the caller's business. */
export interface DynamoDBClientOptions {
  /** Finds the settings; asked until it succeeds, once. */
  readonly settings: () => DynamoDBSettings | Promise<DynamoDBSettings>
  /** Asked for every attempt, so it has to cache. */
  readonly credentials: CredentialSource
  readonly transport: Transport
  /** Whether {@link DynamoDBClient.close} closes the transport. */
  readonly ownsTransport: boolean
  readonly clock: Clock
  readonly random: Random
  readonly connectTimeoutMs: number
  readonly attemptTimeoutMs: number
  /** Longest time for a whole call: settings, credentials, queueing, attempts and back-off. */
  readonly deadlineMs: number
}

/** Per-call options of {@link DynamoDBClient.send}. */
export interface SendOptions {
  /** Gives the call up at any moment, during back-off too. */
  readonly signal?: AbortSignal | undefined
  /**
   * Instant of `performance.now()` at which the call has to have settled, for several calls within one deadline. The
   * earlier of this and the client's own deadline counts.
   *
   * @default the client's `deadlineMs` from now
   */
  readonly deadlineAtMs?: number | undefined
}

interface Call {
  readonly operation: Operation
  readonly input: Input<Operation>
  readonly body: string
  readonly deadlineAtMs: number
  readonly signal: AbortSignal | undefined
  /** Each is put right once for a call. */
  mayCorrectClock: boolean
  mayReplaceCredentials: boolean
}

interface Answer {
  readonly response: TransportResponse
  readonly origin: string
}

interface Prepared {
  readonly settings: DynamoDBSettings
  readonly endpoints: EndpointCache
}

const RETRY_BASE_DELAY_MS = 25

/**
 * Sends one operation to DynamoDB: signs it, retries it by the standard retry mode of the AWS SDKs with DynamoDB's
 * base delay of 25 ms, and turns error answers into error classes.
 *
 * Every call settles within `deadlineMs` (G7). Credentials that AWS has stopped accepting are replaced and a wrong
 * clock is corrected, once for each call, and the call is sent again. Numbers and binary values stay as the JSON
 * protocol writes them.
 */
export class DynamoDBClient {
  readonly #options: DynamoDBClientOptions
  readonly #clock: ServerClock
  readonly #quota = new RetryQuota()
  readonly #signingKeys = new SigningKeyCache()
  #prepared: Prepared | undefined
  #searching: Promise<Prepared> | undefined
  #underWay = 0
  #closed: Deferred<void> | undefined

  constructor(options: DynamoDBClientOptions) {
    this.#options = options
    this.#clock = new ServerClock(options.clock)
  }

  /** What the time is; right even where the machine's clock has turned out to be wrong. */
  get clock(): Clock {
    return this.#clock
  }

  /** Longest time for one call, in milliseconds. */
  get deadlineMs(): number {
    return this.#options.deadlineMs
  }

  /**
   * Sends an operation, for example `GetItem`.
   *
   * @param input the operation's input in the low-level format of the DynamoDB API.
   * @returns the operation's output in the same format.
   * @throws {DynamoDBError | TransportError | DeadlineExceededError | CredentialsError | ConfigurationError} and
   *   the reason of `signal`.
   */
  async send<Name extends Operation>(
    operation: Name,
    input: Input<Name>,
    { signal, deadlineAtMs }: SendOptions = {},
  ): Promise<Output<Name>> {
    signal?.throwIfAborted()
    if (this.#closed !== undefined) {
      throw new DynamoDBSessionsError('STORE_CLOSED', 'the store has been closed and takes no more calls')
    }
    this.#underWay++
    try {
      return await this.#call(operation, input, signal, deadlineAtMs)
    } finally {
      this.#underWay--
      this.#closeWhenIdle()
    }
  }

  /** Refuses new calls, lets those under way finish and closes the connections, unless they are somebody else's. */
  async close(): Promise<void> {
    this.#closed ??= deferred<void>()
    this.#closeWhenIdle()
    await this.#closed.promise
    if (this.#options.ownsTransport) await this.#options.transport.close()
  }

  #closeWhenIdle(): void {
    if (this.#underWay === 0) this.#closed?.resolve()
  }

  async #call<Name extends Operation>(
    operation: Name,
    input: Input<Name>,
    signal: AbortSignal | undefined,
    callerDeadlineAtMs = Infinity,
  ): Promise<Output<Name>> {
    const { deadlineMs, random } = this.#options
    const deadlineAtMs = Math.min(performance.now() + deadlineMs, callerDeadlineAtMs)
    const call: Call = {
      operation,
      input,
      body: JSON.stringify(input),
      deadlineAtMs,
      signal,
      mayCorrectClock: true,
      mayReplaceCredentials: true,
    }
    const prepared = this.#prepared ?? (await this.#prepare(call))
    const { response, origin } = await withRetries(number => this.#attempt(call, prepared, number), {
      maxAttempts: prepared.settings.maxAttempts,
      baseDelayMs: RETRY_BASE_DELAY_MS,
      deadlineAtMs,
      quota: this.#quota,
      random,
      signal,
      onDeadline: (attempts, cause) => this.#deadlineExceeded(call, attempts, cause),
    })
    return readOutput(response, operation, origin)
  }

  async #prepare(call: Call): Promise<Prepared> {
    // Calls that come at the same time share one search; a failed one is not remembered.
    this.#searching ??= this.#search().finally(() => {
      this.#searching = undefined
    })
    this.#prepared = await this.#inTime(this.#searching, call, 'the AWS region was not found')
    return this.#prepared
  }

  async #search(): Promise<Prepared> {
    const settings = await this.#options.settings()
    return this.#prepared ?? { settings, endpoints: new EndpointCache(settings) }
  }

  async #attempt(
    call: Call,
    { settings, endpoints }: Prepared,
    number: number,
  ): Promise<SuccessfulAttempt<Answer> | FailedAttempt> {
    const found = this.#options.credentials()
    const credentials =
      found instanceof Promise ? await this.#inTime(found, call, 'the AWS credentials were not found') : found
    const target: SigningTarget = {
      endpoint: endpoints.endpointFor(credentials.accountId, call.input.TableName),
      region: signingRegionFor(settings),
      credentials,
      nowMs: this.#clock.now(),
      signingKeys: this.#signingKeys,
    }
    const { connectTimeoutMs, attemptTimeoutMs, transport } = this.#options
    const { operation, body, deadlineAtMs, signal } = call
    const limits = { connectTimeoutMs, attemptTimeoutMs, deadlineAtMs, signal }
    let response: TransportResponse
    try {
      response = await transport.request(signedRequest(operation, body, target, limits))
    } catch (error) {
      return { error, kind: retryKindOfError(error) }
    }
    return response.statusCode < 300
      ? { value: { response, origin: target.endpoint.origin } }
      : this.#readFailure(response, call, settings, target, number)
  }

  async #readFailure(
    response: TransportResponse,
    call: Call,
    settings: DynamoDBSettings,
    { endpoint, region, credentials }: SigningTarget,
    attempts: number,
  ): Promise<FailedAttempt> {
    const wire = readWireError(response)
    const { operation, input } = call
    const error = toDynamoDBError(
      { ...wire, message: withheldMessage(wire.message, input, credentials) },
      { operation, table: input.TableName, region, origin: endpoint.origin, attempts },
    )
    if (settings.correctsClockSkew && call.mayCorrectClock && canBeClockSkew(wire)) {
      call.mayCorrectClock = false
      if (this.#clock.correct(response.headers)) return { error, kind: 'corrected' }
    }
    if (call.mayReplaceCredentials && isRejectedCredentials(wire)) {
      call.mayReplaceCredentials = false
      if (await this.#replace(credentials, call)) return { error, kind: 'corrected' }
    }
    return {
      error,
      kind: retryKindOfAnswer(wire),
      hintMs: retryHintMs(response.headers.get('x-amz-retry-after')),
    }
  }

  /** Whether there are other credentials than the ones that AWS has rejected. */
  async #replace(rejected: Credentials, call: Call): Promise<boolean> {
    try {
      const found = this.#options.credentials({ rejected })
      const fresh = await this.#inTime(found, call, 'the AWS credentials were not refreshed')
      return (
        fresh.accessKeyId !== rejected.accessKeyId ||
        fresh.secretAccessKey !== rejected.secretAccessKey ||
        fresh.sessionToken !== rejected.sessionToken
      )
    } catch {
      // What AWS said of the rejected credentials is the better error.
      return false
    }
  }

  async #inTime<T>(found: T | Promise<T>, { deadlineAtMs, signal }: Call, problem: string): Promise<T> {
    if (!(found instanceof Promise)) return found
    return settleWithin(found, deadlineAtMs - performance.now(), signal, () => {
      return new DeadlineExceededError(`${problem} within ${this.#options.deadlineMs} ms`)
    })
  }

  #deadlineExceeded({ operation }: Call, attempts: number, cause: unknown): DeadlineExceededError {
    const reason = cause instanceof Error ? `: ${cause.message}` : ''
    return new DeadlineExceededError(
      `${operation} did not succeed within ${this.#options.deadlineMs} ms (attempts: ${attempts})${reason}`,
      { cause },
    )
  }
}
