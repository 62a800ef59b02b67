import { callUrl } from '../config/service-endpoint.ts'
import { selectedProfile, type SharedConfig } from '../config/shared-config.ts'
import { CredentialsError, DynamoDBSessionsError } from '../../errors.ts'
import type { CredentialProvider, Credentials } from '../../types.ts'
import { isCredentials } from '../config/credentials-shape.ts'
import { callForJson, type JsonObject, objectIn, operationUrl } from './json-call.ts'
import { readSharedConfig } from './profile-config.ts'
import { contextOf, type ProviderContext, type ProviderOptions } from './provider-context.ts'
import { aText, checkedOptions, type OptionKinds } from './provider-options.ts'
import { ServiceCallError } from './service-call.ts'
import { type SsoParameters, type SsoSettings, ssoSettings } from './sso-settings.ts'
import { type SsoLogin, ssoAccessToken } from './sso-token.ts'

/** Options of {@link fromSSO}. When none but `profile` is given, the profile says everything. */
export interface FromSSOOptions extends ProviderOptions, SsoParameters {
  /**
   * Profile with the SSO properties. It also says which endpoints are configured.
   *
   * @default `AWS_PROFILE`, else `default`
   */
  readonly profile?: string | undefined
}

const optionKinds: OptionKinds<FromSSOOptions> = {
  profile: aText,
  ssoStartUrl: aText,
  ssoAccountId: aText,
  ssoRegion: aText,
  ssoRoleName: aText,
  ssoSession: aText,
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
  const context = contextOf(checkedOptions('fromSSO', options, optionKinds))
  return () => ssoRoleCredentials(options, context)
}

async function ssoRoleCredentials(options: FromSSOOptions, context: ProviderContext): Promise<Credentials> {
  const { environment } = context
  const { name: profile } = selectedProfile(environment, options.profile)
  const config = await readSharedConfig(context)
  const settings = ssoSettings(options, profile, config, context)
  const login = ssoLogin(settings, profile, config, context)
  const accessToken = await ssoAccessToken(login, context)
  const query = `role_name=${encoded(settings.roleName)}&account_id=${encoded(settings.accountId)}`
  const url = operationUrl(
    'sso',
    () => callUrl('sso', settings.region, environment, config, profile),
    `federation/credentials?${query}`,
  )
  const role = `the role "${settings.roleName}" in the account ${settings.accountId} (${settings.source})`
  const answer = await roleCredentialsAnswer(url, accessToken, role, login, context)
  return credentialsIn(answer, role, settings)
}

function ssoLogin(
  { session, startUrl, region, source }: SsoSettings,
  profile: string,
  config: SharedConfig,
  { environment }: ProviderContext,
): SsoLogin {
  if (session === undefined) {
    return {
      profile,
      cacheKey: startUrl,
      described: `the SSO log-in of ${source}`,
      loginCommand: `aws sso login --profile ${profile}`,
      refreshUrl: undefined,
    }
  }
  return {
    profile,
    cacheKey: session,
    described: `the SSO session "${session}"`,
    loginCommand: `aws sso login --sso-session ${session}`,
    refreshUrl: () =>
      operationUrl('sso_oidc', () => callUrl('sso_oidc', region, environment, config, profile), 'token'),
  }
}

async function roleCredentialsAnswer(
  url: string,
  accessToken: string,
  role: string,
  { loginCommand, profile }: SsoLogin,
  context: ProviderContext,
): Promise<JsonObject> {
  try {
    return await callForJson(
      {
        name: 'sso:GetRoleCredentials',
        method: 'GET',
        profile,
        url,
        headers: [['x-amz-sso_bearer_token', accessToken]],
        body: '',
        secrets: [accessToken],
      },
      context,
    )
  } catch (error) {
    if (!(error instanceof ServiceCallError || error instanceof DynamoDBSessionsError)) throw error
    const remedy = error instanceof ServiceCallError ? remedyFor(error.failure.statusCode, loginCommand) : ''
    throw new CredentialsError(`SSO gave no credentials for ${role}: ${error.message}${remedy}`, {
      cause: error,
    })
  }
}

function remedyFor(statusCode: number, loginCommand: string): string {
  if (statusCode === 401) return `; the log-in is no longer valid: run "${loginCommand}"`
  if (statusCode === 403 || statusCode === 404)
    return '; check that the user is assigned this role in this account'
  return ''
}

function credentialsIn(answer: JsonObject, role: string, { accountId }: SsoSettings): Credentials {
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = objectIn(answer, 'roleCredentials') ?? {}
  const credentials = {
    accessKeyId,
    secretAccessKey,
    sessionToken,
    expiration: typeof expiration === 'number' && expiration > 0 ? new Date(expiration) : undefined,
    accountId,
  }
  const isComplete = sessionToken !== undefined && credentials.expiration !== undefined
  if (isComplete && isCredentials(credentials)) return credentials
  throw new CredentialsError(
    `SSO gave no usable credentials for ${role}: the answer lacks a usable accessKeyId, secretAccessKey, sessionToken ` +
      'or expiration',
  )
}

/** Percent-encodes everything that RFC 3986 does not leave free. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
