import { invalidSetting } from '../../errors.ts'
import { type Endpoint, isLoopback, parseEndpoint } from '../http/endpoint.ts'
import { messageOf } from '../../internal/core-objects.ts'
import { didYouMean } from '../../internal/message-text.ts'
import { partitionOf } from './partitions.ts'
import { awsRegionMeant, isAwsRegionName, isRegionName, realRegion } from './region-names.ts'
import { booleanSetting } from './environment.ts'
import { settingOf, type SettingsSource } from './shared-config.ts'

/** The AWS services that this package talks to, as `services` sections name them. */
export type ServiceId = 'dynamodb' | 'sts' | 'sso' | 'sso_oidc' | 'signin'

/** When requests go to an endpoint that carries the number of the AWS account, where AWS has such endpoints. */
export type AccountIdEndpointMode =
  /** Whenever the account is known. */
  | 'preferred'
  /** Never. */
  | 'disabled'
  /** Always: it is an error when that cannot be. */
  | 'required'

/** What decides where requests to DynamoDB go, except the account, which only shows with the credentials. */
export interface EndpointSettings {
  /** A real region, or `local`; never a pseudo-region such as `us-east-1-fips`. */
  readonly region: string
  /** An endpoint that was configured to take the place of the region's own. */
  readonly customEndpoint?: CustomEndpoint | undefined
  /** Hosts whose cryptography is validated by FIPS 140. */
  readonly useFips: boolean
  /** Hosts that are reachable over IPv6 too. */
  readonly useDualStack: boolean
  readonly accountIdEndpointMode: AccountIdEndpointMode
}

/** An endpoint that somebody configured, and where. */
export interface CustomEndpoint {
  readonly url: string
  /** The option, variable or property that names it, for error messages. */
  readonly source: string
}

/** Which kind of host name a service is reached by. */
type EndpointFlags = Pick<EndpointSettings, 'useFips' | 'useDualStack'>

/**
 * The endpoint that is configured for a service: in the environment, else in the profile's `services` section, else
 * the profile's `endpoint_url`, which does not count in a profile that names a `services` section that does not exist
 * (the AWS SDK for JavaScript then uses the endpoint of the region).
 *
 * @returns `undefined` when there is none, or when `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` or, where that is neither
 *   `true` nor `false`, the profile's `ignore_configured_endpoint_urls` says `true`.
 * @throws {ConfigurationError} when what is configured is no URL of an endpoint.
 */
export function configuredEndpoint(service: ServiceId, settings: SettingsSource): CustomEndpoint | undefined {
  if (settingOf(settings, 'ignore_configured_endpoint_urls', booleanSetting) === true) return undefined
  const { environment, config, profile } = settings
  const section = config.profiles.get(profile)
  const services = section?.get('services')
  const ofServices = services === undefined ? undefined : config.services.get(services)
  const isUnknown = services !== undefined && ofServices === undefined
  const places = [
    ...[`AWS_ENDPOINT_URL_${service.toUpperCase()}`, 'AWS_ENDPOINT_URL'].map(
      name => [environment[name]?.trim(), `the environment variable ${name}`] as const,
    ),
    [
      ofServices?.get(`${service}.endpoint_url`),
      `${service}.endpoint_url of the section "services ${services}" (profile "${profile}")`,
    ],
    [isUnknown ? '' : section?.get('endpoint_url'), `endpoint_url of the profile "${profile}"`],
  ] as const
  for (const [url = '', source] of places) if (url !== '') return checkedEndpoint(url, source)
  return undefined
}

/**
 * An endpoint whose URL can be used. Plain HTTP to another machine is a process warning, once for each endpoint.
 *
 * @param source the option, variable or property that names it.
 * @throws {ConfigurationError} when it cannot be used. The message names the source and does not repeat the URL.
 */
export function checkedEndpoint(url: string, source: string): CustomEndpoint {
  let endpoint: Endpoint
  try {
    endpoint = parseEndpoint(url)
  } catch (cause) {
    throw invalidSetting(`${source} cannot be used: ${messageOf(cause)}`, {
      cause,
    })
  }
  warnOfPlainHttp(endpoint, source)
  return { url, source }
}

/** Endpoints that have been warned of. */
const plain = new Set<string>()

function warnOfPlainHttp({ protocol, hostname, origin }: Endpoint, source: string): void {
  if (protocol !== 'http:' || isLoopback(hostname) || plain.has(origin)) return
  plain.add(origin)
  process.emitWarning(
    `${source}: ${origin} is plain HTTP to another machine, so that sessions and session tokens of credentials can be read ` +
      'and changed on the way; use https://',
    { type: 'DynamoDBSessionsWarning', code: 'DYNAMODB_SESSIONS_PLAIN_HTTP' },
  )
}

/**
 * Whether FIPS and dual-stack hosts are asked for: `AWS_USE_FIPS_ENDPOINT` and `AWS_USE_DUALSTACK_ENDPOINT`, else the
 * profile's `use_fips_endpoint` and `use_dualstack_endpoint`. Anything but `true` and `false` counts as unset.
 */
export function endpointFlags(source: SettingsSource): EndpointFlags {
  return {
    useFips: settingOf(source, 'use_fips_endpoint', booleanSetting) ?? false,
    useDualStack: settingOf(source, 'use_dualstack_endpoint', booleanSetting) ?? false,
  }
}

/**
 * URL of a service in a region by the rules of AWS, for example `https://sts.eu-west-1.amazonaws.com`, without a
 * final `/`. DynamoDB has rules of its own: `aws/dynamodb/endpoint-rules.ts`.
 *
 * @param region a real region, without `fips-`: see `realRegion`.
 * @param flags which kind of host. `@default` neither FIPS nor dual-stack
 */
export function serviceUrl(
  service: Exclude<ServiceId, 'dynamodb'>,
  region: string,
  { useFips = false, useDualStack = false }: Partial<EndpointFlags> = {},
): string {
  const { id, dnsSuffix, dualStackDnsSuffix } = partitionOf(region)
  if (service === 'signin' && !useDualStack) {
    const url = signInUrl(region, id, useFips)
    if (url !== undefined) return url
  }
  // The plain hosts of GovCloud are validated already.
  const plainIsFips = id === 'aws-us-gov' && !useDualStack
  const host = HOSTS[service] + (useFips && !plainIsFips ? '-fips' : '')
  return `https://${host}.${region}.${useDualStack ? dualStackDnsSuffix : dnsSuffix}`
}

/**
 * URL to call a service at: the configured one, else that of the region.
 *
 * @param region may be a pseudo-region such as `us-east-1-fips`.
 * @throws {ConfigurationError} when the region or the endpoint cannot be one, or when a configured endpoint meets FIPS
 *   or dual-stack hosts, which exclude it.
 */
export function callUrl(
  service: Exclude<ServiceId, 'dynamodb'>,
  region: string,
  source: SettingsSource,
): string {
  const { name, isFips } = realRegion(region)
  const configured = configuredEndpoint(service, source)
  if (!(configured === undefined ? isAwsRegionName(name) : isRegionName(name))) {
    throw invalidSetting(
      `${JSON.stringify(region)} is not the name of an AWS region such as eu-west-1 (profile "${source.profile}")` +
        didYouMean(awsRegionMeant(region)),
    )
  }
  const flags = endpointFlags(source)
  const useFips = flags.useFips || isFips
  if (configured === undefined) return serviceUrl(service, name, { ...flags, useFips })
  if (useFips || flags.useDualStack) {
    throw invalidSetting(
      `${configured.source} cannot be combined with ${useFips ? 'FIPS' : 'dual-stack'} endpoints; remove one of the two`,
    )
  }
  return configured.url
}

const HOSTS = { sts: 'sts', sso: 'portal.sso', sso_oidc: 'oidc', signin: 'signin' } as const

/** Domains of the sign-in service, by partition; they are none of the partition's own. */
const SIGN_IN_DOMAINS: ReadonlyMap<string, string> = new Map([
  ['aws', 'aws.amazon.com'],
  ['aws-cn', 'amazonaws.cn'],
  ['aws-us-gov', 'amazonaws-us-gov.com'],
  ['aws-iso', 'c2shome.ic.gov'],
  ['aws-iso-b', 'sc2shome.sgov.gov'],
  ['aws-iso-e', 'csphome.adc-e.uk'],
  ['aws-iso-f', 'csphome.hci.ic.gov'],
  ['aws-eusc', 'amazonaws-eusc.eu'],
])

/** URL of sign-in where it does not follow the rule of the other services. */
function signInUrl(region: string, partitionId: string, useFips: boolean): string | undefined {
  const domain = SIGN_IN_DOMAINS.get(partitionId)
  if (domain === undefined) return undefined
  if (!useFips) return `https://${region}.signin.${domain}`
  if (partitionId !== 'aws-us-gov') return undefined
  return `https://${region === 'us-gov-west-1' ? '' : `${region}.`}signin-fips.${domain}`
}
