/** Environment variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Variables that name the region, in the order in which they are looked at. */
export const REGION_VARIABLES: readonly string[] = ['AWS_REGION', 'AWS_DEFAULT_REGION']

/** Variables that name the endpoint, in the order in which they are looked at. */
export const ENDPOINT_VARIABLES: readonly string[] = ['AWS_ENDPOINT_URL_DYNAMODB', 'AWS_ENDPOINT_URL']

/** A setting and the variable that it came from. */
export interface EnvironmentSetting {
  readonly variable: string
  readonly value: string
}

/** The region that the environment names. An empty variable counts as unset. */
export function regionFromEnvironment(environment: Environment): EnvironmentSetting | undefined {
  return firstSet(environment, REGION_VARIABLES)
}

/**
 * The endpoint that the environment names, unless `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` is `true`. An empty
 * variable counts as unset.
 */
export function endpointFromEnvironment(environment: Environment): EnvironmentSetting | undefined {
  if (environment['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS']?.toLowerCase() === 'true') return undefined
  return firstSet(environment, ENDPOINT_VARIABLES)
}

function firstSet(environment: Environment, variables: readonly string[]): EnvironmentSetting | undefined {
  for (const variable of variables) {
    const value = environment[variable]?.trim()
    if (value !== undefined && value !== '') return { variable, value }
  }
  return undefined
}
