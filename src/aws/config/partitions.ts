/** A group of AWS regions that share DNS suffixes and accounts: the commercial regions, China, GovCloud, ... */
export interface Partition {
  /** Name of the partition as ARNs spell it, for example `aws-cn`. */
  readonly id: string
  /** What host names of services end with, for example `amazonaws.com`. */
  readonly dnsSuffix: string
  /** What host names that are reachable over IPv6 too end with, for example `api.aws`. */
  readonly dualStackDnsSuffix: string
}

const AWS: Partition = { id: 'aws', dnsSuffix: 'amazonaws.com', dualStackDnsSuffix: 'api.aws' }

const OTHER_PARTITIONS: readonly (readonly [regions: RegExp, partition: Partition])[] = [
  partition('aws-cn', /^cn-\w+-\d+$/, 'amazonaws.com.cn', 'api.amazonwebservices.com.cn'),
  partition('aws-us-gov', /^us-gov-\w+-\d+$/, 'amazonaws.com', 'api.aws'),
  partition('aws-iso', /^us-iso-\w+-\d+$/, 'c2s.ic.gov', 'api.aws.ic.gov'),
  partition('aws-iso-b', /^us-isob-\w+-\d+$/, 'sc2s.sgov.gov', 'api.aws.scloud'),
  partition('aws-iso-e', /^eu-isoe-\w+-\d+$/, 'cloud.adc-e.uk', 'api.cloud-aws.adc-e.uk'),
  partition('aws-iso-f', /^us-isof-\w+-\d+$/, 'csp.hci.ic.gov', 'api.aws.hci.ic.gov'),
  partition('aws-eusc', /^eusc-de-\w+-\d+$/, 'amazonaws.eu', 'api.amazonwebservices.eu'),
]

/**
 * The partition of a region.
 *
 * A region that no partition claims is taken for a new one of the commercial partition, as the AWS SDKs do.
 */
export function partitionOf(region: string): Partition {
  const found = OTHER_PARTITIONS.find(
    ([regions, { id }]) => regions.test(region) || region === `${id}-global`,
  )
  return found?.[1] ?? AWS
}

/** A region that a setting names, without what else the name says. */
interface RealRegion {
  readonly name: string
  /** Whether the setting named the region's FIPS endpoints, as `fips-us-east-1` and `us-east-1-fips` do. */
  readonly isFips: boolean
}

/** Takes a pseudo-region such as `us-east-1-fips` apart; other regions are what they say. */
export function realRegion(region: string): RealRegion {
  if (region === 'fips-aws-global' || region === 'aws-fips') return { name: 'us-east-1', isFips: true }
  if (region.startsWith('fips-')) return { name: region.replace(/^fips-(?:dkr-|prod-)?/, ''), isFips: true }
  const isFips = region.endsWith('-fips')
  return { name: isFips ? region.slice(0, -'-fips'.length) : region, isFips }
}

/**
 * Whether a text is one label of a host name, as regions and account IDs have to be: they become a part of one.
 */
export function isHostLabel(text: string): boolean {
  return /^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/i.test(text)
}

/**
 * Whether a string can be the name of a region, real or that of an engine on this machine: a label of a host name that is
 * neither in upper case nor an availability zone.
 */
export function isRegionName(text: string): boolean {
  return isHostLabel(text) && regionMeant(text) === undefined
}

/** The region that was meant by what is none: that of an availability zone (`eu-west-1a`), or the one in lower case. */
export function regionMeant(text: string): string | undefined {
  const meant = text.toLowerCase().replaceAll(/[_ ]/g, '-').replace(ZONE, '$1')
  return meant === text || !isHostLabel(meant) ? undefined : meant
}

/** The name of an availability zone, that of a local zone (`us-west-2-lax-1a`) included. */
const ZONE = /^([a-z]{2,}(?:-[a-z]+)+-\d+)(?:-[a-z]{3}-\d+)?[a-z]$/

function partition(
  id: string,
  regions: RegExp,
  dnsSuffix: string,
  dualStackDnsSuffix: string,
): readonly [RegExp, Partition] {
  return [regions, { id, dnsSuffix, dualStackDnsSuffix }]
}
