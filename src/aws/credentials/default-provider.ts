import { type Environment, variable } from '../config/environment.ts'
import { nameProvider } from '../config/provider-name.ts'
import type { CredentialProvider } from '../../types.ts'
import { fromEnv } from './env.ts'
import type { DefaultProviderOptions } from './provider-chain.ts'

export type { DefaultProviderOptions } from './provider-chain.ts'
import { processEnvironment } from '../../internal/process-environment.ts'

/**
 * The public `defaultProvider` without the check of its options, which a store has no use for.
 *
 * @returns a provider that throws `CredentialsError` with every place that was looked at, in order, and why
 *   there was nothing to be had. It does not cache: a `SessionStore` does.
 */
export function defaultProvider(options: DefaultProviderOptions = {}): CredentialProvider {
  const environment = options.context?.environment ?? processEnvironment()
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
