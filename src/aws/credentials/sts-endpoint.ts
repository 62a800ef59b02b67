import { regionFromEnvironment } from '../config/environment.ts'
import { callUrl } from '../config/service-endpoint.ts'
import { selectedProfile, type SharedConfig } from '../config/shared-config.ts'
import { ConfigurationError, CredentialsError } from '../../errors.ts'
import { parseEndpoint } from '../http/endpoint.ts'
import { realRegion } from '../config/partitions.ts'
import type { ProviderContext } from './provider-context.ts'

/** Where the AWS Security Token Service (STS) is called, and the region that calls are signed for. */
export interface StsEndpoint {
  /** Absolute URL with a final `/`. */
  readonly url: string
  /** A real region, without `fips-`. */
  readonly region: string
  /** Profile whose settings of calls count. */
  readonly profile: string
}

/** Settings of the client that calls the AWS Security Token Service (STS). */
export interface StsClientConfig {
  /**
   * Region whose STS is called, whatever region is configured elsewhere.
   *
   * @default `AWS_REGION`, else `AWS_DEFAULT_REGION`, else the region of the profile, else `us-east-1`
   */
  readonly region?: string | undefined
  /**
   * Profile whose region and endpoint settings (`endpoint_url`, `services`, `use_fips_endpoint`, ...) count.
   *
   * @default `AWS_PROFILE`, else `default`
   */
  readonly profile?: string | undefined
}

const FALLBACK_REGION = 'us-east-1'

/**
 * Finds STS: the endpoint that is configured for it (`AWS_ENDPOINT_URL_STS`, `AWS_ENDPOINT_URL`, the profile's
 * `services` section or `endpoint_url`), else that of the region.
 *
 * Where nothing names a region, it is `us-east-1`, and the process is warned.
 *
 * @throws {CredentialsError} when the region or the endpoint is unusable.
 */
export function stsEndpoint(
  { environment }: ProviderContext,
  config: SharedConfig,
  { region: given, profile: givenProfile }: StsClientConfig,
): StsEndpoint {
  const selected = selectedProfile(environment).name
  const profile = givenProfile ?? selected
  const region =
    [
      given,
      regionFromEnvironment(environment)?.value,
      config.profiles.get(profile)?.get('region'),
      config.profiles.get(selected)?.get('region'),
    ].find(isSet) ?? fallbackRegion()
  try {
    const { origin, path } = parseEndpoint(callUrl('sts', region, environment, config, profile))
    return { url: origin + path, region: realRegion(region).name, profile }
  } catch (cause) {
    if (!(cause instanceof ConfigurationError)) throw cause
    throw new CredentialsError(`STS cannot be called: ${cause.message}`, { cause })
  }
}

function isSet(region: string | undefined): region is string {
  return region !== undefined && region !== ''
}

function fallbackRegion(): string {
  process.emitWarning(
    `no region is configured, so STS is called in ${FALLBACK_REGION}; set AWS_REGION`,
    'DynamoDBSessionsWarning',
  )
  return FALLBACK_REGION
}
