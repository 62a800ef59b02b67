import { CredentialsError } from '../../errors.ts'
import type { Credentials } from '../../types.ts'
import { isCredentials } from '../config/credentials-shape.ts'
import { type CacheFile, CacheFileError, readCacheFile } from './cache-file.ts'
import { instantOf } from './instant.ts'
import { type JsonObject, objectIn, textIn } from './json-call.ts'

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
