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

function partition(
  id: string,
  regions: RegExp,
  dnsSuffix: string,
  dualStackDnsSuffix: string,
): readonly [RegExp, Partition] {
  return [regions, { id, dnsSuffix, dualStackDnsSuffix }]
}
