import { isRegionName, regionMeant } from '../aws/config/partitions.ts'
import { type OptionRow, textOption } from '../internal/option.ts'

/** An option that takes a region. Wrong ones are repeated, as far as they look like the name of something. */
export function regionOption(takes = 'the name of an AWS region, such as eu-west-1'): OptionRow<string> {
  return {
    ...textOption(takes, isRegionName),
    shown: /^[\w -]{1,32}$/,
    meant: value => (typeof value === 'string' ? regionMeant(value) : undefined),
  }
}
