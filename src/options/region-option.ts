import { awsRegionMeant, isAwsRegionName, isRegionName, regionMeant } from '../aws/config/region-names.ts'
import { type OptionRow, textOption } from '../internal/option.ts'

/** An option that takes a region. Wrong ones are repeated, as far as they look like the name of something. */
export function regionOption(takes = 'the name of an AWS region, such as eu-west-1'): OptionRow<string> {
  return {
    ...textOption(takes, isRegionName),
    shown: /^[\w -]{1,32}$/,
    meant: value => (typeof value === 'string' ? regionMeant(value) : undefined),
  }
}

/**
 * An option that takes a region of AWS which is not asked before an outage, so that a wrong name would be found out too late. There
 * are always new ones: no list decides, but how they are named.
 */
export function awsRegionOption(takes: string): OptionRow<string> {
  const row = regionOption(takes)
  return {
    ...row,
    accepts: value => row.accepts(value) && isAwsRegionName(String(value)),
    meant: value => (typeof value === 'string' ? awsRegionMeant(value) : undefined),
  }
}
