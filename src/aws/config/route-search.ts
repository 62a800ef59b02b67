import type { Route, RouteFinder } from '../http/endpoint.ts'
import { Deadline } from '../../internal/deadline.ts'
import { type Flights, sharedFlight } from '../../internal/shared-flight.ts'
import { variable } from './environment.ts'
import { loadSharedConfig, selectedProfile } from './shared-config.ts'
import type { RouteSources } from './route-finder.ts'

type Trust = Pick<Route, 'ca' | 'trustAdvice'>

/** What names a file of certificates. */
interface BundleSetting {
  readonly path: string
  readonly source: string
}

/** Longer than a connection may take to be made. */
const HUNG_AFTER_MS = 5000

const PROXY_VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'] as const

/**
 * Finds how connections to AWS are made: which certificates are trusted (the option `ca`, else the file of
 * `AWS_CA_BUNDLE`, else that of the profile's `ca_bundle`, else what the runtime trusts), and through which proxy
 * (`proxyFor`).
 *
 * @returns a function that throws a `ConfigurationError` when the proxy or the file of certificates cannot be used.
 */
export function routeSearch(sources: RouteSources): RouteFinder {
  const { environment, proxy: given } = sources
  let trusted: Trust | undefined
  const flights: Flights<Trust> = new Map()
  return async endpoint => {
    const isProxied =
      given !== false &&
      (given !== undefined || PROXY_VARIABLES.some(name => variable(environment, name) !== undefined))
    const proxy = isProxied
      ? (await import('./route-settings.ts')).proxyFor(endpoint, environment, given)
      : undefined
    if (endpoint.protocol !== 'https:' && proxy?.endpoint.protocol !== 'https:') return { proxy }
    // What failed, or took too long, is looked at again: the file may be there by then.
    trusted ??= await sharedFlight(flights, '', new Deadline(HUNG_AFTER_MS), () => findTrusted(sources))
    return { ...trusted, proxy }
  }
}

async function findTrusted(sources: RouteSources): Promise<Trust> {
  const { ca, hasOptions } = sources
  if (ca !== undefined) return { ca, trustAdvice: 'add that to the option "ca"' }
  const bundle = await bundleSetting(sources)
  if (bundle === undefined) {
    const inCode = hasOptions ? 'pass that as the option "ca", or ' : ''
    return { trustAdvice: `${inCode}name its file in AWS_CA_BUNDLE or NODE_EXTRA_CA_CERTS` }
  }
  const { path, source } = bundle
  const { readCaBundle } = await import('./route-settings.ts')
  return {
    ca: await readCaBundle(path, source),
    trustAdvice: `add that to the file ${path} that ${source} names`,
  }
}

async function bundleSetting({
  environment,
  profile: given,
}: RouteSources): Promise<BundleSetting | undefined> {
  const path = variable(environment, 'AWS_CA_BUNDLE')
  if (path !== undefined) return { path, source: 'the environment variable AWS_CA_BUNDLE' }
  const { name, explicit } = selectedProfile(environment, given)
  // Nothing depends on it: a file of nobody's choice that may not be read says nothing about certificates.
  const config = await loadSharedConfig(environment, explicit)
  const ofProfile = config.profiles.get(name)?.get('ca_bundle')
  return ofProfile === undefined
    ? undefined
    : { path: ofProfile, source: `ca_bundle of the profile "${name}"` }
}
