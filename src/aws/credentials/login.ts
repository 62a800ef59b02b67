import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomUUID, sign } from 'node:crypto'
import { join } from 'node:path'

import { isCredentials } from '../sigv4/sign.ts'
import { homeDirectory, variable } from '../config/environment.ts'
import { isHostLabel } from '../config/partitions.ts'
import { callUrl } from '../config/service-endpoint.ts'
import { selectedProfile, type SharedConfig } from '../config/shared-config.ts'
import type { Transport } from '../http/transport.ts'
import { CredentialsError, DynamoDBSessionsError } from '../../errors.ts'
import type { Clock, CredentialProvider, Credentials } from '../../types.ts'
import { type CacheFile, CacheFileError, readCacheFile, updateCacheFile } from './cache-file.ts'
import { type Flights, sharedFlight } from './cached-provider.ts'
import {
  absentProfileMessage,
  contextOf,
  holdsNothingBut,
  instantOf,
  kinds,
  type OptionKinds,
  profileTitle,
  type ProviderContext,
  type ProviderOptions,
  readSharedConfig,
} from './provider.ts'
import {
  callForJson,
  instantAfter,
  type JsonObject,
  objectIn,
  operationUrl,
  ServiceCallError,
  textIn,
} from './service-call.ts'

/** Settings of the client that calls the sign-in service. */
export interface LoginClientConfig {
  /**
   * Region to sign in to, whatever region is configured elsewhere.
   *
   * @default that of the log-in, else that of the profile, else the option `region`
   */
  readonly region?: string | undefined
}

/** Options of {@link fromLoginCredentials}. */
export interface FromLoginCredentialsOptions extends ProviderOptions {
  /**
   * Profile with the `login_session`.
   *
   * @default `AWS_PROFILE`, else `default`
   */
  readonly profile?: string | undefined
  /** Settings of the client that calls the sign-in service. */
  readonly clientConfig?: LoginClientConfig | undefined
  /**
   * Region to sign in to where neither the log-in nor the profile names one.
   *
   * @default `AWS_REGION`, else `AWS_DEFAULT_REGION`
   */
  readonly region?: string | undefined
}

const optionKinds: OptionKinds<FromLoginCredentialsOptions> = {
  profile: kinds.text,
  clientConfig: {
    takes: 'an object with the text region, and nothing else',
    accepts: value => holdsNothingBut(value, { region: kinds.text }),
  },
  region: kinds.text,
}

const REFRESH_WINDOW_MS = 5 * 60_000

/** One entry at most for each log-in that is in use. */
const flights: Flights<Credentials> = new Map()

/**
 * Credentials of the log-in that `aws login` made for a profile.
 *
 * They are refreshed in their last five minutes, and written back to their cache file; callers in this process share
 * one refresh. Credentials that could not be refreshed are used for as long as they are valid, except where AWS says
 * that the log-in is over. The configuration files and the cache file are read at each call.
 *
 * @returns a provider that throws {@link CredentialsError}: a chain goes on when the profile has no `login_session`,
 *   and stops at every other failure. It does not cache.
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
 */
export function fromLoginCredentials(options: FromLoginCredentialsOptions = {}): CredentialProvider {
  const context = contextOf('fromLoginCredentials', options, optionKinds)
  return () => credentialsOfLogin(options, context)
}

async function credentialsOfLogin(
  options: FromLoginCredentialsOptions,
  context: ProviderContext,
): Promise<Credentials> {
  const { environment } = context
  const { name: profile } = selectedProfile(environment, options.profile)
  const config = await readSharedConfig(context)
  const section = config.profiles.get(profile)
  const session = section?.get('login_session')
  if (session === undefined || session === '') {
    throw new CredentialsError(
      section === undefined
        ? absentProfileMessage(profile, context, config)
        : `${profileTitle(profile)} has no login_session`,
      { tryNextProvider: true },
    )
  }
  const login: Login = {
    profile,
    path: cacheFilePath(session, context),
    described: `the log-in of ${profileTitle(profile)}`,
    remedy: `run "aws login --profile ${profile}"`,
  }
  const endpointFor = (token: LoginToken): string => {
    const region = signInRegion(token, options, profile, config, context)
    // The region becomes a part of the host that tokens are sent to.
    if (region !== undefined && isHostLabel(region)) {
      return callUrl('signin', region, environment, config, profile)
    }
    const trouble = region === undefined ? 'is none' : 'is not the name of a region such as eu-west-1'
    throw new CredentialsError(
      `the region to sign in to ${trouble}; check AWS_REGION and the region of ${profileTitle(profile)}`,
    )
  }
  // The file is read within the flight: a caller that had read it before would refresh what is refreshed already.
  return sharedFlight(flights, login.path, () => freshCredentials(login, endpointFor, context))
}

function cacheFilePath(session: string, { environment }: ProviderContext): string {
  const directory =
    variable(environment, 'AWS_LOGIN_CACHE_DIRECTORY') ??
    join(homeDirectory(environment), '.aws', 'login', 'cache')
  return join(directory, `${createHash('sha256').update(session).digest('hex')}.json`)
}

function signInRegion(
  token: LoginToken,
  { clientConfig, region }: FromLoginCredentialsOptions,
  profile: string,
  config: SharedConfig,
  { environment }: ProviderContext,
): string | undefined {
  const candidates = [
    clientConfig?.region,
    token.signInRegion,
    config.profiles.get(profile)?.get('region'),
    region,
    variable(environment, 'AWS_REGION'),
    variable(environment, 'AWS_DEFAULT_REGION'),
  ]
  return candidates.find(candidate => candidate !== undefined && candidate !== '')
}

async function freshCredentials(
  login: Login,
  endpointFor: (token: LoginToken) => string,
  context: ProviderContext,
): Promise<Credentials> {
  const token = await readLoginToken(login)
  const expiresAtMs = token.credentials.expiration.getTime()
  if (expiresAtMs - context.clock.now() > REFRESH_WINDOW_MS) return token.credentials
  const outcome = await refreshLogin(token, login, () => endpointFor(token), context)
  if ('credentials' in outcome) return outcome.credentials

  // A refresh token works once: another process may have been the one to use it.
  const latest = await readLoginToken(login).catch(() => token)
  const isReplaced = latest.file.text !== token.file.text
  const isValid = latest.credentials.expiration.getTime() > context.clock.now()
  if (isValid && (isReplaced || !outcome.isOver)) return latest.credentials
  throw outcome.error
}

/** A log-in that `aws login` made. */
export interface Login {
  /** Profile that it belongs to. */
  readonly profile: string
  /** Cache file that holds it. */
  readonly path: string
  /** What it is, for error messages: `the log-in of the profile "dev"`. */
  readonly described: string
  /** What to do when it cannot be used: `run "aws login --profile dev"`. */
  readonly remedy: string
}

/** What the cache file of a log-in says. */
export interface LoginToken {
  readonly file: CacheFile
  /** The `accessToken` of the file as it is there. */
  readonly accessToken: JsonObject
  readonly credentials: Credentials & { readonly expiration: Date }
  readonly clientId: string
  readonly refreshToken: string
  /** Private key in PEM format that the refresh token is bound to. */
  readonly dpopKey: string
  /** Region that was signed in to, where the file says so. */
  readonly signInRegion: string | undefined
}

/**
 * Reads the cache file of a log-in.
 *
 * @throws {CredentialsError} when there is none or something is missing; the message names it and repeats nothing of
 *   what is in the file.
 */
export async function readLoginToken(login: Login): Promise<LoginToken> {
  const { described, remedy } = login
  let file: CacheFile
  try {
    file = await readCacheFile(login.path)
  } catch (error) {
    if (!(error instanceof CacheFileError)) throw error
    const trouble = error.isMissing ? 'has not been made' : 'cannot be used'
    throw new CredentialsError(`${described} ${trouble}: ${error.message}; ${remedy}`)
  }
  const { content } = file
  const accessToken = objectIn(content, 'accessToken') ?? {}
  const clientId = textIn(content, 'clientId')
  const refreshToken = textIn(content, 'refreshToken')
  const dpopKey = textIn(content, 'dpopKey')
  const credentials = loginCredentials(accessToken, instantOf(textIn(accessToken, 'expiresAt')))
  if (
    credentials === undefined ||
    clientId === undefined ||
    refreshToken === undefined ||
    dpopKey === undefined
  ) {
    throw new CredentialsError(
      `${described} cannot be used: the file ${login.path} lacks ${lackingIn(content)}; ${remedy}`,
    )
  }
  return {
    file,
    accessToken,
    credentials,
    clientId,
    refreshToken,
    dpopKey,
    signInRegion: textIn(content, 'signInRegion'),
  }
}

/** The credentials in an `accessToken`; `undefined` when something is missing or cannot be used. */
export function loginCredentials(
  accessToken: JsonObject,
  expiration: Date | undefined,
): (Credentials & { readonly expiration: Date }) | undefined {
  const sessionToken = textIn(accessToken, 'sessionToken')
  const accountId = textIn(accessToken, 'accountId')
  if (sessionToken === undefined || accountId === undefined || expiration === undefined) return undefined
  const credentials = {
    accessKeyId: accessToken['accessKeyId'],
    secretAccessKey: accessToken['secretAccessKey'],
    sessionToken,
    expiration,
    accountId,
  }
  return isCredentials(credentials) ? { ...credentials, expiration } : undefined
}

function lackingIn(content: JsonObject): string {
  const accessToken = objectIn(content, 'accessToken') ?? {}
  const lacking = [
    ...['clientId', 'refreshToken', 'dpopKey'].filter(name => textIn(content, name) === undefined),
    ...['accessKeyId', 'secretAccessKey', 'sessionToken', 'accountId', 'expiresAt']
      .filter(name => textIn(accessToken, name) === undefined)
      .map(name => `accessToken.${name}`),
  ]
  return lacking.length === 0 ? 'usable texts in accessToken' : lacking.join(', ')
}

/** What came of a refresh. */
export type LoginRefresh =
  | { readonly credentials: Credentials }
  /** `isOver`: AWS says that the log-in itself has ended, so that what it gave is not to be used any longer. */
  | { readonly error: CredentialsError; readonly isOver: boolean }

const OPERATION = 'signin:CreateOAuth2Token'
const DEFAULT_VALIDITY_SECONDS = 900

/** What AWS means by the codes of an `AccessDeniedException`. */
const REFUSALS: ReadonlyMap<string, (login: Login) => string> = new Map([
  ['TOKEN_EXPIRED', ({ described, remedy }) => `${described} has expired; ${remedy}`],
  [
    'USER_CREDENTIALS_CHANGED',
    ({ described, remedy }) => `${described} has ended because the password was changed; ${remedy}`,
  ],
  [
    'INSUFFICIENT_PERMISSIONS',
    ({ described, remedy }) =>
      `${described} may not be refreshed; allow the user the action signin:CreateOAuth2Token, then ${remedy}`,
  ],
])

/**
 * Gets new credentials and a new refresh token for a log-in, and writes both to its cache file.
 *
 * @param endpoint what finds the URL of the sign-in service.
 */
export async function refreshLogin(
  token: LoginToken,
  login: Login,
  endpoint: () => string,
  context: ProviderContext,
): Promise<LoginRefresh> {
  const failed = (reason: string, cause?: unknown): LoginRefresh => {
    const message = `${login.described} could not be refreshed: ${reason}; ${login.remedy}`
    return { error: new CredentialsError(message, cause === undefined ? {} : { cause }), isOver: false }
  }
  const key = readDpopKey(token.dpopKey)
  if (key === undefined) {
    return failed(`dpopKey in the file ${login.path} is not a P-256 private key in PEM format`)
  }
  try {
    const answer = await createToken(
      token,
      key,
      login.profile,
      operationUrl('signin', endpoint, 'v1/token'),
      context,
    )
    const credentials = await saved(answer, token, context)
    return credentials === undefined
      ? failed(`the answer of ${OPERATION} lacks a usable accessToken, refreshToken or expiresIn`)
      : { credentials }
  } catch (error) {
    if (error instanceof ServiceCallError) {
      const { awsCode, message } = error.failure
      const refusal = awsCode === 'AccessDeniedException' ? REFUSALS.get(message) : undefined
      return refusal === undefined
        ? failed(error.message, error)
        : { error: new CredentialsError(refusal(login), { cause: error }), isOver: true }
    }
    if (error instanceof DynamoDBSessionsError) return failed(error.message, error)
    throw error
  }
}

async function createToken(
  { clientId, refreshToken, credentials }: LoginToken,
  key: KeyObject,
  profile: string,
  url: string,
  context: ProviderContext,
): Promise<JsonObject> {
  return callForJson(
    {
      name: OPERATION,
      method: 'POST',
      profile,
      url,
      headers: [['content-type', 'application/json']],
      body: JSON.stringify({ clientId, refreshToken, grantType: 'refresh_token' }),
      secrets: [refreshToken, credentials.secretAccessKey, credentials.sessionToken ?? ''],
    },
    {
      ...context,
      serviceTransport: provingTransport(
        context.serviceTransport,
        { method: 'POST', url },
        key,
        context.clock,
      ),
    },
  )
}

/** Gives each attempt a proof of its own: a server may take one that it has seen before for a replay. */
function provingTransport(
  transport: Transport,
  proven: ProvenRequest,
  key: KeyObject,
  clock: Clock,
): Transport {
  return {
    request: async request => {
      const headers = [...request.headers, ['dpop', dpopProof(proven, key, clock)] as const]
      return transport.request({ ...request, headers })
    },
    close: async () => transport.close(),
  }
}

async function saved(
  answer: JsonObject,
  { file, accessToken }: LoginToken,
  { clock }: ProviderContext,
): Promise<Credentials | undefined> {
  const { accessKeyId, secretAccessKey, sessionToken } = objectIn(answer, 'accessToken') ?? {}
  const refreshToken = textIn(answer, 'refreshToken')
  const expiration = instantAfter(clock.now(), answer['expiresIn'] ?? DEFAULT_VALIDITY_SECONDS)
  if (refreshToken === undefined || expiration === undefined) return undefined
  const expiresAt = expiration.toISOString()
  const newAccessToken = { ...accessToken, accessKeyId, secretAccessKey, sessionToken, expiresAt }
  const credentials = loginCredentials(newAccessToken, expiration)
  if (credentials === undefined) return undefined
  await updateCacheFile(file, { ...file.content, accessToken: newAccessToken, refreshToken })
  return credentials
}

/** What a {@link dpopProof} vouches for. */
export interface ProvenRequest {
  readonly method: string
  /** Absolute URL, without query and fragment. */
  readonly url: string
}

/**
 * Reads the private key that a refresh token is bound to.
 *
 * @param pem `EC PRIVATE KEY` (SEC 1) or `PRIVATE KEY` (PKCS #8) in PEM format.
 * @returns `undefined` when it is none, or not one on the curve P-256.
 */
export function readDpopKey(pem: string): KeyObject | undefined {
  try {
    const key = createPrivateKey({ key: pem, format: 'pem' })
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined
  } catch {
    return undefined
  }
}

/**
 * Makes the value of a `DPoP` header (RFC 9449): a JSON Web Token, signed with ES256, which shows that the sender of
 * a request holds a private key. It is good for one request only.
 *
 * @param key what {@link readDpopKey} returned.
 */
export function dpopProof({ method, url }: ProvenRequest, key: KeyObject, clock: Clock): string {
  const { kty, crv, x, y } = createPublicKey(key).export({ format: 'jwk' })
  const header = { alg: 'ES256', typ: 'dpop+jwt', jwk: { kty, crv, x, y } }
  const payload = { jti: randomUUID(), htm: method, htu: url, iat: Math.floor(clock.now() / 1000) }
  const signed = `${base64Url(header)}.${base64Url(payload)}`
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' })
  return `${signed}.${signature.toString('base64url')}`
}

function base64Url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
