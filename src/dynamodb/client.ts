import {
  ConnectionError,
  DeadlineExceededError,
  type DynamoDBSessionsError,
  TransportError,
} from '../errors.ts'
import type { Endpoint } from '../http/endpoint.ts'
import { type RetryKind, RetryQuota, retryDelayMs, retryHintMs } from '../http/retry-policy.ts'
import type { Transport, TransportRequest, TransportResponse } from '../http/transport.ts'
import { settleWithin, sleep } from '../internal/waiting.ts'
import { signPost } from '../sigv4/sign-post.ts'
import { SigningKeyCache } from '../sigv4/signing-key.ts'
import type { Clock, CredentialProvider, Credentials, Random } from '../types.ts'
import { withheldMessage } from './echo-guard.ts'
import type { Input, Operation, Output } from './operations.ts'
import { readWireError, retryKindOf, toDynamoDBError } from './wire-error.ts'

/** Where a {@link DynamoDBClient} sends its requests. */
export interface Target {
  /** Region that requests are signed for. */
  readonly region: string
  readonly endpoint: Endpoint
}

/** Options of {@link DynamoDBClient}; the defaults are the caller's business. */
export interface DynamoDBClientOptions {
  /** Finds region and endpoint; asked until it succeeds, once. */
  readonly target: () => Target | Promise<Target>
  /** Asked for every attempt, so it has to cache. */
  readonly credentials: CredentialProvider
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  /** Most times one call is sent, the first included. */
  readonly maxAttempts: number
  readonly connectTimeoutMs: number
  readonly attemptTimeoutMs: number
  /** Longest time for a whole call: credentials, queueing, attempts and back-off. */
  readonly deadlineMs: number
}

/** Per-call options of {@link DynamoDBClient.send}. */
export interface SendOptions {
  /** Gives the call up at any moment, during back-off too. */
  readonly signal?: AbortSignal | undefined
}

interface Call {
  readonly operation: Operation
  readonly input: Input<Operation>
  readonly body: string
  readonly deadlineAtMs: number
  readonly signal: AbortSignal | undefined
}

interface Answer {
  readonly answer: TransportResponse
  readonly origin: string
}

interface Failure {
  readonly error: unknown
  /** How the call may be retried; absent when it may not. */
  readonly kind?: RetryKind | undefined
  readonly hintMs?: number | undefined
}

const API_VERSION = 'DynamoDB_20120810'
const CONTENT_TYPE = 'application/x-amz-json-1.0'
const RETRY_BASE_DELAY_MS = 25

/** A timer may fire this much early by the clock of `performance.now()`. */
const TIMER_PRECISION_MS = 2

/**
 * Sends one operation to DynamoDB: signs it, retries it by the standard retry mode of the AWS SDKs with
 * DynamoDB's numbers (4 attempts, 25 ms base), and turns error answers into error classes.
 *
 * Every call settles within `deadlineMs` (G7). Numbers and binary values stay as the JSON protocol writes them.
 */
export class DynamoDBClient {
  readonly #options: DynamoDBClientOptions
  readonly #quota = new RetryQuota()
  readonly #signingKeys = new SigningKeyCache()
  #target: Target | undefined

  constructor(options: DynamoDBClientOptions) {
    this.#options = options
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
    { signal }: SendOptions = {},
  ): Promise<Output<Name>> {
    signal?.throwIfAborted()
    const { maxAttempts, deadlineMs, random } = this.#options
    const body = JSON.stringify(input)
    const call: Call = { operation, input, body, signal, deadlineAtMs: performance.now() + deadlineMs }
    let lastCost: number | undefined
    let lastFailure: Failure | undefined

    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#attempt(call, attempt)
      if ('answer' in outcome) {
        this.#quota.succeeded(lastCost)
        return readOutput<Name>(outcome.answer, operation, outcome.origin)
      }
      const { error, kind, hintMs } = outcome
      if (signal?.aborted === true) throw signal.reason
      if (kind === undefined) throw error
      if (call.deadlineAtMs - performance.now() < TIMER_PRECISION_MS)
        throw this.#deadlineExceeded(call, attempt, error, lastFailure)
      if (attempt >= maxAttempts) throw error

      const delayMs = retryDelayMs({
        retry: attempt - 1,
        kind,
        baseDelayMs: RETRY_BASE_DELAY_MS,
        hintMs,
        random,
      })
      // With no time left to try again, the error at hand says more than a deadline reached asleep.
      if (performance.now() + delayMs >= call.deadlineAtMs) throw error
      lastCost = this.#quota.spend(kind)
      if (lastCost === undefined) throw error
      lastFailure = outcome
      await sleep(delayMs, signal)
    }
  }

  /** Lets calls under way finish, then closes the connections. */
  async close(): Promise<void> {
    await this.#options.transport.close()
  }

  async #attempt(call: Call, attempt: number): Promise<Answer | Failure> {
    const target = this.#target ?? (await this.#findTarget(call))
    const found = this.#options.credentials()
    const credentials =
      found instanceof Promise ? await this.#inTime(found, call, 'the AWS credentials were not found') : found
    let response: TransportResponse
    try {
      response = await this.#options.transport.request(this.#request(call, target, credentials))
    } catch (error) {
      return { error, kind: error instanceof TransportError && error.retryable ? 'transient' : undefined }
    }
    return response.statusCode < 300
      ? { answer: response, origin: target.endpoint.origin }
      : this.#readFailure(response, call, target, credentials, attempt)
  }

  async #findTarget(call: Call): Promise<Target> {
    const found = this.#options.target()
    this.#target =
      found instanceof Promise ? await this.#inTime(found, call, 'the AWS region was not found') : found
    return this.#target
  }

  #inTime<T>(promise: Promise<T>, { deadlineAtMs, signal }: Call, problem: string): Promise<T> {
    return settleWithin(promise, deadlineAtMs - performance.now(), signal, () => {
      return new DeadlineExceededError(`${problem} within ${this.#options.deadlineMs} ms`)
    })
  }

  #request(call: Call, { region, endpoint }: Target, credentials: Credentials): TransportRequest {
    const { clock, connectTimeoutMs, attemptTimeoutMs } = this.#options
    const { deadlineAtMs, signal, body } = call
    const { host, path } = endpoint
    const signed: readonly (readonly [string, string])[] = [
      ['content-type', CONTENT_TYPE],
      ['x-amz-target', `${API_VERSION}.${call.operation}`],
    ]
    const { amzDate, authorization } = signPost(
      { host, path, headers: signed, body },
      { credentials, region, service: 'dynamodb', nowMs: clock.now(), signingKeys: this.#signingKeys },
    )
    const headers: (readonly [string, string])[] = [
      ['host', host],
      ...signed,
      ['x-amz-date', amzDate],
      ['authorization', authorization],
    ]
    if (credentials.sessionToken !== undefined)
      headers.push(['x-amz-security-token', credentials.sessionToken])
    return {
      endpoint,
      method: 'POST',
      path,
      headers,
      body,
      connectTimeoutMs,
      attemptTimeoutMs,
      deadlineAtMs,
      signal,
    }
  }

  #readFailure(
    response: TransportResponse,
    { operation, input }: Call,
    { region, endpoint }: Target,
    credentials: Credentials,
    attempts: number,
  ): Failure {
    const wire = readWireError(response)
    const error = toDynamoDBError(
      { ...wire, message: withheldMessage(wire.message, input, credentials) },
      { operation, table: input.TableName, region, origin: endpoint.origin, attempts },
    )
    return { error, kind: retryKindOf(wire), hintMs: retryHintMs(response.headers.get('x-amz-retry-after')) }
  }

  #deadlineExceeded(
    { operation }: Call,
    attempts: number,
    error: unknown,
    lastFailure: Failure | undefined,
  ): DynamoDBSessionsError {
    // The attempt that the deadline cut short says little; the one before it met the real trouble.
    const cause = lastFailure?.error ?? error
    const reason = cause instanceof Error ? `: ${cause.message}` : ''
    return new DeadlineExceededError(
      `${operation} did not succeed within ${this.#options.deadlineMs} ms (attempts: ${attempts})${reason}`,
      { cause },
    )
  }
}

function readOutput<Name extends Operation>(
  { body, statusCode }: TransportResponse,
  operation: Name,
  origin: string,
): Output<Name> {
  const output = parseJson(body)
  if (isOutput<Name>(output)) return output
  throw new ConnectionError(
    'INVALID_RESPONSE',
    `${origin} answered ${operation} with HTTP status ${statusCode} and something that is not DynamoDB's JSON; ` +
      'check that the endpoint is DynamoDB',
    { retryable: false },
  )
}

/** Every field of an output is optional, so that any JSON object is one. */
function isOutput<Name extends Operation>(value: unknown): value is Output<Name> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    // The text of the SyntaxError quotes the body, which can be session data (G9): it is not passed on.
    return undefined
  }
}
