import { messageOf } from '../../internal/core-objects.ts'
import type { CredentialProvider, Credentials } from '../../types.ts'
import type { ProviderContext } from './provider-context.ts'

const LEAST_EXTENSION_MS = 5 * 60_000
const MOST_EXTENSION_MS = 10 * 60_000

/**
 * Keeps an application going while the instance metadata service is out of order.
 *
 * When a provider hands out credentials that have expired already, or fails after it has succeeded, the latest
 * credentials are handed out as if they expired in 5 to 10 minutes, so that it is asked again then: AWS accepts
 * credentials of an instance for longer during such an outage. The process is warned once per outage.
 */
export function staticallyStable(
  provider: CredentialProvider,
  { clock, random }: Pick<ProviderContext, 'clock' | 'random'>,
): CredentialProvider {
  let latest: Credentials | undefined
  let warned = false

  const extended = (credentials: Credentials, reason: string): Credentials => {
    if (!warned) {
      warned = true
      process.emitWarning(
        `${reason}; the credentials at hand stay in use, and new ones are asked for every 5 to 10 minutes`,
        'DynamoDBSessionsWarning',
      )
    }
    const extensionMs = LEAST_EXTENSION_MS + Math.floor(random() * (MOST_EXTENSION_MS - LEAST_EXTENSION_MS))
    return { ...credentials, expiration: new Date(clock.now() + extensionMs) }
  }

  return async () => {
    let fresh: Credentials
    try {
      fresh = await provider()
    } catch (error) {
      if (latest === undefined) throw error
      return extended(latest, `no new credentials of this instance (${messageOf(error) ?? 'unknown error'})`)
    }
    latest = fresh
    if (fresh.expiration !== undefined && fresh.expiration.getTime() <= clock.now()) {
      return extended(fresh, 'the instance metadata service handed out credentials that have expired')
    }
    warned = false
    return fresh
  }
}
