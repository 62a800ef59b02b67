import type { RouteFinder } from '../http/endpoint.ts'
import { SocketTransport } from '../http/socket-transport.ts'
import type { Environment } from './environment.ts'

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

/**
 * Finds how connections to AWS are made; the code that reads variables and files for it is loaded for the first one.
 */
export function routeFinder(sources: RouteSources): RouteFinder {
  let find: RouteFinder | undefined
  return async endpoint => {
    const { routeSearch } = await import('./route-search.ts')
    find ??= routeSearch(sources)
    return find(endpoint)
  }
}

/** A transport for the services that give credentials: of few and short-lived connections, on the way that is configured. */
export function briefTransport(sources: RouteSources): SocketTransport {
  return new SocketTransport({ ...BRIEFLY_KEPT, route: routeFinder(sources) })
}
