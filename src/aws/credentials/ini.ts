import { selectedProfile } from '../config/shared-config.ts'
import { CredentialsError } from '../../errors.ts'
import type { CredentialProvider } from '../../types.ts'
import { askedOnce, type MfaCodeProvider } from './mfa-code.ts'
import { absentProfileMessage, profileTitle, readSharedConfig } from './profile-config.ts'
import { ProfileCredentials } from './profile-credentials.ts'
import { formOfProfile } from './profile-forms.ts'
import { contextOf, type ProviderOptions } from './provider-context.ts'
import { aFunction, anStsClientConfig, aText, checkedOptions, type OptionKinds } from './provider-options.ts'
import type { StsClientConfig } from './sts-endpoint.ts'

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
  profile: aText,
  mfaCodeProvider: aFunction,
  clientConfig: anStsClientConfig,
  region: aText,
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
  const context = contextOf(checkedOptions('fromIni', options, optionKinds))
  // Kept from call to call: the provider of the instance remembers what it handed out.
  const sources = new Map<string, CredentialProvider>()
  return askedOnce(options.mfaCodeProvider, async () => {
    const config = await readSharedConfig(context)
    const { name, explicit } = selectedProfile(context.environment, options.profile)
    const profile = config.profiles.get(name)
    if (profile === undefined) {
      throw new CredentialsError(absentProfileMessage(name, context, config), { tryNextProvider: !explicit })
    }
    if (formOfProfile(profile, false).kind === 'none') {
      throw new CredentialsError(`${profileTitle(name)} says nothing about credentials`, {
        tryNextProvider: true,
      })
    }
    const { mfaCodeProvider, clientConfig } = options
    return new ProfileCredentials({
      config,
      context,
      sources,
      mfaCodeProvider,
      explicit,
      profile: name,
      clientConfig: {
        region: clientConfig?.region ?? profile.get('region') ?? options.region,
        profile: clientConfig?.profile ?? name,
      },
    }).find()
  })
}
