/**
 * DNS suffixes of the AWS partitions other than the commercial one, by the prefix of their region names.
 */
const DNS_SUFFIXES: readonly (readonly [regionPrefix: string, dnsSuffix: string])[] = [
  ['cn-', 'amazonaws.com.cn'],
  ['us-iso-', 'c2s.ic.gov'],
  ['us-isob-', 'sc2s.sgov.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk'],
  ['us-isof-', 'csp.hci.ic.gov'],
  ['eusc-', 'amazonaws.eu'],
]

/**
 * URL of DynamoDB in a region, for example `https://dynamodb.eu-west-1.amazonaws.com`.
 *
 * A region that no partition claims is taken for a new one of the commercial partition, as the AWS SDKs do.
 */
export function dynamoDBEndpointUrl(region: string): string {
  const suffix = DNS_SUFFIXES.find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'amazonaws.com'
  return `https://dynamodb.${region}.${suffix}`
}

/** Whether a text can be a region: it becomes a part of the host name, so it has to be one DNS label. */
export function isRegionName(text: string): boolean {
  return /^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/i.test(text)
}
