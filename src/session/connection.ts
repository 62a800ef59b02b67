import type { Environment } from '../config/environment.ts'
import type { InstanceRegion } from '../config/instance-metadata-region.ts'
import { DynamoDBClient, type DynamoDBClientOptions, type DynamoDBSettings } from '../dynamodb/client.ts'
import { callerMistake } from '../errors.ts'
import { boundedTransport } from '../http/bounded-transport.ts'
import { fetchTransport, needsFetch } from '../http/fetch-transport.ts'
import { SocketTransport } from '../http/socket-transport.ts'
import { PendingSteps } from '../internal/pending-steps.ts'
import type { Clock, CredentialProvider, CredentialSource } from '../types.ts'
import type { ConnectionOptions } from './connection-options.ts'

const DEFAULT_MAX_ATTEMPTS = 4
const DEFAULT_CONNECT_TIMEOUT_MS = 2000
const DEFAULT_ATTEMPT_TIMEOUT_MS = 3000
const DEFAULT_DEADLINE_MS = 7000

/** The clock of the machine. */
export const systemClock: Clock = { now: () => Date.now() }

/**
 * Puts a {@link DynamoDBClient} together from checked options. It opens nothing yet: region, endpoint and
 * credentials are looked for at the first call, which is where it shows when they are missing.
 */
export function openClient(options: ConnectionOptions, environment: Environment): DynamoDBClient {
  const clock = options.clock ?? systemClock
  const pending = { settings: new PendingSteps(), credentials: new PendingSteps() }
  return new DynamoDBClient({
    settings: lazySettings(options, environment, clock, pending.settings),
    credentials: findCredentials(options, environment, clock, pending.credentials),
    pending,
    ...chooseTransport(options, clock),
    clock,
    random: Math.random,
    connectTimeoutMs: options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
    attemptTimeoutMs: options.attemptTimeoutMs ?? DEFAULT_ATTEMPT_TIMEOUT_MS,
    deadlineMs: options.deadlineMs ?? DEFAULT_DEADLINE_MS,
  })
}

function chooseTransport(
  { transport, maxSockets, ca }: ConnectionOptions,
  clock: Clock,
): Pick<DynamoDBClientOptions, 'transport' | 'ownsTransport'> {
  if (transport === undefined && !needsFetch()) {
    return {
      transport: new SocketTransport({ ...(maxSockets !== undefined && { maxSockets }), ca, clock }),
      ownsTransport: true,
    }
  }
  if (transport !== undefined) return { transport: boundedTransport(transport), ownsTransport: false }
  for (const [name, value] of Object.entries({ maxSockets, ca })) {
    if (value !== undefined) {
      throw callerMistake(
        'INVALID_OPTION',
        `the option "${name}" has no effect in Cloudflare Workers; leave it out`,
      )
    }
  }
  return { transport: fetchTransport(), ownsTransport: true }
}

/** Makes the function that finds region, endpoint and retry settings, and asks the instance for its region at last. */
function lazySettings(
  { region, endpoint, maxAttempts, profile }: ConnectionOptions,
  environment: Environment,
  clock: Clock,
  pending: PendingSteps,
): () => Promise<DynamoDBSettings> {
  let lookUp: (() => Promise<InstanceRegion>) | undefined
  const instanceRegion = async (): Promise<InstanceRegion> => {
    const { instanceRegionLookup } = await import('../config/instance-metadata-region.ts')
    lookUp ??= instanceRegionLookup(
      { environment, clock, transport: new SocketTransport(), pending },
      { profile },
    )
    return pending.step('the region of the instance', lookUp)
  }
  return async () => {
    // Loaded here, so that constructing a store loads nothing that reads files.
    const { resolveSettings } = await import('../config/settings.ts')
    const sources = { environment, region, endpoint, maxAttempts, profile, instanceRegion }
    const settings = await pending.step('region and endpoint in the AWS configuration', () =>
      resolveSettings(sources),
    )
    return { ...settings, maxAttempts: settings.maxAttempts ?? DEFAULT_MAX_ATTEMPTS }
  }
}

/** Credentials that do not change as they are; for others, the code that finds and keeps them is loaded when asked. */
function findCredentials(
  options: ConnectionOptions,
  environment: Environment,
  clock: Clock,
  pending: PendingSteps,
): CredentialSource {
  const { credentials: given } = options
  if (given !== undefined && typeof given !== 'function') return () => given
  let source: CredentialSource | undefined
  const load = async (): Promise<CredentialSource> => {
    const { cachedProvider } = await import('../credentials/cached-provider.ts')
    const provider =
      given === undefined
        ? lazyDefaultProvider(options, environment, clock, pending)
        : () => pending.step('the function that the option "credentials" is', given)
    // Calls that come at the same time share one source.
    source ??= cachedProvider(provider, { clock, random: Math.random })
    return source
  }
  return request => (source === undefined ? load().then(loaded => loaded(request)) : source(request))
}

/** Loads the chain when it is first asked, so that an app that passes its credentials never does. */
function lazyDefaultProvider(
  { profile, region, deadlineMs = DEFAULT_DEADLINE_MS }: ConnectionOptions,
  environment: Environment,
  clock: Clock,
  pending: PendingSteps,
): CredentialProvider {
  let provider: CredentialProvider | undefined
  return async () => {
    const { defaultProvider } = await import('../credentials/default-provider.ts')
    provider ??= defaultProvider({ profile, region, context: { environment, clock, deadlineMs, pending } })
    return provider()
  }
}
