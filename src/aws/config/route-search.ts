import type { Endpoint } from '../http/endpoint.ts'
import type { Route } from '../http/route.ts'
import { type Environment, variable } from './environment.ts'
import { loadSharedConfig, selectedProfile } from './shared-config.ts'

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

/** What names a file of certificates. */
interface BundleSetting {
  readonly path: string
  readonly source: string
}

const PROXY_VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'] as const

/**
 * Finds how connections to AWS are made: which certificates are trusted (the option `ca`, else the file of
 * `AWS_CA_BUNDLE`, else that of the profile's `ca_bundle`, else what the runtime trusts), and through which proxy
 * (`proxyFor`).
 */
export class RouteSearch {
  readonly #sources: RouteSources
  #trusted: Promise<Pick<Route, 'ca' | 'trustAdvice'>> | undefined

  constructor(sources: RouteSources) {
    this.#sources = sources
  }

  /** @throws {ConfigurationError} when the proxy or the file of certificates cannot be used. */
  async find(endpoint: Endpoint): Promise<Route> {
    const { environment, proxy: given } = this.#sources
    const isProxied =
      given !== false &&
      (given !== undefined || PROXY_VARIABLES.some(name => variable(environment, name) !== undefined))
    const proxy = isProxied
      ? (await import('./route-settings.ts')).proxyFor(endpoint, environment, given)
      : undefined
    if (endpoint.protocol !== 'https:' && proxy?.endpoint.protocol !== 'https:') return { proxy }
    // What failed is looked at again: the file may be there by then.
    this.#trusted ??= this.#findTrusted().catch((error: unknown) => {
      this.#trusted = undefined
      throw error
    })
    return { ...(await this.#trusted), proxy }
  }

  async #findTrusted(): Promise<Pick<Route, 'ca' | 'trustAdvice'>> {
    const { ca, hasOptions } = this.#sources
    if (ca !== undefined) return { ca, trustAdvice: 'add that to the option "ca"' }
    const bundle = await this.#bundleSetting()
    if (bundle === undefined) {
      const inCode = hasOptions ? 'pass that as the option "ca", or ' : ''
      return { trustAdvice: `${inCode}name its file in AWS_CA_BUNDLE or NODE_EXTRA_CA_CERTS` }
    }
    const { readCaBundle } = await import('./route-settings.ts')
    return {
      ca: await readCaBundle(bundle.path, bundle.source),
      trustAdvice: `add that to the file ${bundle.path} that ${bundle.source} names`,
    }
  }

  async #bundleSetting(): Promise<BundleSetting | undefined> {
    const { environment, profile: given } = this.#sources
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
}
