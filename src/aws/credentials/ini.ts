import { CredentialsError } from '../../errors.ts'
import type { CredentialProvider, Credentials } from '../../types.ts'
import type { ConfigSection } from '../config/config-file.ts'
import { askedOnce } from './cached-provider.ts'
import {
  absentProfileMessage,
  contextOf,
  type FoundProfile,
  rows,
  notConfigured,
  type ProviderRows,
  profileTitle,
  type ProviderContext,
  type ProviderOptions,
  readProfile,
  SSO_PROPERTIES,
} from './provider.ts'
import type { AssumeRoleParams, FromTokenFileOptions, MfaCodeProvider, StsClientConfig } from './sts.ts'

/** Options of {@link fromIni}. */
export interface FromIniOptions extends ProviderOptions {
  /**
   * Profile to take the credentials from.
   *
   * @default `AWS_PROFILE`, else `default`
   */
  readonly profile?: string | undefined
  /**
   * Asked for the code of the device that `mfa_serial` names, at each call.
   *
   * @default none: a profile with `mfa_serial` cannot be used
   */
  readonly mfaCodeProvider?: MfaCodeProvider | undefined
  /**
   * Settings of the client that calls STS. They win over the profile's own.
   *
   * @default the region and the endpoint that the profile and the environment name
   */
  readonly clientConfig?: StsClientConfig | undefined
  /**
   * Region of the client that the credentials are for. STS is called there when the profile names no region.
   *
   * @default `AWS_REGION`, else `AWS_DEFAULT_REGION`, else the region of the profile that `AWS_PROFILE` names, else
   * `us-east-1`
   */
  readonly region?: string | undefined
}

const optionRows: ProviderRows<FromIniOptions> = {
  profile: rows.text,
  mfaCodeProvider: rows.callback,
  clientConfig: rows.stsClientConfig,
  region: rows.text,
}

/**
 * Credentials of a profile in the shared configuration files, in any form that a profile can have: static keys, a role
 * with `source_profile` or `credential_source`, chains of roles, web identity, `credential_process`, SSO, and the
 * `login_session` of `aws login`.
 *
 * The files are read at each call. Only the code that the profile's form needs is loaded. A role is assumed with
 * `external_id`, `duration_seconds` (3600 if unset), `role_session_name` and `mfa_serial` as the profile has them.
 *
 * @returns a provider that throws {@link CredentialsError}: a chain goes on when the profile says nothing about
 *   credentials, or when nobody named a profile and `default` is absent or cannot be used. It stops when a profile that
 *   was named is absent or cannot be used, and when a service or a device refuses. It does not cache: a `SessionStore`
 *   does.
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
 */
export function fromIni(options: FromIniOptions = {}): CredentialProvider {
  const context = contextOf('fromIni', options, optionRows)
  // Kept from call to call: the provider of the instance remembers what it handed out.
  const sources = new Map<string, Promise<CredentialProvider>>()
  return askedOnce(options.mfaCodeProvider !== undefined, async () => {
    const found = await readProfile(context, options.profile)
    const { explicit, profile, section } = found
    if (section === undefined) {
      throw new CredentialsError(absentProfileMessage(found), { tryNextProvider: !explicit })
    }
    if (formOfProfile(section, false).kind === 'none') {
      throw notConfigured(`${profileTitle(profile)} says nothing about credentials`)
    }
    return new ProfileSearch(found, options, context, sources).credentialsOf(profile, [])
  })
}

/**
 * One search for the credentials of a profile, which may lead through other profiles.
 *
 * A profile that cannot be used (it refers to one that is not there, its source or its process has nothing to give)
 * stops a chain of providers when somebody has named it; the implicit `default` lets it go on, as in the AWS SDK.
 * What a service or a device refuses stops it in any case.
 */
class ProfileSearch {
  readonly #found: FoundProfile
  readonly #mfaCodeProvider: MfaCodeProvider | undefined
  readonly #clientConfig: StsClientConfig
  readonly #context: ProviderContext
  readonly #sources: Map<string, Promise<CredentialProvider>>

  /** @param sources providers behind `credential_source` by its value, kept from one search to the next. */
  constructor(
    found: FoundProfile,
    { mfaCodeProvider, clientConfig, region }: FromIniOptions,
    context: ProviderContext,
    sources: Map<string, Promise<CredentialProvider>>,
  ) {
    this.#found = found
    this.#mfaCodeProvider = mfaCodeProvider
    this.#clientConfig = {
      region: clientConfig?.region ?? found.section?.get('region') ?? region,
      profile: clientConfig?.profile ?? found.profile,
    }
    this.#context = context
    this.#sources = sources
  }

  /**
   * @param visited the profiles that were reached as the source of another one.
   * @throws {CredentialsError} when the profile, or one that it refers to, gives no credentials.
   */
  async credentialsOf(name: string, visited: readonly string[]): Promise<Credentials> {
    const context = this.#context
    const clientConfig = this.#clientConfig
    const section = this.#found.config.profiles.get(name)
    if (section === undefined) {
      const message = absentProfileMessage({ ...this.#found, profile: name })
      throw this.#unusable(`${message} (${this.#wayTo(visited)})`)
    }
    const form = formOfProfile(section, visited.length > 0)
    switch (form.kind) {
      case 'static':
        return staticCredentials(name, section)
      case 'role':
        return this.#assumeRole(form.params, form.source, name, visited)
      case 'source':
        return this.#sourceCredentials(form.source, name, visited)
      case 'web-identity': {
        const { fromTokenFile } = await import('./sts.ts')
        return this.#ask(name, fromTokenFile({ ...form.role, clientConfig, context }))
      }
      case 'process': {
        const { fromProcess } = await import('./process.ts')
        return this.#ask('', fromProcess({ profile: name, context }))
      }
      case 'sso': {
        const { fromSSO } = await import('./sso.ts')
        return this.#ask(name, fromSSO({ profile: name, context }), true)
      }
      case 'login': {
        const { fromLoginCredentials } = await import('./login.ts')
        const { region } = clientConfig
        return this.#ask(name, fromLoginCredentials({ profile: name, region, context }), true)
      }
      case 'refused':
        throw new CredentialsError(`${profileTitle(name)} ${form.reason}`)
      case 'broken':
        throw this.#unusable(`${profileTitle(name)} ${form.reason}`)
      case 'none':
        throw this.#unusable(`${profileTitle(name)} says nothing about credentials (${this.#wayTo(visited)})`)
    }
  }

  async #assumeRole(
    params: AssumeRoleParams,
    source: RoleSource,
    name: string,
    visited: readonly string[],
  ): Promise<Credentials> {
    if (params.SerialNumber !== undefined && this.#mfaCodeProvider === undefined) {
      throw new CredentialsError(
        `${profileTitle(name)} requires multi-factor authentication with the device ${params.SerialNumber}; ` +
          'pass mfaCodeProvider to fromIni',
      )
    }
    const credentials = await this.#sourceCredentials(source, name, visited)
    return this.#ask(name, async () => {
      const { assumeRole, stsEndpoint } = await import('./sts.ts')
      const endpoint = stsEndpoint(this.#context, this.#found.config, this.#clientConfig)
      return assumeRole(params, credentials, endpoint, this.#mfaCodeProvider, this.#context)
    })
  }

  async #sourceCredentials(
    source: RoleSource,
    name: string,
    visited: readonly string[],
  ): Promise<Credentials> {
    if (source.kind === 'profile') {
      const way = [...visited, source.name]
      if (!visited.includes(source.name)) return this.credentialsOf(source.name, way)
      throw this.#unusable(
        `the source_profile properties go round in a circle (${this.#wayTo(way)}); one of these profiles needs ` +
          'credentials of its own',
      )
    }
    const provider = this.#sources.get(source.name) ?? this.#loadProvider(source.name)
    this.#sources.set(source.name, provider)
    return this.#ask(name, async () => (await provider)())
  }

  async #loadProvider(credentialSource: string): Promise<CredentialProvider> {
    const context = this.#context
    switch (credentialSource) {
      case 'Environment':
        return (await import('./env.ts')).fromEnv({ context })
      case 'Ec2InstanceMetadata': {
        const { fromInstanceMetadata } = await import('./instance-metadata.ts')
        return fromInstanceMetadata({ profile: this.#found.profile, context })
      }
      case 'EcsContainer':
        return (await import('./container.ts')).fromContainerMetadata({ context })
      default:
        return () => {
          throw notConfigured(
            `the credential_source ${JSON.stringify(credentialSource)} is none of Environment, Ec2InstanceMetadata and ` +
              'EcsContainer',
          )
        }
    }
  }

  /**
   * What a provider finds for a profile, and its failures in the words of this search.
   *
   * @param name of the profile; empty for the process of one, whose failure names it and makes the profile unusable,
   *   whichever it is on the way.
   * @param namesProfile whether the provider names the profile, too, in all but the mildest of its failures.
   */
  async #ask(name: string, provider: CredentialProvider, namesProfile = false): Promise<Credentials> {
    try {
      return await provider()
    } catch (error) {
      if (!(error instanceof CredentialsError)) throw error
      if (name === '') throw this.#unusable(error.message, error)
      if (namesProfile && !error.tryNextProvider) throw error
      const message = `${profileTitle(name)}: ${error.message}`
      if (error.tryNextProvider) throw this.#unusable(message, error)
      throw new CredentialsError(message, { cause: error })
    }
  }

  #unusable(message: string, cause?: CredentialsError): CredentialsError {
    return new CredentialsError(message, { ...(cause && { cause }), tryNextProvider: !this.#found.explicit })
  }

  /** From which profile to which the search went. */
  #wayTo(visited: readonly string[]): string {
    return [this.#found.profile, ...visited].map(name => JSON.stringify(name)).join(' -> ')
  }
}

function staticCredentials(name: string, profile: ConfigSection): Credentials {
  const checked = (property: string): string => {
    const value = profile.get(property) ?? ''
    // Quotation marks are no part of a value in these files; AWS would only say that the key does not exist.
    if (/^[\x21-\x7e]+$/.test(value) && !/["']/.test(value)) return value
    throw new CredentialsError(
      `${property} of ${profileTitle(name)} contains blanks, quotation marks or other characters that no key has`,
    )
  }
  const isSet = (property: string): boolean => (profile.get(property) ?? '') !== ''
  return {
    accessKeyId: checked('aws_access_key_id'),
    secretAccessKey: checked('aws_secret_access_key'),
    ...(isSet('aws_session_token') && { sessionToken: checked('aws_session_token') }),
    ...(isSet('aws_account_id') && { accountId: checked('aws_account_id') }),
  }
}

/** Where the credentials come from that a role is assumed with. */
interface RoleSource {
  readonly kind: 'profile' | 'credential-source'
  readonly name: string
}

/** What a profile says about credentials, in one of the forms that there are. */
export type ProfileForm =
  | { readonly kind: 'static' | 'process' | 'sso' | 'login' }
  | { readonly kind: 'role'; readonly params: AssumeRoleParams; readonly source: RoleSource }
  | { readonly kind: 'source'; readonly source: RoleSource }
  | {
      readonly kind: 'web-identity'
      readonly role: Pick<FromTokenFileOptions, 'roleArn' | 'roleSessionName' | 'webIdentityTokenFile'>
    }
  /**
   * `broken`: it is about credentials, but none of the forms is complete. `refused`: it is complete, and a value in it is one
   * that STS refuses. The reason continues "the profile "x" ...".
   */
  | { readonly kind: 'broken' | 'refused'; readonly reason: string }
  /** It is about something else, such as a region. */
  | { readonly kind: 'none' }

const DEFAULT_DURATION_SECONDS = 3600

/** Properties that are of no use without others. */
const INCOMPLETE: readonly (readonly [has: string, lacks: string])[] = [
  ['aws_access_key_id', 'aws_secret_access_key'],
  ['aws_secret_access_key', 'aws_access_key_id'],
  ['aws_session_token', 'keys'],
  ['web_identity_token_file', 'role_arn'],
  ['source_profile', 'role_arn'],
  ['credential_source', 'role_arn'],
]

/**
 * Decides which form of credentials a profile has, in the order of the AWS SDK for JavaScript: a role with a source,
 * static keys, web identity, a credential process, SSO, a log-in session.
 *
 * A role without a source of credentials, or with two, gives way to a later form, as in that SDK: tools that write
 * ready keys leave the role that they are for beside them. Without a later form the profile is broken.
 *
 * @param asSource whether another profile takes its credentials from this one. Then static keys come first, and a
 *   `credential_source` needs no role.
 */
export function formOfProfile(profile: ConfigSection, asSource: boolean): ProfileForm {
  const property = (name: string): string | undefined => profile.get(name) || undefined
  const has = (name: string): boolean => property(name) !== undefined
  const isStatic = has('aws_access_key_id') && has('aws_secret_access_key')
  const roleArn = property('role_arn')
  const roleSessionName = property('role_session_name')
  const webIdentityTokenFile = property('web_identity_token_file')
  const sources: RoleSource[] = []
  for (const kind of ['profile', 'credential-source'] as const) {
    const name = property(kind === 'profile' ? 'source_profile' : 'credential_source')
    if (name !== undefined) sources.push({ kind, name })
  }
  const [source, otherSource] = sources

  if (asSource && isStatic) return { kind: 'static' }
  if (roleArn !== undefined && source !== undefined && otherSource === undefined) {
    const duration = property('duration_seconds')
    if (duration !== undefined && !/^[1-9]\d{0,8}$/.test(duration)) {
      return { kind: 'refused', reason: 'has a duration_seconds that is not a whole number of seconds' }
    }
    const params = {
      RoleArn: roleArn,
      RoleSessionName: roleSessionName,
      ExternalId: property('external_id'),
      DurationSeconds: Number(duration ?? DEFAULT_DURATION_SECONDS),
      SerialNumber: property('mfa_serial'),
    }
    return { kind: 'role', params, source }
  }
  if (asSource && source?.kind === 'credential-source') return { kind: 'source', source }
  if (isStatic) return { kind: 'static' }
  if (webIdentityTokenFile !== undefined && roleArn !== undefined) {
    return { kind: 'web-identity', role: { roleArn, roleSessionName, webIdentityTokenFile } }
  }
  if (has('credential_process')) return { kind: 'process' }
  if (SSO_PROPERTIES.some(has)) return { kind: 'sso' }
  if (has('login_session')) return { kind: 'login' }
  if (roleArn !== undefined) {
    const reason =
      otherSource === undefined
        ? 'has role_arn and nothing to assume the role with; add source_profile, credential_source or ' +
          'web_identity_token_file'
        : 'has both source_profile and credential_source for its role_arn; remove one of them'
    return { kind: 'broken', reason }
  }
  const incomplete = INCOMPLETE.find(([name]) => has(name))
  if (incomplete === undefined) return { kind: 'none' }
  return { kind: 'broken', reason: `has ${incomplete[0]} and no ${incomplete[1]}` }
}
