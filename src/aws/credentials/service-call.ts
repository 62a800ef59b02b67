import { ConfigurationError, CredentialsError, DynamoDBSessionsError } from '../../errors.ts'
import { isJsonObject, isTypeError, type JsonObject } from '../../internal/core-objects.ts'
import { Deadline } from '../../internal/deadline.ts'
import type { Credentials } from '../../types.ts'
import { callUrl, type ServiceId } from '../config/service-endpoint.ts'
import { callSettings } from '../config/settings.ts'
import type { SettingsSource } from '../config/shared-config.ts'
import { parseEndpoint } from '../http/endpoint.ts'
import {
  deadlineExceeded,
  retryHintMs,
  retryKindOfAnswer,
  retryKindOfError,
  RetryQuota,
  type ServiceFailure,
  withRetries,
} from '../http/retry.ts'
import { canBeClockSkew } from '../http/server-clock.ts'
import type { TransportResponse } from '../http/transport.ts'
import { signRequest } from '../sigv4/sign.ts'
import { textIn } from './credentials-document.ts'
import type { ProviderContext } from './provider.ts'

type Headers = readonly (readonly [name: string, value: string])[]

/** A request to STS, SSO or sign-in. */
interface ServiceCall {
  /** What the call is, for error messages: `sts:AssumeRole`. */
  readonly name: string
  readonly method: 'GET' | 'POST'
  /** Absolute URL; its query is percent-encoded. */
  readonly url: string
  /** Makes the header fields of an attempt, with lower-case names, without `host`. */
  readonly headers: () => Headers
  readonly body: string
  /** Signs the request; absent for calls that are sent unsigned. */
  readonly signing?: { readonly credentials: Credentials; readonly region: string; readonly service: string }
  /** Longest time for all attempts, in milliseconds. `@default` 15 s */
  readonly deadlineMs?: number | undefined
  /** Whose `max_attempts` and `disable_clock_skew_correction` count. */
  readonly settings: SettingsSource
  /** Reads an error answer (any status from 300 on). */
  readonly readFailure: (response: TransportResponse) => ServiceFailure
}

/** The response to a {@link ServiceCall} that was not a success, after the retries. */
export class ServiceCallError extends CredentialsError {
  static {
    this.prototype.name = 'ServiceCallError'
  }

  readonly failure: ServiceFailure

  constructor(name: string, failure: ServiceFailure) {
    const message = failure.message === '' ? '' : `: ${failure.message}`
    super(`${name} was refused with HTTP status ${failure.statusCode}, ${failure.awsCode}${message}`)
    this.failure = failure
  }
}

const DEFAULT_MAX_ATTEMPTS = 3
const BASE_DELAY_MS = 50
const CONNECT_TIMEOUT_MS = 2000
const ATTEMPT_TIMEOUT_MS = 5000
const DEADLINE_MS = 15_000

/**
 * Sends a request to an AWS service other than DynamoDB: signed when asked for, retried by the standard retry mode
 * of the AWS SDKs (3 attempts unless `AWS_MAX_ATTEMPTS` or the profile says otherwise, 50 ms base). A wrong clock is put
 * right once, as for DynamoDB.
 *
 * @returns the answer, whose status is below 300.
 * @throws {ServiceCallError} for an error answer, {@link TransportError} or {@link DeadlineExceededError} when there
 *   was none.
 */
export function callService(call: ServiceCall, context: ProviderContext): Promise<TransportResponse> {
  const { clock, random, serviceTransport, pending } = context
  const { maxAttempts = DEFAULT_MAX_ATTEMPTS, correctsClockSkew } = callSettings(call.settings)
  let mayCorrectClock = correctsClockSkew
  const url = new URL(call.url)
  const endpoint = parseEndpoint(url.origin)
  const { deadlineMs = DEADLINE_MS } = call
  const { atMs: deadlineAtMs } = new Deadline(deadlineMs)
  return withRetries(
    async number => {
      try {
        const response = await pending.step(`${call.name} at ${endpoint.origin}, attempt ${number}`, () =>
          serviceTransport.request({
            endpoint,
            method: call.method,
            path: url.pathname + url.search,
            headers: headersOf(call, endpoint.host, url, clock.now()),
            body: call.body,
            connectTimeoutMs: CONNECT_TIMEOUT_MS,
            attemptTimeoutMs: ATTEMPT_TIMEOUT_MS,
            deadlineAtMs,
          }),
        )
        if (response.statusCode < 300) return { value: response }
        const failure = call.readFailure(response)
        const error = new ServiceCallError(call.name, failure)
        if (mayCorrectClock && canBeClockSkew(failure)) {
          mayCorrectClock = false
          if (clock.correct?.(response.headers) === true) return { error, kind: 'corrected' }
        }
        return {
          error,
          kind: retryKindOfAnswer(failure),
          hintMs: retryHintMs(response.headers.get('x-amz-retry-after')),
        }
      } catch (error) {
        return { error, kind: retryKindOfError(error) }
      }
    },
    {
      maxAttempts,
      baseDelayMs: BASE_DELAY_MS,
      deadlineAtMs,
      quota: new RetryQuota(),
      random,
      signal: undefined,
      onDeadline: (attempts, interrupted, before) =>
        deadlineExceeded(call.name, deadlineMs, attempts, interrupted, before),
    },
  )
}

function headersOf(
  { method, headers, body, signing }: ServiceCall,
  host: string,
  url: URL,
  nowMs: number,
): Headers {
  const sent: Headers = [['host', host], ...headers()]
  if (signing === undefined) return sent
  const request = { method, path: url.pathname, query: url.search.slice(1), headers: sent, body }
  return [...sent, ...signRequest(request, { ...signing, date: new Date(nowMs) })]
}

/** An unsigned request to a service that responds with JSON: the SSO portal, its token service, sign-in. */
interface JsonCall extends Pick<ServiceCall, 'name' | 'settings'> {
  /** Service and path of the operation: the endpoint, as {@link operationUrl} finds it, may have a base path. */
  readonly url: string
  /** Makes header fields of an attempt besides those for the body. */
  readonly headers?: () => Headers
  /** What is sent as JSON, by POST; a call without it is a GET. */
  readonly input?: JsonObject
  /** Texts that no error may repeat. */
  readonly secrets: readonly string[]
}

/**
 * Sends the request, with retries.
 *
 * Of an error answer only codes reach the error, never its message, which may quote the request: the exception's name
 * as `awsCode`, and a code in the property `error` as `message`.
 *
 * @throws {ServiceCallError} for an error answer, {@link TransportError} or {@link DeadlineExceededError} when there
 *   was none, {@link CredentialsError} when the answer is no JSON object.
 */
export async function callForJson(call: JsonCall, context: ProviderContext): Promise<JsonObject> {
  const { input, headers = () => [], secrets } = call
  const { body } = await callService(
    {
      ...call,
      method: input === undefined ? 'GET' : 'POST',
      headers: () => [
        ...(input === undefined ? [] : [['content-type', 'application/json'] as const]),
        ...headers(),
      ],
      body: input === undefined ? '' : JSON.stringify(input),
      readFailure: response => failureOf(response, secrets),
    },
    context,
  )
  const found = jsonObjectIn(body)
  if (found !== undefined) return found
  throw new CredentialsError(
    `the response of ${call.name} is not a JSON object; the server at the endpoint may not be the service`,
  )
}

/**
 * Makes the handler of a failed call: an error that says what failed, why, and what to do about it.
 *
 * @param remedyFor what to add for an error answer.
 */
export function failing(
  failed: string,
  remedyFor: (failure: ServiceFailure) => string,
): (cause: unknown) => never {
  return cause => {
    if (!(cause instanceof DynamoDBSessionsError)) throw cause
    const remedy = cause instanceof ServiceCallError ? remedyFor(cause.failure) : ''
    throw new CredentialsError(`${failed}: ${cause.message}${remedy}`, { cause })
  }
}

/**
 * URL of an operation: the service's endpoint, which may have a base path, and the path of the operation.
 *
 * @param region may be a pseudo-region such as `us-east-1-fips`.
 * @throws {CredentialsError} when the region or the endpoint that is configured cannot be used.
 */
export function operationUrl(
  service: Exclude<ServiceId, 'dynamodb'>,
  region: string,
  settings: SettingsSource,
  path: string,
): string {
  try {
    const { origin, path: basePath } = parseEndpoint(callUrl(service, region, settings))
    return origin + basePath + path
  } catch (error) {
    if (!(error instanceof ConfigurationError || isTypeError(error))) throw error
    throw new CredentialsError(`the service ${service} cannot be called: ${error.message}`, { cause: error })
  }
}

function jsonObjectIn(body: TransportResponse['body']): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(body.toString())
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function failureOf(
  { statusCode, headers, body }: TransportResponse,
  secrets: readonly string[],
): ServiceFailure {
  const answer = jsonObjectIn(body) ?? {}
  const reason = codeIn(textIn(answer, 'error'), secrets)
  const name = headers.get('x-amzn-errortype') ?? textIn(answer, '__type') ?? textIn(answer, 'code')
  const awsCode = codeIn(name?.split(/[,:]/)[0]?.replace(/^.*#/, ''), secrets) ?? reason ?? 'Unknown'
  return { statusCode, awsCode, message: reason === undefined || reason === awsCode ? '' : reason }
}

/** A code as it may stand in an error: one that is spelled as codes are, and part of no secret. */
export function codeIn(text: string | undefined, secrets: readonly string[]): string | undefined {
  if (text === undefined || !/^[A-Za-z][\w.-]{0,99}$/.test(text)) return undefined
  const isTelling = secrets.some(secret => secret.includes(text) || (secret !== '' && text.includes(secret)))
  return isTelling ? undefined : text
}
