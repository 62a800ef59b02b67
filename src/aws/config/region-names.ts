import { closestMatch } from '../../internal/message-text.ts'

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

/**
 * Whether a string can be the name of a region of AWS. There are always new ones: no list decides, but how they are named.
 */
export function isAwsRegionName(text: string): boolean {
  return isRegionName(text) && /-[a-z]+-\d+$/.test(realRegion(text).name) && spellingMeant(text) === undefined
}

/** The region of AWS that was meant by what is none: see {@link regionMeant}, and what is misspelt (`eu-wst-1`). */
export function awsRegionMeant(text: string): string | undefined {
  return regionMeant(text) ?? spellingMeant(text)
}

/** The name of an availability zone, that of a local zone (`us-west-2-lax-1a`) included. */
const ZONE = /^([a-z]{2,}(?:-[a-z]+)+-\d+)(?:-[a-z]{3}-\d+)?[a-z]$/

const PARTS = /^(?<area>[a-z]+(?:-[a-z]+)*)-(?<direction>[a-z]+)-?(?<number>\d+)$/

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

function spellingMeant(text: string): string | undefined {
  const { area, direction = '', number } = PARTS.exec(realRegion(text).name)?.groups ?? {}
  const known = closestMatch(direction, DIRECTIONS)
  // A longer word may be that of a new region.
  if (known === undefined || (known !== direction && direction.startsWith(known))) return undefined
  const meant = `${area}-${known}-${number}`
  return meant === realRegion(text).name ? undefined : meant
}
