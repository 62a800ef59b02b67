import type { Environment } from './environment.ts'

/** Variables that name the region, in the order in which they are looked at. */
export const REGION_VARIABLES: readonly string[] = ['AWS_REGION', 'AWS_DEFAULT_REGION']

/** A setting and the variable that it came from. */
export interface EnvironmentSetting {
  readonly variable: string
  readonly value: string
}

/** The region that the environment names. A variable that is empty or blank counts as unset. */
export function regionFromEnvironment(environment: Environment): EnvironmentSetting | undefined {
  for (const variable of REGION_VARIABLES) {
    const value = environment[variable]?.trim()
    if (value !== undefined && value !== '') return { variable, value }
  }
  return undefined
}

/** A region that a setting names, without what else the name says. */
export interface RealRegion {
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
