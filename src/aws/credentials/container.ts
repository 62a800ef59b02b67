import { readFile } from 'node:fs/promises'

import { type Environment, variable } from '../config/environment.ts'
import { CredentialsError, TransportError } from '../../errors.ts'
import type { TransportResponse } from '../http/transport.ts'
import { sleep } from '../../internal/timers.ts'
import type { CredentialProvider, Credentials } from '../../types.ts'
import {
  type ContainerEndpoint,
  containerEndpoint,
  type ContainerEndpointOptions,
} from './container-endpoint.ts'
import { credentialsOfDocument, parseJsonObject } from './credentials-document.ts'
import { contextOf, type ProviderContext, type ProviderOptions } from './provider-context.ts'
import { aCount, aPause, aText, aTimeout, checkedOptions, type OptionKinds } from './provider-options.ts'

/** Options of {@link fromContainerMetadata}. */
export interface FromContainerMetadataOptions extends ProviderOptions {
  /**
   * Longest time for one attempt, from connecting to the last byte of the response. Milliseconds. Connecting takes a
   * second at most in any case.
   *
   * @default what is left of the deadline of the call that needs the credentials, which is then the limit for all
   *   attempts and pauses together: the `deadlineMs` of a store, else 7000
   */
  readonly timeout?: number | undefined
  /**
   * How often the endpoint is asked again when it does not respond, or with another status than 200, or with something
   * that cannot be read. After a status of 401 or 403 it is asked again once, with the authorization token read anew.
   *
   * @default 3
   */
  readonly maxRetries?: number | undefined
  /**
   * Pause before asking again. Milliseconds.
   *
   * @default 1000
   */
  readonly retryDelayMs?: number | undefined
}

/** Options of {@link fromHttp}. */
export interface FromHttpOptions extends FromContainerMetadataOptions, ContainerEndpointOptions {
  /**
   * File that holds the value of the `Authorization` header. It is read before every attempt, and wins over a value
   * that is given directly.
   *
   * @default `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`
   */
  readonly awsContainerAuthorizationTokenFile?: string | undefined
  /**
   * Value of the `Authorization` header.
   *
   * @default `AWS_CONTAINER_AUTHORIZATION_TOKEN`
   */
  readonly awsContainerAuthorizationToken?: string | undefined
}

const metadataOptionKinds: OptionKinds<FromContainerMetadataOptions> = {
  timeout: aTimeout,
  maxRetries: aCount,
  retryDelayMs: aPause,
}
const httpOptionKinds: OptionKinds<FromHttpOptions> = {
  timeout: aTimeout,
  maxRetries: aCount,
  retryDelayMs: aPause,
  awsContainerCredentialsRelativeUri: aText,
  awsContainerCredentialsFullUri: aText,
  awsContainerAuthorizationTokenFile: aText,
  awsContainerAuthorizationToken: aText,
}

const CONNECT_TIMEOUT_MS = 1000
const DEFAULT_MAX_RETRIES = 3
const DEFAULT_RETRY_DELAY_MS = 1000
const TOKEN_FILE_VARIABLE = 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'
const TOKEN_VARIABLE = 'AWS_CONTAINER_AUTHORIZATION_TOKEN'

/**
 * Credentials of the container's role, as Amazon ECS, EKS Pod Identity and the like serve them to a container: from
 * the endpoint that the environment names, with the authorization token that it names.
 *
 * What {@link fromHttp} says holds here too.
 */
export function fromContainerMetadata(options: FromContainerMetadataOptions = {}): CredentialProvider {
  const checked = checkedOptions('fromContainerMetadata', options, metadataOptionKinds)
  const { context, timeout, maxRetries, retryDelayMs } = checked
  return fromHttp({ context, timeout, maxRetries, retryDelayMs })
}

/**
 * Credentials from an HTTP endpoint that serves a container, named by options or by the environment.
 *
 * Over plain HTTP only this machine and the addresses of Amazon ECS and EKS are asked; for any other host nothing is
 * sent. Every attempt is bounded in time. The endpoint is the only one that is asked, and never without the
 * authorization that is configured.
 *
 * @returns a provider that throws {@link CredentialsError}: a chain goes on when no endpoint is configured, or it
 *   cannot be reached or refuses, and stops when it must not be asked, the authorization token cannot be used, or
 *   the answer cannot be read. It does not cache.
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
 */
export function fromHttp(options: FromHttpOptions = {}): CredentialProvider {
  const context = contextOf(checkedOptions('fromHttp', options, httpOptionKinds))
  return () => fetchCredentials(context, options)
}

async function fetchCredentials(context: ProviderContext, options: FromHttpOptions): Promise<Credentials> {
  const target = containerEndpoint(context.environment, options)
  const source = `the container credentials endpoint ${target.endpoint.origin}`
  const { timeout, maxRetries = DEFAULT_MAX_RETRIES, retryDelayMs = DEFAULT_RETRY_DELAY_MS } = options
  const deadlineAtMs = timeout === undefined ? performance.now() + context.deadlineMs : Infinity
  let wasRefused = false
  let before = ''
  for (let attempt = 1; ; attempt++) {
    const timeoutMs = Math.ceil(timeout ?? Math.max(1, deadlineAtMs - performance.now()))
    const outcome = await context.pending.step(`${source}, attempt ${attempt}${before}`, () =>
      ask(target, source, timeoutMs, context, options),
    )
    if ('credentials' in outcome) return outcome.credentials
    const { error, isFinal, isRefusal, summary } = outcome
    if (isFinal || attempt > maxRetries || (isRefusal && wasRefused)) throw error
    // With no time left to try again, the error at hand says what the trouble is.
    if (performance.now() + retryDelayMs >= deadlineAtMs) throw error
    wasRefused ||= isRefusal
    before = ` after ${summary}`
    await context.pending.step(`the pause before the next attempt at ${source}${before}`, () =>
      sleep(retryDelayMs, undefined),
    )
  }
}

interface FailedOutcome {
  readonly error: CredentialsError
  /** Whether it would be the same the next time. */
  readonly isFinal: boolean
  /** Whether the authorization was refused, which may have been replaced meanwhile. */
  readonly isRefusal: boolean
  /** The failure in a few words. */
  readonly summary: string
}

type Outcome = { readonly credentials: Credentials } | FailedOutcome

async function ask(
  { endpoint, path }: ContainerEndpoint,
  source: string,
  timeoutMs: number,
  { environment, transport, serviceTransport }: ProviderContext,
  options: FromHttpOptions,
): Promise<Outcome> {
  const authorization = await authorizationToken(environment, options)
  let response: TransportResponse
  try {
    response = await (endpoint.protocol === 'https:' ? serviceTransport : transport).request({
      endpoint,
      method: 'GET',
      path,
      headers: [
        ['host', endpoint.host],
        ['accept', 'application/json'],
        ...(authorization === undefined ? [] : [['authorization', authorization] as const]),
      ],
      body: '',
      connectTimeoutMs: Math.min(timeoutMs, CONNECT_TIMEOUT_MS),
      attemptTimeoutMs: timeoutMs,
      deadlineAtMs: performance.now() + timeoutMs,
    })
  } catch (cause) {
    if (!(cause instanceof TransportError)) throw cause
    return {
      error: new CredentialsError(`${source} cannot be reached: ${cause.message}`, {
        cause,
        tryNextProvider: true,
      }),
      isFinal: !cause.retryable,
      isRefusal: false,
      summary: cause.code,
    }
  }
  return outcomeOf(response, source)
}

function outcomeOf({ statusCode, body }: TransportResponse, source: string): Outcome {
  const text = body.toString('utf8')
  if (statusCode !== 200) {
    const summary = `HTTP status ${statusCode}${codeOf(text)}`
    return {
      error: new CredentialsError(`${source} answered with ${summary}`, { tryNextProvider: true }),
      isFinal: false,
      isRefusal: statusCode === 401 || statusCode === 403,
      summary,
    }
  }
  try {
    const answer = `the answer of ${source}`
    const document = parseJsonObject(text, answer)
    return {
      credentials: credentialsOfDocument(document, answer, { sessionToken: 'Token', temporary: true }),
    }
  } catch (error) {
    if (!(error instanceof CredentialsError)) throw error
    return { error, isFinal: false, isRefusal: false, summary: 'a response that cannot be read' }
  }
}

/** The code of an error answer, to put behind a message. The rest of the answer may repeat what was sent. */
function codeOf(text: string): string {
  const code = /"[Cc]ode"\s*:\s*"([A-Za-z]{1,64})"/.exec(text)?.[1]
  return code === undefined ? '' : ` (${code})`
}

async function authorizationToken(
  environment: Environment,
  options: FromHttpOptions,
): Promise<string | undefined> {
  const { awsContainerAuthorizationTokenFile: fileOption, awsContainerAuthorizationToken: tokenOption } =
    options
  if (isSet(fileOption)) return tokenOfFile('awsContainerAuthorizationTokenFile', fileOption)
  if (isSet(tokenOption)) return usableToken('awsContainerAuthorizationToken', tokenOption)
  const file = variable(environment, TOKEN_FILE_VARIABLE)
  if (file !== undefined) return tokenOfFile(TOKEN_FILE_VARIABLE, file)
  const token = variable(environment, TOKEN_VARIABLE)
  return token === undefined ? undefined : usableToken(TOKEN_VARIABLE, token)
}

async function tokenOfFile(source: string, path: string): Promise<string> {
  let token: string
  try {
    token = await readFile(path, 'utf8')
  } catch (cause) {
    throw new CredentialsError(`the file ${path} that ${source} names cannot be read`, { cause })
  }
  return usableToken(`the file ${path} that ${source} names`, token)
}

function usableToken(source: string, token: string): string {
  // A line break would end the header and start another one.
  if (/^[\t\x20-\x7e]+$/.test(token)) return token
  throw new CredentialsError(
    `${source} ${token === '' ? 'is empty' : 'contains a line break or another character that no header may have'}`,
  )
}

function isSet(text: string | undefined): text is string {
  return text !== undefined && text !== ''
}
