import { type Environment, variable } from '../../aws/config/environment.ts'
import { toAppId } from '../../internal/user-agent.ts'
import { type ConfigSection, loadSharedConfig, selectedProfile } from '../../aws/config/shared-config.ts'

/** A setting of the AWS SDK that this package does not heed, or only in part. */
interface PartlyHeeded {
  readonly variable: string
  readonly property?: string
  /** What to say of a value; `undefined` when it has the effect that it has in the AWS SDK. */
  readonly judge: (value: string) => string | undefined
}

const SETTINGS: readonly PartlyHeeded[] = [
  {
    variable: 'AWS_RETRY_MODE',
    property: 'retry_mode',
    judge: value => {
      if (value === 'standard') return undefined
      const isMode = value === 'legacy' || value === 'adaptive'
      return isMode
        ? `is ${value}, and calls are retried in the standard mode`
        : 'is no retry mode; the standard one is used'
    },
  },
  {
    variable: 'AWS_MAX_ATTEMPTS',
    property: 'max_attempts',
    judge: value =>
      /^0*[1-9]\d*$/.test(value) ? undefined : 'is not a whole number from 1, and has no effect',
  },
  {
    variable: 'AWS_DEFAULTS_MODE',
    property: 'defaults_mode',
    judge: value =>
      value === 'legacy'
        ? undefined
        : 'has no effect; connectTimeoutMs, attemptTimeoutMs and deadlineMs have defaults of their own',
  },
  {
    variable: 'AWS_STS_REGIONAL_ENDPOINTS',
    property: 'sts_regional_endpoints',
    judge: value => (value === 'regional' ? undefined : 'has no effect; STS is called in the region'),
  },
  {
    variable: 'AWS_ENABLE_DEFAULT_SOCKET_TIMEOUT_2026',
    judge: () => 'has no effect; attemptTimeoutMs limits every attempt',
  },
  {
    variable: 'AWS_AUTH_SCHEME_PREFERENCE',
    property: 'auth_scheme_preference',
    judge: value =>
      value.split(',')[0]?.trim().replace(/^.*#/, '') === 'sigv4'
        ? undefined
        : 'has no effect; requests are signed with Signature Version 4',
  },
  {
    variable: 'AWS_SIGV4A_SIGNING_REGION_SET',
    property: 'sigv4a_signing_region_set',
    judge: () => 'has no effect; requests are signed for one region',
  },
  {
    variable: 'AWS_BEARER_TOKEN_DYNAMODB',
    judge: () => 'has no effect; requests are signed with credentials',
  },
  {
    variable: 'AWS_ENABLE_ENDPOINT_DISCOVERY',
    property: 'endpoint_discovery_enabled',
    judge: value => (isFalse(value) ? undefined : 'has no effect; endpoints are not discovered'),
  },
  {
    variable: 'AWS_ENDPOINT_DISCOVERY_ENABLED',
    judge: value => (isFalse(value) ? undefined : 'has no effect; endpoints are not discovered'),
  },
  {
    variable: 'AWS_SDK_UA_APP_ID',
    property: 'sdk_ua_app_id',
    judge: value =>
      toAppId(value) === undefined ? 'is longer than 50 characters, and has no effect' : undefined,
  },
  { variable: 'AWS_CREDENTIAL_SCOPE', property: 'aws_credential_scope', judge: () => 'has no effect' },
  { variable: 'ALL_PROXY', judge: () => 'has no effect; HTTPS_PROXY names a proxy' },
  { variable: 'all_proxy', judge: () => 'has no effect; HTTPS_PROXY names a proxy' },
  {
    variable: 'AWS_ACCOUNT_ID_ENDPOINT_MODE',
    property: 'account_id_endpoint_mode',
    judge: value =>
      /^(?:preferred|disabled|required)$/i.test(value)
        ? undefined
        : 'is none of preferred, disabled and required, and has no effect',
  },
  onOrOff('AWS_USE_FIPS_ENDPOINT', 'use_fips_endpoint'),
  onOrOff('AWS_USE_DUALSTACK_ENDPOINT', 'use_dualstack_endpoint'),
  onOrOff('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS', 'ignore_configured_endpoint_urls'),
  onOrOff('AWS_DISABLE_CLOCK_SKEW_CORRECTION', 'disable_clock_skew_correction'),
  fromOneTo99('AWS_METADATA_SERVICE_TIMEOUT', 'metadata_service_timeout'),
  fromOneTo99('AWS_METADATA_SERVICE_NUM_ATTEMPTS', 'metadata_service_num_attempts'),
]

/**
 * Says of every setting of the AWS SDK, in the environment and in the profile, that has no effect here or another one.
 *
 * @returns one text for each; they name the setting, and repeat no value but the words that it is known to take.
 */
export async function ignoredSettings(environment: Environment, givenProfile?: string): Promise<string[]> {
  const { name } = selectedProfile(environment, givenProfile)
  const profile = await profileOf(environment, name)
  return SETTINGS.flatMap(({ variable: variableName, property, judge }) => {
    const inEnvironment = variable(environment, variableName)
    const inProfile = property === undefined ? undefined : profile?.get(property)
    const verdicts = [
      [variableName, inEnvironment],
      [`${property} of the profile ${JSON.stringify(name)}`, inProfile],
    ] as const
    return verdicts.flatMap(([setting, value]) => {
      const verdict = value === undefined ? undefined : judge(value)
      return verdict === undefined ? [] : [`${setting} ${verdict}`]
    })
  })
}

async function profileOf(environment: Environment, name: string): Promise<ConfigSection | undefined> {
  try {
    return (await loadSharedConfig(environment)).profiles.get(name)
  } catch {
    // The check of the credentials says so.
    return undefined
  }
}

function onOrOff(variableName: string, property: string): PartlyHeeded {
  return {
    variable: variableName,
    property,
    judge: value =>
      /^(?:true|false)$/i.test(value) ? undefined : 'is neither true nor false, and has no effect',
  }
}

function fromOneTo99(variableName: string, property: string): PartlyHeeded {
  return {
    variable: variableName,
    property,
    judge: value =>
      /^[1-9]\d?$/.test(value) ? undefined : 'is not a whole number from 1 to 99, and has no effect',
  }
}

function isFalse(value: string): boolean {
  return value.toLowerCase() === 'false' || value === '0'
}
