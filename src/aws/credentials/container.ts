import { readFile } from 'node:fs/promises'

import type { Environment } from '../../internal/process-environment.ts'
import { type Endpoint, parseEndpoint } from '../http/endpoint.ts'
import { CredentialsError, TransportError } from '../../errors.ts'
import { Deadline } from '../../internal/deadline.ts'
import { sleep } from '../../internal/timers.ts'
import type { CredentialProvider, Credentials } from '../../types.ts'
import { credentialsOfDocument, parseJsonObject } from './credentials-document.ts'
import {
  contextOf,
  rows,
  notConfigured,
  type ProviderRows,
  type ProviderContext,
  type ProviderOptions,
} from './provider.ts'

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

const metadataRows: ProviderRows<FromContainerMetadataOptions> = {
  timeout: rows.timeoutMs,
  maxRetries: rows.count,
  retryDelayMs: rows.delayMs,
}
const httpRows: ProviderRows<FromHttpOptions> = {
  ...metadataRows,
  awsContainerCredentialsRelativeUri: rows.text,
  awsContainerCredentialsFullUri: rows.text,
  awsContainerAuthorizationTokenFile: rows.text,
  awsContainerAuthorizationToken: rows.text,
}

const CONNECT_TIMEOUT_MS = 1000
const DEFAULT_MAX_RETRIES = 3
const DEFAULT_RETRY_DELAY_MS = 1000

/**
 * Credentials of the container's role, as Amazon ECS, EKS Pod Identity and the like serve them to a container: from
 * the endpoint that the environment names, with the authorization token that it names.
 *
 * What {@link fromHttp} says holds here too.
 */
export function fromContainerMetadata(options: FromContainerMetadataOptions = {}): CredentialProvider {
  const context = contextOf('fromContainerMetadata', options, metadataRows)
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
  const context = contextOf('fromHttp', options, httpRows)
  return () => fetchCredentials(context, options)
}

async function fetchCredentials(context: ProviderContext, options: FromHttpOptions): Promise<Credentials> {
  const { pending } = context
  const target = containerEndpoint(context.environment, options)
  const source = `the container credentials endpoint ${target.endpoint.origin}`
  const { timeout, maxRetries = DEFAULT_MAX_RETRIES, retryDelayMs = DEFAULT_RETRY_DELAY_MS } = options
  const deadline = new Deadline(timeout === undefined ? context.deadlineMs : Infinity)
  let wasRefused = false
  let before = ''
  for (let attempt = 1; ; attempt++) {
    const timeoutMs = Math.ceil(timeout ?? Math.max(1, deadline.remainingMs))
    const outcome = await pending.step(`${source}, attempt ${attempt}${before}`, () =>
      ask(target, source, timeoutMs, context, options),
    )
    if (!('error' in outcome)) return outcome
    const { error, isFinal = false, isRefusal = false, summary } = outcome
    if (isFinal || attempt > maxRetries || (isRefusal && wasRefused)) throw error
    // With no time left to try again, the error at hand says what the trouble is.
    if (deadline.isExpired(retryDelayMs)) throw error
    wasRefused ||= isRefusal
    before = ` after ${summary}`
    await pending.step(`the pause before the next attempt at ${source}${before}`, () =>
      sleep(retryDelayMs, undefined),
    )
  }
}

/** Why an attempt gave no credentials. */
interface Failure {
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
): Promise<Credentials | Failure> {
  const authorization = await authorizationToken(environment, options)
  const carrier = endpoint.protocol === 'https:' ? serviceTransport : transport
  try {
    const { statusCode, body } = await carrier.request({
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
    const text = body.toString()
    if (statusCode === 200) {
      const answer = `the response of ${source}`
      const document = parseJsonObject(text, answer)
      return credentialsOfDocument(document, answer, { sessionToken: 'Token', temporary: true })
    }
    const summary = `HTTP status ${statusCode}${codeOf(text)}`
    const isRefusal = statusCode === 401 || statusCode === 403
    return { error: notConfigured(`${source} responded with ${summary}`), isRefusal, summary }
  } catch (cause) {
    if (cause instanceof CredentialsError) return { error: cause, summary: 'a response that cannot be read' }
    if (!(cause instanceof TransportError)) throw cause
    const message = `${source} cannot be reached: ${cause.message}`
    return {
      error: new CredentialsError(message, { cause, tryNextProvider: true }),
      isFinal: !cause.retryable,
      summary: cause.code,
    }
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
  const given = firstGiven(environment, options, [
    'awsContainerAuthorizationTokenFile',
    'awsContainerAuthorizationToken',
  ])
  if (given?.option !== 'awsContainerAuthorizationTokenFile')
    return given && usableToken(given.name, given.value)
  const source = `the file ${given.value} that ${given.name} names`
  const token = await readFile(given.value, 'utf8').catch((cause: unknown) => {
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

/** Options that are texts; each has a variable of the same name: `awsContainerX` and `AWS_CONTAINER_X`. */
type TextOption = Exclude<keyof FromHttpOptions, keyof FromContainerMetadataOptions>

/** The first of these options that is given, else the first of their variables. Empty ones count as absent. */
function firstGiven(
  environment: Environment,
  options: FromHttpOptions,
  wanted: readonly TextOption[],
): { readonly option: TextOption; readonly name: string; readonly value: string } | undefined {
  const candidates = [
    ...wanted.map(option => ({ option, name: option, value: options[option] })),
    ...wanted.map(option => ({ option, name: variableOf(option), value: environment[variableOf(option)] })),
  ]
  for (const { option, name, value } of candidates) if (value) return { option, name, value }
  return undefined
}

function variableOf(option: TextOption): string {
  return option.replaceAll(/[A-Z]/g, '_$&').toUpperCase()
}

/** Where container credentials come from. */
interface ContainerEndpoint {
  readonly endpoint: Endpoint
  /**
   * Path and query. On Amazon ECS the path is what entitles to the credentials, so it must not appear in errors.
   */
  readonly path: string
}

const ECS_ORIGIN = 'http://169.254.170.2'
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
  const uris = ['awsContainerCredentialsRelativeUri', 'awsContainerCredentialsFullUri'] as const
  const given = firstGiven(environment, options, uris)
  if (given === undefined) throw notConfigured(`neither ${uris.map(variableOf).join(' nor ')} is set`)
  const { option, name, value } = given
  const { origin, pathname, search } = (option === uris[0] ? ofRelativeUri : ofFullUri)(name, value)
  return { endpoint: parseEndpoint(origin), path: pathname + search }
}

function ofRelativeUri(source: string, uri: string): URL {
  // Without the slash, what follows could change the host: "@example.com/" makes a user name of the address.
  if (uri.startsWith('/') && URL.canParse(ECS_ORIGIN + uri)) return new URL(ECS_ORIGIN + uri)
  throw new CredentialsError(`${source} is not a path that starts with /`)
}

function ofFullUri(source: string, uri: string): URL {
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
  if (url.protocol === 'https:' || mayBeAskedWithoutTls(url.hostname)) return url
  throw new CredentialsError(
    `${source} names the host ${url.hostname}, which must not be asked for credentials over http; it takes ` +
      'https://, this machine (localhost, 127.0.0.0/8, [::1]), or an address of Amazon ECS or EKS ' +
      '(169.254.170.2, 169.254.170.23, [fd00:ec2::23])',
  )
}

function mayBeAskedWithoutTls(hostname: string): boolean {
  return HOSTS_WITHOUT_TLS.has(hostname) || /^127(?:\.\d{1,3}){3}$/.test(hostname)
}
