import type { Environment } from '../internal/process-environment.ts'
import type { InstanceRegion } from '../aws/config/instance-metadata-client.ts'
import { briefTransport, routeFinder, type RouteSources } from '../aws/config/route-finder.ts'
import type { DynamoDBClientOptions, DynamoDBSettings } from '../aws/dynamodb/client-options.ts'
import { DynamoDBClient } from '../aws/dynamodb/client.ts'
import { lambdaTrace } from '../aws/dynamodb/operation-request.ts'
import { type ServerClock, systemClock } from '../aws/http/server-clock.ts'
import { SocketTransport } from '../aws/http/socket-transport.ts'
import { givenTransport, neededTransport, type Transport } from '../aws/http/transport.ts'
import { invalidOption } from '../errors.ts'
import { PendingSteps } from '../internal/deadline.ts'
import { type ConnectionOptions, connectionRows, deadlineMsOf } from '../options/connection-options.ts'
import { failoverRegions, failoverTerms, hedgingTerms } from '../options/availability-options.ts'
import { hasOtherVariables } from '../internal/option.ts'
import type { Clock, CredentialProvider, Credentials, CredentialSource } from '../types.ts'

/** What a client can be told of where to send its requests. */
export type FoundSettings = Pick<ConnectionOptions, 'region' | 'endpoint' | 'maxAttempts'>

/** Options of a client; those that are not known when it is made can be found later. */
export interface ClientOptions extends ConnectionOptions {
  /**
   * Finds region, endpoint and number of attempts that another client has, in place of those among the options. The
   * first call asks it, within its own deadline; calls that come at the same time share that, and after a failure, which
   * is that of the call, the next one asks again. What it leaves open is looked for as if it were no option.
   */
  readonly findSettings?: (() => Promise<FoundSettings>) | undefined
}

/**
 * Puts a {@link DynamoDBClient} together from checked options. It opens nothing yet: region, endpoint and
 * credentials are looked for at the first call, which is where it shows when they are missing.
 */
export function openClient(options: ClientOptions, environment: Environment): DynamoDBClient {
  const clock = options.clock ?? systemClock
  const pending = { settings: new PendingSteps(), credentials: new PendingSteps() }
  // Calls of STS are signed, and credentials expire, by the clock that DynamoDB has put right, and the other way round.
  const clockOfClient = (): ServerClock => client.clock
  const client = new DynamoDBClient({
    settings: lazySettings(options, environment, clock, pending.settings),
    credentials: findCredentials(options, environment, clockOfClient, pending.credentials),
    pending,
    ...chooseTransport(options, environment),
    traceId: lambdaTrace(environment),
    clock,
    random: Math.random,
    connectTimeoutMs: options.connectTimeoutMs ?? connectionRows.connectTimeoutMs.default,
    attemptTimeoutMs: options.attemptTimeoutMs ?? connectionRows.attemptTimeoutMs.default,
    deadlineMs: deadlineMsOf(options),
    failover: failoverTerms(options.failover),
    hedgedReads: hedgingTerms(options.hedgedReads),
  })
  return client
}

/** What carries requests to DynamoDB, and those to the services that give credentials. */
export function chooseTransport(
  options: ConnectionOptions,
  environment: Environment,
): Pick<DynamoDBClientOptions, 'transport' | 'ownsTransport'> {
  const { transport, maxSockets, ca, proxy, clock = systemClock } = options
  if (transport !== undefined) return { transport: givenTransport(transport), ownsTransport: false }
  const needed = neededTransport()
  if (needed === undefined) {
    const route = routeFinder(routeSources(options, environment))
    return {
      transport: new SocketTransport({ ...(maxSockets !== undefined && { maxSockets }), route, clock }),
      ownsTransport: true,
    }
  }
  for (const [name, value] of Object.entries({ maxSockets, ca, proxy })) {
    if (value !== undefined) {
      throw invalidOption(`the option "${name}" has no effect in Cloudflare Workers; leave it out`)
    }
  }
  return { transport: needed, ownsTransport: true }
}

/** The transport for the services that give credentials: that of the caller, or one of few and short-lived connections. */
export function serviceTransport(options: ConnectionOptions, environment: Environment): Transport {
  const { transport } = options
  if (transport !== undefined) return givenTransport(transport)
  return neededTransport() ?? briefTransport(routeSources(options, environment))
}

function routeSources({ ca, proxy, profile }: ConnectionOptions, environment: Environment): RouteSources {
  return { environment, ca, proxy, profile, hasOptions: true }
}

/** Makes the function that finds region, endpoint and retry settings, and asks the instance for its region at last. */
function lazySettings(
  options: ClientOptions,
  environment: Environment,
  clock: Clock,
  pending: PendingSteps,
): () => Promise<DynamoDBSettings> {
  const { profile, findSettings } = options
  let lookUp: (() => Promise<InstanceRegion>) | undefined
  const instanceRegion = async (): Promise<InstanceRegion> => {
    const { instanceRegionLookup } = await import('../aws/config/instance-metadata-client.ts')
    lookUp ??= instanceRegionLookup(
      { environment, clock, transport: new SocketTransport(), pending },
      { profile },
    )
    return pending.step('the region of the instance', lookUp)
  }
  return async () => {
    if (hasOtherVariables(environment)) {
      const { warnOfUnknownVariables } = await import('../options/environment.ts')
      warnOfUnknownVariables(environment)
    }
    // Loaded here, so that constructing a store loads nothing that reads files.
    const { resolveSettings, settingsElsewhere } = await import('../aws/config/settings.ts')
    const given =
      findSettings === undefined
        ? options
        : await pending.step('region and endpoint of the client in the option "client"', findSettings)
    const { region, endpoint, maxAttempts } = given
    const sources = { environment, region, endpoint, maxAttempts, profile, instanceRegion }
    const settings = await pending.step('region and endpoint in the AWS configuration', () =>
      resolveSettings(sources),
    )
    return {
      ...settings,
      maxAttempts: settings.maxAttempts ?? connectionRows.maxAttempts.default,
      elsewhere: failoverRegions(options.failover).map(other => settingsElsewhere(other, settings)),
    }
  }
}

/** Credentials that do not change as they are; for others, the code that finds and keeps them is loaded when asked. */
function findCredentials(
  options: ClientOptions,
  environment: Environment,
  clock: () => ServerClock,
  pending: PendingSteps,
): Credentials | CredentialSource {
  const { credentials: given } = options
  if (given !== undefined && typeof given !== 'function') return given
  let source: CredentialSource | undefined
  const load = async (): Promise<CredentialSource> => {
    const { cachedProvider } = await import('../aws/credentials/cached-provider.ts')
    const provider =
      given === undefined
        ? lazyDefaultProvider(options, environment, clock, pending)
        : () => pending.step('the function that the option "credentials" is', given)
    // Calls that come at the same time share one source.
    source ??= cachedProvider(provider, { clock: clock(), random: Math.random })
    return source
  }
  return request => (source === undefined ? load().then(loaded => loaded(request)) : source(request))
}

/** Loads the chain when it is first asked, so that an app that passes its credentials never does. */
function lazyDefaultProvider(
  options: ClientOptions,
  environment: Environment,
  clock: () => ServerClock,
  pending: PendingSteps,
): CredentialProvider {
  const { profile, findSettings } = options
  let provider: CredentialProvider | undefined
  return async () => {
    const { defaultProvider } = await import('../aws/credentials/default-provider.ts')
    const { region } = findSettings === undefined ? options : await findSettings()
    provider ??= defaultProvider({
      profile,
      region,
      context: {
        environment,
        clock: clock(),
        deadlineMs: deadlineMsOf(options),
        pending,
        serviceTransport: serviceTransport(options, environment),
        failoverRegions: failoverRegions(options.failover).map(other => other.region),
      },
    })
    return provider()
  }
}
