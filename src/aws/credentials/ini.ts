import type { ConfigSection, SharedConfig } from '../config/shared-config.ts'
import { CredentialsError } from '../../errors.ts'
import type { CredentialProvider, Credentials } from '../../types.ts'
import {
  contextOf,
  kinds,
  type OptionKinds,
  type ProviderContext,
  type ProviderOptions,
  absentProfileMessage,
  profileTitle,
  readProfile,
  SSO_PROPERTIES,
} from './provider.ts'
import { askedOnce } from './cached-provider.ts'
import type { MfaCodeProvider, StsClientConfig } from './sts.ts'

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

const optionKinds: OptionKinds<FromIniOptions> = {
  profile: kinds.text,
  mfaCodeProvider: kinds.callback,
  clientConfig: kinds.stsClientConfig,
  region: kinds.text,
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
  const context = contextOf('fromIni', options, optionKinds)
  // Kept from call to call: the provider of the instance remembers what it handed out.
  const sources = new Map<string, Promise<CredentialProvider>>()
  return askedOnce(options.mfaCodeProvider !== undefined, async () => {
    const found = await readProfile(context, options.profile)
    const { config, explicit, profile: name, section: profile } = found
    if (profile === undefined) {
      throw new CredentialsError(absentProfileMessage(found), { tryNextProvider: !explicit })
    }
    if (formOfProfile(profile, false).kind === 'none') {
      throw new CredentialsError(`${profileTitle(name)} says nothing about credentials`, {
        tryNextProvider: true,
      })
    }
    const { mfaCodeProvider, clientConfig } = options
    const stsConfig = {
      region: clientConfig?.region ?? profile.get('region') ?? options.region,
      profile: clientConfig?.profile ?? name,
    }
    const input = {
      config,
      context,
      sources,
      mfaCodeProvider,
      explicit,
      profile: name,
      clientConfig: stsConfig,
    }
    return new ProfileCredentials(input).credentialsOf(name, [])
  })
}

/** What {@link ProfileCredentials} works with. */
interface ProfileCredentialsInput {
  readonly config: SharedConfig
  readonly context: ProviderContext
  /** Profile to begin with. */
  readonly profile: string
  readonly clientConfig: StsClientConfig
  readonly mfaCodeProvider: MfaCodeProvider | undefined
  /** Whether somebody has named the profile, rather than it being the one that is looked at anyway. */
  readonly explicit: boolean
  /** Providers behind `credential_source` by its value, kept from one search to the next. */
  readonly sources: Map<string, Promise<CredentialProvider>>
}

/**
 * One search for the credentials of a profile, which may lead through other profiles.
 *
 * A profile that cannot be used (it refers to one that is not there, its source or its process has nothing to give)
 * stops a chain of providers when somebody has named it; the implicit `default` lets it go on, as in the AWS SDK.
 * What a service or a device refuses stops it in any case.
 */
class ProfileCredentials {
  readonly #input: ProfileCredentialsInput

  constructor(input: ProfileCredentialsInput) {
    this.#input = input
  }

  /**
   * @param visited the profiles that were reached as the source of another one.
   * @throws {CredentialsError} when the profile, or one that it refers to, gives no credentials.
   */
  async credentialsOf(name: string, visited: readonly string[]): Promise<Credentials> {
    const { clientConfig, config, context } = this.#input
    const { environment } = context
    const profile = config.profiles.get(name)
    if (profile === undefined) {
      const message = absentProfileMessage({ environment, config, profile: name })
      throw this.#unusable(`${message} (${this.#wayTo(visited)})`)
    }
    const form = formOfProfile(profile, visited.length > 0)
    switch (form.kind) {
      case 'static':
        return staticCredentials(name, profile)
      case 'role':
        return this.#assumeRole(form.role, form.source, name, visited)
      case 'source':
        return this.#sourceCredentials(form.source, name, visited)
      case 'web-identity': {
        const { fromTokenFile } = await import('./web-identity.ts')
        const { roleArn, roleSessionName, tokenFile: webIdentityTokenFile } = form
        return this.#ask(
          name,
          fromTokenFile({ webIdentityTokenFile, roleArn, roleSessionName, clientConfig, context }),
        )
      }
      case 'process':
        return this.#runProcess(name)
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
    role: ProfileRole,
    source: RoleSource,
    name: string,
    visited: readonly string[],
  ): Promise<Credentials> {
    const { config, context, clientConfig, mfaCodeProvider } = this.#input
    const { mfaSerial } = role
    if (mfaSerial !== undefined && mfaCodeProvider === undefined) {
      throw new CredentialsError(
        `${profileTitle(name)} requires multi-factor authentication with the device ${mfaSerial}; ` +
          'pass mfaCodeProvider to fromIni',
      )
    }
    const credentials = await this.#sourceCredentials(source, name, visited)
    return this.#ask(name, async () => {
      const { assumeRole, mfaCode, stsEndpoint } = await import('./sts.ts')
      const endpoint = stsEndpoint(context, config, clientConfig)
      return assumeRole(
        {
          RoleArn: role.roleArn,
          RoleSessionName: role.roleSessionName,
          ExternalId: role.externalId,
          DurationSeconds: role.durationSeconds,
          SerialNumber: mfaSerial,
          // Asked for last, so that the code is still the one that the device shows.
          TokenCode:
            mfaSerial === undefined || mfaCodeProvider === undefined
              ? undefined
              : await mfaCode(mfaCodeProvider, mfaSerial, context),
        },
        credentials,
        endpoint,
        context,
      )
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
    const { sources } = this.#input
    const provider = sources.get(source.name) ?? this.#loadProvider(source.name)
    sources.set(source.name, provider)
    return this.#ask(name, async () => (await provider)())
  }

  async #loadProvider(credentialSource: string): Promise<CredentialProvider> {
    const { context, profile } = this.#input
    switch (credentialSource) {
      case 'Environment':
        return (await import('./env.ts')).fromEnv({ context })
      case 'Ec2InstanceMetadata':
        return (await import('./instance-metadata.ts')).fromInstanceMetadata({ profile, context })
      case 'EcsContainer':
        return (await import('./container.ts')).fromContainerMetadata({ context })
      default:
        return () => {
          throw this.#unusable(
            `the credential_source ${JSON.stringify(credentialSource)} is none of Environment, Ec2InstanceMetadata and ` +
              'EcsContainer',
          )
        }
    }
  }

  /**
   * What a provider finds for a profile, and its failures in the words of this search.
   *
   * @param namesProfile whether it reads the profile itself, and names it in all but the mildest of its failures.
   */
  async #ask(name: string, provider: CredentialProvider, namesProfile = false): Promise<Credentials> {
    try {
      return await provider()
    } catch (error) {
      if (!(error instanceof CredentialsError) || (namesProfile && !error.tryNextProvider)) throw error
      const message = `${profileTitle(name)}: ${error.message}`
      if (error.tryNextProvider) throw this.#unusable(message, error.cause)
      throw new CredentialsError(message, { cause: error.cause })
    }
  }

  /** Whichever profile on the way it is in: a process that fails makes the profile unusable. */
  async #runProcess(name: string): Promise<Credentials> {
    const { fromProcess } = await import('./process.ts')
    try {
      return await fromProcess({ profile: name, context: this.#input.context })()
    } catch (error) {
      throw error instanceof CredentialsError ? this.#unusable(error.message, error.cause) : error
    }
  }

  #unusable(message: string, cause?: unknown): CredentialsError {
    return new CredentialsError(message, { cause, tryNextProvider: !this.#input.explicit })
  }

  /** From which profile to which the search went. */
  #wayTo(visited: readonly string[]): string {
    return [this.#input.profile, ...visited].map(name => JSON.stringify(name)).join(' -> ')
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
export type RoleSource =
  | { readonly kind: 'profile'; readonly name: string }
  | { readonly kind: 'credential-source'; readonly name: string }

/** A role that a profile names. */
export interface ProfileRole {
  readonly roleArn: string
  readonly roleSessionName: string | undefined
  readonly externalId: string | undefined
  readonly durationSeconds: number
  /** Serial number of the multi-factor authentication device that the role asks for. */
  readonly mfaSerial: string | undefined
}

/** What a profile says about credentials, in one of the forms that there are. */
export type ProfileForm =
  | { readonly kind: 'static' }
  | { readonly kind: 'role'; readonly role: ProfileRole; readonly source: RoleSource }
  | { readonly kind: 'source'; readonly source: RoleSource }
  | {
      readonly kind: 'web-identity'
      readonly roleArn: string
      readonly roleSessionName: string | undefined
      readonly tokenFile: string
    }
  | { readonly kind: 'process' }
  | { readonly kind: 'sso' }
  | { readonly kind: 'login' }
  /** It is about credentials, but none of the forms is complete. The reason continues "the profile "x" ...". */
  | { readonly kind: 'broken'; readonly reason: string }
  /** It is complete, and a value in it is one that STS refuses. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** It is about something else, such as a region. */
  | { readonly kind: 'none' }

const DEFAULT_DURATION_SECONDS = 3600

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
  const property = (name: string): string | undefined => {
    const value = profile.get(name)
    return value === '' ? undefined : value
  }
  const isStatic =
    property('aws_access_key_id') !== undefined && property('aws_secret_access_key') !== undefined
  const roleArn = property('role_arn')
  const tokenFile = property('web_identity_token_file')
  const sourceProfile = property('source_profile')
  const credentialSource = property('credential_source')
  const sources: RoleSource[] = []
  if (sourceProfile !== undefined) sources.push({ kind: 'profile', name: sourceProfile })
  if (credentialSource !== undefined) sources.push({ kind: 'credential-source', name: credentialSource })
  const [source, otherSource] = sources

  if (asSource && isStatic) return { kind: 'static' }
  if (roleArn !== undefined && source !== undefined && otherSource === undefined) {
    return roleFormOf(roleArn, source, property)
  }
  if (asSource && source?.kind === 'credential-source') return { kind: 'source', source }
  if (isStatic) return { kind: 'static' }
  if (tokenFile !== undefined && roleArn !== undefined) {
    return { kind: 'web-identity', roleArn, roleSessionName: property('role_session_name'), tokenFile }
  }
  if (property('credential_process') !== undefined) return { kind: 'process' }
  if (SSO_PROPERTIES.some(name => property(name) !== undefined)) return { kind: 'sso' }
  if (property('login_session') !== undefined) return { kind: 'login' }
  const reason = incompleteReason(property)
  return reason === undefined ? { kind: 'none' } : { kind: 'broken', reason }
}

type PropertyReader = (name: string) => string | undefined

function roleFormOf(roleArn: string, source: RoleSource, property: PropertyReader): ProfileForm {
  const duration = property('duration_seconds')
  if (duration !== undefined && !/^[1-9]\d{0,8}$/.test(duration)) {
    return { kind: 'refused', reason: 'has a duration_seconds that is not a whole number of seconds' }
  }
  const role: ProfileRole = {
    roleArn,
    roleSessionName: property('role_session_name'),
    externalId: property('external_id'),
    durationSeconds: duration === undefined ? DEFAULT_DURATION_SECONDS : Number(duration),
    mfaSerial: property('mfa_serial'),
  }
  return { kind: 'role', role, source }
}

function incompleteReason(property: PropertyReader): string | undefined {
  const has = (name: string): boolean => property(name) !== undefined
  if (has('role_arn') && has('source_profile') && has('credential_source')) {
    return 'has both source_profile and credential_source for its role_arn; remove one of them'
  }
  if (has('role_arn') && !has('source_profile') && !has('credential_source')) {
    return (
      'has role_arn and nothing to assume the role with; add source_profile, credential_source or ' +
      'web_identity_token_file'
    )
  }
  if (has('aws_access_key_id')) return 'has aws_access_key_id and no aws_secret_access_key'
  if (has('aws_secret_access_key')) return 'has aws_secret_access_key and no aws_access_key_id'
  if (has('aws_session_token')) return 'has aws_session_token and no keys'
  if (has('web_identity_token_file')) return 'has web_identity_token_file and no role_arn'
  if (has('source_profile')) return 'has source_profile and no role_arn'
  if (has('credential_source')) return 'has credential_source and no role_arn'
  return undefined
}
