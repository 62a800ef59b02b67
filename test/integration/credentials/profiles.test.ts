import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fromIni, type FromIniOptions } from '../../../src/aws/credentials/ini.ts'
import type { CredentialProvider } from '../../../src/types.ts'
import { FakeMetadata } from '../../support/fake-metadata.ts'
import { FakeService, loginCachePath, ssoCachePath, writeCache } from '../../support/fake-sso.ts'
import { assumedRole, fakeSts, type FakeSts, roleCredentials, stsError } from '../../support/fake-sts.ts'
import { warningDuring } from '../../support/process-events.ts'
import { type AwsFiles, temporaryHome } from '../../support/temporary-home.ts'
import { everythingIn, failureOf } from './failure.ts'

const ROLE = 'arn:aws:iam::123456789012:role/r'
const KEYS = 'aws_access_key_id = AKIAPROFILE\naws_secret_access_key = s3cret-profile\n'
const keys = { accessKeyId: 'AKIAPROFILE', secretAccessKey: 's3cret-profile' }

interface Machine extends FakeSts {
  readonly home: string
  readonly provider: (options?: FromIniOptions) => CredentialProvider
}

/** A machine with these AWS files, and an STS. */
async function machine(
  files: AwsFiles,
  environment: Readonly<Record<string, string>> = {},
): Promise<Machine> {
  const { directory: home, environment: homeEnvironment } = await temporaryHome(files)
  const sts = await fakeSts({ ...homeEnvironment, ...environment })
  return { ...sts, home, provider: options => fromIni({ context: sts.context, ...options }) }
}

function configWithSource(source: string): string {
  return `[default]\nrole_arn = ${ROLE}\ncredential_source = ${source}\n`
}

describe('static keys', () => {
  it('come from the default profile when none is named', async () => {
    const { provider } = await machine({ credentials: `[default]\n${KEYS}[other]\naws_access_key_id = x\n` })
    expect(await provider()()).toStrictEqual(keys)
  })

  it('come from the profile of AWS_PROFILE, or before that the one given', async () => {
    const files = {
      config: `[profile a]\naws_access_key_id = A\naws_secret_access_key = a\n`,
      credentials: `[default]\n${KEYS}[b]\naws_access_key_id = B\naws_secret_access_key = b\n`,
    }
    const { provider } = await machine(files, { AWS_PROFILE: 'a' })
    expect(await provider()()).toStrictEqual({ accessKeyId: 'A', secretAccessKey: 'a' })
    expect(await provider({ profile: 'b' })()).toStrictEqual({ accessKeyId: 'B', secretAccessKey: 'b' })
    expect(await provider({ profile: '' })()).toStrictEqual({ accessKeyId: 'A', secretAccessKey: 'a' })
    expect(await provider({ profile: 'default' })()).toStrictEqual(keys)
  })

  it('may have a session token and an account, and be spread over both files', async () => {
    const { provider } = await machine({
      config:
        '[default]\naws_access_key_id = old\naws_session_token = s3cret-token\naws_account_id = 123456789012\n',
      credentials: `[default]\n${KEYS}`,
    })
    expect(await provider()()).toStrictEqual({
      ...keys,
      sessionToken: 's3cret-token',
      accountId: '123456789012',
    })
  })

  it('win over web identity, a process, SSO and a log-in', async () => {
    const { provider, service } = await machine({
      config:
        `[default]\n${KEYS}role_arn = ${ROLE}\nweb_identity_token_file = /nonexistent\n` +
        'credential_process = false\nsso_session = none\nlogin_session = none\n',
    })
    expect(await provider()()).toStrictEqual(keys)
    expect(service.requests).toEqual([])
  })

  it('are read again at each call', async () => {
    const { provider, home } = await machine({ credentials: `[default]\n${KEYS}` })
    const credentials = provider()
    expect(await credentials()).toStrictEqual(keys)
    await writeFile(join(home, '.aws', 'credentials'), `[default]\n${KEYS}aws_session_token = s3cret-new\n`)
    expect(await credentials()).toStrictEqual({ ...keys, sessionToken: 's3cret-new' })
  })

  it.each([
    ['aws_secret_access_key', 's3cret profile'],
    ['aws_secret_access_key', '"s3cret-profile"'],
    ['aws_access_key_id', "'s3cret'"],
    ['aws_session_token', 's3cret\u00e9'],
  ])('are refused when %s is %o', async (property, value) => {
    const { provider } = await machine({ credentials: `[default]\n${KEYS}${property} = ${value}\n` })
    const error = await failureOf(provider())
    expect(error.message).toContain(`${property} of the profile "default" contains blanks, quotation marks`)
    expect(error.tryNextProvider).toBe(false)
    expect(everythingIn(error)).not.toContain('s3cret')
  })
})

describe('the other forms', () => {
  it('web identity, in the region of the profile', async () => {
    const { home, ...scene } = await machine({}, { AWS_ROLE_SESSION_NAME: 'from-environment' })
    const tokenFile = join(home, 'token')
    await writeFile(tokenFile, 's3cret-token\n')
    await writeFile(
      join(home, 'config'),
      `[profile pod]\nrole_arn = ${ROLE}\nweb_identity_token_file = ${tokenFile}\nregion = eu-north-1\n` +
        `[profile named]\nrole_arn = ${ROLE}\nweb_identity_token_file = ${tokenFile}\nrole_session_name = given\n`,
    )
    const { environment } = scene.context
    const context = {
      ...scene.context,
      environment: { ...environment, AWS_CONFIG_FILE: join(home, 'config') },
    }
    expect(await scene.provider({ profile: 'pod', context })()).toStrictEqual(roleCredentials)
    await scene.provider({ profile: 'named', context })()
    expect(
      scene
        .forms()
        .map(({ RoleArn, RoleSessionName, WebIdentityToken }) => [
          RoleArn,
          RoleSessionName,
          WebIdentityToken,
        ]),
    ).toEqual([
      [ROLE, 'from-environment', 's3cret-token\n'],
      [ROLE, 'given', 's3cret-token\n'],
    ])
    scene.answers(stsError('AccessDenied', 'no', 403))
    const error = await failureOf(scene.provider({ profile: 'pod', context }))
    expect(error.message).toMatch(/^the profile "pod": cannot assume the role .* through STS in eu-north-1: /)
  })

  it('a credential process', async () => {
    const output = '{"Version":1,"AccessKeyId":"AKIAPROCESS","SecretAccessKey":"s3cret-process"}'
    const { provider } = await machine({
      config: `[profile p]\ncredential_process = printf '%s' '${output}'\naws_account_id = 123456789012\n`,
    })
    expect(await provider({ profile: 'p' })()).toStrictEqual({
      accessKeyId: 'AKIAPROCESS',
      secretAccessKey: 's3cret-process',
      accountId: '123456789012',
    })
  })

  it('SSO, new and legacy', async () => {
    const portal = await FakeService.start()
    const startUrl = 'https://example.awsapps.com/start'
    const { provider, home, clock } = await machine(
      {
        config:
          '[profile new]\nsso_session = work\nsso_account_id = 123456789012\nsso_role_name = R\n' +
          `[sso-session work]\nsso_start_url = ${startUrl}\nsso_region = eu-west-1\n` +
          `[profile legacy]\nsso_start_url = ${startUrl}\nsso_region = eu-west-1\n` +
          'sso_account_id = 123456789012\nsso_role_name = L\n',
      },
      { AWS_ENDPOINT_URL_SSO: portal.url },
    )
    const expiration = clock.now() + 3_600_000
    const login = { accessToken: 's3cret-login', expiresAt: new Date(expiration).toISOString() }
    await writeCache(ssoCachePath(home, 'work'), login)
    await writeCache(ssoCachePath(home, startUrl), login)
    const { accountId, ...rest } = roleCredentials
    portal.answers({ body: { roleCredentials: { ...rest, expiration } } })
    const expected = { ...rest, expiration: new Date(expiration), accountId }
    expect(await provider({ profile: 'new' })()).toStrictEqual(expected)
    expect(await provider({ profile: 'legacy' })()).toStrictEqual(expected)
    expect(portal.lines.map(line => /role_name=(\w+)/.exec(line)?.[1])).toEqual(['R', 'L'])
  })

  it('a log-in session', async () => {
    const session = 'arn:aws:iam::123456789012:user/u'
    const { provider, home, clock } = await machine({ config: `[profile l]\nlogin_session = ${session}\n` })
    const expiresAt = new Date(clock.now() + 3_600_000)
    await writeCache(loginCachePath(home, session), {
      accessToken: {
        accessKeyId: 'ASIALOGIN',
        secretAccessKey: 's3cret-login',
        sessionToken: 's3cret-login-token',
        accountId: '123456789012',
        expiresAt: expiresAt.toISOString(),
      },
      clientId: 'client',
      refreshToken: 's3cret-refresh',
      dpopKey: 's3cret-dpop',
    })
    expect(await provider({ profile: 'l' })()).toStrictEqual({
      accessKeyId: 'ASIALOGIN',
      secretAccessKey: 's3cret-login',
      sessionToken: 's3cret-login-token',
      expiration: expiresAt,
      accountId: '123456789012',
    })
  })
})

describe('a chain of providers goes on', () => {
  it.each<[string, AwsFiles]>([
    ['without any file', {}],
    ['without a default profile', { config: `[profile p]\n${KEYS}`, credentials: `[q]\n${KEYS}` }],
    ['with a default profile that is empty', { credentials: '[default]\n' }],
    [
      'with a default profile about other things',
      { config: '[default]\nregion = eu-west-1\noutput = json\n' },
    ],
  ])('%s', async (_, files) => {
    const { provider } = await machine(files)
    const error = await failureOf(provider())
    expect(error.message).toMatch(/^the profile "default" (does not exist|says nothing about credentials)/)
    expect(error.tryNextProvider).toBe(true)
  })

  it('and tells where the profile was looked for', async () => {
    const { provider, home } = await machine({})
    expect((await failureOf(provider())).message).toBe(
      `the profile "default" does not exist: there is neither [default] in ${home}/.aws/config nor [default] in ` +
        `${home}/.aws/credentials`,
    )
  })
})

describe('a chain of providers stops', () => {
  const unusable: readonly (readonly [string, string, RegExp])[] = [
    ['has a key ID only', 'aws_access_key_id = AKIA\n', /aws_access_key_id and no aws_secret_access_key$/],
    [
      'has a secret only',
      'aws_secret_access_key = s3cret\n',
      /aws_secret_access_key and no aws_access_key_id$/,
    ],
    [
      'has a secret and an empty key ID',
      'aws_access_key_id =\naws_secret_access_key = s3cret\n',
      /no aws_access_key_id$/,
    ],
    ['has a role only', `role_arn = ${ROLE}\n`, /role_arn and nothing to assume the role with/],
    [
      'has a role with two sources',
      `role_arn = ${ROLE}\nsource_profile = p\ncredential_source = Environment\n`,
      /both source_profile and credential_source/,
    ],
    [
      'has a token file only',
      'web_identity_token_file = /nonexistent\n',
      /web_identity_token_file and no role_arn/,
    ],
    ['has a source only', 'source_profile = p\n', /source_profile and no role_arn/],
    [
      'has a process that fails',
      'credential_process = echo s3cret; echo s3cret >&2; exit 3\n',
      /exit code 3/,
    ],
  ]
  const refused: typeof unusable = [
    [
      'has a token file that is not there',
      `role_arn = ${ROLE}\nweb_identity_token_file = /nonexistent/token\n`,
      /the web identity token file \/nonexistent\/token cannot be read \(ENOENT\)$/,
    ],
    ['has half of an SSO configuration', 'sso_account_id = 123456789012\n', /sso_/],
    ['has a log-in that was never made', 'login_session = nobody\n', /aws login/],
  ]

  it.each([...unusable, ...refused])('when the named profile %s', async (_, properties, message) => {
    const { provider, service } = await machine(
      { config: `[profile x]\n${properties}` },
      { AWS_PROFILE: 'x' },
    )
    for (const credentials of [provider(), provider({ profile: 'x' })]) {
      const error = await failureOf(credentials)
      expect(error.message).toMatch(message)
      expect(error.message).toContain('the profile "x"')
      expect(error.tryNextProvider).toBe(false)
      expect(everythingIn(error)).not.toContain('s3cret')
    }
    expect(service.requests).toEqual([])
  })

  it.each(refused)('when the default profile %s', async (_, properties, message) => {
    const { provider } = await machine({ config: `[default]\n${properties}` })
    const error = await failureOf(provider())
    expect(error.message).toMatch(message)
    expect(error.tryNextProvider).toBe(false)
  })

  it.each(unusable)(
    'but goes on when nobody named the default profile, which %s',
    async (_, properties, message) => {
      const { provider } = await machine({ config: `[default]\n${properties}` })
      const error = await failureOf(provider())
      expect(error.message).toMatch(message)
      expect(error.tryNextProvider).toBe(true)
      expect(everythingIn(error)).not.toContain('s3cret')
      const named = await failureOf(provider({ profile: 'default' }))
      expect(named.tryNextProvider).toBe(false)
    },
  )

  it('when the named profile does not exist', async () => {
    const files = { config: `[default]\n${KEYS}[x]\n${KEYS}` }
    const byVariable = await machine(files, { AWS_PROFILE: 'x' })
    const byOption = await machine(files)
    for (const credentials of [byVariable.provider(), byOption.provider({ profile: 'x' })]) {
      const error = await failureOf(credentials)
      expect(error.message).toContain('the profile "x" does not exist: there is neither [profile x] in ')
      expect(error.tryNextProvider).toBe(false)
    }
  })

  it('but goes on when the named profile says nothing about credentials', async () => {
    const { provider } = await machine({ config: '[profile x]\nregion = eu-west-1\n' }, { AWS_PROFILE: 'x' })
    const error = await failureOf(provider())
    expect(error.message).toBe('the profile "x" says nothing about credentials')
    expect(error.tryNextProvider).toBe(true)
  })

  it('when a file cannot be read', async () => {
    const { provider, home } = await machine({ credentials: `[default]\n${KEYS}` })
    await writeFile(join(home, '.aws', 'credentials'), Buffer.from(`[default]\n${KEYS}`, 'utf16le'))
    const error = await failureOf(provider())
    expect(error.message).toContain(`${home}/.aws/credentials`)
    expect(error.tryNextProvider).toBe(false)
    expect(everythingIn(error)).not.toContain('s3cret')
  })

  it('when STS refuses the role of the default profile', async () => {
    const { provider, answers } = await machine({
      config: `[default]\nrole_arn = ${ROLE}\nsource_profile = default\n${KEYS}`,
    })
    answers(stsError('AccessDenied', 'no', 403))
    const error = await failureOf(provider())
    expect(error.message).toMatch(/^the profile "default": cannot assume the role .*AccessDenied: no/)
    expect(error.tryNextProvider).toBe(false)
  })
})

describe('profile names that JavaScript objects have a meaning for', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']

  it.each(names)('%s is a name as any other', async name => {
    const { provider, forms } = await machine({
      config: `[profile ${name}]\nrole_arn = ${ROLE}\nsource_profile = __proto__-keys\n[profile __proto__-keys]\n${KEYS}`,
    })
    expect(await provider({ profile: name })()).toStrictEqual(roleCredentials)
    expect(forms()).toHaveLength(1)
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(({} as Readonly<Record<string, unknown>>)['role_arn']).toBeUndefined()
  })

  it.each(names)('%s is not there unless the files have it', async name => {
    const { provider } = await machine({ config: `[default]\n${KEYS}` }, { AWS_PROFILE: name })
    const error = await failureOf(provider())
    expect(error.message).toContain(`the profile "${name}" does not exist`)
    expect(error.tryNextProvider).toBe(false)
  })

  it.each(names)('%s as a property says nothing', async name => {
    const { provider } = await machine({ config: `[default]\n${name} = x\n${name}.role_arn = x\n` })
    expect((await failureOf(provider())).tryNextProvider).toBe(true)
  })

  it.each(names)('%s is no credential_source', async name => {
    const { provider } = await machine({
      config: `[default]\nrole_arn = ${ROLE}\ncredential_source = ${name}\n`,
    })
    const error = await failureOf(provider())
    expect(error.message).toContain(
      `the credential_source "${name}" is none of Environment, Ec2InstanceMetadata`,
    )
  })
})

describe('a credential_source', () => {
  const document = {
    Code: 'Success',
    AccessKeyId: 'ASIASOURCE',
    SecretAccessKey: 's3cret-source',
    Token: 's3cret-source-token',
    Expiration: '2031-05-06T08:00:00Z',
  }

  it('Environment', async () => {
    const scene = await machine(
      { config: configWithSource('Environment') },
      {
        AWS_ACCESS_KEY_ID: 'AKIAENV',
        AWS_SECRET_ACCESS_KEY: 's3cret-env',
        AWS_SESSION_TOKEN: 's3cret-env-token',
      },
    )
    expect(await scene.provider()()).toStrictEqual(roleCredentials)
    const headers = scene.service.requests[0]?.headers
    expect(headers?.authorization).toContain('Credential=AKIAENV/')
    expect(headers?.['x-amz-security-token']).toBe('s3cret-env-token')
  })

  it('EcsContainer', async () => {
    const container = await FakeMetadata.start()
    container.answer('GET /creds', { body: document })
    const scene = await machine(
      { config: configWithSource('EcsContainer') },
      { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${container.url}/creds` },
    )
    expect(await scene.provider()()).toStrictEqual(roleCredentials)
    expect(scene.service.requests[0]?.headers['x-amz-security-token']).toBe('s3cret-source-token')
  })

  it('Ec2InstanceMetadata, which survives an outage of the instance metadata service', async () => {
    const metadata = await FakeMetadata.start()
    const path = '/latest/meta-data/iam/security-credentials/'
    metadata.answer('PUT /latest/api/token', {
      body: 'token',
      headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '21600' },
    })
    metadata.answer(`GET ${path}`, { body: 'instance-role' })
    metadata.answer(`GET ${path}instance-role`, { body: document }, { statusCode: 500 })
    const scene = await machine(
      { config: configWithSource('Ec2InstanceMetadata') },
      { AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url },
    )
    const provider = scene.provider()
    expect(await provider()).toStrictEqual(roleCredentials)
    const warning = await warningDuring(async () => {
      expect(await provider()).toStrictEqual(roleCredentials)
    })
    expect(String(warning)).toContain('the credentials at hand stay in use')
    expect(scene.service.requests.map(({ headers }) => headers['x-amz-security-token'])).toEqual([
      's3cret-source-token',
      's3cret-source-token',
    ])
  })

  it.each([
    ['Environment', 'the profile "default": AWS_ACCESS_KEY_ID is not set'],
    ['EcsContainer', 'the profile "default": '],
    ['Ec2InstanceMetadata', 'the profile "default": '],
    ['environment', 'the profile "default": the credential_source "environment" is none of'],
  ])('%s that has nothing to give stops a chain where the profile is named', async (source, message) => {
    const scene = await machine({ config: configWithSource(source) }, { AWS_EC2_METADATA_DISABLED: 'true' })
    const error = await failureOf(scene.provider({ profile: 'default' }))
    expect(error.message.startsWith(message)).toBe(true)
    expect(error.tryNextProvider).toBe(false)
    expect((await failureOf(scene.provider())).tryNextProvider).toBe(true)
    expect(scene.service.requests).toEqual([])
  })

  it('is used without a role by a profile that assumes one', async () => {
    const scene = await machine(
      {
        config: `[profile a]\nrole_arn = ${ROLE}\nsource_profile = b\n[profile b]\ncredential_source = Environment\n`,
      },
      { AWS_ACCESS_KEY_ID: 'AKIAENV', AWS_SECRET_ACCESS_KEY: 's3cret-env' },
    )
    scene.answers(assumedRole())
    expect(await scene.provider({ profile: 'a' })()).toStrictEqual(roleCredentials)
    expect(scene.service.requests[0]?.headers.authorization).toContain('Credential=AKIAENV/')
    const error = await failureOf(scene.provider({ profile: 'b' }))
    expect(error.message).toBe('the profile "b" has credential_source and no role_arn')
  })
})
