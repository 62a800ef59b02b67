import { createHash } from 'node:crypto'
import { join } from 'node:path'

import { homeDirectory } from '../config/environment.ts'
import { CredentialsError } from '../../errors.ts'
import { messageOf } from '../../internal/core-objects.ts'
import { isHeaderText } from '../sigv4/sign.ts'
import { type CacheFile, readCacheFile, updateCacheFile } from './cache-file.ts'
import { type Flights, sharedFlight } from './cached-provider.ts'
import { instantOf, type ProviderContext } from './provider.ts'
import { callForJson, instantAfter, textIn } from './service-call.ts'

/** A log-in to AWS IAM Identity Center. */
export interface SsoLogin {
  /** Profile whose settings of calls count. */
  readonly profile: string
  /** What the tools name the cache file after: name of the `sso-session`, or the start URL in the older form. */
  readonly cacheKey: string
  /** What is logged in to, for error messages: `the SSO session "work"`. */
  readonly described: string
  /** Command to log in with: `aws sso login --sso-session work`. */
  readonly loginCommand: string
  /** Where to refresh the token: URL of `CreateToken`. Absent in the older form, which knows no refresh. */
  readonly refreshUrl?: () => string
}

interface SsoToken {
  readonly accessToken: string
  readonly expiresAtMs: number
}

const REFRESH_WINDOW_MS = 5 * 60_000
const REFRESH_PAUSE_MS = 30_000

/** Both have one entry at most for each `sso-session` that is in use. */
const flights: Flights<SsoToken> = new Map()
const attempts = new Map<string, { readonly atMs: number; readonly failure?: string }>()

/**
 * The access token of a log-in that `aws sso login` made.
 *
 * One that has more than five minutes left is used as it is. Otherwise it is refreshed where that is possible, once
 * in 30 s at most, and written back; callers in this process share one refresh. A token that could not be refreshed
 * is used for as long as it is valid.
 *
 * @throws {CredentialsError} when there is no valid token and none is to be had. It ends a chain.
 */
export async function ssoAccessToken(login: SsoLogin, context: ProviderContext): Promise<string> {
  const name = `${createHash('sha1').update(login.cacheKey).digest('hex')}.json`
  const path = join(homeDirectory(context.environment), '.aws', 'sso', 'cache', name)
  const { refreshUrl } = login
  // The file is read within the flight: a caller that had read it before would refresh what is refreshed already.
  const token = await (refreshUrl === undefined
    ? readCacheOf(login, path).then(file => tokenIn(file, login))
    : sharedFlight(flights, path, () => freshToken(login, path, refreshUrl, context)))
  if (token.expiresAtMs > context.clock.now()) return token.accessToken
  throw expired(login)
}

async function readCacheOf(login: SsoLogin, path: string): Promise<CacheFile> {
  return readCacheFile(path).catch((error: unknown) => {
    if (!(error instanceof CredentialsError)) throw error
    const trouble = error.tryNextProvider ? 'is not logged in' : 'has no usable token'
    throw new CredentialsError(`${login.described} ${trouble}: ${error.message}; ${remedy(login)}`)
  })
}

function tokenIn({ path, content }: CacheFile, login: SsoLogin): SsoToken {
  const accessToken = textIn(content, 'accessToken')
  const expiresAt = instantOf(textIn(content, 'expiresAt'))
  if (isHeaderText(accessToken) && expiresAt !== undefined) {
    return { accessToken, expiresAtMs: expiresAt.getTime() }
  }
  const lacking = isHeaderText(accessToken) ? 'a date expiresAt' : 'a usable accessToken'
  throw new CredentialsError(
    `${login.described} has no usable token: the file ${path} lacks ${lacking}; ${remedy(login)}`,
  )
}

async function freshToken(
  login: SsoLogin,
  path: string,
  refreshUrl: () => string,
  context: ProviderContext,
): Promise<SsoToken> {
  const file = await readCacheOf(login, path)
  const token = tokenIn(file, login)
  const nowMs = context.clock.now()
  if (token.expiresAtMs - nowMs > REFRESH_WINDOW_MS) return token

  const last = attempts.get(path)
  if (last !== undefined && Math.abs(nowMs - last.atMs) < REFRESH_PAUSE_MS) {
    return orExpired(token, login, context, last.failure)
  }
  attempts.set(path, { atMs: nowMs })
  try {
    return await refreshToken(file, login.profile, refreshUrl, context)
  } catch (error) {
    const failure = messageOf(error) ?? 'unknown error'
    attempts.set(path, { atMs: nowMs, failure })
    // A refresh token works once: another process may have been the one to use it.
    const latest = await readCacheFile(path)
      .then(read => tokenIn(read, login))
      .catch(() => token)
    return orExpired(latest, login, context, failure, error)
  }
}

function orExpired(
  token: SsoToken,
  login: SsoLogin,
  { clock }: ProviderContext,
  failure: string | undefined,
  cause?: unknown,
): SsoToken {
  if (token.expiresAtMs > clock.now()) return token
  throw expired(login, failure, cause)
}

async function refreshToken(
  file: CacheFile,
  profile: string,
  refreshUrl: () => string,
  context: ProviderContext,
): Promise<SsoToken> {
  const { content } = file
  const clientId = textIn(content, 'clientId')
  const clientSecret = textIn(content, 'clientSecret')
  const usedRefreshToken = textIn(content, 'refreshToken')
  if (clientId === undefined || clientSecret === undefined || usedRefreshToken === undefined) {
    throw new CredentialsError(`the file ${file.path} has not all of clientId, clientSecret and refreshToken`)
  }
  const name = 'sso-oidc:CreateToken'
  const answer = await callForJson(
    {
      name,
      method: 'POST',
      profile,
      url: refreshUrl(),
      headers: () => [['content-type', 'application/json']],
      body: JSON.stringify({
        clientId,
        clientSecret,
        grantType: 'refresh_token',
        refreshToken: usedRefreshToken,
      }),
      secrets: [clientSecret, usedRefreshToken, textIn(content, 'accessToken') ?? ''],
    },
    context,
  )
  const accessToken = textIn(answer, 'accessToken')
  const expiresAt = instantAfter(context.clock.now(), answer['expiresIn'])
  if (!isHeaderText(accessToken) || expiresAt === undefined) {
    throw new CredentialsError(`the answer of ${name} lacks a usable accessToken or expiresIn`)
  }
  await updateCacheFile(file, {
    ...content,
    accessToken,
    expiresAt: expiresAt.toISOString(),
    refreshToken: textIn(answer, 'refreshToken') ?? usedRefreshToken,
  })
  return { accessToken, expiresAtMs: expiresAt.getTime() }
}

function expired(login: SsoLogin, failure?: string, cause?: unknown): CredentialsError {
  const reason = failure === undefined ? '' : ` and could not be refreshed (${failure})`
  return new CredentialsError(
    `the token of ${login.described} has expired${reason}; ${remedy(login)}`,
    cause === undefined ? {} : { cause },
  )
}

function remedy({ loginCommand }: SsoLogin): string {
  return `run "${loginCommand}"`
}
