import { readFile } from 'node:fs/promises'

import { type Environment, variable } from '../config/environment.ts'
import { type Endpoint, parseEndpoint } from '../http/endpoint.ts'
import type { TransportResponse } from '../http/transport.ts'
import { CredentialsError, TransportError } from '../../errors.ts'
import { sleep } from '../../internal/timers.ts'
import type { CredentialProvider, Credentials } from '../../types.ts'
import { credentialsOfDocument, parseJsonObject } from './credentials-document.ts'
import { contextOf, kinds, type OptionKinds, type ProviderContext, type ProviderOptions } from './provider.ts'

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
export interface FromHttpOptions extends FromContainerMetadataOptions {
  /**
   * Path and query at the credentials endpoint of Amazon ECS; it wins over a full URI.
   *
   * @default `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`
   */
  readonly awsContainerCredentialsRelativeUri?: string | undefined
  /**
   * Whole URL of a credentials endpoint. Unless it starts with `https://`, its host has to be this machine or one of
   * the addresses at which Amazon ECS and EKS serve credentials.
   *
   * @default `AWS_CONTAINER_CREDENTIALS_FULL_URI`
   */
  readonly awsContainerCredentialsFullUri?: string | undefined
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
  timeout: kinds.timeoutMs,
  maxRetries: kinds.count,
  retryDelayMs: kinds.delayMs,
}
const httpOptionKinds: OptionKinds<FromHttpOptions> = {
  ...metadataOptionKinds,
  awsContainerCredentialsRelativeUri: kinds.text,
  awsContainerCredentialsFullUri: kinds.text,
  awsContainerAuthorizationTokenFile: kinds.text,
  awsContainerAuthorizationToken: kinds.text,
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
  const context = contextOf('fromContainerMetadata', options, metadataOptionKinds)
  return () => fetchCredentials(context, options)
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
  const context = contextOf('fromHttp', options, httpOptionKinds)
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
    const { error, isFinal = false, isRefusal = false, summary } = outcome
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

/** Credentials, or why there are none. */
type Outcome =
  | { readonly credentials: Credentials }
  | {
      readonly error: CredentialsError
      /** The failure in a few words. */
      readonly summary: string
      /** Whether it would be the same the next time. */
      readonly isFinal?: boolean
      /** Whether the authorization was refused, which may have been replaced meanwhile. */
      readonly isRefusal?: boolean
    }

async function ask(
  { endpoint, path }: ContainerEndpoint,
  source: string,
  timeoutMs: number,
  { environment, transport, serviceTransport }: ProviderContext,
  options: FromHttpOptions,
): Promise<Outcome> {
  const authorization = await authorizationToken(environment, options)
  const carrier = endpoint.protocol === 'https:' ? serviceTransport : transport
  try {
    const response = await carrier.request({
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
    return outcomeOf(response, source)
  } catch (cause) {
    if (!(cause instanceof TransportError)) throw cause
    const message = `${source} cannot be reached: ${cause.message}`
    return {
      error: new CredentialsError(message, { cause, tryNextProvider: true }),
      isFinal: !cause.retryable,
      summary: cause.code,
    }
  }
}

function outcomeOf({ statusCode, body }: TransportResponse, source: string): Outcome {
  const text = body.toString('utf8')
  if (statusCode !== 200) {
    const summary = `HTTP status ${statusCode}${codeOf(text)}`
    return {
      error: new CredentialsError(`${source} answered with ${summary}`, { tryNextProvider: true }),
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
    return { error, summary: 'a response that cannot be read' }
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
  if (fileOption) return tokenOfFile('awsContainerAuthorizationTokenFile', fileOption)
  if (tokenOption) return usableToken('awsContainerAuthorizationToken', tokenOption)
  const file = variable(environment, TOKEN_FILE_VARIABLE)
  if (file !== undefined) return tokenOfFile(TOKEN_FILE_VARIABLE, file)
  const token = variable(environment, TOKEN_VARIABLE)
  return token === undefined ? undefined : usableToken(TOKEN_VARIABLE, token)
}

async function tokenOfFile(name: string, path: string): Promise<string> {
  const source = `the file ${path} that ${name} names`
  const token = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CredentialsError(`${source} cannot be read`, { cause })
  })
  return usableToken(source, token)
}

function usableToken(source: string, token: string): string {
  // A line break would end the header and start another one.
  if (/^[\t\x20-\x7e]+$/.test(token)) return token
  throw new CredentialsError(
    `${source} ${token === '' ? 'is empty' : 'contains a line break or another character that no header may have'}`,
  )
}

/** Where container credentials come from. */
export interface ContainerEndpoint {
  readonly endpoint: Endpoint
  /**
   * Path and query. On Amazon ECS the path is what entitles to the credentials, so it must not appear in errors.
   */
  readonly path: string
}

const ECS_ORIGIN = 'http://169.254.170.2'
const RELATIVE_URI_VARIABLE = 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'
const FULL_URI_VARIABLE = 'AWS_CONTAINER_CREDENTIALS_FULL_URI'

/** Hosts, as `URL` normalises them, that may be asked without TLS. */
const HOSTS_WITHOUT_TLS: ReadonlySet<string> = new Set([
  '169.254.170.2',
  '169.254.170.23',
  '[fd00:ec2::23]',
  'localhost',
  '[::1]',
])

/**
 * Finds the credentials endpoint of the container: the options, else the environment; in each, a relative URI wins
 * over a full one.
 *
 * @throws {CredentialsError} when there is none (a chain goes on), or when it must not or cannot be asked (a chain
 *   stops). The message shows at most the host.
 */
export function containerEndpoint(environment: Environment, options: FromHttpOptions): ContainerEndpoint {
  const { awsContainerCredentialsRelativeUri: relativeUri, awsContainerCredentialsFullUri: fullUri } = options
  if (relativeUri) return ofRelativeUri('awsContainerCredentialsRelativeUri', relativeUri)
  if (fullUri) return ofFullUri('awsContainerCredentialsFullUri', fullUri)
  const relativeVariable = variable(environment, RELATIVE_URI_VARIABLE)
  if (relativeVariable !== undefined) return ofRelativeUri(RELATIVE_URI_VARIABLE, relativeVariable)
  const fullVariable = variable(environment, FULL_URI_VARIABLE)
  if (fullVariable !== undefined) return ofFullUri(FULL_URI_VARIABLE, fullVariable)
  throw new CredentialsError(`neither ${RELATIVE_URI_VARIABLE} nor ${FULL_URI_VARIABLE} is set`, {
    tryNextProvider: true,
  })
}

function ofRelativeUri(source: string, uri: string): ContainerEndpoint {
  // Without the slash, what follows could change the host: "@example.com/" makes a user name of the address.
  if (!uri.startsWith('/') || !URL.canParse(ECS_ORIGIN + uri)) {
    throw new CredentialsError(`${source} is not a path that starts with /`)
  }
  return splitUrl(new URL(ECS_ORIGIN + uri))
}

function ofFullUri(source: string, uri: string): ContainerEndpoint {
  if (!URL.canParse(uri)) {
    throw new CredentialsError(`${source} is not a URL with a host, such as ${ECS_ORIGIN}/credentials`)
  }
  const url = new URL(uri)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new CredentialsError(`${source} has to start with https:// or http://`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new CredentialsError(`${source} must not contain a user name or password`)
  }
  if (url.protocol === 'http:' && !mayBeAskedWithoutTls(url.hostname)) {
    throw new CredentialsError(
      `${source} names the host ${url.hostname}, which must not be asked for credentials over http; it takes ` +
        'https://, this machine (localhost, 127.0.0.0/8, [::1]), or an address of Amazon ECS or EKS ' +
        '(169.254.170.2, 169.254.170.23, [fd00:ec2::23])',
    )
  }
  return splitUrl(url)
}

function mayBeAskedWithoutTls(hostname: string): boolean {
  return HOSTS_WITHOUT_TLS.has(hostname) || /^127(?:\.\d{1,3}){3}$/.test(hostname)
}

function splitUrl(url: URL): ContainerEndpoint {
  return { endpoint: parseEndpoint(url.origin), path: url.pathname + url.search }
}
