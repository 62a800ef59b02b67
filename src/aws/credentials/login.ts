import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomUUID, sign } from 'node:crypto'
import { join } from 'node:path'

import { CredentialsError } from '../../errors.ts'
import type { JsonObject } from '../../internal/core-objects.ts'
import { objectOption } from '../../internal/option.ts'
import type { Clock, CredentialProvider } from '../../types.ts'
import { homeDirectory, variable } from '../config/environment.ts'
import { isHostLabel } from '../config/region-names.ts'
import { cachedToken } from './cache-file.ts'
import {
  instantAfter,
  objectIn,
  type TemporaryCredentials,
  temporaryCredentials,
  textIn,
} from './credentials-document.ts'
import {
  contextOf,
  type FoundProfile,
  instantOf,
  rows,
  type ProviderRows,
  profileTitle,
  propertyOf,
  type ProviderContext,
  type ProviderOptions,
  readProfile,
} from './provider.ts'
import { callForJson, operationUrl, ServiceCallError } from './service-call.ts'

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

const optionRows: ProviderRows<FromLoginCredentialsOptions> = {
  profile: rows.text,
  clientConfig: objectOption('an object with the string region, and nothing else', { region: rows.text }),
  region: rows.text,
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
  const context = contextOf('fromLoginCredentials', options, optionRows)
  return async () => {
    const { environment, clock } = context
    const found = await readProfile(context, options.profile)
    const session = propertyOf(found, 'login_session')
    const described = `the log-in of ${profileTitle(found.profile)}`
    const directory =
      variable(environment, 'AWS_LOGIN_CACHE_DIRECTORY') ??
      join(homeDirectory(environment), '.aws', 'login', 'cache')
    const path = join(directory, `${createHash('sha256').update(session).digest('hex')}.json`)
    const login = {
      path,
      described,
      absent: 'has not been made',
      unusable: 'cannot be used',
      remedy: `run "aws login --profile ${found.profile}"`,
      tokenIn,
      refresh: async (token: LoginToken, content: JsonObject) => {
        const key = DpopKey.fromPem(token.dpopKey)
        if (key === undefined) {
          throw new CredentialsError(`dpopKey in the file ${path} is not a P-256 private key in PEM format`)
        }
        const region = signInRegion(options, textIn(content, 'signInRegion'), found)
        return refreshed(
          token,
          key,
          content,
          operationUrl('signin', region, found, 'v1/token'),
          found,
          context,
        )
      },
      endingOf: (error: unknown) => {
        const { awsCode = '', message = '' } = error instanceof ServiceCallError ? error.failure : {}
        const ending = awsCode === 'AccessDeniedException' ? ENDINGS.get(message) : undefined
        return ending === undefined ? undefined : `${described} ${ending}`
      },
      notRefreshed: (reason: string) => `${described} could not be refreshed: ${reason};`,
    }
    return (await cachedToken(login, clock)).credentials
  }
}

/** The region becomes a part of the host that tokens are sent to. */
function signInRegion(
  options: FromLoginCredentialsOptions,
  ofLogin: string | undefined,
  { environment, profile, section }: FoundProfile,
): string {
  const region = [
    options.clientConfig?.region,
    ofLogin,
    section?.get('region'),
    options.region,
    environment['AWS_REGION'],
    environment['AWS_DEFAULT_REGION'],
  ].find(Boolean)
  if (region !== undefined && isHostLabel(region)) return region
  const trouble = region === undefined ? 'is none' : 'is not the name of a region such as eu-west-1'
  throw new CredentialsError(
    `the region to sign in to ${trouble}; check AWS_REGION and the region of ${profileTitle(profile)}`,
  )
}

/** What the cache file of a log-in says. */
interface LoginToken {
  readonly credentials: TemporaryCredentials
  readonly expiresAtMs: number
  readonly clientId: string
  readonly refreshToken: string
  /** Private key in PEM format that the refresh token is bound to. */
  readonly dpopKey: string
}

function tokenIn(content: JsonObject): LoginToken | string {
  const accessToken = objectIn(content, 'accessToken')
  const clientId = textIn(content, 'clientId')
  const refreshToken = textIn(content, 'refreshToken')
  const dpopKey = textIn(content, 'dpopKey')
  const { accessKeyId, secretAccessKey, sessionToken, accountId } = accessToken
  const expiration = instantOf(textIn(accessToken, 'expiresAt'))
  const credentials = temporaryCredentials({
    accessKeyId,
    secretAccessKey,
    sessionToken,
    expiration,
    accountId,
  })
  if (credentials?.accountId && clientId && refreshToken && dpopKey) {
    return { credentials, expiresAtMs: credentials.expiration.getTime(), clientId, refreshToken, dpopKey }
  }
  const lacking = [
    ...['clientId', 'refreshToken', 'dpopKey'].filter(name => textIn(content, name) === undefined),
    ...['accessKeyId', 'secretAccessKey', 'sessionToken', 'accountId', 'expiresAt']
      .filter(name => textIn(accessToken, name) === undefined)
      .map(name => `accessToken.${name}`),
  ]
  return lacking.length === 0 ? 'usable strings in accessToken' : lacking.join(', ')
}

/** Gets new credentials and a new refresh token; both go into what the cache file has to say. */
async function refreshed(
  { clientId, refreshToken, credentials }: LoginToken,
  key: DpopKey,
  content: JsonObject,
  url: string,
  settings: FoundProfile,
  context: ProviderContext,
): Promise<JsonObject> {
  const { clock } = context
  const response = await callForJson(
    {
      name: OPERATION,
      settings,
      url,
      // A proof for each attempt: a server may take one that it has seen before for a replay.
      headers: () => [['dpop', key.proof(url, clock)]],
      input: { clientId, refreshToken, grantType: 'refresh_token' },
      secrets: [refreshToken, credentials.secretAccessKey, credentials.sessionToken ?? ''],
    },
    context,
  )
  const { accessKeyId, secretAccessKey, sessionToken } = objectIn(response, 'accessToken')
  const expiresAt = instantAfter(
    clock.now(),
    response['expiresIn'] ?? DEFAULT_VALIDITY_SECONDS,
  )?.toISOString()
  const latest = {
    ...content,
    accessToken: {
      ...objectIn(content, 'accessToken'),
      accessKeyId,
      secretAccessKey,
      sessionToken,
      expiresAt,
    },
    refreshToken: response['refreshToken'],
  }
  if (typeof tokenIn(latest) === 'string') {
    throw new CredentialsError(
      `the response of ${OPERATION} lacks a usable accessToken, refreshToken or expiresIn`,
    )
  }
  return latest
}

/** The private key that a refresh token is bound to: an ECDSA key on the curve P-256. */
export class DpopKey {
  readonly #key: KeyObject

  private constructor(key: KeyObject) {
    this.#key = key
  }

  /**
   * @param pem `EC PRIVATE KEY` (SEC 1) or `PRIVATE KEY` (PKCS #8) in PEM format.
   * @returns `undefined` when it is none, or not one on the curve P-256.
   */
  static fromPem(pem: string): DpopKey | undefined {
    try {
      const key = createPrivateKey({ key: pem, format: 'pem' })
      return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? new DpopKey(key) : undefined
    } catch {
      return undefined
    }
  }

  /**
   * Makes the value of a `DPoP` header (RFC 9449): a JSON Web Token, signed with ES256, which shows that the sender of
   * a `POST` request holds the key. It is good for one request only.
   *
   * @param url absolute URL of the request, without query and fragment.
   */
  proof(url: string, clock: Clock): string {
    const key = this.#key
    const { kty, crv, x, y } = createPublicKey(key).export({ format: 'jwk' })
    const header = { alg: 'ES256', typ: 'dpop+jwt', jwk: { kty, crv, x, y } }
    const payload = { jti: randomUUID(), htm: 'POST', htu: url, iat: Math.floor(clock.now() / 1000) }
    const signed = `${base64Url(header)}.${base64Url(payload)}`
    const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' })
    return `${signed}.${signature.toString('base64url')}`
  }
}

function base64Url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
