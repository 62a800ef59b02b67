/** Where requests are sent, taken apart once so that no request has to parse a URL. */
export interface Endpoint {
  readonly protocol: 'http:' | 'https:'
  /** Host name or IP address, without the brackets of IPv6. */
  readonly hostname: string
  readonly port: number
  /** Value of the `Host` header: the port is named only where it is not the protocol's own. */
  readonly host: string
  /** Scheme, host and port, as error messages name the endpoint. */
  readonly origin: string
  /** Base path: starts and ends with `/`. */
  readonly path: string
}

/**
 * Takes an endpoint URL apart.
 *
 * A base path is kept; a missing final `/` is added.
 *
 * @throws {TypeError} when the text is not an `http:` or `https:` URL, or carries a user name, a query or a
 *   fragment. The message says what is wrong and does not repeat the URL, which could hold a password.
 */
export function parseEndpoint(url: string): Endpoint {
  if (!URL.canParse(url)) {
    throw new TypeError('it is not a URL such as https://dynamodb.eu-west-1.amazonaws.com')
  }
  const parsed = new URL(url)
  const { protocol } = parsed
  if (protocol !== 'https:' && protocol !== 'http:') {
    throw new TypeError('it has to start with https:// or http://')
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new TypeError('it must not contain a user name or password')
  }
  if (parsed.search !== '' || parsed.hash !== '') {
    throw new TypeError('it must not have a query or a fragment')
  }
  const defaultPort = protocol === 'https:' ? 443 : 80
  return {
    protocol,
    hostname: parsed.hostname.startsWith('[') ? parsed.hostname.slice(1, -1) : parsed.hostname,
    port: parsed.port === '' ? defaultPort : Number(parsed.port),
    host: parsed.host,
    origin: parsed.origin,
    path: parsed.pathname.endsWith('/') ? parsed.pathname : `${parsed.pathname}/`,
  }
}

/** Whether a text is an endpoint URL, as {@link parseEndpoint} takes it. */
export function isEndpointUrl(text: string): boolean {
  try {
    parseEndpoint(text)
    return true
  } catch {
    return false
  }
}

/**
 * Whether what is sent to a host stays on this machine, by its name alone: nothing is looked up. The names that containers
 * have for each other or for their host, and link-local and private addresses, are on a network.
 *
 * @param hostname as {@link Endpoint.hostname} has it.
 */
export function isLoopback(hostname: string): boolean {
  return (
    /^(?:.+\.)?localhost\.?$/.test(hostname) ||
    hostname === '::1' ||
    /^127(?:\.\d{1,3}){3}$/.test(hostname) ||
    // 127.0.0.0/8 as URLs have it where it is mapped into IPv6.
    /^::ffff:7f[\da-f]{2}:[\da-f]{1,4}$/.test(hostname)
  )
}

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
