import type { ConfigSection, SharedConfig } from '../config/shared-config.ts'
import { CredentialsError } from '../../errors.ts'
import type { CredentialProvider, Credentials } from '../../types.ts'
import type { MfaCodeProvider } from './mfa-code.ts'
import { absentProfileMessage, profileTitle } from './profile-config.ts'
import { formOfProfile, type ProfileForm, type ProfileRole, type RoleSource } from './profile-forms.ts'
import type { ProviderContext } from './provider-context.ts'
import type { StsClientConfig } from './sts-endpoint.ts'

/** What {@link ProfileCredentials} works with. */
export interface ProfileCredentialsInput {
  readonly config: SharedConfig
  readonly context: ProviderContext
  /** Profile to begin with. */
  readonly profile: string
  readonly clientConfig: StsClientConfig
  readonly mfaCodeProvider: MfaCodeProvider | undefined
  /** Whether somebody has named the profile, rather than it being the one that is looked at anyway. */
  readonly explicit: boolean
  /** Providers behind `credential_source` by its value, kept from one search to the next. */
  readonly sources: Map<string, CredentialProvider>
}

/**
 * One search for the credentials of a profile, which may lead through other profiles.
 *
 * A profile that cannot be used (it refers to one that is not there, its source or its process has nothing to give)
 * stops a chain of providers when somebody has named it; the implicit `default` lets it go on, as in the AWS SDK.
 * What a service or a device refuses stops it in any case.
 */
export class ProfileCredentials {
  readonly #input: ProfileCredentialsInput

  constructor(input: ProfileCredentialsInput) {
    this.#input = input
  }

  /** @throws {CredentialsError} when the profile, or one that it refers to, gives no credentials. */
  async find(): Promise<Credentials> {
    return this.#credentialsOf(this.#input.profile, [])
  }

  /** @param visited the profiles that were reached as the source of another one. */
  async #credentialsOf(name: string, visited: readonly string[]): Promise<Credentials> {
    const { config, context } = this.#input
    const profile = config.profiles.get(name)
    if (profile === undefined) {
      throw this.#unusable(`${absentProfileMessage(name, context, config)} (${this.#wayTo(visited)})`)
    }
    const form = formOfProfile(profile, visited.length > 0)
    if (form.kind === 'static') return staticCredentials(name, profile)
    return this.#credentialsOfForm(form, name, visited)
  }

  async #credentialsOfForm(
    form: Exclude<ProfileForm, { readonly kind: 'static' }>,
    name: string,
    visited: readonly string[],
  ): Promise<Credentials> {
    const { context, clientConfig } = this.#input
    switch (form.kind) {
      case 'role':
        return this.#assumeRole(form.role, form.source, name, visited)
      case 'source':
        return this.#sourceCredentials(form.source, name, visited)
      case 'web-identity': {
        const { fromTokenFile } = await import('./web-identity.ts')
        const { roleArn, roleSessionName, tokenFile: webIdentityTokenFile } = form
        return this.#inProfile(
          name,
          fromTokenFile({ webIdentityTokenFile, roleArn, roleSessionName, clientConfig, context }),
        )
      }
      case 'process':
        return this.#runProcess(name)
      case 'sso': {
        const { fromSSO } = await import('./sso.ts')
        return this.#ownForm(name, fromSSO({ profile: name, context }))
      }
      case 'login': {
        const { fromLoginCredentials } = await import('./login.ts')
        return this.#ownForm(
          name,
          fromLoginCredentials({ profile: name, region: clientConfig.region, context }),
        )
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
    return this.#inProfile(name, async () => {
      const [{ assumeRole, defaultRoleSessionName }, { stsEndpoint }, { mfaCode }] = await Promise.all([
        import('./sts.ts'),
        import('./sts-endpoint.ts'),
        import('./mfa-code.ts'),
      ])
      const endpoint = stsEndpoint(context, config, clientConfig)
      return assumeRole(
        {
          RoleArn: role.roleArn,
          RoleSessionName: role.roleSessionName ?? defaultRoleSessionName(context),
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
      if (!visited.includes(source.name)) return this.#credentialsOf(source.name, way)
      throw this.#unusable(
        `the source_profile properties go round in a circle (${this.#wayTo(way)}); one of these profiles needs ` +
          'credentials of its own',
      )
    }
    return this.#inProfile(name, await this.#providerOf(source.name))
  }

  async #providerOf(credentialSource: string): Promise<CredentialProvider> {
    const { sources } = this.#input
    const provider = sources.get(credentialSource) ?? (await this.#loadProvider(credentialSource))
    sources.set(credentialSource, provider)
    return provider
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

  /** What a provider finds for a profile; its failure names the profile. */
  async #inProfile(name: string, provider: CredentialProvider): Promise<Credentials> {
    try {
      return await provider()
    } catch (error) {
      if (!(error instanceof CredentialsError)) throw error
      const message = `${profileTitle(name)}: ${error.message}`
      if (error.tryNextProvider) throw this.#unusable(message, error.cause)
      throw new CredentialsError(message, { cause: error.cause })
    }
  }

  /** The same for a provider that reads the profile itself, and names it in all but the mildest of its failures. */
  async #ownForm(name: string, provider: CredentialProvider): Promise<Credentials> {
    try {
      return await provider()
    } catch (error) {
      if (!(error instanceof CredentialsError && error.tryNextProvider)) throw error
      throw this.#unusable(`${profileTitle(name)}: ${error.message}`, error.cause)
    }
  }

  /** Whichever profile on the way it is in: a process that fails makes the profile unusable. */
  async #runProcess(name: string): Promise<Credentials> {
    const { fromProcess } = await import('./process.ts')
    try {
      return await fromProcess({ profile: name, context: this.#input.context })()
    } catch (error) {
      if (!(error instanceof CredentialsError)) throw error
      throw this.#unusable(error.message, error.cause)
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
