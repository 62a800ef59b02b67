import { Deadline } from '../../internal/deadline.ts'
import { type Flights, sharedFlight } from '../../internal/keyed-calls.ts'
import type { Route, RouteFinder } from '../http/endpoint.ts'
import { SocketTransport } from '../http/socket-transport.ts'
import type { Environment } from '../../internal/process-environment.ts'
import type { FoundSetting } from './shared-config.ts'

/** What was said in code about connections, and where else to look. */
export interface RouteSources {
  readonly environment: Environment
  readonly profile?: string | undefined
  /** Certificates (PEM) to trust instead of those that the runtime trusts. */
  readonly ca?: string | readonly string[] | undefined
  /** URL of a proxy; `false` for none, whatever the environment says. */
  readonly proxy?: string | false | undefined
  /** Whether the caller has an option `ca`, for the advice in errors. */
  readonly hasOptions: boolean
}

/** Just long enough for the few requests that one refresh of credentials makes. */
export const BRIEFLY_KEPT = { maxSockets: 4, idleTimeoutMs: 2000 } as const

type Trust = Pick<Route, 'ca' | 'trustAdvice'>

const PROXY_VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'] as const

/** Longer than a connection may take to be made. */
const HUNG_AFTER_MS = 5000

/**
 * Finds how connections to AWS are made: which certificates are trusted (the option `ca`, else the file of
 * `AWS_CA_BUNDLE`, else that of the profile's `ca_bundle`, else what the runtime trusts), and through which proxy
 * (`proxyFor`). The code that reads variables and files for it is loaded where it is needed.
 *
 * @returns a function that throws a `ConfigurationError` when the proxy or the file of certificates cannot be used.
 */
export function routeFinder(sources: RouteSources): RouteFinder {
  const { environment, proxy: given } = sources
  let trusted: Trust | undefined
  const flights: Flights<Trust> = new Map()
  return async endpoint => {
    const isProxied =
      given !== false && (given !== undefined || PROXY_VARIABLES.some(name => environment[name]))
    const proxy = isProxied
      ? (await import('./route-settings.ts')).proxyFor(endpoint, environment, given)
      : undefined
    if (endpoint.protocol !== 'https:' && proxy?.endpoint.protocol !== 'https:') return { proxy }
    // What failed, or took too long, is looked at again: the file may be there by then.
    trusted ??= await sharedFlight(flights, '', new Deadline(HUNG_AFTER_MS), () => findTrusted(sources))
    return { ...trusted, proxy }
  }
}

/** A transport for the services that give credentials: of few and short-lived connections, on the way that is configured. */
export function briefTransport(sources: RouteSources): SocketTransport {
  return new SocketTransport({ ...BRIEFLY_KEPT, route: routeFinder(sources) })
}

async function findTrusted(sources: RouteSources): Promise<Trust> {
  const { ca, hasOptions } = sources
  if (ca !== undefined) return { ca, trustAdvice: 'add that to the option "ca"' }
  const bundle = await bundleSetting(sources)
  if (bundle === undefined) {
    const inCode = hasOptions ? 'pass that as the option "ca", or ' : ''
    return { trustAdvice: `${inCode}name its file in AWS_CA_BUNDLE or NODE_EXTRA_CA_CERTS` }
  }
  const { value: path, source } = bundle
  const { readCaBundle } = await import('./route-settings.ts')
  return {
    ca: await readCaBundle(path, source),
    trustAdvice: `add that to the file ${path} that ${source} names`,
  }
}

async function bundleSetting({
  environment,
  profile: given,
}: RouteSources): Promise<FoundSetting<string> | undefined> {
  const { findSetting, loadSharedConfig, NO_SHARED_CONFIG, selectedProfile } =
    await import('./shared-config.ts')
  const { name: profile, explicit } = selectedProfile(environment, given)
  const inEnvironment = findSetting({ environment, config: NO_SHARED_CONFIG, profile }, 'ca_bundle', String)
  if (inEnvironment !== undefined) return inEnvironment
  // Nothing depends on it: a file of nobody's choice that may not be read says nothing about certificates.
  const config = await loadSharedConfig(environment, explicit)
  return findSetting({ environment, config, profile }, 'ca_bundle', String)
}
