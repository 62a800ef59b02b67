import { describe, expect, test, vi } from 'vitest'

import type { Environment } from '../../../../src/internal/process-environment.ts'
import {
  callUrl,
  checkedEndpoint,
  configuredEndpoint,
  endpointFlags,
  type ServiceId,
  serviceUrl,
} from '../../../../src/aws/config/service-endpoint.ts'
import type { SettingsSource } from '../../../../src/aws/config/shared-config.ts'
import { mergeFiles } from '../../../../src/aws/config/config-file.ts'
import { ConfigurationError } from '../../../../src/errors.ts'

const BOTH = `
[services local]
DynamoDB =
  endpoint_url = http://services-dynamodb
sts =
  endpoint_url = http://services-sts
sso_oidc =
  endpoint_url = http://services-oidc
endpoint_url = http://nobody
[profile p]
services = local
endpoint_url = http://profile
`

function settingsFrom(environment: Environment, text: string): SettingsSource {
  return { environment, config: mergeFiles(text, ''), profile: 'p' }
}

describe('plain HTTP', () => {
  test('to another machine is a warning, once for each endpoint, without anything secret', () => {
    // Names that no other test of this process has: each endpoint is told of once.
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    for (const url of [
      'http://one.plain-http.example:8000/a',
      'http://one.plain-http.example:8000/b',
      'http://two.plain-http.example',
    ]) {
      expect(checkedEndpoint(url, 'the option "endpoint"').url).toBe(url)
    }
    configuredEndpoint('sts', settingsFrom({ AWS_ENDPOINT_URL_STS: 'http://sts.plain-http.example' }, ''))
    const told = warn.mock.calls.map(([message, options]) => [String(message).split(' is plain')[0], options])
    const kind = { type: 'DynamoDBSessionsWarning', code: 'DYNAMODB_SESSIONS_PLAIN_HTTP' }
    expect(told).toEqual([
      ['the option "endpoint": http://one.plain-http.example:8000', kind],
      ['the option "endpoint": http://two.plain-http.example', kind],
      ['the environment variable AWS_ENDPOINT_URL_STS: http://sts.plain-http.example', kind],
    ])
    warn.mockRestore()
  })

  test('to this machine is none, nor is HTTPS', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    for (const url of ['http://127.0.0.1:8000', 'http://localhost', 'https://dynamodb.example']) {
      checkedEndpoint(url, 'the option "endpoint"')
    }
    expect(warn).not.toHaveBeenCalled()
    warn.mockRestore()
  })
})

describe('configuredEndpoint', () => {
  const VARIABLES = { AWS_ENDPOINT_URL_DYNAMODB: 'http://one', AWS_ENDPOINT_URL: ' http://two ' }
  const IGNORED = `${BOTH}ignore_configured_endpoint_urls = True`

  test.each<[string, ServiceId, Environment, string, string | undefined, string | undefined]>([
    ['nothing', 'dynamodb', {}, '', undefined, undefined],
    [
      'the variable of the service wins',
      'dynamodb',
      VARIABLES,
      BOTH,
      'http://one',
      'the environment variable AWS_ENDPOINT_URL_DYNAMODB',
    ],
    [
      'then the variable of all',
      'sts',
      VARIABLES,
      BOTH,
      'http://two',
      'the environment variable AWS_ENDPOINT_URL',
    ],
    [
      'an empty variable is none',
      'dynamodb',
      { AWS_ENDPOINT_URL_DYNAMODB: ' ', AWS_ENDPOINT_URL: '' },
      '',
      undefined,
      undefined,
    ],
    [
      'sso_oidc has a variable',
      'sso_oidc',
      { AWS_ENDPOINT_URL_SSO_OIDC: 'http://x' },
      BOTH,
      'http://x',
      'the environment variable AWS_ENDPOINT_URL_SSO_OIDC',
    ],
    [
      'then the services section',
      'dynamodb',
      {},
      BOTH,
      'http://services-dynamodb',
      'dynamodb.endpoint_url of the section "services local" (profile "p")',
    ],
    [
      'of the service itself',
      'sso_oidc',
      {},
      BOTH,
      'http://services-oidc',
      'sso_oidc.endpoint_url of the section "services local" (profile "p")',
    ],
    ['then the profile', 'signin', {}, BOTH, 'http://profile', 'endpoint_url of the profile "p"'],
    [
      'a services section that does not exist leaves the endpoint of the region',
      'sts',
      {},
      '[profile p]\nservices = x\nendpoint_url = http://y',
      undefined,
      undefined,
    ],
    [
      'one without the service does not matter',
      'sts',
      {},
      '[services x]\nsso =\n  endpoint_url = http://z\n[profile p]\nservices = x\nendpoint_url = http://y',
      'http://y',
      'endpoint_url of the profile "p"',
    ],
    ['other profiles do not count', 'sts', {}, '[default]\nendpoint_url = http://y', undefined, undefined],
    [
      'all can be ignored',
      'dynamodb',
      { ...VARIABLES, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' },
      BOTH,
      undefined,
      undefined,
    ],
    ['by the profile too', 'dynamodb', VARIABLES, IGNORED, undefined, undefined],
    [
      'the variable overrides the profile',
      'sts',
      { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'false' },
      IGNORED,
      'http://services-sts',
      'sts.endpoint_url of the section "services local" (profile "p")',
    ],
    [
      'a variable that says neither does not',
      'sts',
      { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: '1' },
      IGNORED,
      undefined,
      undefined,
    ],
  ])('%s', (_, service, environment, text, url, source) => {
    expect(configuredEndpoint(service, settingsFrom(environment, text))).toEqual(
      url === undefined ? undefined : { url, source },
    )
  })

  test.each<[Environment, string, string]>([
    [{ AWS_ENDPOINT_URL: 'localhost:8000' }, '', 'the environment variable AWS_ENDPOINT_URL cannot be used'],
    [{}, '[profile p]\nendpoint_url = nonsense', 'endpoint_url of the profile "p" cannot be used'],
    [
      {},
      '[services s]\ndynamodb =\n  endpoint_url = ftp://x\n[profile p]\nservices = s',
      'dynamodb.endpoint_url of the section',
    ],
  ])('an endpoint that is none is an error that names its source: %j %j', (environment, text, message) => {
    expect(() => configuredEndpoint('dynamodb', settingsFrom(environment, text))).toThrow(message)
  })
})

function checkPassword(): unknown {
  return checkedEndpoint('https://me:TOPSECRET@host', 'the option')
}

test('an endpoint that cannot be used is not repeated, for it may hold a password', () => {
  expect(checkedEndpoint('https://x/path', 'the option')).toEqual({
    url: 'https://x/path',
    source: 'the option',
  })
  expect(checkPassword).toThrow(ConfigurationError)
  expect(checkPassword).toThrow(/^the option cannot be used: (?!.*TOPSECRET)/)
})

describe('endpointFlags', () => {
  const ON = '[profile p]\nuse_fips_endpoint = true\nuse_dualstack_endpoint = TRUE'

  test.each<[Environment, string, boolean, boolean]>([
    [{}, '', false, false],
    [{ AWS_USE_FIPS_ENDPOINT: 'true' }, '', true, false],
    [{ AWS_USE_DUALSTACK_ENDPOINT: 'true' }, '', false, true],
    [{}, ON, true, true],
    [{ AWS_USE_FIPS_ENDPOINT: 'false', AWS_USE_DUALSTACK_ENDPOINT: 'false' }, ON, false, false],
    [{ AWS_USE_FIPS_ENDPOINT: '0', AWS_USE_DUALSTACK_ENDPOINT: 'no' }, ON, true, true],
    [{ AWS_USE_FIPS_ENDPOINT: '1', AWS_USE_DUALSTACK_ENDPOINT: 'yes' }, '', false, false],
    [{}, '[profile p]\nuse_fips_endpoint = 1\nuse_dualstack_endpoint = on', false, false],
    [{}, '[default]\nuse_fips_endpoint = true', false, false],
  ])('%j %j', (environment, text, useFips, useDualStack) => {
    expect(endpointFlags(settingsFrom(environment, text))).toEqual({ useFips, useDualStack })
  })
})

describe('serviceUrl', () => {
  const FIPS = { useFips: true }
  const DUAL_STACK = { useDualStack: true }
  const BOTH_FLAGS = { ...FIPS, ...DUAL_STACK }

  test.each<[Exclude<ServiceId, 'dynamodb'>, string, Parameters<typeof serviceUrl>[2], string]>([
    ['sts', 'eu-west-1', undefined, 'sts.eu-west-1.amazonaws.com'],
    ['sts', 'cn-north-1', undefined, 'sts.cn-north-1.amazonaws.com.cn'],
    ['sts', 'us-east-1', FIPS, 'sts-fips.us-east-1.amazonaws.com'],
    ['sts', 'us-gov-west-1', FIPS, 'sts.us-gov-west-1.amazonaws.com'],
    ['sts', 'us-gov-west-1', BOTH_FLAGS, 'sts-fips.us-gov-west-1.api.aws'],
    ['sts', 'eu-west-1', DUAL_STACK, 'sts.eu-west-1.api.aws'],
    ['sts', 'eu-west-1', BOTH_FLAGS, 'sts-fips.eu-west-1.api.aws'],
    ['sso', 'eu-west-1', undefined, 'portal.sso.eu-west-1.amazonaws.com'],
    ['sso', 'eu-west-1', FIPS, 'portal.sso-fips.eu-west-1.amazonaws.com'],
    ['sso', 'us-gov-east-1', FIPS, 'portal.sso.us-gov-east-1.amazonaws.com'],
    ['sso', 'eusc-de-east-1', DUAL_STACK, 'portal.sso.eusc-de-east-1.api.amazonwebservices.eu'],
    ['sso_oidc', 'eu-west-1', undefined, 'oidc.eu-west-1.amazonaws.com'],
    ['sso_oidc', 'eu-west-1', BOTH_FLAGS, 'oidc-fips.eu-west-1.api.aws'],
    ['signin', 'eu-west-1', undefined, 'eu-west-1.signin.aws.amazon.com'],
    ['signin', 'cn-north-1', undefined, 'cn-north-1.signin.amazonaws.cn'],
    ['signin', 'us-gov-west-1', undefined, 'us-gov-west-1.signin.amazonaws-us-gov.com'],
    ['signin', 'eusc-de-east-1', undefined, 'eusc-de-east-1.signin.amazonaws-eusc.eu'],
    ['signin', 'us-iso-east-1', undefined, 'us-iso-east-1.signin.c2shome.ic.gov'],
    ['signin', 'us-isob-east-1', undefined, 'us-isob-east-1.signin.sc2shome.sgov.gov'],
    ['signin', 'eu-isoe-west-1', undefined, 'eu-isoe-west-1.signin.csphome.adc-e.uk'],
    ['signin', 'us-isof-south-1', undefined, 'us-isof-south-1.signin.csphome.hci.ic.gov'],
    ['signin', 'us-gov-west-1', FIPS, 'signin-fips.amazonaws-us-gov.com'],
    ['signin', 'us-gov-east-1', FIPS, 'us-gov-east-1.signin-fips.amazonaws-us-gov.com'],
    ['signin', 'us-gov-east-1', DUAL_STACK, 'signin.us-gov-east-1.api.aws'],
    ['signin', 'cn-north-1', FIPS, 'signin-fips.cn-north-1.amazonaws.com.cn'],
    ['signin', 'us-east-1', FIPS, 'signin-fips.us-east-1.amazonaws.com'],
    ['signin', 'us-east-1', DUAL_STACK, 'signin.us-east-1.api.aws'],
  ])('%s in %s with %j', (service, region, flags, host) => {
    expect(serviceUrl(service, region, flags)).toBe(`https://${host}`)
  })
})

describe('callUrl', () => {
  test.each<[string, Environment, string, string]>([
    ['eu-west-1', {}, '', 'https://sts.eu-west-1.amazonaws.com'],
    ['eu-west-1', {}, BOTH, 'http://services-sts'],
    ['eu-west-1', { AWS_ENDPOINT_URL_STS: 'http://x/base' }, BOTH, 'http://x/base'],
    ['us-east-1', { AWS_USE_FIPS_ENDPOINT: 'true' }, '', 'https://sts-fips.us-east-1.amazonaws.com'],
    ['us-east-1-fips', {}, '', 'https://sts-fips.us-east-1.amazonaws.com'],
    ['fips-us-east-1', { AWS_USE_DUALSTACK_ENDPOINT: 'true' }, '', 'https://sts-fips.us-east-1.api.aws'],
  ])('%s %j %j', (region, environment, text, url) => {
    expect(callUrl('sts', region, settingsFrom(environment, text))).toBe(url)
  })

  test.each<[string, Environment, string]>([
    ['eu-west-1', { AWS_USE_FIPS_ENDPOINT: 'true' }, 'cannot be combined with FIPS endpoints'],
    ['eu-west-1', { AWS_USE_DUALSTACK_ENDPOINT: 'true' }, 'cannot be combined with dual-stack endpoints'],
    ['eu-west-1-fips', {}, 'cannot be combined with FIPS endpoints'],
    ['evil.example/', {}, '"evil.example/" is not the name of an AWS region such as eu-west-1 (profile "p")'],
    ['fips-', {}, '"fips-" is not the name of an AWS region'],
    ['EU-West-1', {}, '(profile "p"); did you mean eu-west-1?'],
  ])('%s %j is refused', (region, environment, message) => {
    const call = (): string => callUrl('sts', region, settingsFrom(environment, BOTH))
    expect(call).toThrow(ConfigurationError)
    expect(call).toThrow(message)
  })

  test('a misspelt region is refused where it becomes a part of the host name', () => {
    expect(() => callUrl('sts', 'eu-wst-1', settingsFrom({}, ''))).toThrow('did you mean eu-west-1?')
    expect(callUrl('sts', 'eu-wst-1', settingsFrom({}, BOTH))).toBe('http://services-sts')
  })
})
