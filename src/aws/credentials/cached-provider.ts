import { isCredentials } from '../sigv4/sign.ts'
import { CredentialsError } from '../../errors.ts'
import type { CredentialsTrace } from '../../diagnostics.ts'
import { credentialsTraces, type Draft } from '../../internal/diagnostics.ts'
import { isError } from '../../internal/core-objects.ts'
import { Deadline } from '../../internal/deadline.ts'
import { type Flights, sharedFlight } from '../../internal/keyed-calls.ts'
import { withTimeout } from '../../internal/timers.ts'
import type { Clock, CredentialProvider, Credentials, CredentialSource, Random } from '../../types.ts'

const ADVISORY_REFRESH_MS = 5 * 60_000
const MANDATORY_REFRESH_MS = 60_000
const RETRY_PAUSE_MS = 30_000
const MAX_JITTER_MS = 30_000
const HUNG_AFTER_MS = 15_000
const LONGEST_WAIT_MS = 1000

/** What {@link cachedProvider} depends on. */
interface CachedProviderOptions {
  readonly clock: Clock
  readonly random: Random
}

/**
 * Remembers what a provider returned, and asks it again in time.
 *
 * - Credentials without an expiration are kept for good.
 * - In the last five minutes (less a little jitter) the provider is asked in the background, once at a time and
 *   with a pause of 30 s after a failure; callers get the credentials at hand meanwhile.
 * - In the last minute callers wait for the provider, a second at most; if that fails or takes longer while the
 *   credentials at hand are still valid, they get those.
 * - All callers share one call of the provider; one that has not ended by the deadline of the caller that began it, or
 *   after 15 s, is not waited for by new callers, who get a call of their own to share. A failure is never remembered.
 *
 * @returns a provider that answers without a promise when it need not wait.
 */
export function cachedProvider(
  provider: CredentialProvider,
  { clock, random }: CachedProviderOptions,
): CredentialSource {
  let held: Credentials | undefined
  let refreshAtMs = 0
  const flights: Flights<Credentials> = new Map()

  const refresh = (caller: Deadline | undefined, isRejected = false): Promise<Credentials> => {
    const deadline = caller?.within(HUNG_AFTER_MS) ?? new Deadline(HUNG_AFTER_MS)
    return sharedFlight(flights, '', deadline, async isLatest => {
      try {
        const credentials = await (credentialsTraces.channels.hasSubscribers
          ? askTraced(provider, reasonToAsk(held, isRejected, clock))
          : ask(provider))
        if (isLatest() || held === undefined || expiryOf(held) < expiryOf(credentials)) {
          held = credentials
          refreshAtMs = expiryOf(credentials) - ADVISORY_REFRESH_MS + random() * MAX_JITTER_MS
        }
        return credentials
      } catch (error) {
        if (isLatest()) refreshAtMs = clock.now() + RETRY_PAUSE_MS
        throw error
      }
    })
  }
  const refreshOrKeep = async (valid: Credentials, deadline: Deadline | undefined): Promise<Credentials> => {
    const refreshed = refresh(deadline)
    try {
      return await withTimeout(refreshed, LONGEST_WAIT_MS, undefined, () => new Error('it takes too long'))
    } catch {
      return expiryOf(valid) > clock.now() ? valid : refreshed
    }
  }

  return ({ rejected, deadline } = {}) => {
    // Whoever was rejected with credentials that have been replaced since needs only the new ones.
    if (rejected !== undefined && rejected === held) held = undefined
    if (held === undefined) return refresh(deadline, rejected !== undefined)
    const nowMs = clock.now()
    if (nowMs < refreshAtMs) return expiryOf(held) > nowMs ? held : refresh(deadline)
    if (expiryOf(held) - nowMs <= MANDATORY_REFRESH_MS) return refreshOrKeep(held, deadline)
    // Whatever comes of it, the credentials at hand are good for now; the next call looks again.
    refresh(deadline).catch(() => undefined)
    return held
  }
}

async function ask(provider: CredentialProvider): Promise<Credentials> {
  const credentials = await answerOf(provider)
  if (isCredentials(credentials)) return credentials
  throw new CredentialsError(
    'the credential provider did not return an object with non-empty strings accessKeyId and secretAccessKey ' +
      '(and, optionally, sessionToken and a Date expiration)',
  )
}

/** What a provider returns; what it throws is an Error here, whatever it is. */
async function answerOf(provider: CredentialProvider): Promise<unknown> {
  try {
    return await provider()
  } catch (error) {
    if (isError(error)) throw error
    const message = 'the credential provider threw something that is not an Error; see the cause'
    throw new CredentialsError(message, { cause: error })
  }
}

function askTraced(provider: CredentialProvider, reason: CredentialsTrace['reason']): Promise<Credentials> {
  const trace: Draft<CredentialsTrace> = { reason }
  return credentialsTraces.observe(trace, () => ask(provider), {
    conclude: result => {
      if (!('value' in result)) return
      const name = placeOf(result.value)
      if (name !== undefined) trace.provider = name
      const { expiration } = result.value
      if (expiration !== undefined) trace.expiresAtMs = expiration.getTime()
    },
  })
}

function reasonToAsk(
  held: Credentials | undefined,
  isRejected: boolean,
  clock: Clock,
): CredentialsTrace['reason'] {
  if (held === undefined) return isRejected ? 'rejected' : 'missing'
  return expiryOf(held) > clock.now() ? 'expiring' : 'expired'
}

function expiryOf({ expiration }: Credentials): number {
  return expiration?.getTime() ?? Number.POSITIVE_INFINITY
}

/** A person who has not entered a code by then will not enter it any more. */
const LONGEST_ENTRY_MS = 120_000

/**
 * A provider that may ask a person for a code: callers share one call of it, so that the person is asked once.
 *
 * @param mayAsk the provider is returned as it is where nobody is asked.
 */
export function askedOnce(mayAsk: boolean, provider: () => Promise<Credentials>): CredentialProvider {
  const flights: Flights<Credentials> = new Map()
  return mayAsk ? () => sharedFlight(flights, '', new Deadline(LONGEST_ENTRY_MS), provider) : provider
}

const places = new WeakMap<Credentials, string>()

/** Remembers which place of a chain credentials are from; the credentials themselves do not say. */
export function nameProvider(credentials: Credentials, name: string): Credentials {
  places.set(credentials, name)
  return credentials
}

/** The place of a chain that credentials are from. */
export function placeOf(credentials: Credentials): string | undefined {
  return places.get(credentials)
}
