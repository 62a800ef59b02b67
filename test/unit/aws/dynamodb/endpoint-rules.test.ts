import { describe, expect, test } from 'vitest'

import {
  type AccountSources,
  endpointUrlFor,
  signingRegionFor,
} from '../../../../src/aws/dynamodb/endpoint-rules.ts'
import { ConfigurationError } from '../../../../src/errors.ts'
import type { EndpointSettings } from '../../../../src/aws/config/service-endpoint.ts'

function settings(changes: Partial<EndpointSettings> = {}): EndpointSettings {
  return {
    region: 'eu-west-1',
    useFips: false,
    useDualStack: false,
    accountIdEndpointMode: 'preferred',
    ...changes,
  }
}

const FIPS = { useFips: true }
const DUAL_STACK = { useDualStack: true }
const DISABLED = { accountIdEndpointMode: 'disabled' } as const
const REQUIRED = { accountIdEndpointMode: 'required' } as const
const CUSTOM = { customEndpoint: { url: 'http://custom/base', source: 'the option "endpoint"' } }
const ACCOUNT = { accountId: '123456789012' }

describe('the plain endpoint', () => {
  test.each([
    ['us-east-1', 'https://dynamodb.us-east-1.amazonaws.com'],
    ['eu-west-1', 'https://dynamodb.eu-west-1.amazonaws.com'],
    ['mx-central-1', 'https://dynamodb.mx-central-1.amazonaws.com'],
    ['us-gov-west-1', 'https://dynamodb.us-gov-west-1.amazonaws.com'],
    ['cn-north-1', 'https://dynamodb.cn-north-1.amazonaws.com.cn'],
    ['cn-northwest-1', 'https://dynamodb.cn-northwest-1.amazonaws.com.cn'],
    ['us-iso-east-1', 'https://dynamodb.us-iso-east-1.c2s.ic.gov'],
    ['us-isob-east-1', 'https://dynamodb.us-isob-east-1.sc2s.sgov.gov'],
    ['eu-isoe-west-1', 'https://dynamodb.eu-isoe-west-1.cloud.adc-e.uk'],
    ['us-isof-south-1', 'https://dynamodb.us-isof-south-1.csp.hci.ic.gov'],
    ['eusc-de-east-1', 'https://dynamodb.eusc-de-east-1.amazonaws.eu'],
    ['xx-future-9', 'https://dynamodb.xx-future-9.amazonaws.com'],
    ['cnx-east-1', 'https://dynamodb.cnx-east-1.amazonaws.com'],
  ])('%s', (region, url) => {
    expect(endpointUrlFor(settings({ region }))).toBe(url)
  })
})

describe('endpointUrlFor without an account', () => {
  test.each<[Partial<EndpointSettings>, string]>([
    [{}, 'https://dynamodb.eu-west-1.amazonaws.com'],
    [DUAL_STACK, 'https://dynamodb.eu-west-1.api.aws'],
    [FIPS, 'https://dynamodb-fips.eu-west-1.amazonaws.com'],
    [{ ...FIPS, ...DUAL_STACK }, 'https://dynamodb-fips.eu-west-1.api.aws'],
    [{ region: 'us-gov-west-1' }, 'https://dynamodb.us-gov-west-1.amazonaws.com'],
    [{ region: 'us-gov-west-1', ...FIPS }, 'https://dynamodb.us-gov-west-1.amazonaws.com'],
    [{ region: 'us-gov-west-1', ...DUAL_STACK }, 'https://dynamodb.us-gov-west-1.api.aws'],
    [{ region: 'us-gov-west-1', ...FIPS, ...DUAL_STACK }, 'https://dynamodb-fips.us-gov-west-1.api.aws'],
    [{ region: 'cn-north-1', ...DUAL_STACK }, 'https://dynamodb.cn-north-1.api.amazonwebservices.com.cn'],
    [{ region: 'us-isob-east-1', ...FIPS }, 'https://dynamodb-fips.us-isob-east-1.sc2s.sgov.gov'],
    [{ region: 'eusc-de-east-1' }, 'https://dynamodb.eusc-de-east-1.amazonaws.eu'],
    [{ region: 'local' }, 'http://localhost:8000'],
    [{ region: 'local', ...REQUIRED }, 'http://localhost:8000'],
    [CUSTOM, 'http://custom/base'],
    [{ ...CUSTOM, ...REQUIRED }, 'http://custom/base'],
    [{ ...CUSTOM, region: 'local' }, 'http://custom/base'],
  ])('%j: %s', (changes, url) => {
    expect(endpointUrlFor(settings(changes))).toBe(url)
  })

  test.each<[Partial<EndpointSettings>, string]>([
    [{ ...CUSTOM, ...FIPS }, 'the option "endpoint" cannot be combined with FIPS endpoints'],
    [{ ...CUSTOM, ...DUAL_STACK }, 'the option "endpoint" cannot be combined with dual-stack endpoints'],
    [{ region: 'local', ...FIPS }, 'the region "local" cannot be combined with FIPS endpoints'],
    [{ region: 'local', ...DUAL_STACK }, 'the region "local" cannot be combined with dual-stack endpoints'],
  ])('%j is refused: %s', (changes, message) => {
    expect(() => endpointUrlFor(settings(changes), ACCOUNT)).toThrow(ConfigurationError)
    expect(() => endpointUrlFor(settings(changes), ACCOUNT)).toThrow(message)
  })
})

function arn(region: string, account = '999999999999', service = 'dynamodb'): string {
  return `arn:aws:${service}:${region}:${account}:table/sessions`
}

describe('endpointUrlFor with an account', () => {
  test.each<[Partial<EndpointSettings>, AccountSources, string]>([
    [{}, ACCOUNT, '123456789012.ddb.eu-west-1.amazonaws.com'],
    [REQUIRED, ACCOUNT, '123456789012.ddb.eu-west-1.amazonaws.com'],
    [DUAL_STACK, ACCOUNT, '123456789012.ddb.eu-west-1.api.aws'],
    [DISABLED, ACCOUNT, 'dynamodb.eu-west-1.amazonaws.com'],
    [FIPS, ACCOUNT, 'dynamodb-fips.eu-west-1.amazonaws.com'],
    [{}, { accountId: '' }, 'dynamodb.eu-west-1.amazonaws.com'],
    [{ region: 'cn-north-1' }, ACCOUNT, '123456789012.ddb.cn-north-1.amazonaws.com.cn'],
    [{ region: 'cn-northwest-1' }, ACCOUNT, '123456789012.ddb.cn-northwest-1.amazonaws.com.cn'],
    [{ region: 'us-gov-east-1' }, ACCOUNT, '123456789012.ddb.us-gov-east-1.amazonaws.com'],
    [{ region: 'us-gov-west-1', ...FIPS }, ACCOUNT, 'dynamodb.us-gov-west-1.amazonaws.com'],
    [{ region: 'us-iso-east-1' }, ACCOUNT, 'dynamodb.us-iso-east-1.c2s.ic.gov'],
    [{ region: 'eusc-de-east-1' }, ACCOUNT, 'dynamodb.eusc-de-east-1.amazonaws.eu'],
    [{}, { tableArn: arn('eu-west-1') }, '999999999999.ddb.eu-west-1.amazonaws.com'],
    [{}, { ...ACCOUNT, tableArn: arn('eu-west-1') }, '999999999999.ddb.eu-west-1.amazonaws.com'],
    [{}, { ...ACCOUNT, tableArn: arn('us-east-1') }, '123456789012.ddb.eu-west-1.amazonaws.com'],
    [{}, { ...ACCOUNT, tableArn: arn('eu-west-1', '') }, '123456789012.ddb.eu-west-1.amazonaws.com'],
    [{}, { ...ACCOUNT, tableArn: arn('eu-west-1', 'a.b') }, '123456789012.ddb.eu-west-1.amazonaws.com'],
    [{}, { ...ACCOUNT, tableArn: arn('eu-west-1', '1', 's3') }, '123456789012.ddb.eu-west-1.amazonaws.com'],
    [{}, { ...ACCOUNT, tableArn: 'sessions' }, '123456789012.ddb.eu-west-1.amazonaws.com'],
    [DISABLED, { tableArn: arn('eu-west-1') }, 'dynamodb.eu-west-1.amazonaws.com'],
  ])('%j %j: %s', (changes, account, host) => {
    expect(endpointUrlFor(settings(changes), account)).toBe(`https://${host}`)
  })

  test.each<[Partial<EndpointSettings>, AccountSources, string]>([
    [REQUIRED, {}, 'the credentials do not say which account they belong to'],
    [REQUIRED, { tableArn: arn('us-east-1') }, 'the credentials do not say which account they belong to'],
    [{ ...REQUIRED, ...FIPS }, ACCOUNT, 'there are none that satisfy FIPS'],
    [{ ...REQUIRED, region: 'us-iso-east-1' }, ACCOUNT, 'the region us-iso-east-1 has none'],
    [{}, { accountId: 'evil.example/' }, 'the account ID of the credentials is not'],
  ])('%j %j is refused: %s', (changes, account, message) => {
    expect(() => endpointUrlFor(settings(changes), account)).toThrow(ConfigurationError)
    expect(() => endpointUrlFor(settings(changes), account)).toThrow(message)
  })
})

test.each<[Partial<EndpointSettings>, string]>([
  [{}, 'eu-west-1'],
  [CUSTOM, 'eu-west-1'],
  [{ region: 'local' }, 'us-east-1'],
  [{ region: 'local', ...CUSTOM }, 'local'],
])('requests to %j are signed for %s', (changes, region) => {
  expect(signingRegionFor(settings(changes))).toBe(region)
})
