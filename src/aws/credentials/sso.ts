import { createHash } from 'node:crypto'
import { join } from 'node:path'

import { CredentialsError } from '../../errors.ts'
import type { JsonObject } from '../../internal/core-objects.ts'
import type { CredentialProvider, Credentials } from '../../types.ts'
import { homeDirectory } from '../config/environment.ts'
import { isHostLabel } from '../config/region-names.ts'
import type { ConfigSection } from '../config/config-file.ts'
import type { SettingsSource } from '../config/shared-config.ts'
import type { ServiceFailure } from '../http/retry.ts'
import { isHeaderText } from '../sigv4/sign.ts'
import { type CachedLogin, cachedToken } from './cache-file.ts'
import { instantAfter, objectIn, temporaryCredentials, textIn } from './credentials-document.ts'
import {
  contextOf,
  type FoundProfile,
  instantOf,
  rows,
  notInProfile,
  type ProviderRows,
  profileTitle,
  type ProviderContext,
  type ProviderOptions,
  readProfile,
  SSO_PROPERTIES,
} from './provider.ts'
import { callForJson, failing, operationUrl } from './service-call.ts'

/** Options of {@link fromSSO}. When none but `profile` is given, the profile says everything. */
export interface FromSSOOptions extends ProviderOptions {
  /**
   * URL of the AWS access portal.
   *
   * @default `sso_start_url` of the `sso-session`, where `ssoSession` names one
   */
  readonly ssoStartUrl?: string | undefined
  /** ID of the account to get credentials for. */
  readonly ssoAccountId?: string | undefined
  /**
   * Region of IAM Identity Center.
   *
   * @default `sso_region` of the `sso-session`, where `ssoSession` names one
   */
  readonly ssoRegion?: string | undefined
  /** Name of the role (permission set) to get credentials for. */
  readonly ssoRoleName?: string | undefined
  /**
   * Name of the `sso-session` whose log-in is used. Without it, the log-in is that of the start URL alone, which is
   * not refreshed.
   */
  readonly ssoSession?: string | undefined
  /**
   * Profile with the SSO properties. It also says which endpoints are configured.
   *
   * @default `AWS_PROFILE`, else `default`
   */
  readonly profile?: string | undefined
}

const optionRows: ProviderRows<FromSSOOptions> = {
  profile: rows.text,
  ssoStartUrl: rows.text,
  ssoAccountId: rows.text,
  ssoRegion: rows.text,
  ssoRoleName: rows.text,
  ssoSession: rows.text,
}

/**
 * Credentials of a role in AWS IAM Identity Center, with the log-in that `aws sso login` made.
 *
 * A profile names an `sso-session`, or has `sso_start_url` and `sso_region` itself (the older form); both need
 * `sso_account_id` and `sso_role_name`. The log-in of an `sso-session` is refreshed in its last five minutes, once
 * in 30 s at most, and written back to its cache file; one of the older form is not. The configuration files and the
 * cache file are read at each call.
 *
 * @returns a provider that throws {@link CredentialsError}: a chain goes on when the profile does not exist or has
 *   nothing about SSO, and stops at every other failure. It does not cache.
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
 */
export function fromSSO(options: FromSSOOptions = {}): CredentialProvider {
  const context = contextOf('fromSSO', options, optionRows)
  return () => ssoRoleCredentials(options, context)
}

async function ssoRoleCredentials(options: FromSSOOptions, context: ProviderContext): Promise<Credentials> {
  const found = await readProfile(context, options.profile)
  const settings = ssoSettings(options, found)
  const { accountId, region, roleName, source } = settings
  const login = loginOf(settings, found, context)
  const { accessToken, expiresAtMs } = await cachedToken(login, context.clock)
  if (expiresAtMs <= context.clock.now()) {
    throw new CredentialsError(`the token of ${login.described} has expired; ${login.remedy}`)
  }
  const query = `role_name=${encoded(roleName)}&account_id=${encoded(accountId)}`
  const role = `the role "${roleName}" in the account ${accountId} (${source})`
  const response = await callForJson(
    {
      name: 'sso:GetRoleCredentials',
      settings: found,
      url: operationUrl('sso', region, found, `federation/credentials?${query}`),
      headers: () => [['x-amz-sso_bearer_token', accessToken]],
      secrets: [accessToken],
    },
    context,
  ).catch(failing(`SSO gave no credentials for ${role}`, failure => remedyFor(failure, login.remedy)))
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = objectIn(response, 'roleCredentials')
  const ends = typeof expiration === 'number' && expiration > 0 ? new Date(expiration) : undefined
  const credentials = temporaryCredentials({
    accessKeyId,
    secretAccessKey,
    sessionToken,
    expiration: ends,
    accountId,
  })
  if (credentials !== undefined) return credentials
  throw new CredentialsError(
    `SSO gave no usable credentials for ${role}: the response lacks a usable accessKeyId, secretAccessKey, sessionToken ` +
      'or expiration',
  )
}

function remedyFor({ statusCode }: ServiceFailure, remedy: string): string {
  if (statusCode === 401) return `; the log-in is no longer valid: ${remedy}`
  const isForbidden = statusCode === 403 || statusCode === 404
  return isForbidden ? '; check that the user is assigned this role in this account' : ''
}

/** Percent-encodes everything that RFC 3986 does not leave free. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** Everything that has to be known to get credentials for an SSO role. */
interface SsoSettings {
  readonly startUrl: string
  readonly accountId: string
  readonly region: string
  readonly roleName: string
  /** Name of the `sso-session`; `undefined` in the older form. */
  readonly session: string | undefined
  /** Where the settings come from, for error messages: `the profile "dev"`. */
  readonly source: string
}

/**
 * Finds the settings: in the options when any of them is given, else in the profile. Both may name an `sso-session`,
 * which has the start URL and the region; in a profile these win over its own, and options win over these.
 *
 * @throws {CredentialsError} when something is missing. A chain goes on when there is no such profile or nothing in it
 *   is about SSO.
 */
function ssoSettings(options: FromSSOOptions, found: FoundProfile): SsoSettings {
  const { ssoStartUrl, ssoAccountId, ssoRegion, ssoRoleName, ssoSession } = options
  const given = new Map<string, string>()
  for (const [key, value] of Object.entries({
    sso_session: ssoSession,
    sso_start_url: ssoStartUrl,
    sso_region: ssoRegion,
    sso_account_id: ssoAccountId,
    sso_role_name: ssoRoleName,
  })) {
    if (value) given.set(key, value)
  }
  const isGiven = given.size > 0
  const own = isGiven ? given : found.section
  if (!SSO_PROPERTIES.some(key => own?.has(key))) throw notInProfile(found, 'sso_ properties')
  const source = isGiven ? 'the options of fromSSO' : profileTitle(found.profile)
  const session = own?.get('sso_session')
  const section = session === undefined ? own : found.config.ssoSessions.get(session)
  if (section === undefined && !given.has('sso_start_url') && !given.has('sso_region')) {
    throw new CredentialsError(
      `${source} ${isGiven ? 'name' : 'names'} the sso_session ${JSON.stringify(session)}, but the AWS config file has no ` +
        `section [sso-session ${session}]`,
    )
  }
  const sectionSource = session === undefined ? source : `the section "sso-session ${session}"`
  const required = (key: string, where: ConfigSection | undefined, title: string): string => {
    const value = given.get(key) ?? where?.get(key)
    if (value !== undefined) return value
    throw new CredentialsError(
      isGiven
        ? `${source} are incomplete: without a profile, ssoAccountId, ssoRoleName and either ssoStartUrl with ssoRegion ` +
            'or the ssoSession of a complete sso-session section are needed'
        : `${title} has no ${key}; add it to the AWS config file or run "aws configure sso"`,
    )
  }
  const accountId = required('sso_account_id', own, source)
  const roleName = required('sso_role_name', own, source)
  const startUrl = required('sso_start_url', section, sectionSource)
  const region = required('sso_region', section, sectionSource)
  // The region becomes a part of the host that tokens are sent to.
  if (isHostLabel(region)) return { startUrl, accountId, region, roleName, session, source }
  const named = isGiven ? 'the ssoRegion' : `sso_region of ${sectionSource}`
  throw new CredentialsError(`${named} is not the name of a region such as eu-west-1`)
}

interface SsoToken {
  readonly accessToken: string
  readonly expiresAtMs: number
}

const REFRESH_PAUSE_MS = 30_000

/** The latest refresh of each log-in, by its file. */
const attempts = new Map<string, { readonly atMs: number; readonly outcome: Promise<JsonObject> }>()

/** The log-in that `aws sso login` made. That of the older form knows no refresh. */
function loginOf(
  { session, startUrl, region, source }: SsoSettings,
  found: FoundProfile,
  context: ProviderContext,
): CachedLogin<SsoToken> {
  const name = createHash('sha1')
    .update(session ?? startUrl)
    .digest('hex')
  const path = join(homeDirectory(context.environment), '.aws', 'sso', 'cache', `${name}.json`)
  const described = session === undefined ? `the SSO log-in of ${source}` : `the SSO session "${session}"`
  const refresh = async (_: SsoToken, content: JsonObject): Promise<JsonObject | undefined> => {
    const atMs = context.clock.now()
    const last = attempts.get(path)
    if (last !== undefined && Math.abs(atMs - last.atMs) < REFRESH_PAUSE_MS) {
      await last.outcome
      return undefined
    }
    const outcome = refreshed(content, path, region, found, context)
    attempts.set(path, { atMs, outcome })
    return outcome
  }
  return {
    path,
    described,
    absent: 'is not logged in',
    unusable: 'has no usable token',
    remedy: `run "aws sso login ${session === undefined ? `--profile ${found.profile}` : `--sso-session ${session}`}"`,
    tokenIn,
    ...(session !== undefined && { refresh }),
    notRefreshed: reason => `the token of ${described} has expired and could not be refreshed (${reason});`,
  }
}

function tokenIn(content: JsonObject): SsoToken | string {
  const accessToken = textIn(content, 'accessToken')
  const expiresAt = instantOf(textIn(content, 'expiresAt'))
  if (!isHeaderText(accessToken)) return 'a usable accessToken'
  return expiresAt === undefined ? 'a date expiresAt' : { accessToken, expiresAtMs: expiresAt.getTime() }
}

async function refreshed(
  content: JsonObject,
  path: string,
  region: string,
  settings: SettingsSource,
  context: ProviderContext,
): Promise<JsonObject> {
  const [clientId, clientSecret, refreshToken] = ['clientId', 'clientSecret', 'refreshToken'].map(name =>
    textIn(content, name),
  )
  if (clientId === undefined || clientSecret === undefined || refreshToken === undefined) {
    throw new CredentialsError(`the file ${path} has not all of clientId, clientSecret and refreshToken`)
  }
  const name = 'sso-oidc:CreateToken'
  const answer = await callForJson(
    {
      name,
      settings,
      url: operationUrl('sso_oidc', region, settings, 'token'),
      input: { clientId, clientSecret, grantType: 'refresh_token', refreshToken },
      secrets: [clientSecret, refreshToken, textIn(content, 'accessToken') ?? ''],
    },
    context,
  )
  const { accessToken } = answer
  const expiresAt = instantAfter(context.clock.now(), answer['expiresIn'])
  if (!isHeaderText(accessToken) || expiresAt === undefined) {
    throw new CredentialsError(`the response of ${name} lacks a usable accessToken or expiresIn`)
  }
  return {
    ...content,
    accessToken,
    expiresAt: expiresAt.toISOString(),
    refreshToken: textIn(answer, 'refreshToken') ?? refreshToken,
  }
}
