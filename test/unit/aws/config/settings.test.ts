import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import type { Environment } from '../../../../src/internal/process-environment.ts'
import { resolveSettings, type SettingsSources } from '../../../../src/aws/config/settings.ts'
import { ConfigurationError } from '../../../../src/errors.ts'
import { rejectionOf } from '../../../support/failure.ts'

let home = ''
let askedForRegion = 0

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'settings-'))
  await mkdir(join(home, '.aws'))
  askedForRegion = 0
})

afterEach(async () => {
  await rm(home, { recursive: true })
})

const OFF = { reason: 'AWS_EC2_METADATA_DISABLED is set' }

interface Given extends Partial<Omit<SettingsSources, 'environment' | 'instanceRegion'>> {
  readonly environment?: Environment
  readonly config?: string
  readonly credentials?: string
  readonly instance?: { readonly region: string } | { readonly reason: string }
}

async function settings({
  environment = {},
  config,
  credentials,
  instance = OFF,
  ...options
}: Given): ReturnType<typeof resolveSettings> {
  if (config !== undefined) await writeFile(join(home, '.aws', 'config'), config)
  if (credentials !== undefined) await writeFile(join(home, '.aws', 'credentials'), credentials)
  return resolveSettings({
    ...options,
    environment: { HOME: home, ...environment },
    instanceRegion: async () => {
      askedForRegion += 1
      return instance
    },
  })
}

async function problem(given: Given): Promise<ConfigurationError> {
  return rejectionOf(settings(given), ConfigurationError)
}

test('a region alone leaves everything else at its default', async () => {
  expect(await settings({ region: 'eu-west-1' })).toEqual({
    region: 'eu-west-1',
    regionSource: 'the option "region"',
    customEndpoint: undefined,
    useFips: false,
    useDualStack: false,
    accountIdEndpointMode: 'preferred',
    maxAttempts: undefined,
    correctsClockSkew: true,
  })
})

describe('region', () => {
  const PROFILE = '[default]\nregion = xx-profile-1\n[profile p]\nregion = xx-profile-2'
  const INSTANCE = { region: 'xx-instance-1' }

  test.each<[string, Given, string, number]>([
    [
      'the option wins',
      { region: 'xx-option-1', environment: { AWS_REGION: 'xx-e-1' }, config: PROFILE },
      'xx-option-1',
      0,
    ],
    [
      'then AWS_REGION',
      { environment: { AWS_REGION: 'xx-e-1', AWS_DEFAULT_REGION: 'xx-e-2' }, config: PROFILE },
      'xx-e-1',
      0,
    ],
    [
      'then AWS_DEFAULT_REGION',
      { environment: { AWS_REGION: '', AWS_DEFAULT_REGION: 'xx-e-2' }, config: PROFILE },
      'xx-e-2',
      0,
    ],
    ['then the profile', { config: PROFILE, instance: INSTANCE }, 'xx-profile-1', 0],
    [
      'that of the option',
      { profile: 'p', environment: { AWS_PROFILE: 'q' }, config: PROFILE },
      'xx-profile-2',
      0,
    ],
    ['or of the environment', { environment: { AWS_PROFILE: 'p' }, config: PROFILE }, 'xx-profile-2', 0],
    [
      'in the credentials file first',
      { config: PROFILE, credentials: '[default]\nregion = xx-c-1' },
      'xx-c-1',
      0,
    ],
    ['then the instance', { instance: INSTANCE }, 'xx-instance-1', 1],
    [
      'even with a profile that does not exist',
      { profile: 'q', config: PROFILE, instance: INSTANCE },
      'xx-instance-1',
      1,
    ],
  ])('%s', async (_, given, region, asked) => {
    expect((await settings(given)).region).toBe(region)
    expect(askedForRegion).toBe(asked)
  })

  test.each([
    ['fips-us-east-1', 'us-east-1'],
    ['us-gov-west-1-fips', 'us-gov-west-1'],
    ['fips-aws-global', 'us-east-1'],
  ])('the pseudo-region %s means FIPS endpoints of %s', async (given, region) => {
    expect(await settings({ region: given })).toMatchObject({ region, useFips: true })
  })

  test('none is an error that says where it was looked for', async () => {
    const error = await problem({ profile: 'p', config: '[default]\nregion = eu-west-1' })
    expect(error.code).toBe('REGION_MISSING')
    expect(error.message).toBe(
      'no AWS region; looked at: the option "region" and the environment variables DYNAMODB_SESSIONS_REGION, ' +
        `AWS_REGION, AWS_DEFAULT_REGION, the profile "p" in ${join(home, '.aws', 'config')} and ` +
        `${join(home, '.aws', 'credentials')} (which does not exist), and the instance metadata ` +
        '(AWS_EC2_METADATA_DISABLED is set); set one of them, for example to eu-west-1',
    )
    const { message } = await problem({ profile: 'p', config: '[profile p]\noutput = json' })
    expect(message).toContain('(which has no region)')
  })

  test.each<[Given, string]>([
    [{ region: 'a.b' }, 'the option "region" is not the name of an AWS region'],
    [{ environment: { AWS_REGION: 'evil.example/' } }, 'the environment variable AWS_REGION is not'],
    [{ config: '[default]\nregion = a b' }, 'region of the profile "default" is not'],
    [{ instance: { region: '<html>' } }, 'the response of the instance metadata service is not'],
    [
      { region: 'eu-wst-1' },
      'the option "region" is not the name of an AWS region such as eu-west-1; did you mean eu-west-1?',
    ],
    [
      { environment: { AWS_REGION: 'us-east1' } },
      'AWS_REGION is not the name of an AWS region such as eu-west-1; did you mean us-east-1?',
    ],
    [{ config: '[default]\nregion = ap-southest-2' }, 'did you mean ap-southeast-2?'],
    [{ region: 'eu-west-1a' }, 'did you mean eu-west-1?'],
    [{ region: 'europe' }, 'the option "region" is not the name of an AWS region such as eu-west-1'],
  ])('one that AWS cannot have is an error: %j', async (given, message) => {
    const error = await problem(given)
    expect(error.code).toBe('INVALID_SETTING')
    expect(error.message).toContain(message)
  })

  test.each(['xx-central-7', 'me-northern-1', 'us-isof-south-1', 'eusc-de-east-1', 'aws-global', 'local'])(
    'a new one, and that of DynamoDB Local, are taken: %s',
    async region => {
      expect((await settings({ environment: { AWS_REGION: region } })).region).toBe(region)
    },
  )

  test('servers that are not those of AWS, which an endpoint names, have the regions that they like', async () => {
    const environment = { AWS_REGION: 'eu-wst-1', AWS_ENDPOINT_URL: 'http://127.0.0.1:8000' }
    expect((await settings({ environment })).region).toBe('eu-wst-1')
    expect((await settings({ region: 'garage', endpoint: 'http://127.0.0.1:8000' })).region).toBe('garage')
  })
})

describe('endpoint and flags', () => {
  const PROFILE = '[default]\nregion = xx-r-1\nendpoint_url = http://profile\nuse_fips_endpoint = true'

  test('the option wins, and need not fear to be ignored', async () => {
    const environment = { AWS_ENDPOINT_URL: 'http://env', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' }
    const { customEndpoint } = await settings({
      endpoint: 'http://option/base',
      environment,
      config: PROFILE,
    })
    expect(customEndpoint).toEqual({ url: 'http://option/base', source: 'the option "endpoint"' })
  })

  test('then what is configured for DynamoDB', async () => {
    const environment = { AWS_ENDPOINT_URL_DYNAMODB: 'http://env' }
    expect((await settings({ environment, config: PROFILE })).customEndpoint?.url).toBe('http://env')
    expect((await settings({ config: PROFILE })).customEndpoint?.url).toBe('http://profile')
  })

  test('flags come from the environment and the profile', async () => {
    expect(await settings({ config: PROFILE })).toMatchObject({ useFips: true, useDualStack: false })
    const environment = { AWS_USE_FIPS_ENDPOINT: 'false', AWS_USE_DUALSTACK_ENDPOINT: 'true' }
    expect(await settings({ environment, config: PROFILE })).toMatchObject({
      useFips: false,
      useDualStack: true,
    })
  })

  test('an endpoint that is none is an error that names its source', async () => {
    expect((await problem({ region: 'xx-r-1', endpoint: 'nonsense' })).message).toContain(
      'the option "endpoint" cannot',
    )
    const { code, message } = await problem({
      region: 'xx-r-1',
      environment: { AWS_ENDPOINT_URL: 'nonsense' },
    })
    expect(code).toBe('INVALID_SETTING')
    expect(message).toContain('the environment variable AWS_ENDPOINT_URL cannot be used')
  })
})

describe('settings with few values', () => {
  const config =
    '[default]\naccount_id_endpoint_mode = Required\nmax_attempts = 2\ndisable_clock_skew_correction = TRUE'
  const inProfile = { accountIdEndpointMode: 'required', maxAttempts: 2, correctsClockSkew: false }

  test.each<[string, Given, object]>([
    ['the profile', { config }, inProfile],
    [
      'the environment wins',
      {
        config,
        environment: {
          AWS_ACCOUNT_ID_ENDPOINT_MODE: 'disabled',
          AWS_MAX_ATTEMPTS: '7',
          AWS_DISABLE_CLOCK_SKEW_CORRECTION: 'False',
        },
      },
      { accountIdEndpointMode: 'disabled', maxAttempts: 7, correctsClockSkew: true },
    ],
    [
      'unusable variables leave it to the profile',
      {
        config,
        environment: {
          AWS_ACCOUNT_ID_ENDPOINT_MODE: 'on',
          AWS_MAX_ATTEMPTS: 'many',
          AWS_DISABLE_CLOCK_SKEW_CORRECTION: 'maybe',
        },
      },
      inProfile,
    ],
    [
      'unusable properties count as unset',
      {
        config:
          '[default]\naccount_id_endpoint_mode = on\nmax_attempts = 0\ndisable_clock_skew_correction = 1',
      },
      { accountIdEndpointMode: 'preferred', maxAttempts: undefined, correctsClockSkew: true },
    ],
    [
      'the option wins',
      { config, maxAttempts: 1, environment: { AWS_MAX_ATTEMPTS: '7' } },
      { maxAttempts: 1 },
    ],
  ])('%s', async (_, given, found) => {
    expect(await settings({ region: 'xx-r-1', ...given })).toMatchObject(found)
  })

  test.each(['-1', '0', '1.5', '2x', '1e3', ' ', '99999999999999999999'])(
    '%j is no number of attempts',
    async text => {
      const { maxAttempts } = await settings({ region: 'xx-r-1', environment: { AWS_MAX_ATTEMPTS: text } })
      expect(maxAttempts).toBeUndefined()
    },
  )
})

describe('the shared files', () => {
  const unusable = '\0'

  test.each<[string, Given]>([
    ['region by option', { region: 'xx-r-1', endpoint: 'http://x', maxAttempts: 3 }],
    ['region by variable', { environment: { AWS_REGION: 'xx-r-1' }, endpoint: 'http://x', maxAttempts: 3 }],
  ])('are not read when everything is given: %s', async (_, given) => {
    expect(await settings({ ...given, config: unusable })).toMatchObject({ region: 'xx-r-1', maxAttempts: 3 })
  })

  test.each<[string, Given]>([
    ['region', { endpoint: 'http://x', maxAttempts: 3 }],
    ['endpoint', { region: 'xx-r-1', maxAttempts: 3 }],
    ['number of attempts', { region: 'xx-r-1', endpoint: 'http://x' }],
  ])('are read for the %s, and an unusable one is an error', async (_, given) => {
    const { message } = await problem({ ...given, config: unusable, instance: { region: 'xx-r-1' } })
    expect(message).toContain(`the AWS config file ${join(home, '.aws', 'config')} is not UTF-8 text`)
    expect(askedForRegion).toBe(0)
  })
})
