import { isRegionName, realRegion, regionMeant } from '../aws/config/partitions.ts'
import { closestMatch } from '../internal/message-text.ts'
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
 * An option that takes a region of AWS, of which nobody hears for long that there is none. There are always new ones: no list
 * decides, but how they are named.
 */
export function awsRegionOption(takes: string): OptionRow<string> {
  const row = regionOption(takes)
  return {
    ...row,
    accepts: value => row.accepts(value) && isNamedAsRegion(String(value)),
    meant: value => row.meant?.(value) ?? (typeof value === 'string' ? spellingMeant(value) : undefined),
  }
}

/** What regions are named after, before the number. */
const DIRECTIONS = [
  'central',
  'east',
  'north',
  'northeast',
  'northwest',
  'south',
  'southeast',
  'southwest',
  'west',
] as const

const PARTS = /^(?<area>[a-z]+(?:-[a-z]+)*)-(?<direction>[a-z]+)-?(?<number>\d+)$/

function isNamedAsRegion(text: string): boolean {
  return /-[a-z]+-\d+$/.test(realRegion(text).name) && spellingMeant(text) === undefined
}

function spellingMeant(text: string): string | undefined {
  const { area, direction = '', number } = PARTS.exec(realRegion(text).name)?.groups ?? {}
  const known = closestMatch(direction, DIRECTIONS)
  // A longer word may be that of a new region.
  if (known === undefined || (known !== direction && direction.startsWith(known))) return undefined
  const meant = `${area}-${known}-${number}`
  return meant === realRegion(text).name ? undefined : meant
}
