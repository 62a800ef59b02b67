import type { CredentialProvider } from '../../types.ts'
import {
  type DefaultProviderOptions,
  defaultProvider as uncheckedDefaultProvider,
} from './default-provider.ts'
import { fromEnv as uncheckedFromEnv } from './env.ts'
import type { ProviderOptions } from './provider-context.ts'
import { aFunction, aText, checkedOptions } from './provider-options.ts'

export type { DefaultProviderOptions } from './default-provider.ts'

/**
 * Looks for credentials where the AWS SDK for JavaScript does, in the same order: environment variables (unless a
 * profile is named), the profile with every form it can have, web identity, and at last the container or, where there
 * is none, the EC2 instance.
 *
 * A place that is not configured is passed over. One that is configured and broken ends the search: a profile that is
 * named and does not exist, for example, does not silently give way to the role of the instance.
 *
 * @returns a provider that throws `CredentialsError` with every place that was looked at, in order, and why
 *   there was nothing to be had. It does not cache: a `SessionStore` does.
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
 */
export function defaultProvider(options: DefaultProviderOptions = {}): CredentialProvider {
  const kinds = { profile: aText, region: aText, mfaCodeProvider: aFunction }
  return uncheckedDefaultProvider(checkedOptions('defaultProvider', options, kinds))
}

/**
 * Credentials from `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, for temporary ones, `AWS_SESSION_TOKEN`,
 * `AWS_CREDENTIAL_EXPIRATION` and `AWS_ACCOUNT_ID`.
 *
 * The variables are read at each call.
 *
 * @returns a provider that throws `CredentialsError` when a key is missing, naming the variable.
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
 */
export function fromEnv(options: ProviderOptions = {}): CredentialProvider {
  return uncheckedFromEnv(checkedOptions('fromEnv', options, {}))
}
