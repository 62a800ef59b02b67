import { type ConfigurationError, invalidSetting } from '../../errors.ts'
import type { EndpointSettings } from '../config/service-endpoint.ts'
import { type Partition, partitionOf } from '../config/partitions.ts'
import { isHostLabel } from '../config/region-names.ts'

/** Where the account of an account-based endpoint can come from. */
export interface AccountSources {
  /** Account of the credentials. */
  readonly accountId?: string | undefined
  /** The table, where it is named by its ARN: its account counts if it is in the region that is called. */
  readonly tableArn?: string | undefined
}

const LOCAL_URL = 'http://localhost:8000'

/** Regions outside the commercial partition that have account-based endpoints. */
const OTHER_ACCOUNT_REGIONS: ReadonlySet<string> = new Set([
  'cn-north-1',
  'cn-northwest-1',
  'us-gov-east-1',
  'us-gov-west-1',
])

/**
 * URL of DynamoDB by the rules of AWS: the custom endpoint, else `http://localhost:8000` for the region `local`, else
 * the FIPS, dual-stack, account-based or plain endpoint of the region.
 *
 * @throws {ConfigurationError} when the settings exclude each other, when an account-based endpoint is required and
 *   there is none, or when the account of the credentials cannot be a part of a host name.
 */
export function endpointUrlFor(settings: EndpointSettings, account: AccountSources = {}): string {
  const { region, customEndpoint, useFips, useDualStack, accountIdEndpointMode } = settings
  if (customEndpoint !== undefined) {
    refuseFlags(settings, customEndpoint.source)
    return customEndpoint.url
  }
  if (region === 'local') {
    refuseFlags(settings, 'the region "local"')
    return LOCAL_URL
  }
  const partition = partitionOf(region)
  const suffix = useDualStack ? partition.dualStackDnsSuffix : partition.dnsSuffix
  if (useFips) {
    if (accountIdEndpointMode === 'required') throw noAccountEndpoint('there are none that satisfy FIPS')
    // The plain endpoints of GovCloud are validated already.
    const isPlain = partition.id === 'aws-us-gov' && !useDualStack
    return `https://dynamodb${isPlain ? '' : '-fips'}.${region}.${suffix}`
  }
  const accountId = accountIdEndpointMode === 'disabled' ? undefined : accountOf(region, partition, account)
  if (accountId !== undefined) return `https://${accountId}.ddb.${region}.${suffix}`
  if (accountIdEndpointMode === 'required') {
    throw noAccountEndpoint(
      hasAccountEndpoints(region, partition)
        ? 'the credentials do not say which account they belong to (set AWS_ACCOUNT_ID or aws_account_id)'
        : `the region ${region} has none`,
    )
  }
  return `https://dynamodb.${region}.${suffix}`
}

/** Region that requests are signed for: the one that is called, except that `local` stands for no region at all. */
export function signingRegionFor({ region, customEndpoint }: EndpointSettings): string {
  return region === 'local' && customEndpoint === undefined ? 'us-east-1' : region
}

function accountOf(
  region: string,
  partition: Partition,
  { accountId, tableArn }: AccountSources,
): string | undefined {
  if (!hasAccountEndpoints(region, partition)) return undefined
  const [arn, , service, tableRegion, owner] = tableArn?.split(':') ?? []
  if (arn === 'arn' && service === 'dynamodb' && tableRegion === region && isHostLabel(owner ?? ''))
    return owner
  if (accountId === undefined || accountId === '') return undefined
  if (isHostLabel(accountId)) return accountId
  throw invalidSetting(
    'the account ID of the credentials is not a number of 12 digits; correct it, or remove it where they come from',
  )
}

function hasAccountEndpoints(region: string, { id }: Partition): boolean {
  return id === 'aws' || OTHER_ACCOUNT_REGIONS.has(region)
}

function refuseFlags({ useFips, useDualStack }: EndpointSettings, source: string): void {
  if (!useFips && !useDualStack) return
  throw invalidSetting(
    `${source} cannot be combined with ${useFips ? 'FIPS' : 'dual-stack'} endpoints, which are switched on ` +
      `(${useFips ? 'AWS_USE_FIPS_ENDPOINT, use_fips_endpoint or a FIPS region' : 'AWS_USE_DUALSTACK_ENDPOINT or use_dualstack_endpoint'}); ` +
      'remove one of the two',
  )
}

function noAccountEndpoint(reason: string): ConfigurationError {
  return invalidSetting(
    `account-based endpoints are required (AWS_ACCOUNT_ID_ENDPOINT_MODE or account_id_endpoint_mode), but ${reason}`,
  )
}
