import { ConfigurationError } from '../../errors.ts'
import { type Endpoint, parseEndpoint } from '../http/endpoint.ts'
import { isTypeError } from '../../internal/core-objects.ts'
import { type Environment, isSwitchedOn, variable } from './environment.ts'
import { type ConfigSection, loadSharedConfig, selectedProfile } from './shared-config.ts'

/** How to reach the instance metadata service. */
export interface InstanceMetadataOptions {
  /**
   * URL of the service, for a proxy in front of it.
   *
   * @default `AWS_EC2_METADATA_SERVICE_ENDPOINT`, else `ec2_metadata_service_endpoint` of the profile, else the
   *   address that belongs to `endpointMode`
   */
  readonly endpoint?: string | undefined
  /**
   * Which of the service's two addresses to use, where no URL says otherwise.
   *
   * @default `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE`, else `ec2_metadata_service_endpoint_mode` of the profile,
   *   else `IPv4`
   */
  readonly endpointMode?: 'IPv4' | 'IPv6' | undefined
  /**
   * Profile whose settings count.
   *
   * @default `AWS_PROFILE`, else `default`
   */
  readonly profile?: string | undefined
  /**
   * Longest time for one request, from connecting to the last byte of the answer. Milliseconds.
   *
   * @default `AWS_METADATA_SERVICE_TIMEOUT`, else `metadata_service_timeout` of the profile (both in seconds), else
   *   1000
   */
  readonly timeout?: number | undefined
  /**
   * How often a request that got no answer, or one with a status from 500 on, is sent again.
   *
   * @default `AWS_METADATA_SERVICE_NUM_ATTEMPTS`, else `metadata_service_num_attempts` of the profile, less one; else 0
   */
  readonly maxRetries?: number | undefined
  /**
   * Refuses to ask without a token (IMDSv1), even when the request for one fails.
   *
   * @default `AWS_EC2_METADATA_V1_DISABLED`, else `ec2_metadata_v1_disabled` of the profile, else `false`
   */
  readonly ec2MetadataV1Disabled?: boolean | undefined
}

/** {@link InstanceMetadataOptions} with everything decided. */
export interface InstanceMetadataSettings {
  readonly endpoint: Endpoint
  readonly timeoutMs: number
  readonly maxAttempts: number
  /** What forbids requests without a token, for the error message; absent when they are allowed. */
  readonly v1DisabledBy: string | undefined
}

const ADDRESSES = { IPv4: 'http://169.254.169.254', IPv6: 'http://[fd00:ec2::254]' } as const
const DEFAULT_TIMEOUT_MS = 1000

const ENDPOINT_VARIABLE = 'AWS_EC2_METADATA_SERVICE_ENDPOINT'
const MODE_VARIABLE = 'AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE'
const V1_DISABLED_VARIABLE = 'AWS_EC2_METADATA_V1_DISABLED'

/**
 * Decides how to reach the instance metadata service, from options, environment and profile, in this order.
 *
 * The configuration files are read each time. A timeout or number of attempts that is not a number from 1 to 99
 * counts as absent, as the AWS SDK for JavaScript looks at neither.
 *
 * @throws {ConfigurationError} `INVALID_SETTING` when the endpoint or its mode cannot be used; the message names the
 *   setting.
 */
export async function instanceMetadataSettings(
  environment: Environment,
  options: InstanceMetadataOptions,
): Promise<InstanceMetadataSettings> {
  const { name } = selectedProfile(environment, options.profile)
  const config = await loadSharedConfig(environment)
  const profile: Profile = { name, section: config.profiles.get(name) ?? new Map() }
  const timeoutSeconds =
    positiveNumber(variable(environment, 'AWS_METADATA_SERVICE_TIMEOUT')) ??
    positiveNumber(profile.section.get('metadata_service_timeout'))
  const attempts =
    positiveNumber(variable(environment, 'AWS_METADATA_SERVICE_NUM_ATTEMPTS')) ??
    positiveNumber(profile.section.get('metadata_service_num_attempts'))
  return {
    endpoint: endpointOf(environment, profile, options),
    timeoutMs: options.timeout ?? (timeoutSeconds === undefined ? DEFAULT_TIMEOUT_MS : timeoutSeconds * 1000),
    maxAttempts: options.maxRetries === undefined ? (attempts ?? 1) : options.maxRetries + 1,
    v1DisabledBy: v1DisabledBy(environment, profile, options),
  }
}

interface Profile {
  readonly name: string
  readonly section: ConfigSection
}

interface Setting {
  readonly source: string
  readonly value: string
}

function endpointOf(environment: Environment, profile: Profile, options: InstanceMetadataOptions): Endpoint {
  const url =
    given('the option "endpoint"', options.endpoint) ??
    given(ENDPOINT_VARIABLE, environment[ENDPOINT_VARIABLE]) ??
    ofProfile(profile, 'ec2_metadata_service_endpoint')
  if (url === undefined) return parseEndpoint(ADDRESSES[modeOf(environment, profile, options)])
  try {
    return parseEndpoint(url.value)
  } catch (cause) {
    if (!isTypeError(cause)) throw cause
    throw new ConfigurationError(
      'INVALID_SETTING',
      `${url.source} is no URL of an instance metadata service, such as ${ADDRESSES.IPv4}: ${cause.message}`,
    )
  }
}

function modeOf(
  environment: Environment,
  profile: Profile,
  options: InstanceMetadataOptions,
): keyof typeof ADDRESSES {
  const mode =
    given('the option "endpointMode"', options.endpointMode) ??
    given(MODE_VARIABLE, environment[MODE_VARIABLE]) ??
    ofProfile(profile, 'ec2_metadata_service_endpoint_mode')
  const lowered = mode?.value.toLowerCase() ?? 'ipv4'
  if (lowered === 'ipv4') return 'IPv4'
  if (lowered === 'ipv6') return 'IPv6'
  throw new ConfigurationError(
    'INVALID_SETTING',
    `${mode?.source} is ${JSON.stringify(mode?.value)}, which is no endpoint mode; it takes IPv4 or IPv6`,
  )
}

function v1DisabledBy(
  environment: Environment,
  profile: Profile,
  { ec2MetadataV1Disabled }: InstanceMetadataOptions,
): string | undefined {
  if (ec2MetadataV1Disabled !== undefined) {
    return ec2MetadataV1Disabled ? 'the option "ec2MetadataV1Disabled"' : undefined
  }
  if (variable(environment, V1_DISABLED_VARIABLE) !== undefined) {
    return isSwitchedOn(environment, V1_DISABLED_VARIABLE) ? V1_DISABLED_VARIABLE : undefined
  }
  const setting = ofProfile(profile, 'ec2_metadata_v1_disabled')
  return setting === undefined || setting.value.toLowerCase() === 'false' ? undefined : setting.source
}

function given(source: string, value: string | undefined): Setting | undefined {
  return value === undefined || value === '' ? undefined : { source, value }
}

function ofProfile({ name, section }: Profile, property: string): Setting | undefined {
  return given(`${property} of the profile ${JSON.stringify(name)}`, section.get(property))
}

function positiveNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d?$/.test(text) ? Number(text) : undefined
}
