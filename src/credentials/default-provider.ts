import { CredentialsError, type SkippedProvider } from '../errors.ts'
import type { CredentialProvider, Credentials } from '../types.ts'
import { fromEnv } from './env.ts'

interface Link {
  readonly name: string
  readonly provider: CredentialProvider
}

/**
 * Looks for credentials where they usually are: at present the environment variables.
 *
 * @returns a provider that throws {@link CredentialsError} with every place that was looked at, in order, and
 *   why there was nothing to be had. It does not cache.
 */
export function defaultProvider(): CredentialProvider {
  const links: readonly Link[] = [{ name: 'environment variables', provider: fromEnv() }]
  return () => firstOf(links)
}

async function firstOf(links: readonly Link[]): Promise<Credentials> {
  const skipped: SkippedProvider[] = []
  for (const { name, provider } of links) {
    try {
      return await provider()
    } catch (error) {
      if (!(error instanceof CredentialsError)) throw error
      skipped.push({ provider: name, reason: error.message })
    }
  }
  const reasons = skipped.map(({ provider, reason }) => `${provider} (${reason})`).join(', ')
  throw new CredentialsError(
    `no AWS credentials; looked at: ${reasons}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or pass the ` +
      'option "credentials"',
    { skipped },
  )
}
