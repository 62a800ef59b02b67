import { callSettings } from '../config/call-settings.ts'
import { canBeClockSkew } from '../http/clock-skew.ts'
import { parseEndpoint } from '../http/endpoint.ts'
import { retryKindOfAnswer, retryKindOfError, type ServiceFailure } from '../http/error-classification.ts'
import { deadlineExceeded, withRetries } from '../http/retry.ts'
import { RetryQuota, retryHintMs } from '../http/retry-policy.ts'
import type { TransportResponse } from '../http/transport.ts'
import { signRequest } from '../sigv4/sign.ts'
import type { Credentials } from '../../types.ts'
import { readSharedConfig } from './profile-config.ts'
import type { ProviderContext } from './provider-context.ts'

/** A request to STS, SSO or sign-in. */
export interface ServiceCall {
  /** What the call is, for error messages: `sts:AssumeRole`. */
  readonly name: string
  readonly method: 'GET' | 'POST'
  /** Absolute URL; its query is percent-encoded. */
  readonly url: string
  /** Header fields with lower-case names, without `host`. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
  /** Signs the request; absent for calls that are sent unsigned. */
  readonly signing?: { readonly credentials: Credentials; readonly region: string; readonly service: string }
  /** Profile whose `max_attempts` and `disable_clock_skew_correction` count. */
  readonly profile: string
  /** Reads an error answer (any status from 300 on). */
  readonly readFailure: (response: TransportResponse) => ServiceFailure
}

/** The answer to a {@link ServiceCall} that was not a success, after the retries. */
export class ServiceCallError extends Error {
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
export async function callService(call: ServiceCall, context: ProviderContext): Promise<TransportResponse> {
  const { environment, clock, random, serviceTransport, pending } = context
  const config = await readSharedConfig(context)
  const { maxAttempts = DEFAULT_MAX_ATTEMPTS, correctsClockSkew } = callSettings(
    environment,
    config.profiles.get(call.profile),
  )
  let mayCorrectClock = correctsClockSkew
  const url = new URL(call.url)
  const endpoint = parseEndpoint(url.origin)
  const deadlineAtMs = performance.now() + DEADLINE_MS
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
        deadlineExceeded(call.name, DEADLINE_MS, attempts, interrupted, before),
    },
  )
}

function headersOf(
  { method, headers, body, signing }: ServiceCall,
  host: string,
  url: URL,
  nowMs: number,
): readonly (readonly [string, string])[] {
  const sent: readonly (readonly [string, string])[] = [['host', host], ...headers]
  if (signing === undefined) return sent
  const request = { method, path: url.pathname, query: url.search.slice(1), headers: sent, body }
  const signed = signRequest(request, { ...signing, date: new Date(nowMs) })
  return [...sent, ...signed.headers]
}
