import { type Environment, variable } from './environment.ts'
import type { ConfigSection } from './shared-config.ts'

/**
 * A setting that an environment variable or a property of the profile supplies, whichever is usable first.
 *
 * @param parse reads the text; `undefined` for one that cannot be used, so that the next place decides. The AWS SDK
 *   for JavaScript passes unusable values over in the same way.
 */
export function settingOf<T>(
  environment: Environment,
  profile: ConfigSection | undefined,
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
