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
