import type { ConfigSection, SharedConfig } from '../config/shared-config.ts'
import { CredentialsError } from '../../errors.ts'
import { isHostLabel } from '../config/partitions.ts'
import { absentProfileMessage, profileTitle } from './profile-config.ts'
import type { ProviderContext } from './provider-context.ts'

/** What identifies an SSO role, in the option names of the AWS SDK. */
export interface SsoParameters {
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
}

/** Everything that has to be known to get credentials for an SSO role. */
export interface SsoSettings {
  readonly startUrl: string
  readonly accountId: string
  readonly region: string
  readonly roleName: string
  /** Name of the `sso-session`; `undefined` in the older form. */
  readonly session: string | undefined
  /** Where the settings come from, for error messages: `the profile "dev"`. */
  readonly source: string
}

const PROFILE_KEYS = [
  'sso_session',
  'sso_start_url',
  'sso_account_id',
  'sso_region',
  'sso_role_name',
] as const

/**
 * Finds the settings: in the options when any of them is given, else in the profile. Both may name an `sso-session`,
 * which has the start URL and the region; in a profile these win over its own.
 *
 * @throws {CredentialsError} when something is missing. A chain goes on when there is no such profile or nothing in it
 *   is about SSO.
 */
export function ssoSettings(
  options: SsoParameters,
  profile: string,
  config: SharedConfig,
  context: ProviderContext,
): SsoSettings {
  const { ssoStartUrl, ssoAccountId, ssoRegion, ssoRoleName, ssoSession } = options
  const given = [ssoStartUrl, ssoAccountId, ssoRegion, ssoRoleName, ssoSession]
  return given.every(value => value === undefined || value === '')
    ? settingsOfProfile(profile, config, context)
    : settingsOfOptions(options, config)
}

function settingsOfProfile(name: string, config: SharedConfig, context: ProviderContext): SsoSettings {
  const source = profileTitle(name)
  const profile = config.profiles.get(name)
  if (profile === undefined || !PROFILE_KEYS.some(key => profile.has(key))) {
    throw new CredentialsError(
      profile === undefined
        ? absentProfileMessage(name, context, config)
        : `${source} has no sso_ properties`,
      { tryNextProvider: true },
    )
  }
  const session = propertyOf(profile, 'sso_session')
  const section = session === undefined ? profile : sessionSection(session, source, config)
  const sectionSource = session === undefined ? source : `the section "sso-session ${session}"`
  return {
    accountId: required(profile, 'sso_account_id', source),
    roleName: required(profile, 'sso_role_name', source),
    startUrl: required(section, 'sso_start_url', sectionSource),
    region: validRegion(required(section, 'sso_region', sectionSource), `sso_region of ${sectionSource}`),
    session,
    source,
  }
}

function settingsOfOptions(options: SsoParameters, config: SharedConfig): SsoSettings {
  const source = 'the options of fromSSO'
  const session = filled(options.ssoSession)
  const needsSection =
    session !== undefined && (filled(options.ssoStartUrl) ?? filled(options.ssoRegion)) === undefined
  const section = needsSection
    ? sessionSection(session, source, config)
    : config.ssoSessions.get(session ?? '')
  const startUrl = filled(options.ssoStartUrl) ?? propertyOf(section, 'sso_start_url')
  const region = filled(options.ssoRegion) ?? propertyOf(section, 'sso_region')
  const accountId = filled(options.ssoAccountId)
  const roleName = filled(options.ssoRoleName)
  if (startUrl === undefined || region === undefined || accountId === undefined || roleName === undefined) {
    throw new CredentialsError(
      `${source} are incomplete: without a profile, ssoAccountId, ssoRoleName and either ssoStartUrl with ssoRegion ` +
        'or the ssoSession of a complete sso-session section are needed',
    )
  }
  return { accountId, roleName, startUrl, region: validRegion(region, 'the ssoRegion'), session, source }
}

function sessionSection(session: string, source: string, config: SharedConfig): ConfigSection {
  const section = config.ssoSessions.get(session)
  if (section !== undefined) return section
  throw new CredentialsError(
    `${source} name${source.startsWith('the options') ? '' : 's'} the sso_session ${JSON.stringify(session)}, but ` +
      `the AWS config file has no section [sso-session ${session}]`,
  )
}

function required(section: ConfigSection, key: string, source: string): string {
  const value = propertyOf(section, key)
  if (value !== undefined) return value
  throw new CredentialsError(
    `${source} has no ${key}; add it to the AWS config file or run "aws configure sso"`,
  )
}

/** The region becomes a part of the host that tokens are sent to. */
function validRegion(region: string, source: string): string {
  if (isHostLabel(region)) return region
  throw new CredentialsError(`${source} is not the name of a region such as eu-west-1`)
}

function propertyOf(section: ConfigSection | undefined, key: string): string | undefined {
  return filled(section?.get(key))
}

function filled(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}
