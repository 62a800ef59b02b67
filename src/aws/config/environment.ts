/** Environment variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>

/** A variable's value; `undefined` when it is unset or empty, which counts as unset everywhere here. */
export function variable(environment: Environment, name: string): string | undefined {
  const value = environment[name]
  return value === '' ? undefined : value
}

/**
 * Whether a switch such as `AWS_EC2_METADATA_DISABLED` is on: set to anything but nothing and `false`. The AWS
 * SDK for JavaScript reads its older switches this way.
 */
export function isSwitchedOn(environment: Environment, name: string): boolean {
  const value = variable(environment, name)
  return value !== undefined && value.toLowerCase() !== 'false'
}

/**
 * The value of a setting that takes only `true` and `false`, in any case; `undefined` for anything else, so that
 * the next place to look at decides.
 */
export function booleanSetting(text: string | undefined): boolean | undefined {
  const lowered = text?.toLowerCase()
  if (lowered === 'true') return true
  return lowered === 'false' ? false : undefined
}

/**
 * A setting that an environment variable or a property of the profile supplies, whichever is usable first.
 *
 * @param parse reads the text; `undefined` for one that cannot be used, so that the next place decides. The AWS SDK
 *   for JavaScript passes unusable values over in the same way.
 */
export function settingOf<T>(
  environment: Environment,
  profile: ReadonlyMap<string, string> | undefined,
  variableName: string,
  property: string,
  parse: (text: string) => T | undefined,
): T | undefined {
  const fromEnvironment = variable(environment, variableName)
  const found = fromEnvironment === undefined ? undefined : parse(fromEnvironment)
  if (found !== undefined) return found
  const fromProfile = profile?.get(property)
  return fromProfile === undefined ? undefined : parse(fromProfile)
}

/** Variables that name the region, in the order in which they are looked at. */
export const REGION_VARIABLES: readonly string[] = ['AWS_REGION', 'AWS_DEFAULT_REGION']

/** A setting and the variable that it came from. */
export interface EnvironmentSetting {
  readonly variable: string
  readonly value: string
}

/** The region that the environment names. A variable that is empty or blank counts as unset. */
export function regionFromEnvironment(environment: Environment): EnvironmentSetting | undefined {
  for (const name of REGION_VARIABLES) {
    const value = environment[name]?.trim()
    if (value !== undefined && value !== '') return { variable: name, value }
  }
  return undefined
}
