import type { ConfigSection, SharedConfig } from '../config/shared-config.ts'
import { CredentialsError } from '../errors.ts'
import type { CredentialProvider, Credentials } from '../types.ts'
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
  /** Providers behind `credential_source` by its value, kept from one search to the next. */
  readonly sources: Map<string, CredentialProvider>
}

/**
 * One search for the credentials of a profile, which may lead through other profiles.
 *
 * Every failure stops a chain of providers: somebody has configured this profile.
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
      throw new CredentialsError(`${absentProfileMessage(name, context)} (${this.#wayTo(visited)})`)
    }
    const form = formOfProfile(profile, visited.length > 0)
    if (form.kind === 'static') return staticCredentials(name, profile)
    try {
      return await this.#credentialsOfForm(form, name, visited)
    } catch (error) {
      if (!(error instanceof CredentialsError && error.tryNextProvider)) throw error
      throw new CredentialsError(`${profileTitle(name)}: ${error.message}`, { cause: error.cause })
    }
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
        return inProfile(
          name,
          fromTokenFile({ webIdentityTokenFile, roleArn, roleSessionName, clientConfig, context }),
        )
      }
      case 'process': {
        const { fromProcess } = await import('./process.ts')
        return fromProcess({ profile: name, context })()
      }
      case 'sso': {
        const { fromSSO } = await import('./sso.ts')
        return fromSSO({ profile: name, context })()
      }
      case 'login': {
        const { fromLoginCredentials } = await import('./login.ts')
        return fromLoginCredentials({ profile: name, region: clientConfig.region, context })()
      }
      case 'broken':
        throw new CredentialsError(`${profileTitle(name)} ${form.reason}`)
      case 'none':
        throw new CredentialsError(
          `${profileTitle(name)} says nothing about credentials (${this.#wayTo(visited)})`,
        )
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
    return inProfile(name, async () => {
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
              : await mfaCode(mfaCodeProvider, mfaSerial),
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
      throw new CredentialsError(
        `the source_profile properties go round in a circle (${this.#wayTo(way)}); one of these profiles needs ` +
          'credentials of its own',
      )
    }
    return inProfile(name, await this.#providerOf(source.name))
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
          throw new CredentialsError(
            `the credential_source ${JSON.stringify(credentialSource)} is none of Environment, Ec2InstanceMetadata and ` +
              'EcsContainer',
          )
        }
    }
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

/** What a provider finds for a profile; its failure names the profile, and stops a chain. */
async function inProfile(name: string, provider: CredentialProvider): Promise<Credentials> {
  try {
    return await provider()
  } catch (error) {
    if (!(error instanceof CredentialsError)) throw error
    throw new CredentialsError(`${profileTitle(name)}: ${error.message}`, { cause: error.cause })
  }
}
