import { describe, expect, it, vi } from 'vitest'
import {
  fromTemporaryCredentials,
  type FromTemporaryCredentialsOptions,
} from '../../../src/aws/credentials/sts.ts'
import type { MfaCodeProvider } from '../../../src/aws/credentials/index.ts'
import type { CredentialProvider, Credentials } from '../../../src/types.ts'
import { CredentialsError } from '../../../src/errors.ts'
import { FakeService, type FakeServiceScript } from '../../support/fake-sso.ts'
import {
  assumedRole,
  authorizationFor,
  fakeSts,
  type FakeSts,
  roleCredentials,
  stsError,
} from '../../support/fake-sts.ts'
import { warningDuring } from '../../support/process-events.ts'
import { RecordingTransport } from '../../support/recording-transport.ts'
import { temporaryHome } from '../../support/temporary-home.ts'
import { everythingIn, failureOf } from './failure.ts'

const ROLE = 'arn:aws:iam::123456789012:role/sessions'
const SECRETS = /s3cret|654321/
const longTermKeys: Credentials = { accessKeyId: 'AKIASOURCE', secretAccessKey: 's3cret-source-key' }
const temporaryKeys: Credentials = { ...longTermKeys, sessionToken: 's3cret/source+token==' }

function provider(
  { context }: Pick<FakeSts, 'context'>,
  changes: Partial<FromTemporaryCredentialsOptions> = {},
): CredentialProvider {
  return fromTemporaryCredentials({
    params: { RoleArn: ROLE },
    masterCredentials: longTermKeys,
    context,
    ...changes,
  })
}

/** The URL and the region of the signature, without anything being sent. */
async function target(
  environment: Readonly<Record<string, string>>,
  options: Partial<FromTemporaryCredentialsOptions> = {},
): Promise<string> {
  const { context } = await fakeSts()
  const transport = new RecordingTransport({ body: assumedRole().body })
  await provider({ context: { ...context, environment, serviceTransport: transport } }, options)()
  const headers = new Map(transport.requests[0]?.headers)
  const region = /Credential=AKIASOURCE\/\d+\/([^/]+)\/sts\//.exec(headers.get('authorization') ?? '')?.[1]
  return `${transport.lines.join()} ${region} ${headers.get('host')}`
}

describe('what is sent', () => {
  it('is a form that names the role and the session', async () => {
    const sts = await fakeSts()
    expect(await provider(sts)()).toStrictEqual(roleCredentials)
    expect(sts.service.lines).toEqual(['POST /'])
    expect(sts.service.requests[0]?.headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(sts.forms()).toEqual([
      {
        Action: 'AssumeRole',
        Version: '2011-06-15',
        RoleArn: ROLE,
        RoleSessionName: `dynamodb-sessions-${sts.clock.now()}`,
      },
    ])
  })

  it('holds every parameter that is given, in the form of the query protocol', async () => {
    const sts = await fakeSts()
    await provider(sts, {
      params: {
        RoleArn: ROLE,
        RoleSessionName: 'name=1&x',
        ExternalId: "Grüße 100% + 'a' ~*\u{1F600}",
        DurationSeconds: 900,
        Policy: '{"Version":"2012-10-17","Statement":[]}',
        PolicyArns: [{ arn: 'arn:aws:iam::aws:policy/A' }, { arn: 'arn:aws:iam::aws:policy/B' }],
        Tags: [
          { Key: 'team', Value: 'web' },
          { Key: 'stage', Value: '' },
        ],
        TransitiveTagKeys: ['team'],
        SourceIdentity: 'somebody',
        SerialNumber: 'serial',
        TokenCode: '654321',
      },
    })()
    expect(sts.forms()).toEqual([
      {
        Action: 'AssumeRole',
        Version: '2011-06-15',
        RoleArn: ROLE,
        RoleSessionName: 'name=1&x',
        ExternalId: "Grüße 100% + 'a' ~*\u{1F600}",
        DurationSeconds: '900',
        Policy: '{"Version":"2012-10-17","Statement":[]}',
        'PolicyArns.member.1.arn': 'arn:aws:iam::aws:policy/A',
        'PolicyArns.member.2.arn': 'arn:aws:iam::aws:policy/B',
        'Tags.member.1.Key': 'team',
        'Tags.member.1.Value': 'web',
        'Tags.member.2.Key': 'stage',
        'Tags.member.2.Value': '',
        'TransitiveTagKeys.member.1': 'team',
        SourceIdentity: 'somebody',
        SerialNumber: 'serial',
        TokenCode: '654321',
      },
    ])
  })

  it.each([
    ['long-term', longTermKeys],
    ['temporary', temporaryKeys],
  ])('is signed with %s credentials for STS and the region', async (_, masterCredentials) => {
    const sts = await fakeSts()
    await provider(sts, { masterCredentials, clientConfig: { region: 'ap-south-1' } })()
    const [request] = sts.service.requests
    if (request === undefined) throw new Error('nothing was sent')
    expect(request.headers['x-amz-security-token']).toBe(masterCredentials.sessionToken)
    expect(request.headers['x-amz-date']).toBe('20310506T070809Z')
    expect(request.headers.authorization).toContain('AKIASOURCE/20310506/ap-south-1/sts/aws4_request')
    expect(request.headers.authorization).toBe(
      authorizationFor(request, masterCredentials, 'ap-south-1', new Date(sts.clock.now())),
    )
  })

  it('is signed with what the provider of the source credentials returns at each call', async () => {
    const sts = await fakeSts()
    const chain = [longTermKeys, temporaryKeys]
    const credentials = provider(sts, { masterCredentials: async () => chain.shift() ?? longTermKeys })
    await credentials()
    await credentials()
    expect(sts.service.requests.map(({ headers }) => headers['x-amz-security-token'])).toEqual([
      undefined,
      temporaryKeys.sessionToken,
    ])
  })

  it('is signed with what the default chain finds, when no source is named', async () => {
    const sts = await fakeSts({ AWS_ACCESS_KEY_ID: 'AKIAENV', AWS_SECRET_ACCESS_KEY: 's3cret-env' })
    const credentials = fromTemporaryCredentials({ params: { RoleArn: ROLE }, context: sts.context })
    expect(await credentials()).toStrictEqual(roleCredentials)
    expect(sts.service.requests[0]?.headers.authorization).toContain('Credential=AKIAENV/')
  })

  it('follows a chain of roles', async () => {
    const sts = await fakeSts()
    const first = provider(sts, { params: { RoleArn: 'arn:aws:iam::111111111111:role/first' } })
    await provider(sts, { masterCredentials: first })()
    expect(sts.forms().map(({ RoleArn }) => RoleArn)).toEqual(['arn:aws:iam::111111111111:role/first', ROLE])
    const second = sts.service.requests[1]
    if (second === undefined) throw new Error('there was one request only')
    expect(second.headers.authorization).toBe(
      authorizationFor(second, roleCredentials, 'eu-west-1', new Date(sts.clock.now())),
    )
  })

  it('has the code of the device that is asked for it, at each call', async () => {
    const sts = await fakeSts()
    let asked = 0
    const mfaCodeProvider: MfaCodeProvider = serial => `${serial}-${++asked}`
    const credentials = provider(sts, {
      params: { RoleArn: ROLE, SerialNumber: 'device', TokenCode: 'old' },
      mfaCodeProvider,
    })
    await credentials()
    await credentials()
    expect(sts.forms().map(({ SerialNumber, TokenCode }) => [SerialNumber, TokenCode])).toEqual([
      ['device', 'device-1'],
      ['device', 'device-2'],
    ])
  })
})

describe('where it is sent', () => {
  const HOME = '/nonexistent'

  it.each([
    ['eu-west-1', 'sts.eu-west-1.amazonaws.com'],
    ['us-east-1', 'sts.us-east-1.amazonaws.com'],
    ['cn-north-1', 'sts.cn-north-1.amazonaws.com.cn'],
    ['us-gov-west-1', 'sts.us-gov-west-1.amazonaws.com'],
    ['us-isob-east-1', 'sts.us-isob-east-1.sc2s.sgov.gov'],
  ])('is the STS of the region %s', async (region, host) => {
    expect(await target({ HOME, AWS_REGION: region })).toBe(`POST https://${host}/ ${region} ${host}`)
  })

  it.each<[string, Readonly<Record<string, string>>, string]>([
    ['AWS_DEFAULT_REGION', { AWS_DEFAULT_REGION: 'eu-west-2' }, 'eu-west-2'],
    ['AWS_REGION first', { AWS_REGION: 'eu-west-3', AWS_DEFAULT_REGION: 'eu-west-2' }, 'eu-west-3'],
  ])('has the region of %s', async (_, environment, region) => {
    expect(await target({ HOME, ...environment })).toContain(` ${region} `)
  })

  it('has the region that is given before that of the environment', async () => {
    expect(
      await target({ HOME, AWS_REGION: 'eu-west-3' }, { clientConfig: { region: 'eu-north-1' } }),
    ).toContain('://sts.eu-north-1.amazonaws.com/ eu-north-1 ')
  })

  it('has the region of the profile, and the fallback when there is none', async () => {
    const home = await temporaryHome({
      config: '[default]\nregion = eu-south-1\n[profile p]\nregion = eu-south-2\n',
    })
    expect(await target(home.environment)).toContain('://sts.eu-south-1.')
    expect(await target({ ...home.environment, AWS_PROFILE: 'p' })).toContain('://sts.eu-south-2.')
    expect(await target(home.environment, { clientConfig: { profile: 'p' } })).toContain('://sts.eu-south-2.')
  })

  it('is us-east-1 when nothing names a region, with a warning', async () => {
    let where = ''
    const warning = await warningDuring(async () => {
      where = await target({ HOME })
    })
    expect(where).toContain('://sts.us-east-1.amazonaws.com/ us-east-1 ')
    expect(String(warning)).toMatch(/^DynamoDBSessionsWarning: no region is configured.*AWS_REGION/)
  })

  it('is a FIPS or dual-stack host where that is configured', async () => {
    expect(await target({ HOME, AWS_REGION: 'us-east-2', AWS_USE_FIPS_ENDPOINT: 'true' })).toContain(
      '://sts-fips.us-east-2.amazonaws.com/ us-east-2 ',
    )
    expect(await target({ HOME, AWS_REGION: 'us-east-2-fips' })).toContain(
      '://sts-fips.us-east-2.amazonaws.com/ us-east-2 ',
    )
    expect(await target({ HOME, AWS_REGION: 'us-east-2', AWS_USE_DUALSTACK_ENDPOINT: 'true' })).toContain(
      '://sts.us-east-2.api.aws/ us-east-2 ',
    )
  })

  it('is the endpoint that is configured, with its path', async () => {
    const config =
      '[default]\nservices = local\nendpoint_url = http://profile.test:1\n[profile plain]\n' +
      'endpoint_url = http://profile.test:1\n[services local]\nsts =\n  endpoint_url = http://section.test:2/sts\n'
    const { environment } = await temporaryHome({ config })
    const AWS_REGION = 'eu-west-1'
    const all = { AWS_ENDPOINT_URL_STS: 'http://sts.test:3/x/', AWS_ENDPOINT_URL: 'https://any.test' }
    const targetWith = async (more: Readonly<Record<string, string>>): Promise<string> =>
      target({ ...environment, AWS_REGION, ...more })
    expect(await targetWith(all)).toBe('POST http://sts.test:3/x/ eu-west-1 sts.test:3')
    expect(await targetWith({ ...all, AWS_ENDPOINT_URL_STS: '' })).toBe(
      'POST https://any.test/ eu-west-1 any.test',
    )
    expect(await targetWith({})).toBe('POST http://section.test:2/sts/ eu-west-1 section.test:2')
    expect(await targetWith({ AWS_PROFILE: 'plain' })).toBe(
      'POST http://profile.test:1/ eu-west-1 profile.test:1',
    )
    expect(await targetWith({ ...all, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' })).toContain(
      'https://sts.eu-west-1.amazonaws.com/ ',
    )
  })

  it.each<[string, Readonly<Record<string, string>>]>([
    ['an endpoint that is no URL', { AWS_ENDPOINT_URL_STS: 'sts.test' }],
    ['an endpoint with a password', { AWS_ENDPOINT_URL_STS: 'http://u:s3cret@sts.test' }],
    ['a region that is no host label', { AWS_REGION: 'evil.test/#', AWS_ENDPOINT_URL_STS: '' }],
    ['a custom endpoint and FIPS', { AWS_USE_FIPS_ENDPOINT: 'true' }],
  ])('is nowhere with %s', async (_, environment) => {
    const sts = await fakeSts(environment)
    const error = await failureOf(provider(sts))
    expect(error.message).toMatch(/^the service sts cannot be called: /)
    expect(error.tryNextProvider).toBe(false)
    expect(everythingIn(error)).not.toMatch(SECRETS)
    expect(sts.service.requests).toEqual([])
  })
})

describe('what comes back', () => {
  it('has an account only where the ARN has one', async () => {
    const sts = await fakeSts()
    const { accountId: _, ...withoutAccount } = roleCredentials
    const found: Credentials[] = []
    for (const Arn of [undefined, 'x', 'arn:aws:sts::evil.test/:assumed-role/a/b', 'arn:aws:sts:::a']) {
      sts.answers(assumedRole({ Arn }))
      found.push(await provider(sts)())
    }
    expect(found).toStrictEqual(found.map(() => withoutAccount))
  })

  it.each(['2031-05-06T08:08:09.000Z', '2031-05-06T10:08:09+02:00'])('may expire at %s', async Expiration => {
    const sts = await fakeSts()
    sts.answers(assumedRole({ Expiration }))
    expect(await provider(sts)()).toStrictEqual(roleCredentials)
  })

  const complete = assumedRole()
  it.each<[string, FakeServiceScript]>([
    ['nothing', {}],
    ['HTML', { body: '<!doctype html><html><body>It works</body></html>' }],
    ['JSON', { body: { AccessKeyId: 'ASIAROLE', SecretAccessKey: 's3cret' } }],
    [
      'XML that ends early',
      { ...complete, body: complete.body.slice(0, complete.body.indexOf('</AssumedRoleUser>')) },
    ],
    [
      'XML that ends in a key',
      { ...complete, body: complete.body.slice(0, complete.body.indexOf('key/+=') + 3) },
    ],
    ['XML that ends before the last tag', { ...complete, body: complete.body.trimEnd().slice(0, -3) }],
    ['an unknown reference', assumedRole({ SecretAccessKey: 's3cret&nbsp;' })],
    ['no access key', assumedRole({ AccessKeyId: undefined })],
    ['an empty access key', assumedRole({ AccessKeyId: '' })],
    ['no secret key', assumedRole({ SecretAccessKey: undefined })],
    ['no session token', assumedRole({ SessionToken: undefined })],
    ['no expiration', assumedRole({ Expiration: undefined })],
    ['an expiration that is no date', assumedRole({ Expiration: '2031-13-06T08:08:09Z' })],
    ['an expiration that is a number', assumedRole({ Expiration: '1935907689' })],
    ['two keys', assumedRole({ AccessKeyId: 'A</AccessKeyId><AccessKeyId>B' })],
    ['a key with a line break', assumedRole({ SecretAccessKey: 's3cret&#10;x: y' })],
    ['a token with blanks around it', assumedRole({ SessionToken: ' s3cret ' })],
    ['the answer to another operation', assumedRole({}, 'GetSessionToken')],
    ['such a result in another answer', { body: complete.body.replaceAll('AssumeRoleResponse', 'Envelope') }],
  ])('is an error when it is %s', async (_, answer) => {
    const sts = await fakeSts()
    sts.answers(answer)
    const error = await failureOf(provider(sts))
    expect(error.message).toMatch(
      /^cannot assume the role arn:aws:iam::123456789012:role\/sessions through STS in eu-/,
    )
    expect(error.message).toContain('is not a complete AssumeRoleResponse')
    expect(error.tryNextProvider).toBe(false)
    expect(everythingIn(error)).not.toMatch(SECRETS)
    expect(sts.service.requests).toHaveLength(1)
  })
})

describe('a refusal', () => {
  it('says what STS says, and what to do', async () => {
    const sts = await fakeSts()
    sts.answers(stsError('AccessDenied', 'User &quot;x&quot; is not authorized', 403))
    const error = await failureOf(provider(sts))
    expect(error.message).toBe(
      `cannot assume the role ${ROLE} through STS in eu-west-1: sts:AssumeRole was refused with HTTP status 403, ` +
        'AccessDenied: User "x" is not authorized (the trust policy of the role has to name the caller, and the ' +
        'caller may need sts:AssumeRole)',
    )
    expect(error.tryNextProvider).toBe(false)
    expect(sts.service.requests).toHaveLength(1)
  })

  it('is quoted without what a terminal obeys, and up to a limit', async () => {
    const sts = await fakeSts()
    sts.answers(stsError('AccessDenied', `one&#10;two&#27;[31m${'x'.repeat(2000)}`, 403))
    const { message } = await failureOf(provider(sts))
    expect(message).toContain(`AccessDenied: one two [31m${'x'.repeat(988)} (the trust policy`)
  })

  it.each([
    ['AccessDenied', 403],
    ['ExpiredTokenException', 400],
    ['MalformedPolicyDocument', 400],
    ['PackedPolicyTooLarge', 400],
    ['RegionDisabledException', 403],
    ['InvalidClientTokenId', 403],
    ['SignatureDoesNotMatch', 403],
    ['ValidationError', 400],
  ])('with the code %s is final', async (code, statusCode) => {
    const sts = await fakeSts()
    sts.answers(stsError(code, 'no', statusCode))
    const error = await failureOf(provider(sts))
    expect(error.message).toContain(`was refused with HTTP status ${statusCode}, ${code}: no`)
    expect(sts.service.requests).toHaveLength(1)
  })

  it.each<[string, FakeServiceScript, RegExp]>([
    ['Throttling', stsError('Throttling', 'Rate exceeded'), /HTTP status 400, Throttling: Rate exceeded/],
    ['HTTP 429', { statusCode: 429, body: 'slow down' }, /HTTP status 429, Unknown/],
    ['HTTP 500', { statusCode: 500, body: '<html>' }, /HTTP status 500, Unknown/],
    ['HTTP 503', { statusCode: 503 }, /HTTP status 503, Unknown/],
    ['a reset', 'reset', /127\.0\.0\.1/],
    ['an answer that is cut short', 'cut-short', /127\.0\.0\.1/],
  ])('by %s is retried, three attempts in all', async (_, answer, message) => {
    const sts = await fakeSts()
    sts.answers(answer, answer, assumedRole())
    expect(await provider(sts)()).toStrictEqual(roleCredentials)
    expect(sts.service.requests).toHaveLength(3)
    sts.answers(answer)
    const error = await failureOf(provider(sts))
    expect(error.message).toMatch(message)
    expect(error.tryNextProvider).toBe(false)
  })

  it('is signed anew for each attempt', async () => {
    const sts = await fakeSts()
    sts.answers(() => {
      sts.clock.advance(2000)
      return stsError('Throttling')
    })
    await failureOf(provider(sts))
    const { requests } = sts.service
    expect(requests.map(({ headers }) => headers['x-amz-date'])).toEqual([
      '20310506T070809Z',
      '20310506T070811Z',
      '20310506T070813Z',
    ])
    expect(new Set(requests.map(({ headers }) => headers.authorization)).size).toBe(3)
  })

  it('is final for other answers that are not of STS', async () => {
    for (const [statusCode, body] of [
      [302, ''],
      [404, '<h1>Not Found</h1>'],
      [400, stsErrorBodyCutShort()],
      [400, '<Error><Code>Throttling</Code></Error>'],
      [400, '<Envelope><Error><Code>Throttling</Code></Error></Envelope>'],
    ] as const) {
      const sts = await fakeSts()
      sts.answers({ statusCode, body })
      const error = await failureOf(provider(sts))
      expect(error.message).toMatch(new RegExp(`was refused with HTTP status ${statusCode}, Unknown$`))
      expect(sts.service.requests).toHaveLength(1)
    }
  })

  it('never repeats a secret of the request', async () => {
    const sts = await fakeSts()
    const { secretAccessKey, sessionToken = '' } = temporaryKeys
    for (const echo of [
      `x-amz-security-token:${sessionToken}`,
      `token=${encodeURIComponent(sessionToken)}`,
      `${'x'.repeat(990)}${secretAccessKey}`,
      'TokenCode=654321',
    ]) {
      for (const answer of [
        stsError('SignatureDoesNotMatch', echo, 403),
        stsError(echo),
        { statusCode: 400, body: echo },
      ]) {
        sts.answers(answer)
        const error = await failureOf(
          provider(sts, {
            masterCredentials: temporaryKeys,
            params: { RoleArn: ROLE, SerialNumber: 'device', TokenCode: '654321' },
          }),
        )
        expect(everythingIn(error)).not.toMatch(/s3cret|654321|x{400}s/)
      }
    }
  })

  it('is brief, whatever the server sends', async () => {
    const sts = await fakeSts()
    sts.answers(stsError('AccessDenied', 'x'.repeat(100_000), 403))
    expect((await failureOf(provider(sts))).message.length).toBeLessThan(1500)
  })

  it('is a connection that cannot be made, too', async () => {
    const sts = await fakeSts()
    await sts.service.close()
    const error = await failureOf(provider(sts))
    expect(error.message).toMatch(/^cannot assume the role .*127\.0\.0\.1/)
    expect(error.tryNextProvider).toBe(false)
  })
})

describe('before anything is sent', () => {
  it.each<[string, Partial<FromTemporaryCredentialsOptions>, RegExp]>([
    [
      'a device without a code',
      { params: { RoleArn: ROLE, SerialNumber: 'device' } },
      /requires multi-factor authentication with the device device; pass mfaCodeProvider/,
    ],
    [
      'a callback that fails',
      {
        params: { RoleArn: ROLE, SerialNumber: 'device' },
        mfaCodeProvider: async () => {
          throw new Error('cancelled')
        },
      },
      /^the MFA code callback failed for the device device$/,
    ],
    [
      'a callback that returns nothing',
      { params: { RoleArn: ROLE, SerialNumber: 'device' }, mfaCodeProvider: () => '' },
      /^the MFA code callback returned no code/,
    ],
    [
      'a source without credentials',
      {
        masterCredentials: () => {
          throw new CredentialsError('AWS_ACCESS_KEY_ID is not set', { tryNextProvider: true })
        },
      },
      /^there are no credentials to assume the role with: AWS_ACCESS_KEY_ID is not set$/,
    ],
    [
      'a foreign source that fails',
      {
        masterCredentials: async () => {
          throw new TypeError('foreign')
        },
      },
      /^there are no credentials to assume the role with$/,
    ],
    [
      'source credentials with a line break',
      { masterCredentials: { ...longTermKeys, secretAccessKey: 's3cret\n' } },
      /^masterCredentials are not usable/,
    ],
  ])('%s is an error', async (_, options, message) => {
    const sts = await fakeSts()
    const error = await failureOf(provider(sts, options))
    expect(error.message).toMatch(message)
    expect(error.tryNextProvider).toBe(false)
    expect(everythingIn(error)).not.toMatch(SECRETS)
    expect(sts.service.requests).toEqual([])
  })

  it('the code is not asked for when there are no source credentials', async () => {
    const sts = await fakeSts()
    const mfaCodeProvider = vi.fn<MfaCodeProvider>(() => '654321')
    await failureOf(
      provider(sts, {
        params: { RoleArn: ROLE, SerialNumber: 'device' },
        masterCredentials: async () => {
          throw new Error('none')
        },
        mfaCodeProvider,
      }),
    )
    expect(mfaCodeProvider).not.toHaveBeenCalled()
  })

  it('nothing is asked for until the provider is called', async () => {
    const service = await FakeService.start()
    const masterCredentials = vi.fn<() => Credentials>(() => longTermKeys)
    const { context } = await fakeSts({ AWS_ENDPOINT_URL_STS: service.url })
    expect(provider({ context }, { masterCredentials })).toBeTypeOf('function')
    expect(masterCredentials).not.toHaveBeenCalled()
  })
})

function stsErrorBodyCutShort(): string {
  return '<ErrorResponse><Error><Code>Throttling</Code><Message>s3cret'
}
