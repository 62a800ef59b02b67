import { booleanSetting, fileLocations, REGION_VARIABLES, regionFromEnvironment } from './environment.ts'
import { partitionOf } from './partitions.ts'
import { awsRegionMeant, isAwsRegionName, isRegionName, realRegion } from './region-names.ts'
import {
  type AccountIdEndpointMode,
  checkedEndpoint,
  configuredEndpoint,
  endpointFlags,
  type EndpointSettings,
} from './service-endpoint.ts'
import {
  type FoundSetting,
  loadSharedConfig,
  NO_SHARED_CONFIG,
  selectedProfile,
  settingOf,
  type SettingsSource,
  withheldNote,
} from './shared-config.ts'
import { ConfigurationError, invalidSetting } from '../../errors.ts'
import { didYouMean } from '../../internal/message-text.ts'
import { type Environment, isWithheld } from '../../internal/process-environment.ts'

/** Names that AWS's own rules of endpoints have, beside those of regions. */
const PSEUDO_REGIONS: ReadonlySet<string> = new Set(['local', 'aws-global'])

/** What was said in code, and where else to look. */
export interface SettingsSources {
  readonly environment: Environment
  readonly region?: string | undefined
  readonly endpoint?: string | undefined
  readonly maxAttempts?: number | undefined
  readonly profile?: string | undefined
  /** Asks the instance metadata service for the region; called when nothing else names one. */
  readonly instanceRegion: () => Promise<{ readonly region: string } | { readonly reason: string }>
}

/** Everything about calls to DynamoDB that can be configured and does not depend on the credentials. */
export interface ClientSettings extends EndpointSettings, CallSettings {
  /** What names the region: `the environment variable AWS_REGION`. */
  readonly regionSource: string
  /** Name of the application, for the `User-Agent`. */
  readonly appId: string | undefined
}

/**
 * Finds region, endpoint and retry settings where the AWS SDK finds them: in the options, else in the environment, else
 * in the profile, and the region at last in the instance metadata.
 *
 * The shared files are read once, unless region, endpoint and number of attempts are all given: then nothing that they
 * could add is needed. A variable that is empty, or that has none of the few values that it takes, counts as unset.
 *
 * @throws {ConfigurationError} `REGION_MISSING`, with the places that were looked at; `INVALID_SETTING` for a region or
 *   an endpoint that cannot be one, and for a file that cannot be read.
 */
export async function resolveSettings(sources: SettingsSources): Promise<ClientSettings> {
  const { environment, endpoint } = sources
  const profile = selectedProfile(environment, sources.profile)
  const config = isComplete(sources)
    ? NO_SHARED_CONFIG
    : await loadSharedConfig(environment, profile.explicit || !hasRegion(sources))
  const source = { environment, config, profile: profile.name }

  const calls = callSettings(source)
  const customEndpoint =
    endpoint === undefined
      ? configuredEndpoint('dynamodb', source)
      : checkedEndpoint(endpoint, 'the option "endpoint"')
  const found = await findRegion(sources, source)
  // Servers that are not those of AWS have the regions that they like; they need an endpoint.
  const isOfAws = customEndpoint === undefined && !PSEUDO_REGIONS.has(found.value)
  if (!(isOfAws ? isAwsRegionName(found.value) : isRegionName(found.value))) {
    const hint = didYouMean(awsRegionMeant(found.value))
    throw invalidSetting(`${found.source} is not the name of an AWS region such as eu-west-1${hint}`)
  }
  const region = realRegion(found.value)
  const { useFips, useDualStack } = endpointFlags(source)
  return {
    region: region.name,
    regionSource: found.source,
    customEndpoint,
    useFips: useFips || region.isFips,
    useDualStack,
    accountIdEndpointMode: settingOf(source, 'account_id_endpoint_mode', toEndpointMode) ?? 'preferred',
    appId: settingOf(source, 'sdk_ua_app_id', toAppId),
    maxAttempts: sources.maxAttempts ?? calls.maxAttempts,
    correctsClockSkew: calls.correctsClockSkew,
  }
}

/**
 * The settings for another Region: all but where it is are the same.
 *
 * @throws {ConfigurationError} `INVALID_SETTING` when it is the same one again, or cannot stand in for it.
 */
export function settingsElsewhere<Settings extends EndpointSettings>(
  { region: given, endpoint }: { readonly region: string; readonly endpoint?: string | undefined },
  home: Settings,
): Settings {
  const { name, isFips } = realRegion(given)
  if (name === home.region) throw unusable(`names "${name}", which is the Region of the store; leave it out`)
  if (partitionOf(name) !== partitionOf(home.region)) {
    throw unusable(
      `names "${name}", and the store is in ${home.region}: tables have no replicas in another partition of AWS`,
    )
  }
  if (endpoint === undefined && home.customEndpoint !== undefined) {
    throw unusable(
      `has no endpoint for "${name}", and ${home.customEndpoint.source} is for ${home.region} alone; give each Region its ` +
        'own: { region, endpoint }',
    )
  }
  return {
    ...home,
    region: name,
    useFips: home.useFips || isFips,
    customEndpoint:
      endpoint === undefined ? undefined : checkedEndpoint(endpoint, 'an endpoint in the option "failover"'),
  }
}

function unusable(problem: string): ConfigurationError {
  return new ConfigurationError('INVALID_SETTING', `the option "failover" ${problem}`)
}

function isComplete(sources: SettingsSources): boolean {
  return hasRegion(sources) && sources.endpoint !== undefined && sources.maxAttempts !== undefined
}

function hasRegion({ environment, region }: SettingsSources): boolean {
  return region !== undefined || regionFromEnvironment(environment) !== undefined
}

async function findRegion(
  { region, instanceRegion }: SettingsSources,
  { environment, config, profile }: SettingsSource,
): Promise<FoundSetting<string>> {
  const section = config.profiles.get(profile)
  const inEnvironment = regionFromEnvironment(environment)
  const named = [
    { value: region, source: 'the option "region"' },
    { value: inEnvironment?.value, source: `the environment variable ${inEnvironment?.variable}` },
    { value: section?.get('region'), source: `region of the profile "${profile}"` },
  ]
  for (const { value, source } of named) if (value !== undefined) return { value, source }
  const answer = await instanceRegion()
  if ('region' in answer)
    return { value: answer.region, source: 'the response of the instance metadata service' }
  const { configFile, credentialsFile } = fileLocations(environment)
  const state = section === undefined ? 'which does not exist' : 'which has no region'
  throw new ConfigurationError(
    'REGION_MISSING',
    'no AWS region; looked at: the option "region" and the environment variables DYNAMODB_SESSIONS_REGION, ' +
      `${REGION_VARIABLES.join(', ')}, the profile "${profile}" in ${configFile.path} and ${credentialsFile.path} ` +
      `(${state}), and the instance metadata (${answer.reason}); set one of them, for example to eu-west-1` +
      `${withheldNote(config)}${withheldVariables()}`,
  )
}

function withheldVariables(): string {
  const names = REGION_VARIABLES.filter(isWithheld)
  return names.length === 0 ? '' : `; this process may not read the variables ${names.join(' and ')}`
}

function toEndpointMode(text: string): AccountIdEndpointMode | undefined {
  const lowered = text.toLowerCase()
  return (['preferred', 'disabled', 'required'] as const).find(mode => mode === lowered)
}

/** How calls are repeated, whatever the service. */
interface CallSettings {
  /** Most times a call is sent, the first included; `undefined` when nothing says. */
  readonly maxAttempts: number | undefined
  /** Whether a wrong clock may be corrected by the server's. */
  readonly correctsClockSkew: boolean
}

/** The settings of the environment, else of the profile. */
export function callSettings(source: SettingsSource): CallSettings {
  return {
    maxAttempts: settingOf(source, 'max_attempts', toPositiveInteger),
    correctsClockSkew: settingOf(source, 'disable_clock_skew_correction', booleanSetting) !== true,
  }
}

function toPositiveInteger(text: string): number | undefined {
  const number = /^\d+$/.test(text) ? Number(text) : 0
  return Number.isSafeInteger(number) && number > 0 ? number : undefined
}

/** As long a name as AWS takes. */
const MAX_APP_ID_LENGTH = 50

/**
 * The name of an application as it may stand in a `User-Agent`; what may not be there becomes `-`.
 *
 * @returns `undefined` for a name of more than 50 characters.
 */
export function toAppId(text: string): string | undefined {
  return text.length > MAX_APP_ID_LENGTH ? undefined : text.replaceAll(/[^!$%&'*+\-.^_`|~\w#]/g, '-')
}
