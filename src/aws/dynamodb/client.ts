import { DeadlineExceededError, invalidOption, storeClosed } from '../../errors.ts'
import { isAbortSignal, isPromise } from '../../internal/core-objects.ts'
import { Deadline, type PendingSteps } from '../../internal/deadline.ts'
import { attemptTraces, operationTraces } from '../../internal/diagnostics.ts'
import { type Deferred, deferred, withTimeout } from '../../internal/timers.ts'
import type { Clock, Credentials, CredentialSource, Item, Random } from '../../types.ts'
import {
  deadlineExceeded,
  type FailedAttempt,
  retryHintMs,
  retryKindOfAnswer,
  retryKindOfError,
  RetryQuota,
  type SuccessfulAttempt,
  withRetries,
} from '../http/retry.ts'
import { canBeClockSkew, ServerClock } from '../http/server-clock.ts'
import type { Transport, TransportResponse } from '../http/transport.ts'
import { CallTrace, type Success } from './call-trace.ts'
import { dependsOnTime, type Input, type Operation, type Output } from './operations.ts'
import { redactSecrets, shownRequestId } from './redact.ts'
import {
  type AskedOperation,
  OperationRequest,
  type ReadResponse,
  type RequestSettings,
  RequestSigner,
  type RequestTemplate,
} from './operation-request.ts'
import { isRejectedCredentials, leavesDoubt, toDynamoDBError, type WireError } from './wire-error.ts'

interface Call<Name extends Operation = Operation> extends AskedOperation<Name> {
  readonly deadline: Deadline
  /** How wrong the clock was thought to be when the input was made: it is signed by the same clock. */
  clockOffsetMs: number
  /** Each is put right once for a call. */
  mayCorrectClock: boolean
  mayReplaceCredentials: boolean
}

type Outcome<Name extends Operation> = SuccessfulAttempt<Success<Name>> | FailedAttempt

interface Prepared {
  readonly settings: DynamoDBSettings
  readonly signer: RequestSigner
}

const RETRY_BASE_DELAY_MS = 25

/**
 * Sends one operation to DynamoDB: signs it, retries it by the standard retry mode of the AWS SDKs with DynamoDB's
 * base delay of 25 ms, and turns error answers into error classes.
 *
 * Every call settles within `deadlineMs` (G7). Credentials that AWS has stopped accepting are replaced and a wrong
 * clock is corrected, once for each call, and the call is sent again; but for an input that may hold what the time is,
 * which its maker has to make anew ({@link ServerClock.retryAfterClockCorrection}). Numbers and binary values stay as the JSON protocol
 * writes them.
 */
export class DynamoDBClient {
  readonly #options: DynamoDBClientOptions
  readonly #clock: ServerClock
  readonly #credentials: CredentialSource
  readonly #quota = new RetryQuota()
  #prepared: Prepared | undefined
  #searching: Promise<Prepared> | undefined
  #underWay = 0
  #closed: Deferred<void> | undefined

  constructor(options: DynamoDBClientOptions) {
    this.#options = options
    this.#clock = new ServerClock(options.clock)
    const { credentials } = options
    this.#credentials = typeof credentials === 'function' ? credentials : () => credentials
  }

  /** What the time is; right even where the machine's clock has turned out to be wrong. */
  get clock(): ServerClock {
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
  send<Name extends Operation>(
    operation: Name,
    input: Input<Name>,
    { signal, deadline, key, onDoubt, json }: SendOptions = {},
  ): Promise<Output<Name>> {
    if (signal?.aborted === true) return rejectedWith(signal.reason)
    // Whoever passes the controller would otherwise be told by a timer that nobody listens to.
    if (signal !== undefined && !isAbortSignal(signal)) {
      return rejectedWith(invalidOption('the option "signal" must be an AbortSignal'))
    }
    if (this.#closed !== undefined) return rejectedWith(storeClosed())
    const isTraced = operationTraces.channels.hasSubscribers || attemptTraces.channels.hasSubscribers
    const trace = isTraced ? new CallTrace(operation, input) : undefined
    const call: Call<Name> = {
      operation,
      input,
      body: trace === undefined ? (json ?? JSON.stringify(input)) : JSON.stringify(trace.input),
      deadline: deadline?.within(this.deadlineMs) ?? new Deadline(this.deadlineMs),
      signal,
      key,
      clockOffsetMs: this.#clock.offsetMs,
      mayCorrectClock: true,
      mayReplaceCredentials: true,
      onDoubt,
    }
    this.#underWay++
    return trace === undefined ? (this.#sendAtOnce(call) ?? this.#run(call)) : this.#runTraced(call, trace)
  }

  /** Refuses new calls, lets those under way finish and closes the connections, unless they are somebody else's. */
  async close(): Promise<void> {
    this.#closed ??= deferred<void>()
    this.#closeWhenIdle()
    await this.#closed.promise
    if (this.#options.ownsTransport) await this.#options.transport.close()
  }

  #ended(): void {
    this.#underWay--
    this.#closeWhenIdle()
  }

  #closeWhenIdle(): void {
    if (this.#underWay === 0) this.#closed?.resolve()
  }

  /**
   * The course of nearly every call: settings and credentials are at hand, and the first attempt succeeds. It goes
   * through as few promises as possible, because those would be most of its cost; whatever comes between goes to
   * {@link #run}, which does the same at leisure.
   *
   * @returns `undefined`, with nothing done, when the settings have to be found first.
   */
  #sendAtOnce<Name extends Operation>(call: Call<Name>): Promise<Output<Name>> | undefined {
    const prepared = this.#prepared
    if (prepared === undefined) return undefined
    let credentials: Credentials
    let template: RequestTemplate
    let request: OperationRequest<Name>
    let answer: Promise<TransportResponse>
    try {
      const found = this.#credentials(call)
      if (isPromise(found)) return this.#run(call, this.#attempt(call, prepared, 1, found))
      credentials = found
      template = this.#templateOf(call, prepared, found)
      request = this.#requestOf(call, template)
    } catch (error) {
      this.#ended()
      return rejectedWith(error)
    }
    const sentAtMs = performance.now()
    try {
      answer = this.#options.transport.request(request)
    } catch (error) {
      return this.#run(call, failedFor(error, call))
    }
    return answer.then(
      response => {
        let read: ReadResponse<Name>
        try {
          read = request.read(response)
        } catch (error) {
          return this.#run(call, failedFor(error, call))
        }
        this.#clock.observe(response.headers, sentAtMs)
        if (!('output' in read)) {
          return this.#run(
            call,
            this.#failedAttempt(read, response, call, prepared, { ...template, credentials }, 1),
          )
        }
        if (!this.#quota.isFull) this.#quota.succeeded(undefined)
        this.#ended()
        return read.output
      },
      (error: unknown) => this.#run(call, failedFor(error, call)),
    )
  }

  /** Apart from `send`, because a closure there would cost every call something. */
  #runTraced<Name extends Operation>(call: Call<Name>, trace: CallTrace): Promise<Output<Name>> {
    return trace.call(() => this.#run(call, undefined, trace))
  }

  /** Carries a call out, however long it takes; `first` is the outcome of the first attempt, if it was made already. */
  async #run<Name extends Operation>(
    call: Call<Name>,
    first?: Outcome<Name> | Promise<Outcome<Name>>,
    trace?: CallTrace,
  ): Promise<Output<Name>> {
    try {
      const prepared = this.#prepared ?? (await this.#prepare(call))
      const attempt = async (number: number): Promise<Outcome<Name>> => {
        if (number === 1 && first !== undefined) return first
        if (trace === undefined) return this.#attempt(call, prepared, number)
        return trace.attempt(number, call, () => this.#attempt(call, prepared, number))
      }
      const { output } = await withRetries(attempt, {
        maxAttempts: prepared.settings.maxAttempts,
        baseDelayMs: RETRY_BASE_DELAY_MS,
        deadlineAtMs: call.deadline.atMs,
        quota: this.#quota,
        random: this.#options.random,
        signal: call.signal,
        onDeadline: (attempts, interrupted, before) =>
          deadlineExceeded(call.operation, call.deadline.limitMs, attempts, interrupted, before),
      })
      return output
    } finally {
      this.#ended()
    }
  }

  async #prepare(call: Call): Promise<Prepared> {
    // Calls that come at the same time share one search. One that fails is not remembered, nor one that outlives a call.
    const searching = (this.#searching ??= this.#search())
    try {
      this.#prepared = await this.#inTime(searching, call, 'settings')
    } finally {
      if (this.#searching === searching) this.#searching = undefined
    }
    return this.#prepared
  }

  async #search(): Promise<Prepared> {
    const settings = await this.#options.settings()
    return this.#prepared ?? { settings, signer: new RequestSigner(settings) }
  }

  async #attempt<Name extends Operation>(
    call: Call<Name>,
    prepared: Prepared,
    number: number,
    found: Credentials | Promise<Credentials> = this.#credentials(call),
  ): Promise<Outcome<Name>> {
    let credentials: Credentials
    try {
      credentials = isPromise(found) ? await this.#inTime(found, call, 'credentials') : found
    } catch (error) {
      // Then the attempt before says why there had to be another one.
      if (number > 1 && error instanceof DeadlineExceededError) return { error, kind: 'transient' }
      throw error
    }
    const template = this.#templateOf(call, prepared, credentials)
    const request = this.#requestOf(call, template)
    const sentAtMs = performance.now()
    let response: TransportResponse
    let read: ReadResponse<Name>
    try {
      response = await this.#options.transport.request(request)
      read = request.read(response)
    } catch (error) {
      return failedFor(error, call)
    }
    this.#clock.observe(response.headers, sentAtMs)
    if (!('output' in read)) {
      return this.#failedAttempt(read, response, call, prepared, { ...template, credentials }, number)
    }
    const requestId = shownRequestId(response, call.input, credentials)
    return { value: { output: read.output, requestId } }
  }

  #templateOf(
    { operation, input, clockOffsetMs }: Call,
    { signer }: Prepared,
    credentials: Credentials,
  ): RequestTemplate {
    return signer.templateOf(operation, input.TableName, {
      credentials,
      // AWS refuses what a wrong clock has made also when another call has put the clock right since.
      nowMs: this.#clock.now() - this.#clock.offsetMs + clockOffsetMs,
      traceId: this.#options.traceId?.(),
    })
  }

  #requestOf<Name extends Operation>(call: Call<Name>, template: RequestTemplate): OperationRequest<Name> {
    const { connectTimeoutMs, attemptTimeoutMs } = this.#options
    return new OperationRequest(template, call, {
      connectTimeoutMs,
      attemptTimeoutMs,
      deadlineAtMs: call.deadline.atMs,
    })
  }

  async #failedAttempt(
    wire: WireError,
    response: TransportResponse,
    call: Call,
    { settings, signer }: Prepared,
    { endpoint, credentials }: Pick<RequestTemplate, 'endpoint' | 'credentials'>,
    attempts: number,
  ): Promise<FailedAttempt> {
    const { operation, input } = call
    if (leavesDoubt(wire)) call.onDoubt?.()
    const error = toDynamoDBError(redactSecrets(wire, input, credentials), {
      operation,
      table: input.TableName,
      region: signer.region,
      origin: endpoint.origin,
      attempts,
    })
    if (settings.correctsClockSkew && call.mayCorrectClock && canBeClockSkew(wire)) {
      call.mayCorrectClock = false
      this.#clock.correct(response.headers)
      const { offsetMs } = this.#clock
      if (offsetMs !== call.clockOffsetMs) {
        // Whoever has made the input makes it anew: ServerClock.retryAfterClockCorrection.
        if (dependsOnTime(input)) {
          this.#clock.markSkewed(error)
          return { error }
        }
        call.clockOffsetMs = offsetMs
        return { error, kind: 'corrected' }
      }
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
      const found = this.#credentials({ rejected, deadline: call.deadline })
      const fresh = await this.#inTime(found, call, 'credentials')
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

  async #inTime<T>(
    found: T | Promise<T>,
    { operation, deadline, signal }: Call,
    what: 'settings' | 'credentials',
  ): Promise<T> {
    if (!isPromise(found)) return found
    return withTimeout(found, deadline.remainingMs, signal, () => {
      const waitingFor = this.#options.pending?.[what].describe() ?? ''
      return new DeadlineExceededError(
        `${operation} did not succeed within ${Math.round(deadline.limitMs)} ms: the AWS ${what} were not found in time` +
          (waitingFor === '' ? '' : `; it was waiting for ${waitingFor}`),
      )
    })
  }
}

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
}

/** Options of what takes several requests, which share one deadline. */
export type TimedOptions = SendOptions & { readonly deadline: Deadline }

function failedFor(error: unknown, { onDoubt }: Call): FailedAttempt {
  onDoubt?.()
  return { error, kind: retryKindOfError(error) }
}

/** What an async function returns that throws; the reason of a signal need not be an Error. */
async function rejectedWith(reason: unknown): Promise<never> {
  throw reason
}
