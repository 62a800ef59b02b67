import { createPublicKey, generateKeyPairSync, type JsonWebKey, verify } from 'node:crypto'
import { readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fromLoginCredentials, type FromLoginCredentialsOptions } from '../../../src/aws/credentials/login.ts'
import type { CredentialsError } from '../../../src/errors.ts'
import { deferred } from '../../../src/internal/timers.ts'
import type { CredentialProvider } from '../../../src/types.ts'
import {
  type FakeService,
  type FakeServiceScript,
  loginCachePath,
  writeCache,
} from '../../support/fake-sso.ts'
import type { ManualClock } from '../../support/manual-clock.ts'
import { RecordingTransport } from '../../support/recording-transport.ts'
import { everythingIn, failureOf as providerFailure } from './failure.ts'
import { type SignInScene, signInScene } from './sign-in-scene.ts'

const MINUTE_MS = 60_000
const SESSION = 'arn:aws:iam::012345678901:user/somebody'
const CONFIG = `
[profile dev]
login_session = ${SESSION}
region = eu-west-1
[profile keys]
aws_access_key_id = AKIDPROFILE
aws_secret_access_key = s3cret-profile
[profile empty]
login_session =
`
const DPOP_KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const DPOP_PEM = DPOP_KEY.privateKey.export({ type: 'sec1', format: 'pem' }).toString()
const SECRETS = new RegExp(
  ['s3cret', 'PRIVATE KEY', DPOP_PEM.split('\n')[1]?.slice(0, 40)].join('|').replaceAll('+', '\\+'),
)

interface Scene extends SignInScene {
  readonly path: string
  provider(options?: FromLoginCredentialsOptions): CredentialProvider
  /** Writes the cache file, with so much time left. */
  cached(leftMs: number, changes?: Record<string, unknown>): Promise<void>
}

async function scene(config = CONFIG): Promise<Scene> {
  const machine = await signInScene(config)
  const { home, clock, context } = machine
  const path = loginCachePath(home, SESSION)
  return {
    ...machine,
    path,
    provider: options => fromLoginCredentials({ profile: 'dev', context, ...options }),
    cached: (leftMs, changes) => writeCache(path, { ...loginFile(clock, leftMs), ...changes }),
  }
}

function loginFile(clock: ManualClock, leftMs: number): Record<string, unknown> {
  return {
    accessToken: {
      accessKeyId: 'ASIAOLD',
      secretAccessKey: 's3cret-key-old',
      sessionToken: 's3cret-token-old',
      accountId: '012345678901',
      expiresAt: new Date(clock.now() + leftMs).toISOString(),
    },
    tokenType: 'urn:aws:params:oauth:token-type:access_token_sigv4',
    clientId: 'arn:aws:signin:::devtools/same-device',
    refreshToken: 's3cret-refresh-old',
    idToken: 's3cret-identity',
    dpopKey: DPOP_PEM,
  }
}

const REFRESHED = {
  body: {
    accessToken: {
      accessKeyId: 'ASIANEW',
      secretAccessKey: 's3cret-key-new',
      sessionToken: 's3cret-token-new',
    },
    tokenType: 'aws_sigv4',
    expiresIn: 600,
    refreshToken: 's3cret-refresh-new',
  },
} satisfies FakeServiceScript

/** What a provider fails with, which never tells a secret. */
async function failureOf(provider: CredentialProvider): Promise<CredentialsError> {
  const error = await providerFailure(provider)
  expect(everythingIn(error)).not.toMatch(SECRETS)
  return error
}

function denied(error: string): FakeServiceScript {
  return {
    statusCode: 403,
    headers: { 'x-amzn-errortype': 'AccessDeniedException' },
    body: { error, message: 's3cret-refresh-old' },
  }
}

/** Claims of the proofs that were sent, after their signatures have been verified with the key that they show. */
function verifiedProofs(signIn: FakeService): readonly Record<string, unknown>[] {
  return signIn.requests.map(({ headers }) => {
    const [header = '', payload = '', signature = ''] = String(headers['dpop']).split('.')
    const { jwk, ...rest } = JSON.parse(Buffer.from(header, 'base64url').toString()) as Record<
      string,
      unknown
    >
    expect(rest).toStrictEqual({ alg: 'ES256', typ: 'dpop+jwt' })
    expect(jwk).toStrictEqual(DPOP_KEY.publicKey.export({ format: 'jwk' }))
    const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
    const signed = Buffer.from(`${header}.${payload}`)
    const bytes = Buffer.from(signature, 'base64url')
    expect(verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, bytes)).toBe(true)
    return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
  })
}

describe('credentials at hand', () => {
  it('are used while they have more than five minutes left', async () => {
    const login = await scene()
    await login.cached(5 * MINUTE_MS + 1)
    expect(await login.provider()()).toStrictEqual({
      accessKeyId: 'ASIAOLD',
      secretAccessKey: 's3cret-key-old',
      sessionToken: 's3cret-token-old',
      accountId: '012345678901',
      expiration: new Date(login.clock.now() + 5 * MINUTE_MS + 1),
    })
    expect(login.signIn.lines).toStrictEqual([])
  })

  it('are read again at each call', async () => {
    const login = await scene()
    const provider = login.provider()
    await failureOf(provider)
    await login.cached(60 * MINUTE_MS)
    expect(await provider()).toMatchObject({ accessKeyId: 'ASIAOLD' })
  })

  it('are looked for in AWS_LOGIN_CACHE_DIRECTORY', async () => {
    const login = await scene()
    const directory = join(login.home, 'elsewhere')
    await writeCache(join(directory, basename(login.path)), loginFile(login.clock, 60 * MINUTE_MS))
    const environment = { ...login.context.environment, AWS_LOGIN_CACHE_DIRECTORY: directory }
    const provider = fromLoginCredentials({ profile: 'dev', context: { ...login.context, environment } })
    expect(await provider()).toMatchObject({ accessKeyId: 'ASIAOLD' })
  })
})

describe('a refresh', () => {
  it('comes with five minutes left or less, proves the key, and is written back', async () => {
    const login = await scene()
    await login.cached(5 * MINUTE_MS, { kept: 'as it is' })
    login.signIn.answers(REFRESHED)
    const expiration = new Date(login.clock.now() + 600_000)
    expect(await login.provider()()).toStrictEqual({
      accessKeyId: 'ASIANEW',
      secretAccessKey: 's3cret-key-new',
      sessionToken: 's3cret-token-new',
      accountId: '012345678901',
      expiration,
    })
    expect(login.signIn.lines).toStrictEqual(['POST /v1/token'])
    expect(login.signIn.requests[0]?.headers['content-type']).toBe('application/json')
    expect(login.signIn.requests[0]?.headers.authorization).toBeUndefined()
    expect(JSON.parse(login.signIn.requests[0]?.body ?? '')).toStrictEqual({
      clientId: 'arn:aws:signin:::devtools/same-device',
      refreshToken: 's3cret-refresh-old',
      grantType: 'refresh_token',
    })
    expect(verifiedProofs(login.signIn)).toStrictEqual([
      {
        jti: expect.stringMatching(/^[\da-f-]{36}$/) as unknown,
        htm: 'POST',
        htu: `${login.signIn.url}/v1/token`,
        iat: Math.floor(login.clock.now() / 1000),
      },
    ])
    expect(JSON.parse(await readFile(login.path, 'utf8'))).toStrictEqual({
      ...loginFile(login.clock, 0),
      kept: 'as it is',
      accessToken: {
        ...REFRESHED.body.accessToken,
        accountId: '012345678901',
        expiresAt: expiration.toISOString(),
      },
      refreshToken: 's3cret-refresh-new',
    })
    expect((await stat(login.path)).mode & 0o777).toBe(0o600)
  })

  it('is taken to be valid for 15 minutes when the answer does not say', async () => {
    const login = await scene()
    await login.cached(0)
    login.signIn.answers({ body: { ...REFRESHED.body, expiresIn: undefined } })
    const credentials = await login.provider()()
    expect(credentials.expiration).toStrictEqual(new Date(login.clock.now() + 900_000))
  })

  it('is one for 200 callers at once', async () => {
    const login = await scene()
    await login.cached(0)
    const gate = deferred<void>()
    login.signIn.answers(async () => {
      await gate.promise
      return REFRESHED
    })
    const providers = [login.provider(), login.provider()]
    const callers = Array.from({ length: 100 }, () => providers.map(async provider => provider())).flat()
    await expect.poll(() => login.signIn.lines.length).toBe(1)
    gate.resolve()
    const keys = (await Promise.all(callers)).map(({ accessKeyId }) => accessKeyId)
    expect(new Set(keys)).toStrictEqual(new Set(['ASIANEW']))
    expect(keys).toHaveLength(200)
    expect(login.signIn.lines).toHaveLength(1)
  })

  it('is not made where another process has made it', async () => {
    const login = await scene()
    const provider = login.provider()
    await login.cached(60 * MINUTE_MS)
    await provider()
    login.clock.advance(56 * MINUTE_MS)
    await login.cached(60 * MINUTE_MS, { refreshToken: 's3cret-theirs' })
    await provider()
    expect(login.signIn.lines).toStrictEqual([])
  })

  it('that another process was faster with gives its credentials', async () => {
    const login = await scene()
    await login.cached(MINUTE_MS)
    const theirs = loginFile(login.clock, 15 * MINUTE_MS)
    login.signIn.answers(async () => {
      await writeFile(login.path, JSON.stringify(theirs))
      return { statusCode: 403, body: { __type: 'AccessDeniedException', error: 'TOKEN_EXPIRED' } }
    })
    expect(await login.provider()()).toMatchObject({
      expiration: new Date(login.clock.now() + 15 * MINUTE_MS),
    })
    expect(JSON.parse(await readFile(login.path, 'utf8'))).toStrictEqual(theirs)
  })

  it.each<[string, FakeServiceScript]>([
    ['503', { statusCode: 503 }],
    ['throttling', { statusCode: 429, headers: { 'x-amzn-errortype': 'TooManyRequestsError' } }],
    ['a reset', 'reset'],
    ['an answer that is cut short', 'cut-short'],
  ])('that meets %s is tried three times, each with a proof of its own', async (_, script) => {
    const login = await scene()
    await login.cached(0)
    login.signIn.answers(script, script, REFRESHED)
    expect(await login.provider()()).toMatchObject({ accessKeyId: 'ASIANEW' })
    const identifiers = verifiedProofs(login.signIn).map(({ jti }) => jti)
    expect(new Set(identifiers).size).toBe(3)
  })

  it.each<[string, FakeServiceScript]>([
    ['500', { statusCode: 500 }],
    ['a refusal that it does not know', denied('SOMETHING_NEW')],
    [
      'another exception',
      { statusCode: 400, body: { __type: 'ValidationException', error: 'INVALID_REQUEST' } },
    ],
    ['an answer that is no JSON', { body: 's3cret' }],
    ['an answer without an accessToken', { body: { ...REFRESHED.body, accessToken: undefined } }],
    ['an answer without a refreshToken', { body: { ...REFRESHED.body, refreshToken: '' } }],
    [
      'an answer with a key that cannot be one',
      {
        body: {
          ...REFRESHED.body,
          accessToken: { ...REFRESHED.body.accessToken, secretAccessKey: 's3cret\n' },
        },
      },
    ],
    ['an answer with a validity that is no number', { body: { ...REFRESHED.body, expiresIn: 'long' } }],
    ['an answer with a negative validity', { body: { ...REFRESHED.body, expiresIn: -5 } }],
    ['resets', 'reset'],
  ])('that meets %s leaves the credentials while they are valid, and stops without', async (_, script) => {
    const login = await scene()
    await login.cached(1)
    const before = await readFile(login.path, 'utf8')
    login.signIn.answers(script)
    expect(await login.provider()()).toMatchObject({ accessKeyId: 'ASIAOLD' })
    expect(await readFile(login.path, 'utf8')).toBe(before)
    login.clock.advance(1)
    const error = await failureOf(login.provider())
    expect(error.tryNextProvider).toBe(false)
    expect(error.message).toMatch(
      /^the log-in of the profile "dev" could not be refreshed: .*; run "aws login --profile dev"$/,
    )
  })

  it.each([
    ['TOKEN_EXPIRED', /^the log-in of the profile "dev" has expired; run "aws login --profile dev"$/],
    ['USER_CREDENTIALS_CHANGED', /because the password was changed; run "aws login --profile dev"$/],
    [
      'INSUFFICIENT_PERMISSIONS',
      /allow the user the action signin:CreateOAuth2Token, then run "aws login --/,
    ],
  ])('that is refused with %s stops, even with valid credentials', async (code, message) => {
    const login = await scene()
    await login.cached(MINUTE_MS)
    login.signIn.answers(denied(code))
    const error = await failureOf(login.provider())
    expect(error.tryNextProvider).toBe(false)
    expect(error.message).toMatch(message)
    expect(login.signIn.lines).toHaveLength(1)
  })

  it('does not overwrite what was written meanwhile', async () => {
    const login = await scene()
    await login.cached(0)
    const newer = loginFile(login.clock, 30 * MINUTE_MS)
    login.signIn.answers(async () => {
      await writeFile(login.path, JSON.stringify(newer))
      return REFRESHED
    })
    expect(await login.provider()()).toMatchObject({ accessKeyId: 'ASIANEW' })
    expect(JSON.parse(await readFile(login.path, 'utf8'))).toStrictEqual(newer)
  })

  it('goes on with the new refresh token where the cache file cannot be written', async () => {
    const login = await scene()
    await login.cached(0)
    // No temporary file with so long a name can be made beside it.
    const target = join(dirname(login.path), `${'n'.repeat(245)}.json`)
    await writeFile(target, await readFile(login.path))
    await rm(login.path)
    await symlink(target, login.path)
    login.signIn.answers(REFRESHED)
    const provider = login.provider()
    await provider()
    expect(await provider()).toMatchObject({ accessKeyId: 'ASIANEW' })
    login.clock.advance(6 * MINUTE_MS)
    await provider()
    const sent = login.signIn.requests.map(({ body }) => JSON.parse(body) as Record<string, unknown>)
    expect(sent.map(({ refreshToken }) => refreshToken)).toStrictEqual([
      's3cret-refresh-old',
      's3cret-refresh-new',
    ])
  })

  it.each([
    ['no key', 's3cret'],
    ['cut short', DPOP_PEM.slice(0, 90)],
    [
      'of another curve',
      generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ type: 'sec1', format: 'pem' }),
    ],
  ])('is not tried with a dpopKey that is %s', async (_, dpopKey) => {
    const login = await scene()
    await login.cached(0, { dpopKey })
    const error = await failureOf(login.provider())
    expect(error.tryNextProvider).toBe(false)
    expect(error.message).toContain(`dpopKey in the file ${login.path} is not a P-256 private key`)
    expect(login.signIn.lines).toStrictEqual([])
  })
})

describe('the cache file', () => {
  it('that is missing means that nobody has logged in', async () => {
    const login = await scene()
    const error = await failureOf(login.provider())
    expect(error.tryNextProvider).toBe(false)
    expect(error.message).toBe(
      `the log-in of the profile "dev" has not been made: there is no file ${login.path}; ` +
        'run "aws login --profile dev"',
    )
  })

  it.each<[string, unknown]>([
    ['empty', ''],
    ['truncated', '{"accessToken": {"secretAccessKey": "s3cret'],
    ['an array', ['s3cret']],
    ['an empty object', {}],
  ])('that is %s stops', async (_, content) => {
    const login = await scene()
    await writeCache(login.path, content)
    const error = await failureOf(login.provider())
    expect(error.tryNextProvider).toBe(false)
    expect(error.message).toContain(login.path)
    expect(error.message).toMatch(/cannot be used.*run "aws login --profile dev"$/)
  })

  it.each(['clientId', 'refreshToken', 'dpopKey', 'accessToken'])(
    'without %s stops, and says so',
    async name => {
      const login = await scene()
      await login.cached(60 * MINUTE_MS, { [name]: undefined })
      expect((await failureOf(login.provider())).message).toMatch(new RegExp(`lacks .*${name}`))
    },
  )

  it.each(['accessKeyId', 'secretAccessKey', 'sessionToken', 'accountId', 'expiresAt'])(
    'without accessToken.%s stops, and says so',
    async name => {
      const login = await scene()
      const { accessToken } = loginFile(login.clock, 60 * MINUTE_MS)
      await login.cached(0, { accessToken: { ...(accessToken as object), [name]: undefined } })
      expect((await failureOf(login.provider())).message).toContain(`lacks accessToken.${name};`)
    },
  )

  it('with a date that is none stops', async () => {
    const login = await scene()
    const { accessToken } = loginFile(login.clock, 60 * MINUTE_MS)
    await login.cached(0, { accessToken: { ...(accessToken as object), expiresAt: 's3cret' } })
    expect((await failureOf(login.provider())).message).toContain('lacks usable strings in accessToken')
  })
})

describe('the profile', () => {
  it.each([
    ['keys', 'has no login_session'],
    ['empty', 'has no login_session'],
    ['missing', 'does not exist'],
    ['__proto__', 'does not exist'],
  ])('%s %s, so that a chain goes on', async (profile, reason) => {
    const login = await scene()
    const error = await failureOf(login.provider({ profile }))
    expect(error.tryNextProvider).toBe(true)
    expect(error.message).toContain(`the profile "${profile}" ${reason}`)
  })

  it('in a file that cannot be read stops', async () => {
    const login = await scene()
    await writeFile(join(login.home, '.aws', 'config'), Buffer.from('[profile dev]', 'utf16le'))
    expect((await failureOf(login.provider())).tryNextProvider).toBe(false)
  })

  it('is that of AWS_PROFILE', async () => {
    const login = await scene()
    await login.cached(60 * MINUTE_MS)
    const environment = { ...login.context.environment, AWS_PROFILE: 'dev' }
    const provider = fromLoginCredentials({ context: { ...login.context, environment } })
    expect(await provider()).toMatchObject({ accessKeyId: 'ASIAOLD' })
  })

  it('may be called __proto__, and so may the session', async () => {
    const login = await scene('[profile __proto__]\nlogin_session = __proto__\nregion = eu-west-1')
    await writeCache(loginCachePath(login.home, '__proto__'), loginFile(login.clock, 0))
    login.signIn.answers(REFRESHED)
    expect(await login.provider({ profile: '__proto__' })()).toMatchObject({ accessKeyId: 'ASIANEW' })
    expect(Object.keys(Object.prototype)).toStrictEqual([])
  })
})

describe('the region', () => {
  const WITHOUT_REGION = CONFIG.replace('region = eu-west-1', '')

  it.each<
    [string, string, Record<string, unknown>, FromLoginCredentialsOptions, Record<string, string>, string]
  >([
    [
      'of the client',
      CONFIG,
      { signInRegion: 'ap-south-1' },
      { clientConfig: { region: 'us-east-1' }, region: 'ca-west-1' },
      { AWS_REGION: 'sa-east-1' },
      'https://us-east-1.signin.aws.amazon.com/v1/token',
    ],
    [
      'of the log-in',
      CONFIG,
      { signInRegion: 'ap-south-1' },
      { region: 'ca-west-1' },
      { AWS_REGION: 'sa-east-1' },
      'https://ap-south-1.signin.aws.amazon.com/v1/token',
    ],
    [
      'of the profile',
      CONFIG,
      {},
      { region: 'ca-west-1' },
      { AWS_REGION: 'sa-east-1' },
      'https://eu-west-1.signin.aws.amazon.com/v1/token',
    ],
    [
      'of the options',
      WITHOUT_REGION,
      {},
      { region: 'ca-west-1' },
      { AWS_REGION: 'sa-east-1' },
      'https://ca-west-1.signin.aws.amazon.com/v1/token',
    ],
    [
      'of AWS_REGION',
      WITHOUT_REGION,
      {},
      {},
      { AWS_REGION: 'us-gov-west-1', AWS_DEFAULT_REGION: 'eu-west-1' },
      'https://us-gov-west-1.signin.amazonaws-us-gov.com/v1/token',
    ],
    [
      'of AWS_DEFAULT_REGION',
      WITHOUT_REGION,
      {},
      {},
      { AWS_REGION: '', AWS_DEFAULT_REGION: 'cn-north-1' },
      'https://cn-north-1.signin.amazonaws.cn/v1/token',
    ],
  ])('%s comes first', async (_, config, changes, options, variables, url) => {
    const login = await scene(config)
    await login.cached(0, changes)
    const transport = new RecordingTransport(REFRESHED)
    const context = { ...login.context, transport, environment: { HOME: login.home, ...variables } }
    await fromLoginCredentials({ profile: 'dev', ...options, context })()
    expect(transport.lines).toStrictEqual([`POST ${url}`])
    const proof = transport.requests[0]?.headers.find(([name]) => name === 'dpop')?.[1]
    expect(JSON.parse(Buffer.from(proof?.split('.')[1] ?? '', 'base64url').toString())).toMatchObject({
      htu: url,
    })
  })

  it('is missed only for a refresh', async () => {
    const login = await scene(WITHOUT_REGION)
    await login.cached(1)
    expect(await login.provider()()).toMatchObject({ accessKeyId: 'ASIAOLD' })
    login.clock.advance(1)
    expect((await failureOf(login.provider())).message).toContain(
      'the region to sign in to is none; check AWS_REGION',
    )
  })

  it('cannot lead to a foreign host', async () => {
    const login = await scene(CONFIG.replace('eu-west-1', 'evil.example/'))
    await login.cached(0)
    const transport = new RecordingTransport()
    const context = { ...login.context, transport, environment: { HOME: login.home } }
    const error = await failureOf(fromLoginCredentials({ profile: 'dev', context }))
    expect(error.message).toContain('is not the name of a region')
    expect(transport.lines).toStrictEqual([])
  })
})
