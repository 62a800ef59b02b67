import { createHash } from 'node:crypto'
import { join } from 'node:path'

import { isCredentials } from '../sigv4/sign.ts'
import { type Environment, homeDirectory, variable } from '../config/environment.ts'
import { isHostLabel } from '../config/partitions.ts'
import { callUrl } from '../config/service-endpoint.ts'
import type { SettingsSource } from '../config/shared-config.ts'
import { CredentialsError } from '../../errors.ts'
import type { Flights } from '../../internal/shared-flight.ts'
import type { CredentialProvider, Credentials } from '../../types.ts'
import {
  type CachedLogin,
  type CachedToken,
  cachedToken,
  type CacheFile,
  updateCacheFile,
} from './cache-file.ts'
import { dpopProof, readDpopKey } from './dpop.ts'
import {
  absentProfileMessage,
  contextOf,
  holdsNothingBut,
  instantOf,
  type JsonObject,
  kinds,
  type OptionKinds,
  profileTitle,
  type ProviderContext,
  type ProviderOptions,
  readProfile,
} from './provider.ts'
import {
  callForJson,
  instantAfter,
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

const DEFAULT_VALIDITY_SECONDS = 900
const OPERATION = 'signin:CreateOAuth2Token'

/** What AWS means by the codes of an `AccessDeniedException`: the log-in itself has ended, and what it gave with it. */
const ENDINGS: ReadonlyMap<string, string> = new Map([
  ['TOKEN_EXPIRED', 'has expired;'],
  ['USER_CREDENTIALS_CHANGED', 'has ended because the password was changed;'],
  [
    'INSUFFICIENT_PERMISSIONS',
    'may not be refreshed; allow the user the action signin:CreateOAuth2Token, then',
  ],
])

/** One entry at most for each log-in that is in use. */
const flights: Flights<LoginToken> = new Map()

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
  return async () => {
    const { environment } = context
    const found = await readProfile(context, options.profile)
    const { profile, section } = found
    const session = section?.get('login_session')
    if (session === undefined || session === '') {
      throw new CredentialsError(
        section === undefined ? absentProfileMessage(found) : `${profileTitle(profile)} has no login_session`,
        { tryNextProvider: true },
      )
    }
    const described = `the log-in of ${profileTitle(profile)}`
    const remedy = `run "aws login --profile ${profile}"`
    const path = cacheFilePath(session, environment)
    const endpointFor = (signInRegion: string | undefined): string => {
      const region = [
        options.clientConfig?.region,
        signInRegion,
        section?.get('region'),
        options.region,
        variable(environment, 'AWS_REGION'),
        variable(environment, 'AWS_DEFAULT_REGION'),
      ].find(candidate => candidate !== undefined && candidate !== '')
      // The region becomes a part of the host that tokens are sent to.
      if (region !== undefined && isHostLabel(region)) {
        return callUrl('signin', region, found)
      }
      const trouble = region === undefined ? 'is none' : 'is not the name of a region such as eu-west-1'
      throw new CredentialsError(
        `the region to sign in to ${trouble}; check AWS_REGION and the region of ${profileTitle(profile)}`,
      )
    }
    const login: CachedLogin<LoginToken> = {
      path,
      described,
      absent: 'has not been made',
      unusable: 'cannot be used',
      remedy,
      tokenIn,
      refresh: token => refresh(token, found, endpointFor, context),
      endingOf: error => {
        const { awsCode = '', message = '' } = error instanceof ServiceCallError ? error.failure : {}
        const ending = awsCode === 'AccessDeniedException' ? ENDINGS.get(message) : undefined
        return ending === undefined ? undefined : `${described} ${ending}`
      },
      notRefreshed: reason => `${described} could not be refreshed: ${reason};`,
    }
    return (await cachedToken(login, flights, context.clock)).credentials
  }
}

/** What the cache file of a log-in says. */
interface LoginToken extends CachedToken {
  /** The `accessToken` of the file as it is there. */
  readonly accessToken: JsonObject
  readonly credentials: Credentials & { readonly expiration: Date }
  readonly clientId: string
  readonly refreshToken: string
  /** Private key in PEM format that the refresh token is bound to. */
  readonly dpopKey: string
}

function cacheFilePath(session: string, environment: Environment): string {
  const directory =
    variable(environment, 'AWS_LOGIN_CACHE_DIRECTORY') ??
    join(homeDirectory(environment), '.aws', 'login', 'cache')
  return join(directory, `${createHash('sha256').update(session).digest('hex')}.json`)
}

function tokenIn(file: CacheFile): LoginToken | string {
  const { content } = file
  const accessToken = objectIn(content, 'accessToken') ?? {}
  const clientId = textIn(content, 'clientId')
  const refreshToken = textIn(content, 'refreshToken')
  const dpopKey = textIn(content, 'dpopKey')
  const credentials = credentialsIn(accessToken, instantOf(textIn(accessToken, 'expiresAt')))
  if (credentials && clientId !== undefined && refreshToken !== undefined && dpopKey !== undefined) {
    const expiresAtMs = credentials.expiration.getTime()
    return { file, expiresAtMs, accessToken, credentials, clientId, refreshToken, dpopKey }
  }
  return lackingIn(content, accessToken)
}

/** The credentials in an `accessToken`; `undefined` when something is missing or cannot be used. */
function credentialsIn(
  accessToken: JsonObject,
  expiration: Date | undefined,
): (Credentials & { readonly expiration: Date }) | undefined {
  const { accessKeyId, secretAccessKey } = accessToken
  const sessionToken = textIn(accessToken, 'sessionToken')
  const accountId = textIn(accessToken, 'accountId')
  if (sessionToken === undefined || accountId === undefined || expiration === undefined) return undefined
  const credentials = { accessKeyId, secretAccessKey, sessionToken, expiration, accountId }
  return isCredentials(credentials) ? { ...credentials, expiration } : undefined
}

function lackingIn(content: JsonObject, accessToken: JsonObject): string {
  const lacking = [
    ...['clientId', 'refreshToken', 'dpopKey'].filter(name => textIn(content, name) === undefined),
    ...['accessKeyId', 'secretAccessKey', 'sessionToken', 'accountId', 'expiresAt']
      .filter(name => textIn(accessToken, name) === undefined)
      .map(name => `accessToken.${name}`),
  ]
  return lacking.length === 0 ? 'usable texts in accessToken' : lacking.join(', ')
}

/**
 * Gets new credentials and a new refresh token, and writes both to the cache file.
 *
 * @param endpointFor finds the URL of the sign-in service for the region that the log-in names.
 */
async function refresh(
  token: LoginToken,
  settings: SettingsSource,
  endpointFor: (signInRegion: string | undefined) => string,
  context: ProviderContext,
): Promise<LoginToken> {
  const { file, clientId, refreshToken, credentials } = token
  const { clock } = context
  const key = readDpopKey(token.dpopKey)
  if (key === undefined) {
    throw new CredentialsError(`dpopKey in the file ${file.path} is not a P-256 private key in PEM format`)
  }
  const url = operationUrl('signin', () => endpointFor(textIn(file.content, 'signInRegion')), 'v1/token')
  const response = await callForJson(
    {
      name: OPERATION,
      method: 'POST',
      settings,
      url,
      // A proof for each attempt: a server may take one that it has seen before for a replay.
      headers: () => [
        ['content-type', 'application/json'],
        ['dpop', dpopProof({ method: 'POST', url }, key, clock)],
      ],
      body: JSON.stringify({ clientId, refreshToken, grantType: 'refresh_token' }),
      secrets: [refreshToken, credentials.secretAccessKey, credentials.sessionToken ?? ''],
    },
    context,
  )
  const { accessKeyId, secretAccessKey, sessionToken } = objectIn(response, 'accessToken') ?? {}
  const newRefreshToken = textIn(response, 'refreshToken')
  const expiration = instantAfter(clock.now(), response['expiresIn'] ?? DEFAULT_VALIDITY_SECONDS)
  const expiresAt = expiration?.toISOString()
  const accessToken = { ...token.accessToken, accessKeyId, secretAccessKey, sessionToken, expiresAt }
  const fresh = credentialsIn(accessToken, expiration)
  if (fresh === undefined || newRefreshToken === undefined) {
    throw new CredentialsError(
      `the answer of ${OPERATION} lacks a usable accessToken, refreshToken or expiresIn`,
    )
  }
  await updateCacheFile(file, { ...file.content, accessToken, refreshToken: newRefreshToken })
  return {
    ...token,
    expiresAtMs: fresh.expiration.getTime(),
    accessToken,
    credentials: fresh,
    refreshToken: newRefreshToken,
  }
}
