import { type Environment, variable } from '../config/environment.ts'
import { nameProvider } from '../internal/provider-name.ts'
import type { CredentialProvider } from '../types.ts'
import { fromEnv } from './env.ts'
import type { DefaultProviderOptions } from './provider-chain.ts'

export type { DefaultProviderOptions } from './provider-chain.ts'

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
 */
export function defaultProvider(options: DefaultProviderOptions = {}): CredentialProvider {
  const environment = options.context?.environment ?? process.env
  let chain: CredentialProvider | undefined
  return async () => {
    // What comes first and is most often all there is: the rest need not be loaded for it.
    if (options.profile === undefined && hasCredentials(environment)) {
      return nameProvider(await fromEnv(options)(), 'environment variables')
    }
    const { providerChain } = await import('./provider-chain.ts')
    chain ??= providerChain(options)
    return chain()
  }
}

/** Whether the chain would end at the environment: both keys are there, and no profile comes before them. */
function hasCredentials(environment: Environment): boolean {
  return (
    variable(environment, 'AWS_PROFILE') === undefined &&
    variable(environment, 'AWS_ACCESS_KEY_ID') !== undefined &&
    variable(environment, 'AWS_SECRET_ACCESS_KEY') !== undefined
  )
}
