import type { Endpoint } from './endpoint.ts'

/** A proxy that connections are made through, by `CONNECT`. */
export interface Proxy {
  readonly endpoint: Endpoint
  /** Value of the header `proxy-authorization`, where the proxy has a user name. */
  readonly authorization: string | undefined
  /** Who names the proxy: `the environment variable HTTPS_PROXY`. */
  readonly source: string
}

/** How connections to an endpoint are made. */
export interface Route {
  /** Certificates (PEM) to trust instead of the ones that the runtime trusts. */
  readonly ca?: string | readonly string[] | undefined
  /** How the caller can have another certificate authority trusted; to complete `if it is signed by ..., `. */
  readonly trustAdvice?: string | undefined
  readonly proxy?: Proxy | undefined
}

/** Finds the way to an endpoint; asked for every new connection. */
export type RouteFinder = (endpoint: Endpoint) => Route | Promise<Route>
