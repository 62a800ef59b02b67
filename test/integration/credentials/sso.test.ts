import { readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fromSSO, type FromSSOOptions } from '../../../src/aws/credentials/sso.ts'
import type { CredentialsError } from '../../../src/errors.ts'
import { deferred } from '../../../src/internal/timers.ts'
import type { CredentialProvider, Credentials } from '../../../src/types.ts'
import { type FakeServiceScript, type FakeSso, ssoCachePath, writeCache } from '../../support/fake-sso.ts'
import type { ManualClock } from '../../support/manual-clock.ts'
import { RecordingTransport } from '../../support/recording-transport.ts'
import { everythingIn, failureOf as providerFailure } from './failure.ts'
import { type SignInScene, signInScene } from './sign-in-scene.ts'

const MINUTE_MS = 60_000
const START_URL = 'https://d-1234567890.awsapps.com/start'
const SESSION = 'work'
const CONFIG = `
[profile dev]
sso_session = ${SESSION}
sso_account_id = 012345678901
sso_role_name = Sessions
[sso-session ${SESSION}]
sso_start_url = ${START_URL}
sso_region = eu-west-1
[profile old]
sso_start_url = ${START_URL}
sso_region = eu-west-1
sso_account_id = 012345678901
sso_role_name = Old/Role & Co(1)
[profile keys]
aws_access_key_id = AKIDPROFILE
aws_secret_access_key = s3cret-profile
`
const OLD_TOKEN = 's3cret-access-token-old'
const NEW_TOKEN = 's3cret-access-token-new'
const SECRETS = /s3cret/

interface Scene extends SignInScene {
  provider(options?: FromSSOOptions): CredentialProvider
  /** Writes the cache file of the `sso-session`, with so much time left. */
  cached(leftMs: number, changes?: Record<string, unknown>): Promise<string>
}

async function scene(config = CONFIG): Promise<Scene> {
  const machine = await signInScene(config)
  const { home, clock, context } = machine
  machine.portal.answers({ body: roleCredentials(clock) })
  return {
    ...machine,
    provider: options => fromSSO({ profile: 'dev', context, ...options }),
    cached: async (leftMs, changes) => {
      const path = ssoCachePath(home, SESSION)
      await writeCache(path, { ...tokenFile(clock, leftMs), ...changes })
      return path
    },
  }
}

function tokenFile(clock: ManualClock, leftMs: number): Record<string, unknown> {
  return {
    startUrl: START_URL,
    region: 'eu-west-1',
    accessToken: OLD_TOKEN,
    expiresAt: new Date(clock.now() + leftMs).toISOString(),
    clientId: 'client-1',
    clientSecret: 's3cret-client',
    registrationExpiresAt: '2040-01-01T00:00:00Z',
    refreshToken: 's3cret-refresh-old',
    kept: { as: 'it is' },
  }
}

function roleCredentials(clock: ManualClock, changes: Record<string, unknown> = {}): object {
  return {
    roleCredentials: {
      accessKeyId: 'ASIASSO',
      secretAccessKey: 's3cret-role-key',
      sessionToken: 's3cret-role-token',
      expiration: clock.now() + 60 * MINUTE_MS,
      ...changes,
    },
  }
}

const REFRESHED: FakeServiceScript = {
  body: { accessToken: NEW_TOKEN, expiresIn: 3600, refreshToken: 's3cret-refresh-new', tokenType: 'Bearer' },
}
const REFUSED: FakeServiceScript = {
  statusCode: 400,
  headers: { 'x-amzn-errortype': 'InvalidGrantException' },
  body: { error: 'invalid_grant', error_description: 's3cret-refresh-old is no good' },
}

/** What a provider fails with, which never tells a secret. */
async function failureOf(provider: CredentialProvider): Promise<CredentialsError> {
  const error = await providerFailure(provider)
  expect(everythingIn(error)).not.toMatch(SECRETS)
  return error
}

const tokensSent = (sso: FakeSso): readonly unknown[] =>
  sso.portal.requests.map(({ headers }) => headers['x-amz-sso_bearer_token'])

describe('with an sso-session', () => {
  it.each(['UTC', ' UTC', '+00:00'])('reads a date that ends with "%s"', async zone => {
    const sso = await scene()
    const expiresAt = new Date(sso.clock.now() + 6 * MINUTE_MS).toISOString().replace(/\.\d+Z$/, zone)
    await sso.cached(0, { expiresAt })
    expect(await sso.provider()()).toMatchObject({ accessKeyId: 'ASIASSO' })
    expect(tokensSent(sso)).toEqual([OLD_TOKEN])
    expect(sso.oidc.lines).toEqual([])
  })

  it('gets the credentials of the role with a token that has more than five minutes left', async () => {
    const sso = await scene()
    await sso.cached(5 * MINUTE_MS + 1)
    expect(await sso.provider()()).toStrictEqual<Credentials>({
      accessKeyId: 'ASIASSO',
      secretAccessKey: 's3cret-role-key',
      sessionToken: 's3cret-role-token',
      expiration: new Date(sso.clock.now() + 60 * MINUTE_MS),
      accountId: '012345678901',
    })
    expect(sso.portal.lines).toStrictEqual([
      'GET /federation/credentials?role_name=Sessions&account_id=012345678901',
    ])
    expect(tokensSent(sso)).toStrictEqual([OLD_TOKEN])
    expect(sso.portal.requests[0]?.headers.authorization).toBeUndefined()
    expect(sso.oidc.lines).toStrictEqual([])
  })

  it('refreshes a token that has five minutes left or less, and writes it back', async () => {
    const sso = await scene()
    const path = await sso.cached(5 * MINUTE_MS)
    sso.oidc.answers(REFRESHED)
    await sso.provider()()
    expect(sso.oidc.lines).toStrictEqual(['POST /token'])
    expect(sso.oidc.requests[0]?.headers['content-type']).toBe('application/json')
    expect(sso.oidc.requests[0]?.headers.authorization).toBeUndefined()
    expect(JSON.parse(sso.oidc.requests[0]?.body ?? '')).toStrictEqual({
      clientId: 'client-1',
      clientSecret: 's3cret-client',
      grantType: 'refresh_token',
      refreshToken: 's3cret-refresh-old',
    })
    expect(tokensSent(sso)).toStrictEqual([NEW_TOKEN])
    expect(JSON.parse(await readFile(path, 'utf8'))).toStrictEqual({
      ...tokenFile(sso.clock, 60 * MINUTE_MS),
      accessToken: NEW_TOKEN,
      refreshToken: 's3cret-refresh-new',
    })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  it('keeps the refresh token when the answer has no new one', async () => {
    const sso = await scene()
    const path = await sso.cached(0)
    sso.oidc.answers({ body: { accessToken: NEW_TOKEN, expiresIn: 3600 } })
    await sso.provider()()
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ refreshToken: 's3cret-refresh-old' })
  })

  it('makes one refresh for 200 callers at once', async () => {
    const sso = await scene()
    await sso.cached(-MINUTE_MS)
    const gate = deferred<void>()
    sso.oidc.answers(async () => {
      await gate.promise
      return { body: { accessToken: NEW_TOKEN, expiresIn: 3600, refreshToken: 's3cret-refresh-new' } }
    })
    const first = sso.provider()
    const second = sso.provider()
    const callers = Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? first : second)())
    await expect.poll(() => sso.oidc.lines.length).toBe(1)
    gate.resolve()
    for (const caller of callers) await caller
    expect(sso.oidc.lines).toHaveLength(1)
    expect(new Set(tokensSent(sso))).toStrictEqual(new Set([NEW_TOKEN]))
  })

  it('refreshes a token at most once in 30 seconds, and goes on with it meanwhile', async () => {
    const sso = await scene()
    await sso.cached(2 * MINUTE_MS)
    sso.oidc.answers(REFUSED, REFRESHED)
    await sso.provider()()
    sso.clock.advance(29_999)
    await sso.provider()()
    expect(sso.oidc.lines).toHaveLength(1)
    expect(tokensSent(sso)).toStrictEqual([OLD_TOKEN, OLD_TOKEN])
    sso.clock.advance(1)
    await sso.provider()()
    expect(sso.oidc.lines).toHaveLength(2)
    expect(tokensSent(sso)[2]).toBe(NEW_TOKEN)
  })

  it('keeps the pause of one session from holding up another', async () => {
    const sso = await scene(`${CONFIG}
[profile other]
sso_session = other
sso_account_id = 111111111111
sso_role_name = Other
[sso-session other]
sso_start_url = ${START_URL}
sso_region = eu-west-1`)
    await sso.cached(-1)
    await writeCache(ssoCachePath(sso.home, 'other'), tokenFile(sso.clock, -1))
    sso.oidc.answers(REFUSED, REFRESHED)
    await failureOf(sso.provider())
    expect(await sso.provider({ profile: 'other' })()).toMatchObject({ accountId: '111111111111' })
  })

  it('stops with what the refresh met when the token has expired, also during the pause', async () => {
    const sso = await scene()
    await sso.cached(0)
    sso.oidc.answers(REFUSED)
    for (let call = 0; call < 2; call++) {
      const error = await failureOf(sso.provider())
      expect(error.tryNextProvider).toBe(false)
      expect(error.message).toBe(
        'the token of the SSO session "work" has expired and could not be refreshed (sso-oidc:CreateToken was refused ' +
          'with HTTP status 400, InvalidGrantException: invalid_grant); run "aws sso login --sso-session work"',
      )
    }
    expect(sso.oidc.lines).toHaveLength(1)
    expect(sso.portal.lines).toStrictEqual([])
  })

  it('does not refresh again what another caller has just refreshed', async () => {
    const sso = await scene()
    await sso.cached(0)
    sso.oidc.answers(REFRESHED)
    await sso.provider()()
    await sso.provider()()
    expect(sso.oidc.lines).toHaveLength(1)
    expect(tokensSent(sso)).toStrictEqual([NEW_TOKEN, NEW_TOKEN])
  })

  it('uses the token of another process that was faster', async () => {
    const sso = await scene()
    const path = await sso.cached(0)
    const theirs = { ...tokenFile(sso.clock, 60 * MINUTE_MS), accessToken: 's3cret-theirs' }
    sso.oidc.answers(async () => {
      await writeFile(path, JSON.stringify(theirs))
      return { statusCode: 400, body: { error: 'invalid_grant' } }
    })
    await sso.provider()()
    expect(tokensSent(sso)).toStrictEqual(['s3cret-theirs'])
  })

  it('does not overwrite a log-in that was made during the refresh, nor undo a log-out', async () => {
    const sso = await scene()
    const path = await sso.cached(0)
    sso.oidc.answers(async () => {
      await rm(path)
      return { body: { accessToken: NEW_TOKEN, expiresIn: 3600 } }
    })
    await sso.provider()()
    expect(tokensSent(sso)).toStrictEqual([NEW_TOKEN])
    await expect(stat(path)).rejects.toThrow('ENOENT')
    expect((await failureOf(sso.provider())).message).toContain('is not logged in')
  })

  it('goes on with the new token where the cache file cannot be written', async () => {
    const sso = await scene()
    const path = await sso.cached(0)
    // No temporary file with so long a name can be made beside it.
    const target = join(dirname(path), `${'n'.repeat(245)}.json`)
    await writeFile(target, await readFile(path))
    await rm(path)
    await symlink(target, path)
    sso.oidc.answers(REFRESHED)
    await sso.provider()()
    await sso.provider()()
    expect(tokensSent(sso)).toStrictEqual([NEW_TOKEN, NEW_TOKEN])
    sso.clock.advance(60 * MINUTE_MS)
    await sso.provider()()
    expect(
      sso.oidc.requests.map(({ body }) => (JSON.parse(body) as Record<string, unknown>)['refreshToken']),
    ).toStrictEqual(['s3cret-refresh-old', 's3cret-refresh-new'])
  })

  it.each<[string, FakeServiceScript]>([
    ['500', { statusCode: 500 }],
    ['a reset', 'reset'],
    ['an answer that is cut short', 'cut-short'],
  ])('tries a refresh that meets %s three times', async (_, script) => {
    const sso = await scene()
    await sso.cached(0)
    sso.oidc.answers(script, script, REFRESHED)
    await sso.provider()()
    expect(sso.oidc.lines).toHaveLength(3)
    expect(tokensSent(sso)).toStrictEqual([NEW_TOKEN])
  })

  it.each<[string, unknown]>([
    ['is no JSON', `{"accessToken": "${NEW_TOKEN}`],
    ['is no object', [NEW_TOKEN]],
    ['is empty', ''],
    ['has no token', { expiresIn: 3600 }],
    ['has a token with a line break', { accessToken: `${NEW_TOKEN}\r\nx-evil: 1`, expiresIn: 3600 }],
    ['has no validity', { accessToken: NEW_TOKEN }],
    ['has a validity that is no number', { accessToken: NEW_TOKEN, expiresIn: '3600' }],
    ['has a negative validity', { accessToken: NEW_TOKEN, expiresIn: -1 }],
    ['has a validity beyond all dates', { accessToken: NEW_TOKEN, expiresIn: 1e300 }],
  ])('keeps the token at hand when the answer to a refresh %s, and stops without one', async (_, body) => {
    const sso = await scene()
    const path = await sso.cached(MINUTE_MS)
    const before = await readFile(path, 'utf8')
    sso.oidc.answers({ body })
    await sso.provider()()
    expect(tokensSent(sso)).toStrictEqual([OLD_TOKEN])
    expect(await readFile(path, 'utf8')).toBe(before)
    sso.clock.advance(MINUTE_MS)
    expect((await failureOf(sso.provider())).message).toMatch(/has expired and could not be refreshed/)
    expect(sso.oidc.lines).toHaveLength(2)
  })

  it.each(['clientId', 'clientSecret', 'refreshToken'])(
    'cannot refresh without %s, but uses the token while it is valid',
    async name => {
      const sso = await scene()
      const path = await sso.cached(MINUTE_MS, { [name]: undefined })
      await sso.provider()()
      expect(tokensSent(sso)).toStrictEqual([OLD_TOKEN])
      sso.clock.advance(MINUTE_MS)
      const error = await failureOf(sso.provider())
      expect(error.message).toContain(
        `the file ${path} has not all of clientId, clientSecret and refreshToken`,
      )
      expect(error.message).toContain('run "aws sso login --sso-session work"')
      expect(sso.oidc.lines).toStrictEqual([])
    },
  )
})

describe('the cache file', () => {
  it('that is missing means that nobody has logged in', async () => {
    const sso = await scene()
    const error = await failureOf(sso.provider())
    expect(error.tryNextProvider).toBe(false)
    expect(error.message).toBe(
      `the SSO session "work" is not logged in: there is no file ${ssoCachePath(sso.home, SESSION)}; ` +
        'run "aws sso login --sso-session work"',
    )
  })

  it.each<[string, unknown]>([
    ['empty', ''],
    ['truncated', `{"accessToken": "${OLD_TOKEN}", "expi`],
    ['an array', [OLD_TOKEN]],
    ['without a token', { expiresAt: '2040-01-01T00:00:00Z' }],
    ['with a token that is no text', { accessToken: 7, expiresAt: '2040-01-01T00:00:00Z' }],
    [
      'with a line break in the token',
      { accessToken: `${OLD_TOKEN}\nx: y`, expiresAt: '2040-01-01T00:00:00Z' },
    ],
    ['without a date', { accessToken: OLD_TOKEN }],
    ['with a date that is none', { accessToken: OLD_TOKEN, expiresAt: 's3cret tomorrow' }],
  ])('that is %s stops, in both forms, without a request', async (_, content) => {
    const sso = await scene()
    await writeCache(ssoCachePath(sso.home, SESSION), content)
    await writeCache(ssoCachePath(sso.home, START_URL), content)
    const newForm = await failureOf(sso.provider())
    expect(newForm.tryNextProvider).toBe(false)
    expect(newForm.message).toMatch(/has no usable token.*run "aws sso login --sso-session work"$/)
    const oldForm = await failureOf(sso.provider({ profile: 'old' }))
    expect(oldForm.tryNextProvider).toBe(false)
    expect(oldForm.message).toMatch(/has no usable token.*run "aws sso login --profile old"$/)
    expect([...sso.portal.lines, ...sso.oidc.lines]).toStrictEqual([])
  })

  it('is read again at each call', async () => {
    const sso = await scene()
    const provider = sso.provider()
    await failureOf(provider)
    await sso.cached(60 * MINUTE_MS)
    await provider()
    await sso.cached(60 * MINUTE_MS, { accessToken: NEW_TOKEN })
    await provider()
    expect(tokensSent(sso)).toStrictEqual([OLD_TOKEN, NEW_TOKEN])
  })
})

describe('with a start URL in the profile', () => {
  it('uses the token to its last millisecond, and never refreshes it', async () => {
    const sso = await scene()
    await writeCache(ssoCachePath(sso.home, START_URL), tokenFile(sso.clock, 1))
    const provider = sso.provider({ profile: 'old' })
    await provider()
    expect(sso.portal.lines).toStrictEqual([
      'GET /federation/credentials?role_name=Old%2FRole%20%26%20Co%281%29&account_id=012345678901',
    ])
    sso.clock.advance(1)
    const error = await failureOf(provider)
    expect(error.tryNextProvider).toBe(false)
    expect(error.message).toBe(
      'the token of the SSO log-in of the profile "old" has expired; run "aws sso login --profile old"',
    )
    expect(sso.oidc.lines).toStrictEqual([])
  })
})

describe('the portal', () => {
  it.each([
    [
      401,
      'UnauthorizedException',
      /UnauthorizedException; the log-in is no longer valid: run "aws sso login --/,
    ],
    [
      403,
      'ForbiddenException',
      /ForbiddenException; check that the user is assigned this role in this account$/,
    ],
    [404, 'ResourceNotFoundException', /check that the user is assigned this role in this account$/],
    [400, 'InvalidRequestException', /refused with HTTP status 400, InvalidRequestException$/],
  ])('that refuses with %s stops at once', async (statusCode, code, message) => {
    const sso = await scene()
    await sso.cached(60 * MINUTE_MS)
    const body = { message: `no ${OLD_TOKEN}` }
    sso.portal.answers({ statusCode, headers: { 'x-amzn-errortype': `${code}:http://internal/` }, body })
    const error = await failureOf(sso.provider())
    expect(error.tryNextProvider).toBe(false)
    expect(error.message).toMatch(message)
    expect(error.message).toContain('the role "Sessions" in the account 012345678901 (the profile "dev")')
    expect(sso.portal.lines).toHaveLength(1)
  })

  it('is asked three times when it throttles', async () => {
    const sso = await scene()
    await sso.cached(60 * MINUTE_MS)
    const throttled = { statusCode: 429, body: { __type: 'com.amazonaws#TooManyRequestsException' } }
    sso.portal.answers(throttled, throttled, { body: roleCredentials(sso.clock) })
    await sso.provider()()
    expect(sso.portal.lines).toHaveLength(3)
    sso.portal.answers(throttled)
    expect((await failureOf(sso.provider())).message).toContain('TooManyRequestsException')
    expect(sso.portal.lines).toHaveLength(6)
  })

  it('that quotes the token in the name of its error is not repeated', async () => {
    const sso = await scene()
    await sso.cached(60 * MINUTE_MS)
    sso.portal.answers({
      statusCode: 400,
      headers: { 'x-amzn-errortype': OLD_TOKEN },
      body: { error: OLD_TOKEN },
    })
    expect((await failureOf(sso.provider())).message).toMatch(/HTTP status 400, Unknown$/)
  })

  it.each<[string, unknown]>([
    ['is no JSON', 's3cret'],
    ['is empty', {}],
    [
      'has no key ID',
      { roleCredentials: { secretAccessKey: 's3cret', sessionToken: 's3cret', expiration: 1e12 } },
    ],
    ['has no object', { roleCredentials: 's3cret' }],
  ])('whose answer %s stops', async (_, body) => {
    const sso = await scene()
    await sso.cached(60 * MINUTE_MS)
    sso.portal.answers({ body })
    const error = await failureOf(sso.provider())
    expect(error.tryNextProvider).toBe(false)
    expect(error.message).toMatch(/SSO gave no (usable )?credentials for the role "Sessions"/)
  })

  it.each([
    ['accessKeyId', undefined],
    ['accessKeyId', ''],
    ['secretAccessKey', undefined],
    ['secretAccessKey', 's3cret\nnext'],
    ['sessionToken', undefined],
    ['sessionToken', 7],
    ['expiration', undefined],
    ['expiration', 0],
    ['expiration', '2040-01-01T00:00:00Z'],
    ['expiration', 1e300],
  ])('that gives %s as %j stops', async (name, value) => {
    const sso = await scene()
    await sso.cached(60 * MINUTE_MS)
    sso.portal.answers({ body: roleCredentials(sso.clock, { [name]: value }) })
    expect((await failureOf(sso.provider())).message).toContain('lacks a usable accessKeyId')
  })

  it('that cannot be reached stops', async () => {
    const sso = await scene()
    await sso.cached(60 * MINUTE_MS)
    const { url } = sso.portal
    await sso.portal.close()
    const error = await failureOf(sso.provider())
    expect(error.tryNextProvider).toBe(false)
    expect(error.message).toContain(url)
  })
})

describe('the profile', () => {
  it.each(['keys', 'missing', '__proto__', 'constructor'])(
    '%s has no SSO, so that a chain goes on',
    async profile => {
      const sso = await scene()
      const error = await failureOf(sso.provider({ profile }))
      expect(error.tryNextProvider).toBe(true)
      expect(error.message).toContain(JSON.stringify(profile))
    },
  )

  it('is that of AWS_PROFILE, or default', async () => {
    const sso = await scene(CONFIG.replace('[profile old]', '[default]'))
    await sso.cached(60 * MINUTE_MS)
    const environment = { ...sso.context.environment, AWS_PROFILE: 'dev' }
    expect(await fromSSO({ context: { ...sso.context, environment } })()).toMatchObject({
      accessKeyId: 'ASIASSO',
    })
    const error = await failureOf(fromSSO({ context: sso.context }))
    expect(error.message).toContain('the SSO log-in of the profile "default"')
  })

  it.each([
    ['sso_account_id', 'dev', 'the profile "dev" has no sso_account_id'],
    ['sso_role_name', 'dev', 'the profile "dev" has no sso_role_name'],
    ['sso_account_id', 'old', 'the profile "old" has no sso_account_id'],
    ['sso_start_url', 'old', 'the profile "old" has no sso_start_url'],
    ['sso_start_url', 'dev', 'the section "sso-session work" has no sso_start_url'],
    ['sso_region', 'dev', 'the section "sso-session work" has no sso_region'],
  ])('that lacks %s (%s) stops', async (key, profile, message) => {
    const sso = await scene(CONFIG.replaceAll(new RegExp(`^${key} = .*$`, 'gm'), ''))
    const error = await failureOf(sso.provider({ profile }))
    expect(error.tryNextProvider).toBe(false)
    expect(error.message).toContain(message)
  })

  it('that names a session without a section stops', async () => {
    const sso = await scene(CONFIG.replace('[sso-session work]', '[sso-session play]'))
    const error = await failureOf(sso.provider())
    expect(error.tryNextProvider).toBe(false)
    expect(error.message).toBe(
      'the profile "dev" names the sso_session "work", but the AWS config file has no section [sso-session work]',
    )
  })

  it('and session may be called __proto__', async () => {
    const sso = await scene(
      CONFIG.replaceAll('work', '__proto__').replace('profile dev', 'profile __proto__'),
    )
    await writeCache(ssoCachePath(sso.home, '__proto__'), tokenFile(sso.clock, 60 * MINUTE_MS))
    const credentials = await sso.provider({ profile: '__proto__' })()
    expect(credentials).toMatchObject({ accessKeyId: 'ASIASSO' })
    expect(Object.keys(Object.prototype)).toStrictEqual([])
  })
})

describe('the options', () => {
  const OPTIONS: FromSSOOptions = {
    ssoStartUrl: START_URL,
    ssoAccountId: '222222222222',
    ssoRegion: 'eu-west-1',
    ssoRoleName: 'Given',
  }

  it('do without a profile, with the log-in of the start URL', async () => {
    const sso = await scene()
    await writeCache(ssoCachePath(sso.home, START_URL), tokenFile(sso.clock, MINUTE_MS))
    expect(await sso.provider({ ...OPTIONS, profile: 'missing' })()).toMatchObject({
      accountId: '222222222222',
    })
    expect(sso.portal.lines[0]).toContain('role_name=Given&account_id=222222222222')
    expect(sso.oidc.lines).toStrictEqual([])
  })

  it('may name a session, whose section completes them', async () => {
    const sso = await scene()
    await sso.cached(0)
    sso.oidc.answers(REFRESHED)
    const provider = sso.provider({ ssoSession: SESSION, ssoAccountId: '222222222222', ssoRoleName: 'Given' })
    expect(await provider()).toMatchObject({ accountId: '222222222222' })
    expect(sso.oidc.lines).toHaveLength(1)
  })

  it.each(['ssoStartUrl', 'ssoAccountId', 'ssoRegion', 'ssoRoleName'])('stop without %s', async name => {
    const sso = await scene()
    const error = await failureOf(sso.provider({ ...OPTIONS, [name]: undefined }))
    expect(error.tryNextProvider).toBe(false)
    expect(error.message).toContain('the options of fromSSO are incomplete')
  })

  it('stop when they name a session without a section', async () => {
    const sso = await scene()
    const provider = sso.provider({ ssoSession: 'play', ssoAccountId: '222222222222', ssoRoleName: 'Given' })
    expect((await failureOf(provider)).message).toBe(
      'the options of fromSSO name the sso_session "play", but the AWS config file has no section [sso-session play]',
    )
  })
})

describe('the endpoints', () => {
  it('are those of the region', async () => {
    const sso = await scene(CONFIG.replaceAll('eu-west-1', 'cn-north-1'))
    await sso.cached(0)
    const transport = new RecordingTransport(
      { body: { accessToken: NEW_TOKEN, expiresIn: 3600 } },
      { body: roleCredentials(sso.clock) },
    )
    await fromSSO({
      profile: 'dev',
      context: { ...sso.context, environment: { HOME: sso.home }, transport },
    })()
    expect(transport.lines).toStrictEqual([
      'POST https://oidc.cn-north-1.amazonaws.com.cn/token',
      'GET https://portal.sso.cn-north-1.amazonaws.com.cn/federation/credentials?role_name=Sessions&account_id=012345678901',
    ])
  })

  it('can be configured with a base path', async () => {
    const sso = await scene()
    await sso.cached(0)
    sso.oidc.answers(REFRESHED)
    const environment = {
      HOME: sso.home,
      AWS_ENDPOINT_URL_SSO: `${sso.portal.url}/portal`,
      AWS_ENDPOINT_URL_SSO_OIDC: `${sso.oidc.url}/oidc/`,
    }
    await fromSSO({ profile: 'dev', context: { ...sso.context, environment } })()
    expect(sso.oidc.lines).toStrictEqual(['POST /oidc/token'])
    expect(sso.portal.lines[0]).toMatch(/^GET \/portal\/federation\/credentials\?/)
  })

  it.each(['not a URL', 'ftp://127.0.0.1/', 'http://user:s3cret@127.0.0.1/'])(
    'that cannot be used stop: %s',
    async url => {
      const sso = await scene()
      await sso.cached(60 * MINUTE_MS)
      const environment = { ...sso.context.environment, AWS_ENDPOINT_URL_SSO: url }
      const error = await failureOf(fromSSO({ profile: 'dev', context: { ...sso.context, environment } }))
      expect(error.tryNextProvider).toBe(false)
      expect(error.message).toContain('the service sso cannot be called: ')
    },
  )

  it('never belong to a foreign host because of what a region says', async () => {
    const sso = await scene(CONFIG.replaceAll('eu-west-1', 'evil.example/'))
    await sso.cached(0)
    await writeCache(ssoCachePath(sso.home, START_URL), tokenFile(sso.clock, MINUTE_MS))
    const transport = new RecordingTransport()
    const context = { ...sso.context, environment: { HOME: sso.home }, transport }
    for (const profile of ['dev', 'old']) {
      expect((await failureOf(fromSSO({ profile, context }))).message).toContain(
        'is not the name of a region',
      )
    }
    expect(transport.lines).toStrictEqual([])
  })
})
