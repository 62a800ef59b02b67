import { isSwitchedOn, variable } from './environment.ts'
import type { Environment } from '../../internal/process-environment.ts'
import { isHostLabel } from './region-names.ts'
import {
  findSetting,
  type FoundSetting,
  loadSharedConfig,
  selectedProfile,
  settingOf,
} from './shared-config.ts'
import { type Endpoint, parseEndpoint } from '../http/endpoint.ts'
import type { Transport, TransportResponse } from '../http/transport.ts'
import { AttemptTimeoutError, ConnectTimeoutError, invalidSetting, TransportError } from '../../errors.ts'
import { isTypeError, messageOf } from '../../internal/core-objects.ts'
import type { PendingSteps } from '../../internal/deadline.ts'
import type { Clock } from '../../types.ts'

/** What an {@link InstanceMetadataClient} takes from the world around it. */
export interface InstanceMetadataContext {
  readonly environment: Environment
  readonly clock: Clock
  readonly transport: Transport
  /** Told what is waited for. */
  readonly pending: PendingSteps
}

/** The instance metadata service gave no answer, or none that can be used. */
export class InstanceMetadataError extends Error {
  static {
    this.prototype.name = 'InstanceMetadataError'
  }

  /** HTTP status of the answer; absent when there was none, or it could not be read. */
  readonly httpStatusCode: number | undefined

  constructor(message: string, options?: ErrorOptions & { readonly httpStatusCode?: number }) {
    super(message, options)
    this.httpStatusCode = options?.httpStatusCode
  }
}

/** How the service is asked. */
interface Access {
  /** Endpoint that it counts for. */
  readonly origin: string
  /** Absent where the service is asked without a token (IMDSv1). */
  readonly token?: string
  /** Why there is no token, while that is news. */
  readonly problem?: InstanceMetadataError
  /** Instant of the clock from which a new token is requested. */
  readonly renewAtMs: number
}

type Headers = readonly (readonly [name: string, value: string])[]

const TOKEN_PATH = 'latest/api/token'
const TOKEN_HEADER = 'x-aws-ec2-metadata-token'
const TTL_HEADER = 'x-aws-ec2-metadata-token-ttl-seconds'
const TOKEN_TTL_SECONDS = 21_600
/** A token is renewed this long before it ends, so that none ends on its way. */
const TOKEN_MARGIN_MS = 120_000
/** Responses to the request for a token with which a service says that it has none. */
const WITHOUT_TOKENS: ReadonlySet<number | undefined> = new Set([403, 404, 405])
/** After any other failure, how long the service is asked without a token before the next request for one. */
const WITHOUT_TOKEN_MS = 5 * 60_000
const HOP_LIMIT_ADVICE =
  'in a container, the likely cause is the hop limit of the instance: set HttpPutResponseHopLimit to 2 or more (aws ec2 ' +
  'modify-instance-metadata-options --http-put-response-hop-limit 2)'

/**
 * Reads from the instance metadata service of EC2.
 *
 * Requests carry a token (IMDSv2), which is kept for the time it is valid for and replaced once when the service does
 * not accept it any more. When the request for a token fails, requests are sent without one (IMDSv1), where that is not
 * forbidden: a container behind a hop limit of 1 gets everything but the token. Only the status 400 is final. A service
 * that was asked without a token successfully is asked that way for five minutes, and for good when it said itself that
 * it has no tokens. Every request is bounded in time.
 */
export class InstanceMetadataClient {
  readonly #context: InstanceMetadataContext
  readonly #options: InstanceMetadataOptions
  #access: Access | undefined

  constructor(context: InstanceMetadataContext, options: InstanceMetadataOptions = {}) {
    this.#context = context
    this.#options = options
  }

  /**
   * Reads one entry.
   *
   * @param path what follows `/latest/meta-data/`, safe to put on a request line.
   * @returns the text of the entry.
   * @throws {InstanceMetadataError} when the service does not respond, or with another status than 200.
   * @throws {ConfigurationError} when the endpoint that is configured cannot be used.
   */
  async get(path: string): Promise<string> {
    const settings = await instanceMetadataSettings(this.#context.environment, this.#options)
    let access = this.#knownAccess(settings) ?? (await this.#requestAccess(settings))
    let response = await this.#read(path, settings, access)
    if (response.statusCode === 401 && access.problem === undefined) {
      access = await this.#requestAccess(settings)
      response = await this.#read(path, settings, access)
    }
    const { origin, problem } = access
    const { statusCode, body } = response
    if (problem !== undefined) {
      if (statusCode === 401) throw withoutToken(origin, problem, 'it demands one')
      // Where the service itself says that it has no tokens, there will be none.
      const isCertain = WITHOUT_TOKENS.has(problem.httpStatusCode)
      const renewAtMs = isCertain ? Infinity : this.#context.clock.now() + WITHOUT_TOKEN_MS
      this.#access = { origin, renewAtMs }
    }
    if (statusCode === 200) return body.toString()
    throw new InstanceMetadataError(
      `the instance metadata service at ${origin} responded to ${path} with HTTP status ${statusCode}`,
      { httpStatusCode: statusCode },
    )
  }

  /** How the service was asked the last time, where that still counts. */
  #knownAccess({ endpoint, v1DisabledBy }: InstanceMetadataSettings): Access | undefined {
    const access = this.#access
    if (access === undefined || access.origin !== endpoint.origin) return undefined
    if (access.token === undefined && v1DisabledBy !== undefined) return undefined
    return this.#context.clock.now() < access.renewAtMs ? access : undefined
  }

  #read(path: string, settings: InstanceMetadataSettings, { token }: Access): Promise<TransportResponse> {
    const headers: Headers = token === undefined ? [] : [[TOKEN_HEADER, token]]
    return this.#send(settings, 'GET', `latest/meta-data/${path}`, headers)
  }

  /** Requests a token; without one, the service is asked as it is, where that is allowed. */
  async #requestAccess(settings: InstanceMetadataSettings): Promise<Access> {
    this.#access = undefined
    const { origin } = settings.endpoint
    const askedAtMs = this.#context.clock.now()
    try {
      const response = await this.#send(settings, 'PUT', TOKEN_PATH, [[TTL_HEADER, `${TOKEN_TTL_SECONDS}`]])
      return (this.#access = accessWith(response, origin, askedAtMs))
    } catch (problem) {
      // By the status 400 the service says that the request itself is wrong.
      if (!(problem instanceof InstanceMetadataError) || problem.httpStatusCode === 400) throw problem
      const { v1DisabledBy } = settings
      if (v1DisabledBy === undefined) return { origin, problem, renewAtMs: Number.NEGATIVE_INFINITY }
      throw withoutToken(origin, problem, `${v1DisabledBy} forbids to ask without one (IMDSv1)`)
    }
  }

  async #send(
    { endpoint, timeoutMs, maxAttempts }: InstanceMetadataSettings,
    method: 'GET' | 'PUT',
    path: string,
    headers: Headers,
  ): Promise<TransportResponse> {
    const { transport, pending } = this.#context
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await pending.step(`${path} of the instance metadata at ${endpoint.origin}`, () =>
          transport.request({
            endpoint,
            method,
            path: endpoint.path + path,
            headers: [['host', endpoint.host], ...headers],
            body: '',
            connectTimeoutMs: timeoutMs,
            attemptTimeoutMs: timeoutMs,
            deadlineAtMs: performance.now() + timeoutMs,
          }),
        )
        if (response.statusCode < 500 || attempt >= maxAttempts) return response
      } catch (cause) {
        if (!(cause instanceof TransportError)) throw cause
        if (!cause.retryable || attempt >= maxAttempts) {
          const message = `the instance metadata service cannot be reached: ${cause.message}`
          throw new InstanceMetadataError(message, { cause })
        }
      }
    }
  }
}

/** @throws {InstanceMetadataError} when there is no token in the response. */
function accessWith(
  { statusCode, headers, body }: TransportResponse,
  origin: string,
  askedAtMs: number,
): Access {
  const token = body.toString().trim()
  if (statusCode !== 200 || !/^[\x21-\x7e]+$/.test(token)) {
    const trouble = statusCode === 200 ? 'something else' : `HTTP status ${statusCode}`
    throw new InstanceMetadataError(
      `the instance metadata service at ${origin} responded to the request for a token with ${trouble}`,
      { httpStatusCode: statusCode },
    )
  }
  const ttlSeconds = /^\d{1,6}$/.exec(headers.get(TTL_HEADER) ?? '')?.[0] ?? TOKEN_TTL_SECONDS
  return { origin, token, renewAtMs: askedAtMs + Number(ttlSeconds) * 1000 - TOKEN_MARGIN_MS }
}

function withoutToken(
  origin: string,
  { message, cause }: InstanceMetadataError,
  reason: string,
): InstanceMetadataError {
  // No response at all is what too low a hop limit looks like.
  const isSilent = cause instanceof AttemptTimeoutError || cause instanceof ConnectTimeoutError
  const advice = isSilent ? `; ${HOP_LIMIT_ADVICE}` : ''
  return new InstanceMetadataError(
    `the instance metadata service at ${origin} gave no token (IMDSv2), and ${reason}: ${message}${advice}`,
    { cause },
  )
}

/** How to reach the instance metadata service. */
export interface InstanceMetadataOptions {
  /**
   * URL of the service, for a proxy in front of it.
   *
   * @default `AWS_EC2_METADATA_SERVICE_ENDPOINT`, else `ec2_metadata_service_endpoint` of the profile, else the
   *   address that belongs to `endpointMode`
   */
  readonly endpoint?: string | undefined
  /**
   * Which of the service's two addresses to use, where no URL says otherwise.
   *
   * @default `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE`, else `ec2_metadata_service_endpoint_mode` of the profile,
   *   else `IPv4`
   */
  readonly endpointMode?: 'IPv4' | 'IPv6' | undefined
  /**
   * Profile whose settings count.
   *
   * @default `AWS_PROFILE`, else `default`
   */
  readonly profile?: string | undefined
  /**
   * Longest time for one request, from connecting to the last byte of the answer. Milliseconds.
   *
   * @default `AWS_METADATA_SERVICE_TIMEOUT`, else `metadata_service_timeout` of the profile (both in seconds), else
   *   1000
   */
  readonly timeout?: number | undefined
  /**
   * How often a request that got no answer, or one with a status from 500 on, is sent again.
   *
   * @default `AWS_METADATA_SERVICE_NUM_ATTEMPTS`, else `metadata_service_num_attempts` of the profile, less one; else 0
   */
  readonly maxRetries?: number | undefined
  /**
   * Refuses to ask without a token (IMDSv1), even when the request for one fails.
   *
   * @default `AWS_EC2_METADATA_V1_DISABLED`, else `ec2_metadata_v1_disabled` of the profile, else `false`
   */
  readonly ec2MetadataV1Disabled?: boolean | undefined
}

/** {@link InstanceMetadataOptions} with everything decided. */
export interface InstanceMetadataSettings {
  readonly endpoint: Endpoint
  readonly timeoutMs: number
  readonly maxAttempts: number
  /** What forbids requests without a token, for the error message; absent when they are allowed. */
  readonly v1DisabledBy: string | undefined
}

const ADDRESSES = { ipv4: 'http://169.254.169.254', ipv6: 'http://[fd00:ec2::254]' } as const
const DEFAULT_TIMEOUT_MS = 1000

/**
 * Decides how to reach the instance metadata service, from options, environment and profile, in this order.
 *
 * The configuration files are read each time. A timeout or number of attempts that is not a number from 1 to 99
 * counts as absent, as the AWS SDK for JavaScript looks at neither.
 *
 * @throws {ConfigurationError} `INVALID_SETTING` when the endpoint or its mode cannot be used; the message names the
 *   setting.
 */
export async function instanceMetadataSettings(
  environment: Environment,
  options: InstanceMetadataOptions,
): Promise<InstanceMetadataSettings> {
  const { name: profile } = selectedProfile(environment, options.profile)
  const source = { environment, config: await loadSharedConfig(environment), profile }
  const url =
    given('endpoint', options.endpoint) ?? findSetting(source, 'ec2_metadata_service_endpoint', String)
  const mode =
    given('endpointMode', options.endpointMode) ??
    findSetting(source, 'ec2_metadata_service_endpoint_mode', String)
  const isV1Disabled =
    given('ec2MetadataV1Disabled', options.ec2MetadataV1Disabled) ??
    findSetting(source, 'ec2_metadata_v1_disabled', isSwitchedOn)
  const { timeout, maxRetries } = options
  const timeoutSeconds = settingOf(source, 'metadata_service_timeout', positiveNumber)
  const attempts = settingOf(source, 'metadata_service_num_attempts', positiveNumber)
  return {
    endpoint: url === undefined ? parseEndpoint(addressOf(mode)) : endpointOf(url),
    timeoutMs: timeout ?? (timeoutSeconds === undefined ? DEFAULT_TIMEOUT_MS : timeoutSeconds * 1000),
    maxAttempts: maxRetries === undefined ? (attempts ?? 1) : maxRetries + 1,
    v1DisabledBy: isV1Disabled?.value === true ? isV1Disabled.source : undefined,
  }
}

function given<T>(option: string, value: T | '' | undefined): FoundSetting<T> | undefined {
  return value === undefined || value === '' ? undefined : { value, source: `the option "${option}"` }
}

function endpointOf({ source, value }: FoundSetting<string>): Endpoint {
  try {
    return parseEndpoint(value)
  } catch (cause) {
    if (!isTypeError(cause)) throw cause
    throw invalidSetting(
      `${source} is no URL of an instance metadata service, such as ${ADDRESSES.ipv4}: ${cause.message}`,
    )
  }
}

function addressOf(mode: FoundSetting<string> | undefined): string {
  const lowered = mode?.value.toLowerCase() ?? 'ipv4'
  if (lowered === 'ipv4' || lowered === 'ipv6') return ADDRESSES[lowered]
  throw invalidSetting(
    `${mode?.source} is ${JSON.stringify(mode?.value)}, which is no endpoint mode; it takes IPv4 or IPv6`,
  )
}

function positiveNumber(text: string): number | undefined {
  return /^[1-9]\d?$/.test(text) ? Number(text) : undefined
}

/** The region of the instance, or why it is not known. */
export type InstanceRegion = { readonly region: string } | { readonly reason: string }

const FAILURE_REMEMBERED_MS = 60_000
const DISABLED_VARIABLE = 'AWS_EC2_METADATA_DISABLED'

/**
 * Makes a function that asks the instance metadata service in which region this instance runs.
 *
 * It asks as {@link InstanceMetadataClient} does: with a token, else without one. A region is remembered for good, a
 * failure for one minute. Nothing is asked while `AWS_EC2_METADATA_DISABLED` is set to anything at all.
 *
 * @returns a function that never rejects.
 */
export function instanceRegionLookup(
  context: InstanceMetadataContext,
  options: InstanceMetadataOptions = {},
): () => Promise<InstanceRegion> {
  const client = new InstanceMetadataClient(context, options)
  let held: { readonly answer: InstanceRegion; readonly askAgainAtMs: number } | undefined

  return async () => {
    if (variable(context.environment, DISABLED_VARIABLE) !== undefined) {
      return { reason: `${DISABLED_VARIABLE} is set` }
    }
    if (held !== undefined && context.clock.now() < held.askAgainAtMs) return held.answer
    const answer = await ask(client)
    const keptMs = 'region' in answer ? Infinity : FAILURE_REMEMBERED_MS
    held = { answer, askAgainAtMs: context.clock.now() + keptMs }
    return answer
  }
}

async function ask(client: InstanceMetadataClient): Promise<InstanceRegion> {
  try {
    const region = (await client.get('placement/region')).trim()
    if (isHostLabel(region)) return { region }
    return { reason: 'the instance metadata service responded with something that is no region' }
  } catch (error) {
    return { reason: messageOf(error) ?? 'the instance metadata service cannot be asked' }
  }
}
