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
