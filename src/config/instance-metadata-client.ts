import { TransportError } from '../errors.ts'
import type { Transport, TransportResponse } from '../http/transport.ts'
import type { Clock } from '../types.ts'
import type { Environment } from './environment.ts'
import {
  type InstanceMetadataOptions,
  type InstanceMetadataSettings,
  instanceMetadataSettings,
} from './instance-metadata-settings.ts'

/** What an {@link InstanceMetadataClient} takes from the world around it. */
export interface InstanceMetadataContext {
  readonly environment: Environment
  readonly clock: Clock
  readonly transport: Transport
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

interface MetadataToken {
  readonly value: string
  /** Endpoint that handed it out. */
  readonly origin: string
  /** Instant of the clock from which a new one is fetched. */
  readonly renewAtMs: number
}

type Headers = readonly (readonly [name: string, value: string])[]

const TOKEN_PATH = 'latest/api/token'
const TOKEN_HEADER = 'x-aws-ec2-metadata-token'
const TTL_HEADER = 'x-aws-ec2-metadata-token-ttl-seconds'
const TOKEN_TTL_SECONDS = 21_600
/** A token is renewed this long before it ends, so that none ends on its way. */
const TOKEN_MARGIN_MS = 120_000
/** Answers to the request for a token with which a service says that it hands out none. */
const WITHOUT_TOKENS: ReadonlySet<number> = new Set([403, 404, 405])

/**
 * Reads from the instance metadata service of EC2.
 *
 * Every request carries a token (IMDSv2), which is kept for the time it is valid for and dropped when the service
 * does not accept it any more, in which case the request is sent once more with a new one. Only a service that
 * answers 403, 404 or 405 to the request for a token is asked without one (IMDSv1), where that is not switched off;
 * a service that is slow or out of order is not. Every request is bounded in time.
 */
export class InstanceMetadataClient {
  readonly #context: InstanceMetadataContext
  readonly #options: InstanceMetadataOptions
  #token: MetadataToken | undefined
  /** Endpoint that is known to hand out no tokens. */
  #originWithoutTokens: string | undefined

  constructor(context: InstanceMetadataContext, options: InstanceMetadataOptions = {}) {
    this.#context = context
    this.#options = options
  }

  /**
   * Reads one entry.
   *
   * @param path what follows `/latest/meta-data/`, safe to put on a request line.
   * @param access `token-only` never asks without a token.
   * @returns the text of the entry.
   * @throws {InstanceMetadataError} when the service does not answer, or with another status than 200.
   * @throws {ConfigurationError} when the endpoint that is configured cannot be used.
   */
  async get(path: string, access: 'token-only' | 'v1-allowed' = 'v1-allowed'): Promise<string> {
    const settings = await instanceMetadataSettings(this.#context.environment, this.#options)
    let response = await this.#read(path, settings, access)
    if (response.statusCode === 401) {
      this.#token = undefined
      this.#originWithoutTokens = undefined
      response = await this.#read(path, settings, access)
    }
    const { statusCode, body } = response
    if (statusCode === 200) return body.toString('utf8')
    throw new InstanceMetadataError(
      `the instance metadata service at ${settings.endpoint.origin} answered ${path} with HTTP status ${statusCode}`,
      { httpStatusCode: statusCode },
    )
  }

  async #read(
    path: string,
    settings: InstanceMetadataSettings,
    access: 'token-only' | 'v1-allowed',
  ): Promise<TransportResponse> {
    const token = await this.#tokenFor(settings, access)
    const headers: Headers = token === undefined ? [] : [[TOKEN_HEADER, token]]
    return this.#send(settings, 'GET', `latest/meta-data/${path}`, headers)
  }

  /** A token that is valid for a while; `undefined` when the service hands out none and may be asked without. */
  async #tokenFor(
    settings: InstanceMetadataSettings,
    access: 'token-only' | 'v1-allowed',
  ): Promise<string | undefined> {
    const { origin } = settings.endpoint
    const nowMs = this.#context.clock.now()
    if (this.#token?.origin === origin && nowMs < this.#token.renewAtMs) return this.#token.value
    if (this.#originWithoutTokens !== origin || access === 'token-only') {
      this.#originWithoutTokens = undefined
      const response = await this.#send(settings, 'PUT', TOKEN_PATH, [
        [TTL_HEADER, TOKEN_TTL_SECONDS.toString()],
      ])
      const { statusCode } = response
      if (statusCode === 200) return this.#keepToken(response, origin, nowMs)
      if (!WITHOUT_TOKENS.has(statusCode)) {
        throw new InstanceMetadataError(
          `the instance metadata service at ${origin} answered the request for a token with HTTP status ${statusCode}`,
          { httpStatusCode: statusCode },
        )
      }
      this.#originWithoutTokens = origin
    }
    if (access === 'token-only') {
      throw new InstanceMetadataError(
        `the instance metadata service at ${origin} hands out no token (IMDSv2)`,
      )
    }
    if (settings.v1DisabledBy !== undefined) {
      throw new InstanceMetadataError(
        `the instance metadata service at ${origin} hands out no token (IMDSv2), and ${settings.v1DisabledBy} ` +
          'forbids to ask without one (IMDSv1)',
      )
    }
    return undefined
  }

  #keepToken({ headers, body }: TransportResponse, origin: string, askedAtMs: number): string {
    const value = body.toString('latin1').trim()
    if (!/^[\x21-\x7e]+$/.test(value)) {
      throw new InstanceMetadataError(
        `the instance metadata service at ${origin} answered the request for a token with something else`,
      )
    }
    const ttlSeconds = /^\d{1,6}$/.exec(headers.get(TTL_HEADER) ?? '')?.[0] ?? TOKEN_TTL_SECONDS
    this.#token = { value, origin, renewAtMs: askedAtMs + Number(ttlSeconds) * 1000 - TOKEN_MARGIN_MS }
    return value
  }

  async #send(
    { endpoint, timeoutMs, maxAttempts }: InstanceMetadataSettings,
    method: 'GET' | 'PUT',
    path: string,
    headers: Headers,
  ): Promise<TransportResponse> {
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await this.#context.transport.request({
          endpoint,
          method,
          path: endpoint.path + path,
          headers: [['host', endpoint.host], ...headers],
          body: '',
          connectTimeoutMs: timeoutMs,
          attemptTimeoutMs: timeoutMs,
          deadlineAtMs: performance.now() + timeoutMs,
        })
        if (response.statusCode < 500 || attempt >= maxAttempts) return response
      } catch (cause) {
        if (!(cause instanceof TransportError)) throw cause
        if (!cause.retryable || attempt >= maxAttempts) {
          throw new InstanceMetadataError(
            `the instance metadata service cannot be reached: ${cause.message}`,
            {
              cause,
            },
          )
        }
      }
    }
  }
}
