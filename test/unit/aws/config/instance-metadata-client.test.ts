import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import {
  type InstanceMetadataOptions,
  type InstanceMetadataSettings,
  instanceMetadataSettings,
} from '../../../../src/aws/config/instance-metadata-client.ts'
import { ConfigurationError } from '../../../../src/errors.ts'
import { rejectionOf } from '../../../support/failure.ts'
import { temporaryHome } from '../../../support/temporary-home.ts'

interface Situation {
  readonly config?: string
  readonly env?: Readonly<Record<string, string>>
  readonly options?: InstanceMetadataOptions
}

async function settingsIn({ config, env = {}, options = {} }: Situation): Promise<InstanceMetadataSettings> {
  const home = await temporaryHome(config === undefined ? {} : { config })
  return instanceMetadataSettings({ ...home.environment, ...env }, options)
}

async function originIn(situation: Situation): Promise<string> {
  return (await settingsIn(situation)).endpoint.origin
}

async function refusalIn(situation: Situation): Promise<ConfigurationError> {
  return rejectionOf(settingsIn(situation), ConfigurationError)
}

const ENDPOINT = 'AWS_EC2_METADATA_SERVICE_ENDPOINT'
const MODE = 'AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE'

describe('the endpoint of the instance metadata service', () => {
  it.each<[string, Situation]>([
    ['http://169.254.169.254', {}],
    ['http://169.254.169.254', { env: { [ENDPOINT]: '', [MODE]: '' } }],
    ['http://169.254.169.254', { env: { [MODE]: 'ipv4' } }],
    ['http://[fd00:ec2::254]', { env: { [MODE]: 'IPv6' } }],
    ['http://[fd00:ec2::254]', { env: { [MODE]: 'IPV6' } }],
    ['http://[fd00:ec2::254]', { options: { endpointMode: 'IPv6' }, env: { [MODE]: 'IPv4' } }],
    ['http://[::1]:8080', { env: { [ENDPOINT]: 'http://[::1]:8080' } }],
    ['https://o', { options: { endpoint: 'https://o' }, env: { [ENDPOINT]: 'http://e' } }],
    ['http://e', { env: { [ENDPOINT]: 'http://e', [MODE]: 'no mode' } }],
    ['http://[fd00:ec2::254]', { config: '[default]\nec2_metadata_service_endpoint_mode = ipv6' }],
    ['http://p', { config: '[default]\nec2_metadata_service_endpoint = http://p' }],
    [
      'http://e',
      { config: '[default]\nec2_metadata_service_endpoint = http://p', env: { [ENDPOINT]: 'http://e' } },
    ],
    [
      'http://q',
      { config: '[profile q]\nec2_metadata_service_endpoint = http://q', env: { AWS_PROFILE: 'q' } },
    ],
    [
      'http://q',
      {
        config: '[profile q]\nec2_metadata_service_endpoint = http://q',
        env: { AWS_PROFILE: 'other' },
        options: { profile: 'q' },
      },
    ],
  ])('%s for %j', async (origin, situation) => {
    expect(await originIn(situation)).toBe(origin)
  })

  it('keeps a base path', async () => {
    const { endpoint } = await settingsIn({ env: { [ENDPOINT]: 'http://proxy/metadata' } })
    expect(endpoint.path).toBe('/metadata/')
  })

  it.each<[string, Situation]>([
    [`the environment variable ${MODE}`, { env: { [MODE]: 'error' } }],
    [`the environment variable ${MODE}`, { env: { [MODE]: 'IPv4 ' } }],
    [
      'ec2_metadata_service_endpoint_mode of the profile "default"',
      {
        config: '[default]\nec2_metadata_service_endpoint_mode = IPv7',
      },
    ],
    [`the environment variable ${ENDPOINT}`, { env: { [ENDPOINT]: 'not a uri' } }],
    [`the environment variable ${ENDPOINT}`, { env: { [ENDPOINT]: 'ftp://host' } }],
    [`the environment variable ${ENDPOINT}`, { env: { [ENDPOINT]: 'http://user:pass@host' } }],
    [
      'ec2_metadata_service_endpoint of the profile "p"',
      {
        config: '[profile p]\nec2_metadata_service_endpoint = host',
        options: { profile: 'p' },
      },
    ],
    ['the option "endpoint"', { options: { endpoint: 'host' } }],
  ])('an unusable one is an error that names %s', async (source, situation) => {
    const error = await refusalIn(situation)
    expect(error.code).toBe('INVALID_SETTING')
    expect(error.message.startsWith(source)).toBe(true)
    expect(error.message).not.toContain('pass@')
  })
})

describe('the limits of a request to the instance metadata service', () => {
  const timeoutVariable = 'AWS_METADATA_SERVICE_TIMEOUT'
  const attemptsVariable = 'AWS_METADATA_SERVICE_NUM_ATTEMPTS'
  const config = '[default]\nmetadata_service_timeout = 3\nmetadata_service_num_attempts = 4'

  it.each<[number, number, Situation]>([
    [1000, 1, {}],
    [5000, 3, { env: { [timeoutVariable]: '5', [attemptsVariable]: '3' } }],
    [3000, 4, { config }],
    [5000, 2, { config, env: { [timeoutVariable]: '5', [attemptsVariable]: '2' } }],
    [70, 1, { config, options: { timeout: 70, maxRetries: 0 } }],
    [1000, 1, { env: { [timeoutVariable]: '0', [attemptsVariable]: '-1' } }],
    [1000, 1, { env: { [timeoutVariable]: 'soon', [attemptsVariable]: '1000' } }],
  ])('%d ms and %d attempts for %j', async (timeoutMs, maxAttempts, situation) => {
    expect(await settingsIn(situation)).toMatchObject({ timeoutMs, maxAttempts })
  })
})

describe('the switch that forbids requests without a token', () => {
  const name = 'AWS_EC2_METADATA_V1_DISABLED'
  const profileSetting = 'ec2_metadata_v1_disabled of the profile "default"'
  const config = '[default]\nec2_metadata_v1_disabled = true'

  it.each<[string | undefined, Situation]>([
    [undefined, {}],
    [`the environment variable ${name}`, { env: { [name]: 'true' } }],
    [`the environment variable ${name}`, { env: { [name]: '1' } }],
    [undefined, { env: { [name]: 'false' } }],
    [undefined, { env: { [name]: '' } }],
    [profileSetting, { config }],
    [profileSetting, { config, env: { [name]: '' } }],
    [undefined, { config, env: { [name]: 'false' } }],
    [undefined, { config: '[default]\nec2_metadata_v1_disabled = false' }],
    [undefined, { config, options: { ec2MetadataV1Disabled: false } }],
    ['the option "ec2MetadataV1Disabled"', { options: { ec2MetadataV1Disabled: true } }],
  ])('%j for %j', async (v1DisabledBy, situation) => {
    expect((await settingsIn(situation)).v1DisabledBy).toBe(v1DisabledBy)
  })
})

interface PublicCase {
  readonly docs: string
  readonly env: Readonly<Record<string, string>>
  readonly fs: { readonly config?: string }
  readonly endpoint_override?: string
  readonly mode_override?: 'IPv4' | 'IPv6'
  readonly result: { readonly Ok?: string; readonly Err?: string }
}

// Public cases of another implementation, which are not part of this repository, are checked where they lie next to it.
const caseFile = new URL('../../../../../shared/data/imds-endpoint-tests.json', import.meta.url)
const hasCases = existsSync(caseFile)
const publicCases = hasCases
  ? (JSON.parse(readFileSync(caseFile, 'utf8')) as { readonly count: number; readonly tests: PublicCase[] })
  : { count: 0, tests: [] }

describe('public cases of instance metadata endpoints', () => {
  it.skipIf(!hasCases)('are at hand and complete', () => {
    expect(publicCases.tests).toHaveLength(publicCases.count)
    expect(publicCases.count).toBeGreaterThan(0)
  })

  it.each(publicCases.tests.filter(({ result }) => result.Ok !== undefined))(
    'accepted: $docs',
    async publicCase => {
      const { endpoint } = await settingsIn(situationOf(publicCase))
      expect(`${endpoint.origin}${endpoint.path}latest/api/token`).toBe(publicCase.result.Ok)
    },
  )

  it.each(publicCases.tests.filter(({ result }) => result.Ok === undefined))(
    'refused: $docs',
    async publicCase => {
      expect((await refusalIn(situationOf(publicCase))).code).toBe('INVALID_SETTING')
    },
  )
})

function situationOf({ env, fs, endpoint_override, mode_override }: PublicCase): Situation {
  // The cases keep the file in a file system of their own; here it is at its usual place.
  const { AWS_CONFIG_FILE: _, ...otherVariables } = env
  return {
    env: otherVariables,
    options: { endpoint: endpoint_override, endpointMode: mode_override },
    ...(fs.config !== undefined && { config: fs.config }),
  }
}
