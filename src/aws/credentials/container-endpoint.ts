import { type Environment, variable } from '../config/environment.ts'
import { CredentialsError } from '../../errors.ts'
import { type Endpoint, parseEndpoint } from '../http/endpoint.ts'

/** Options that say where container credentials come from. */
export interface ContainerEndpointOptions {
  /**
   * Path and query at the credentials endpoint of Amazon ECS; it wins over a full URI.
   *
   * @default `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`
   */
  readonly awsContainerCredentialsRelativeUri?: string | undefined
  /**
   * Whole URL of a credentials endpoint. Unless it starts with `https://`, its host has to be this machine or one of
   * the addresses at which Amazon ECS and EKS serve credentials.
   *
   * @default `AWS_CONTAINER_CREDENTIALS_FULL_URI`
   */
  readonly awsContainerCredentialsFullUri?: string | undefined
}

/** Where container credentials come from. */
export interface ContainerEndpoint {
  readonly endpoint: Endpoint
  /**
   * Path and query. On Amazon ECS the path is what entitles to the credentials, so it must not appear in errors.
   */
  readonly path: string
}

const ECS_ORIGIN = 'http://169.254.170.2'
const RELATIVE_URI_VARIABLE = 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'
const FULL_URI_VARIABLE = 'AWS_CONTAINER_CREDENTIALS_FULL_URI'

/** Hosts, as `URL` normalises them, that may be asked without TLS. */
const HOSTS_WITHOUT_TLS: ReadonlySet<string> = new Set([
  '169.254.170.2',
  '169.254.170.23',
  '[fd00:ec2::23]',
  'localhost',
  '[::1]',
])

/**
 * Finds the credentials endpoint of the container: the options, else the environment; in each, a relative URI wins
 * over a full one.
 *
 * @throws {CredentialsError} when there is none (a chain goes on), or when it must not or cannot be asked (a chain
 *   stops). The message shows at most the host.
 */
export function containerEndpoint(
  environment: Environment,
  options: ContainerEndpointOptions,
): ContainerEndpoint {
  const { awsContainerCredentialsRelativeUri: relativeUri, awsContainerCredentialsFullUri: fullUri } = options
  if (isSet(relativeUri)) return ofRelativeUri('awsContainerCredentialsRelativeUri', relativeUri)
  if (isSet(fullUri)) return ofFullUri('awsContainerCredentialsFullUri', fullUri)
  const relativeVariable = variable(environment, RELATIVE_URI_VARIABLE)
  if (relativeVariable !== undefined) return ofRelativeUri(RELATIVE_URI_VARIABLE, relativeVariable)
  const fullVariable = variable(environment, FULL_URI_VARIABLE)
  if (fullVariable !== undefined) return ofFullUri(FULL_URI_VARIABLE, fullVariable)
  throw new CredentialsError(`neither ${RELATIVE_URI_VARIABLE} nor ${FULL_URI_VARIABLE} is set`, {
    tryNextProvider: true,
  })
}

function isSet(text: string | undefined): text is string {
  return text !== undefined && text !== ''
}

function ofRelativeUri(source: string, uri: string): ContainerEndpoint {
  // Without the slash, what follows could change the host: "@example.com/" makes a user name of the address.
  if (!uri.startsWith('/') || !URL.canParse(ECS_ORIGIN + uri)) {
    throw new CredentialsError(`${source} is not a path that starts with /`)
  }
  return splitUrl(new URL(ECS_ORIGIN + uri))
}

function ofFullUri(source: string, uri: string): ContainerEndpoint {
  if (!URL.canParse(uri)) {
    throw new CredentialsError(`${source} is not a URL with a host, such as ${ECS_ORIGIN}/credentials`)
  }
  const url = new URL(uri)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new CredentialsError(`${source} has to start with https:// or http://`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new CredentialsError(`${source} must not contain a user name or password`)
  }
  if (url.protocol === 'http:' && !mayBeAskedWithoutTls(url.hostname)) {
    throw new CredentialsError(
      `${source} names the host ${url.hostname}, which must not be asked for credentials over http; it takes ` +
        'https://, this machine (localhost, 127.0.0.0/8, [::1]), or an address of Amazon ECS or EKS ' +
        '(169.254.170.2, 169.254.170.23, [fd00:ec2::23])',
    )
  }
  return splitUrl(url)
}

function mayBeAskedWithoutTls(hostname: string): boolean {
  return HOSTS_WITHOUT_TLS.has(hostname) || /^127(?:\.\d{1,3}){3}$/.test(hostname)
}

function splitUrl(url: URL): ContainerEndpoint {
  return { endpoint: parseEndpoint(url.origin), path: url.pathname + url.search }
}
