import { DeadlineExceededError, invalidOption, storeClosed } from '../../errors.ts'
import { isAbortSignal, isPromise } from '../../internal/core-objects.ts'
import { Deadline } from '../../internal/deadline.ts'
import { attemptTraces, operationTraces } from '../../internal/diagnostics.ts'
import { type Deferred, deferred } from '../../internal/timers.ts'
import type { Credentials, CredentialSource } from '../../types.ts'
import {
  deadlineExceeded,
  type FailedAttempt,
  retryHintMs,
  retryKindOfAnswer,
  retryKindOfError,
  RetryQuota,
  withRetries,
} from '../http/retry.ts'
import { canBeClockSkew, ServerClock } from '../http/server-clock.ts'
import type { TransportResponse } from '../http/transport.ts'
import {
  type Attempt,
  type Call,
  CallTrace,
  foundInTime,
  type Outcome,
  type Prepared,
  type RefusedAttempt,
} from './call.ts'
import type { DynamoDBClientOptions, SendOptions } from './client-options.ts'
import { type HedgedRead, hedgedRead } from './hedged-reads.ts'
import {
  isSameCredentials,
  OperationRequest,
  type ReadResponse,
  type RequestLimits,
  type RequestTemplate,
} from './operation-request.ts'
import { dependsOnTime, type Input, type Operation, type Output } from './operations.ts'
import { redactSecrets, shownRequestId } from './redact.ts'
import { type CallRoute, type DynamoDBHealth, type Region, Regions } from './regions.ts'
import { isRejectedCredentials, leavesDoubt, toDynamoDBError } from './wire-error.ts'

const RETRY_BASE_DELAY_MS = 25

/**
 * Sends one operation to DynamoDB: signs it, retries it by the standard retry mode of the AWS SDKs with DynamoDB's
 * base delay of 25 ms, and turns error answers into error classes.
 *
 * Every call settles within `deadlineMs` (G7). Credentials that AWS has stopped accepting are replaced and a wrong
 * clock is corrected, once for each call, and the call is sent again; but for an input that may hold what the time is,
 * which its maker has to make anew ({@link ServerClock.retryAfterClockCorrection}). With `failover`, what fails in one Region goes
 * on in the next. Numbers and binary values stay as the JSON protocol writes them.
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

  /** Whether calls may go on in other Regions. */
  get hasFailover(): boolean {
    return this.#options.failover !== undefined
  }

  /** The Regions that are well, but for the one that calls go to. */
  get otherRegions(): readonly string[] {
    return this.#prepared?.regions.others.map(({ name }) => name) ?? []
  }

  /** What this process has seen of DynamoDB, without a request. */
  health(): DynamoDBHealth {
    const regions = this.#prepared?.regions
    const connections = this.#options.transport.connections?.()
    return {
      ...(regions !== undefined && { region: regions.current.name }),
      regions: regions?.report() ?? [],
      ...(connections !== undefined && { connections }),
    }
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
    { signal, deadline, key, onDoubt, json, region }: SendOptions = {},
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
      hedge: undefined,
      region,
      limitMs: undefined,
      route:
        this.hasFailover && region === undefined ? this.#prepared?.regions.routeOf(operation) : undefined,
    }
    this.#underWay++
    if (call.route !== undefined) this.#probe(call, call.route)
    return trace === undefined ? (this.#sendAtOnce(call) ?? this.#run(call)) : this.#runTraced(call, trace)
  }

  /** Refuses new calls, lets those under way finish and closes the connections, unless they are somebody else's. */
  async close(): Promise<void> {
    this.#closed ??= deferred<void>()
    this.#closeWhenIdle()
    await this.#closed.promise
    this.#prepared?.regions.close()
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
    const region = this.#regionOf(call, prepared)
    let credentials: Credentials
    let template: RequestTemplate
    let answer: Promise<TransportResponse>
    let request: OperationRequest<Name>
    let hedged: HedgedRead<Name> | undefined
    try {
      const found = this.#credentials(call)
      if (isPromise(found)) return this.#run(call, this.#attempt(call, prepared, 1, found))
      credentials = found
      template = this.#templateOf(call, region, found)
      if (region.hedging !== undefined) hedged = hedgedRead(call, region, this.#options.transport)
      request = new OperationRequest(template, call, this.#limitsOf(call), hedged?.sending)
    } catch (error) {
      this.#ended()
      return rejectedWith(error)
    }
    const attempt: Attempt = { region, sentAtMs: performance.now(), limitAtMs: request.limitAtMs }
    const lost = (error: unknown): Promise<Output<Name>> => this.#run(call, this.#lost(error, call, attempt))
    try {
      answer = hedged?.send(request) ?? this.#options.transport.request(request)
    } catch (error) {
      return lost(error)
    }
    return answer.then(response => {
      let read: ReadResponse<Name>
      try {
        read = request.read(response)
      } catch (error) {
        return lost(error)
      }
      this.#clock.observe(response.headers, attempt.sentAtMs)
      if (!('output' in read)) {
        const refused = { ...attempt, read, response, template, credentials, number: 1 }
        return this.#run(call, this.#refused(call, prepared, refused))
      }
      region.health.succeeded(attempt.sentAtMs)
      if (!this.#quota.isFull) this.#quota.succeeded(undefined)
      this.#ended()
      return read.output
    }, lost)
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
      if (first === undefined && call.region === undefined) {
        call.route ??= prepared.regions.routeOf(call.operation)
      }
      const attempt = async (number: number): Promise<Outcome<Name>> => {
        if (number === 1 && first !== undefined) return first
        if (trace === undefined) return this.#attempt(call, prepared, number)
        const { name } = this.#regionOf(call, prepared)
        return trace.attempt(number, name, call, () => this.#attempt(call, prepared, number))
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
    } catch (error) {
      throw call.route?.explained(error) ?? error
    } finally {
      this.#ended()
    }
  }

  async #prepare(call: Call): Promise<Prepared> {
    // Calls that come at the same time share one search. One that fails is not remembered, nor one that outlives a call.
    const searching = (this.#searching ??= this.#search())
    try {
      this.#prepared = await foundInTime(searching, call, 'settings', this.#options.pending?.settings)
    } finally {
      if (this.#searching === searching) this.#searching = undefined
    }
    return this.#prepared
  }

  async #search(): Promise<Prepared> {
    const settings = await this.#options.settings()
    if (this.#prepared !== undefined) return this.#prepared
    return { settings, regions: new Regions(settings, settings.elsewhere ?? [], this.#options) }
  }

  /** Sends a copy of a read to a Region that has failed, to find out whether it is well again. */
  #probe(call: Call, { region: current }: CallRoute): void {
    const prepared = this.#prepared
    if (prepared === undefined || call.operation !== 'GetItem') return
    const region = prepared.regions.takeProbe(current)
    if (region === undefined) return
    const copy: Call = {
      ...call,
      deadline: new Deadline(this.deadlineMs),
      limitMs: prepared.regions.probeTimeoutMs,
      signal: undefined,
      onDoubt: undefined,
      region: region.name,
      route: undefined,
    }
    this.#underWay++
    const end = (): void => {
      region.health.endProbe()
      this.#ended()
    }
    this.#attempt(copy, prepared, 1).then(end, end)
  }

  async #attempt<Name extends Operation>(
    call: Call<Name>,
    prepared: Prepared,
    number: number,
    found: Credentials | Promise<Credentials> = this.#credentials(call),
  ): Promise<Outcome<Name>> {
    let credentials: Credentials
    try {
      credentials = isPromise(found)
        ? await foundInTime(found, call, 'credentials', this.#options.pending?.credentials)
        : found
    } catch (error) {
      // Then the attempt before says why there had to be another one.
      if (number > 1 && error instanceof DeadlineExceededError) return { error, kind: 'transient' }
      throw error
    }
    const region = this.#regionOf(call, prepared)
    const template = this.#templateOf(call, region, credentials)
    const { transport } = this.#options
    const hedged = hedgedRead(call, region, transport)
    const request = new OperationRequest(template, call, this.#limitsOf(call), hedged?.sending)
    const attempt: Attempt = { region, sentAtMs: performance.now(), limitAtMs: request.limitAtMs }
    let response: TransportResponse
    let read: ReadResponse<Name>
    try {
      response = await (hedged?.send(request) ?? transport.request(request))
      read = request.read(response)
    } catch (error) {
      return this.#lost(error, call, attempt)
    }
    this.#clock.observe(response.headers, attempt.sentAtMs)
    if (!('output' in read)) {
      return this.#refused(call, prepared, { ...attempt, read, response, template, credentials, number })
    }
    region.health.succeeded(attempt.sentAtMs)
    const requestId = shownRequestId(response, call.input, credentials)
    return { value: { output: read.output, requestId } }
  }

  #templateOf(
    { operation, input, clockOffsetMs }: Call,
    { signer }: Region,
    credentials: Credentials,
  ): RequestTemplate {
    return signer.templateOf(operation, input.TableName, {
      credentials,
      // AWS refuses what a wrong clock has made also when another call has put the clock right since.
      nowMs: this.#clock.now() - this.#clock.offsetMs + clockOffsetMs,
      traceId: this.#options.traceId?.(),
    })
  }

  /** Where an attempt of a call goes. */
  #regionOf({ route, region }: Call, { regions }: Prepared): Region {
    return route?.region ?? (region === undefined ? regions.home : (regions.named(region) ?? regions.home))
  }

  /** How long the next attempt of a call may take. */
  #limitsOf({ deadline, route, limitMs }: Call): RequestLimits {
    const { connectTimeoutMs, attemptTimeoutMs } = this.#options
    const limitAtMs = limitMs === undefined ? route?.limitAtMs(deadline) : performance.now() + limitMs
    return { connectTimeoutMs, attemptTimeoutMs, deadlineAtMs: deadline.atMs, limitAtMs }
  }

  /** An attempt without a response. */
  #lost(error: unknown, call: Call, attempt: Attempt): FailedAttempt {
    call.onDoubt?.()
    return this.#failed({ error, kind: retryKindOfError(error) }, call, attempt)
  }

  /** Counts a failure, and decides whether the call goes on in another Region. */
  #failed(failed: FailedAttempt, { route }: Call, { region, sentAtMs, limitAtMs }: Attempt): FailedAttempt {
    const { error, kind } = failed
    this.#prepared?.regions.failed(region, error, { startedAtMs: sentAtMs, limitAtMs })
    const maxAttempts = this.#prepared?.settings.maxAttempts ?? 1
    const mayRetry = kind === 'transient' && maxAttempts > 1 && this.#quota.isAmple
    return route?.goesOn(error, mayRetry) === true ? { error, kind: 'failover' } : failed
  }

  /** An attempt with a response that is an error. */
  async #refused(call: Call, { settings }: Prepared, refused: RefusedAttempt): Promise<FailedAttempt> {
    const { operation, input } = call
    const { region, read: wire, response, template, credentials, number } = refused
    if (leavesDoubt(wire)) call.onDoubt?.()
    const error = toDynamoDBError(redactSecrets(wire, input, credentials), {
      operation,
      table: input.TableName,
      region: region.signer.region,
      origin: template.endpoint.origin,
      attempts: number,
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
    const failed: FailedAttempt = {
      error,
      kind: retryKindOfAnswer(wire),
      hintMs: retryHintMs(response.headers.get('x-amz-retry-after')),
    }
    return this.#failed(failed, call, refused)
  }

  /** Whether there are other credentials than the ones that AWS has rejected. */
  async #replace(rejected: Credentials, call: Call): Promise<boolean> {
    try {
      const found = this.#credentials({ rejected, deadline: call.deadline })
      const fresh = await foundInTime(found, call, 'credentials', this.#options.pending?.credentials)
      return !isSameCredentials(fresh, rejected)
    } catch {
      // What AWS said of the rejected credentials is the better error.
      return false
    }
  }
}

/** What an async function returns that throws; the reason of a signal need not be an Error. */
async function rejectedWith(reason: unknown): Promise<never> {
  throw reason
}
