import { ConfigurationError, invalidOption } from '../../errors.ts'
import { isCredentials } from '../../aws/sigv4/sign.ts'
import { isObject } from '../../internal/core-objects.ts'
import type { ConnectionOptions } from '../../options/connection-options.ts'
import type { CredentialProvider } from '../../types.ts'

/**
 * A client of the AWS SDK for JavaScript v3 (`DynamoDBClient`, `DynamoDB`, `DynamoDBDocumentClient`), or an object with
 * such a `config`. It is read, and never called.
 */
export interface SdkClient {
  readonly config: SdkClientConfig
}

/** What is read of the configuration of an {@link SdkClient}. Functions may be asynchronous, as those of the SDK are. */
export interface SdkClientConfig {
  /** Name of the region, or a function that finds it. */
  readonly region: unknown
  /** Credentials, or a function that finds them; asked again before they expire. */
  readonly credentials?: unknown
  /** The endpoint that was set: a URL, an object with the parts of one, or a function that finds either. */
  readonly endpoint?: unknown
  /** The SDK's rules for endpoints. */
  readonly endpointProvider?: unknown
  readonly useFipsEndpoint?: unknown
  readonly useDualstackEndpoint?: unknown
  readonly accountIdEndpointMode?: unknown
  readonly maxAttempts?: unknown
}

/** What an {@link SdkClient} says of how DynamoDB is reached. */
type SdkClientSettings = Pick<ConnectionOptions, 'region' | 'endpoint' | 'credentials' | 'maxAttempts'>

const MOST_ATTEMPTS = 20

/** Whether a value has the shape of an {@link SdkClient}: region and credentials to read. */
export function isSdkClient(value: unknown): value is SdkClient {
  const config = member(value, 'config')
  // The clients of the SDK v2 have a configuration, too, which cannot be read this way.
  if (!isObject(config) || typeof member(config, 'getCredentials') === 'function') return false
  const [region, credentials] = [member(config, 'region'), member(config, 'credentials')]
  return (
    (typeof region === 'function' || typeof region === 'string') &&
    (credentials === undefined || typeof credentials === 'function' || isCredentials(credentials))
  )
}

/**
 * Reads region, endpoint, credentials and number of attempts of a client, except for those that are known already. What
 * it leaves open is left open.
 *
 * @throws {ConfigurationError} `REGION_MISSING` when the client does not find its region.
 * @throws {TypeError} `INVALID_OPTION` when it answers with something else than the SDK does.
 */
export async function readSdkClient(
  { config }: SdkClient,
  known: SdkClientSettings,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<SdkClientSettings> {
  const region = known.region ?? (await regionOf(config))
  const where =
    known.endpoint === undefined
      ? await endpointOf(config, region, environment)
      : { region, endpoint: known.endpoint }
  return {
    region: known.region ?? where.region,
    endpoint: where.endpoint,
    credentials: known.credentials ?? credentialsOf(config),
    maxAttempts: known.maxAttempts ?? (await maxAttemptsOf(config)),
  }
}

/** The credentials of a client, looked up at every call: an application may exchange them. */
export function credentialsOf(config: SdkClientConfig): CredentialProvider | undefined {
  if (config.credentials === undefined) return undefined
  return async () => {
    const found = await valueOf(config, 'credentials')
    if (isCredentials(found)) return found
    throw unreadable('credentials')
  }
}

async function regionOf(config: SdkClientConfig): Promise<string> {
  let region: unknown
  try {
    region = await valueOf(config, 'region')
  } catch (error) {
    throw new ConfigurationError(
      'REGION_MISSING',
      'the client in the option "client" does not find its region; make it with one (new DynamoDBClient({ region })), pass ' +
        'the option "region", or set AWS_REGION',
      { cause: error },
    )
  }
  if (typeof region === 'string' && region !== '') return region
  throw unreadable('region')
}

async function maxAttemptsOf(config: SdkClientConfig): Promise<number | undefined> {
  const maxAttempts = await valueOf(config, 'maxAttempts')
  if (typeof maxAttempts !== 'number' || !Number.isInteger(maxAttempts) || maxAttempts < 1) return undefined
  return Math.min(maxAttempts, MOST_ATTEMPTS)
}

async function endpointOf(
  config: SdkClientConfig,
  region: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly region: string; readonly endpoint?: string }> {
  if (config.endpoint !== undefined) {
    return { region, endpoint: urlOf(await valueOf(config, 'endpoint')) }
  }
  const [useFips, useDualStack, accountMode] = await Promise.all([
    valueOf(config, 'useFipsEndpoint'),
    valueOf(config, 'useDualstackEndpoint'),
    valueOf(config, 'accountIdEndpointMode'),
  ])
  const { endpointProvider } = config
  // What the environment asks for is heeded anyway, and does not go together with an endpoint of one's own.
  const needsOwn =
    (useDualStack === true && environment['AWS_USE_DUALSTACK_ENDPOINT']?.toLowerCase() !== 'true') ||
    (accountMode === 'disabled' && useFips !== true && useDualStack !== true)
  if (needsOwn && typeof endpointProvider === 'function') {
    const found: unknown = await Reflect.apply(endpointProvider, config, [
      {
        Region: region,
        UseFIPS: useFips === true,
        UseDualStack: useDualStack === true,
        AccountIdEndpointMode: 'disabled',
      },
    ])
    return { region, endpoint: urlOf(found) }
  }
  return { region: useFips === true ? `fips-${region}` : region }
}

/** The URL of an endpoint: text, `URL`, `{ url }`, or `{ protocol, hostname, port, path }`. */
function urlOf(endpoint: unknown): string {
  if (typeof endpoint === 'string') return endpoint
  const href = member(member(endpoint, 'url') ?? endpoint, 'href')
  if (typeof href === 'string') return href
  const [protocol, hostname, port, path] = ['protocol', 'hostname', 'port', 'path'].map(name =>
    member(endpoint, name),
  )
  if (typeof protocol !== 'string' || typeof hostname !== 'string') throw unreadable('endpoint')
  const scheme = protocol.endsWith(':') ? protocol : `${protocol}:`
  return `${scheme}//${hostname}${typeof port === 'number' ? `:${port}` : ''}${typeof path === 'string' ? path : ''}`
}

/** A value of the configuration, or what the function finds that stands for it. */
async function valueOf(config: SdkClientConfig, name: keyof SdkClientConfig): Promise<unknown> {
  const value = config[name]
  return typeof value === 'function' ? Reflect.apply(value, config, []) : value
}

/** A property of what may be anything. */
export function member(value: unknown, name: string): unknown {
  return isObject(value) || typeof value === 'function' ? Reflect.get(value, name) : undefined
}

function unreadable(what: string): TypeError {
  return invalidOption(
    `the client in the option "client" does not say its ${what} as the AWS SDK does; pass the option "${what}" instead`,
  )
}
