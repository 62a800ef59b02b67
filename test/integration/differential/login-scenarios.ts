import {
  credentialsScenario,
  merged,
  type Scenario,
  type ScenarioChanges,
} from '../../support/differential/scenario.ts'
import type { ScriptedBehaviour } from '../../support/differential/scenario.ts'
import { configFile, instance } from './parts.ts'

/*
 * Log-ins of people: AWS IAM Identity Center in both forms, and `aws login`. An instance with a role stands by, so
 * that a search that should have stopped shows.
 */

type Table = Readonly<Record<string, ScenarioChanges>>

const START_URL = 'https://example.awsapps.com/start'
const SESSION_FILE = '.aws/sso/cache/{sha1:work}.json'
const LEGACY_FILE = `.aws/sso/cache/{sha1:${START_URL}}.json`
const ROLE = 'sso_account_id = 123456789012\nsso_role_name = reader\n'
const SESSION = `sso_region = eu-west-1\nsso_start_url = ${START_URL}\n`

interface SsoChanges {
  readonly profile?: string
  readonly session?: string
  /** Properties of the cached token that differ. */
  readonly token?: Readonly<Record<string, unknown>>
  readonly tokenText?: string
  readonly portal?: readonly ScriptedBehaviour[]
  readonly oidc?: readonly ScriptedBehaviour[]
}

const validToken = {
  accessToken: 'cached-access-token',
  expiresAt: '{in:3600}',
  region: 'eu-west-1',
  startUrl: START_URL,
}
const refreshable = {
  clientId: 'client-id',
  clientSecret: 'client-secret',
  refreshToken: 'refresh-token',
  registrationExpiresAt: '2099-01-01T00:00:00Z',
}
const portalAnswer = (changes: object = {}): ScriptedBehaviour => ({
  body: {
    roleCredentials: {
      accessKeyId: 'ASIASSO',
      secretAccessKey: 'sso-secret-key',
      sessionToken: 'sso-session-token',
      expiration: 1_930_000_000_000,
      ...changes,
    },
  },
})
const refreshed = (changes: object = {}): ScriptedBehaviour => ({
  body: {
    accessToken: 'new-access-token',
    expiresIn: 28_800,
    refreshToken: 'new-refresh-token',
    tokenType: 'Bearer',
    ...changes,
  },
})
const awsFailure = (code: string, statusCode: number, more: object = {}): ScriptedBehaviour => ({
  statusCode,
  headers: { 'x-amzn-errortype': code },
  body: { message: 'as scripted', ...more },
})

function session(changes: SsoChanges = {}): ScenarioChanges {
  return sso(SESSION_FILE, { profile: `sso_session = work\n${ROLE}`, session: SESSION, ...changes })
}

function legacy(changes: SsoChanges = {}): ScenarioChanges {
  return sso(LEGACY_FILE, { profile: SESSION + ROLE, ...changes })
}

function sso(
  file: string,
  {
    profile = '',
    session: section,
    token = {},
    tokenText,
    portal = [portalAnswer()],
    oidc = [refreshed()],
  }: SsoChanges,
): ScenarioChanges {
  return {
    files: {
      '.aws/config': configFile({
        default: profile,
        ...(section !== undefined && { 'sso-session work': section }),
      }),
      [file]: tokenText ?? { ...validToken, ...token },
    },
    servers: {
      portal: [{ when: 'GET /federation/credentials', answers: portal }],
      oidc: [{ when: 'POST /token', answers: oidc }],
    },
  }
}

function without({ files = {}, ...others }: ScenarioChanges, file: string): ScenarioChanges {
  return { ...others, files: Object.fromEntries(Object.entries(files).filter(([name]) => name !== file)) }
}

const watched = { watchedFiles: [SESSION_FILE] }
const nearlyExpired = { ...refreshable, expiresAt: '{in:120}' }
const expired = { ...refreshable, expiresAt: '{in:-60}' }

const ssoForms: Table = {
  'a session': session(),
  'a session, 10 minutes left': session({ token: { ...refreshable, expiresAt: '{in:600}' } }),
  'a session, 2 minutes left': { ...session({ token: nearlyExpired }), ...watched },
  'a session, expired': { ...session({ token: expired }), ...watched },
  'a session, expired, refresh gives no refresh token': {
    ...session({ token: expired, oidc: [refreshed({ refreshToken: undefined })] }),
    ...watched,
  },
  'a session, expired, refresh gives no access token': session({
    token: expired,
    oidc: [refreshed({ accessToken: undefined })],
  }),
  'a session, expired, refresh gives no expiresIn': session({
    token: expired,
    oidc: [refreshed({ expiresIn: undefined })],
  }),
  'a session, 2 minutes left, refresh fails': {
    ...session({
      token: nearlyExpired,
      oidc: [awsFailure('InvalidGrantException', 400, { error: 'invalid_grant' })],
    }),
    ...watched,
  },
  'a session, expired, refresh fails': {
    ...session({
      token: expired,
      oidc: [awsFailure('InvalidGrantException', 400, { error: 'invalid_grant' })],
    }),
    ...watched,
  },
  'a session, expired, refresh fails once with HTTP 500': session({
    token: expired,
    oidc: [awsFailure('InternalServerException', 500), refreshed()],
  }),
  'a session, expired, refresh is reset once': session({ token: expired, oidc: ['reset', refreshed()] }),
  'a session, expired, refresh answers with no JSON': session({
    token: expired,
    oidc: [{ body: 'nonsense' }],
  }),
  'a session, 2 minutes left, without clientSecret': session({
    token: { ...nearlyExpired, clientSecret: undefined },
  }),
  'a session, expired, without refreshToken': session({ token: { ...expired, refreshToken: undefined } }),
  'a session, expired, without clientId': session({ token: { ...expired, clientId: undefined } }),
  'a session that has not been logged in to': without(session(), SESSION_FILE),
  'a session whose token is no JSON': session({ tokenText: 'nonsense' }),
  'a session without accessToken': session({ token: { accessToken: undefined } }),
  'a session without expiresAt': session({ token: { expiresAt: undefined } }),
  'a session whose expiresAt is no date': session({ token: { expiresAt: 'soon' } }),
  'a session whose expiresAt ends in UTC': session({ token: { expiresAt: '2099-01-01T00:00:00UTC' } }),
  'a session that does not exist': sso(SESSION_FILE, { profile: `sso_session = work\n${ROLE}` }),
  'a session without a region': session({ session: `sso_start_url = ${START_URL}\n` }),
  'a session without a start URL': session({ session: 'sso_region = eu-west-1\n' }),
  'a session, profile without a role': session({
    profile: 'sso_session = work\nsso_account_id = 123456789012\n',
  }),
  'a session, profile without an account': session({
    profile: 'sso_session = work\nsso_role_name = reader\n',
  }),
  'a session, profile with the same start URL and region': session({
    profile: `sso_session = work\n${ROLE}${SESSION}`,
  }),
  'a session, profile with another start URL': session({
    profile: `sso_session = work\n${ROLE}sso_start_url = https://other.awsapps.com/start\n`,
  }),
  'a session, profile with another region': session({
    profile: `sso_session = work\n${ROLE}sso_region = us-east-1\n`,
  }),
  'a role name with characters to encode': session({
    profile: 'sso_session = work\nsso_account_id = 123456789012\nsso_role_name = a+b=c,d@e\n',
  }),
  'the older form': legacy(),
  'the older form, 2 minutes left': legacy({ token: nearlyExpired }),
  'the older form, expired': legacy({ token: expired }),
  'the older form, not logged in': without(legacy(), LEGACY_FILE),
  'the older form, without a region': legacy({ profile: `sso_start_url = ${START_URL}\n${ROLE}` }),
  'the older form, without a role': legacy({ profile: `${SESSION}sso_account_id = 123456789012\n` }),
  'sso_account_id alone': legacy({ profile: 'sso_account_id = 123456789012\n' }),
  'sso_region alone': legacy({ profile: 'sso_region = eu-west-1\n' }),
  'a portal that refuses with 401': session({ portal: [awsFailure('UnauthorizedException', 401)] }),
  'a portal that refuses with 403': session({ portal: [awsFailure('ForbiddenException', 403)] }),
  'a portal that knows no such role': session({ portal: [awsFailure('ResourceNotFoundException', 404)] }),
  'a portal that throttles once': session({
    portal: [awsFailure('TooManyRequestsException', 429), portalAnswer()],
  }),
  'a portal that fails once': session({
    portal: [awsFailure('InternalServerException', 500), portalAnswer()],
  }),
  'a portal that fails for good': session({ portal: [awsFailure('InternalServerException', 500)] }),
  'a portal that resets once': session({ portal: ['reset', portalAnswer()] }),
  'a portal that is cut short once': session({ portal: ['cut-short', portalAnswer()] }),
  'a portal that answers with no JSON': session({ portal: [{ body: 'nonsense' }] }),
  'a portal that answers with an empty object': session({ portal: [{ body: {} }] }),
  'a portal that leaves sessionToken out': session({ portal: [portalAnswer({ sessionToken: undefined })] }),
  'a portal that leaves expiration out': session({ portal: [portalAnswer({ expiration: undefined })] }),
  'a portal that leaves secretAccessKey out': session({
    portal: [portalAnswer({ secretAccessKey: undefined })],
  }),
}

const LOGIN = 'arn:aws:iam::123456789012:user/me'
const LOGIN_FILE = `.aws/login/cache/{sha256:${LOGIN}}.json`

interface LoginChanges {
  readonly profile?: string
  readonly accessToken?: Readonly<Record<string, unknown>>
  readonly file?: Readonly<Record<string, unknown>>
  readonly text?: string
  readonly signIn?: readonly ScriptedBehaviour[]
}

const newLogin = (changes: object = {}): ScriptedBehaviour => ({
  body: {
    accessToken: { accessKeyId: 'ASIANEWLOGIN', secretAccessKey: 'new-secret', sessionToken: 'new-token' },
    expiresIn: 900,
    refreshToken: 'new-login-refresh-token',
    tokenType: 'aws_sigv4',
    ...changes,
  },
})

function login({
  profile = '',
  accessToken = {},
  file = {},
  text,
  signIn = [newLogin()],
}: LoginChanges = {}): ScenarioChanges {
  return {
    environment: { AWS_REGION: 'eu-west-1' },
    files: {
      '.aws/config': `[default]\nlogin_session = ${LOGIN}\n${profile}`,
      [LOGIN_FILE]: text ?? {
        accessToken: {
          accessKeyId: 'ASIALOGIN',
          secretAccessKey: 'login-secret',
          sessionToken: 'login-token',
          accountId: '123456789012',
          expiresAt: '{in:3600}',
          ...accessToken,
        },
        clientId: 'arn:aws:signin:::devtools/same-device',
        refreshToken: 'login-refresh-token',
        dpopKey: '{dpopKey}',
        idToken: 'id-token',
        tokenType: 'aws_sigv4',
        ...file,
      },
    },
    servers: { signIn: [{ when: 'POST /v1/token', answers: signIn }] },
  }
}

const soon = { expiresAt: '{in:120}' }
const past = { expiresAt: '{in:-60}' }
const over = (error: string): ScriptedBehaviour => awsFailure('AccessDeniedException', 400, { error })
const watchedLogin = { watchedFiles: [LOGIN_FILE] }

const loginForms: Table = {
  'an hour left': login(),
  '2 minutes left': { ...login({ accessToken: soon }), ...watchedLogin },
  expired: { ...login({ accessToken: past }), ...watchedLogin },
  'expired, no expiresIn': login({ accessToken: past, signIn: [newLogin({ expiresIn: undefined })] }),
  'expired, no new refresh token': {
    ...login({ accessToken: past, signIn: [newLogin({ refreshToken: undefined })] }),
    ...watchedLogin,
  },
  'expired, no new keys': login({ accessToken: past, signIn: [newLogin({ accessToken: undefined })] }),
  'expired, TOKEN_EXPIRED': {
    ...login({ accessToken: past, signIn: [over('TOKEN_EXPIRED')] }),
    ...watchedLogin,
  },
  '2 minutes left, TOKEN_EXPIRED': login({ accessToken: soon, signIn: [over('TOKEN_EXPIRED')] }),
  '2 minutes left, USER_CREDENTIALS_CHANGED': login({
    accessToken: soon,
    signIn: [over('USER_CREDENTIALS_CHANGED')],
  }),
  '2 minutes left, INSUFFICIENT_PERMISSIONS': login({
    accessToken: soon,
    signIn: [over('INSUFFICIENT_PERMISSIONS')],
  }),
  '2 minutes left, another refusal': login({
    accessToken: soon,
    signIn: [awsFailure('ValidationException', 400)],
  }),
  'expired, another refusal': login({ accessToken: past, signIn: [awsFailure('ValidationException', 400)] }),
  '2 minutes left, HTTP 500 for good': login({
    accessToken: soon,
    signIn: [awsFailure('InternalServerException', 500)],
  }),
  'expired, HTTP 500 once': login({
    accessToken: past,
    signIn: [awsFailure('InternalServerException', 500), newLogin()],
  }),
  'expired, a reset once': login({ accessToken: past, signIn: ['reset', newLogin()] }),
  'expired, no JSON': login({ accessToken: past, signIn: [{ body: 'nonsense' }] }),
  'no cache file': without(login(), LOGIN_FILE),
  'a cache file that is no JSON': login({ text: 'nonsense' }),
  'no accountId': login({ accessToken: { accountId: undefined } }),
  'no sessionToken': login({ accessToken: { sessionToken: undefined } }),
  'no expiresAt': login({ accessToken: { expiresAt: undefined } }),
  'no clientId': login({ file: { clientId: undefined } }),
  'no refreshToken': login({ file: { refreshToken: undefined } }),
  'no dpopKey': login({ file: { dpopKey: undefined } }),
  'a dpopKey that is no key, an hour left': login({ file: { dpopKey: 'nonsense' } }),
  'a dpopKey that is no key, expired': login({ file: { dpopKey: 'nonsense' }, accessToken: past }),
  'a region in the profile': login({ accessToken: past, profile: 'region = us-west-2\n' }),
  'no region anywhere': merged(login({ accessToken: past }), { environment: { AWS_REGION: null } }),
  AWS_LOGIN_CACHE_DIRECTORY: merged(login(), {
    environment: { AWS_LOGIN_CACHE_DIRECTORY: '{home}/elsewhere' },
    files: {
      [`elsewhere/{sha256:${LOGIN}}.json`]: {
        accessToken: {
          accessKeyId: 'ASIAELSEWHERE',
          secretAccessKey: 's',
          sessionToken: 't',
          accountId: '123456789012',
          expiresAt: '2099-01-01T00:00:00Z',
        },
        clientId: 'c',
        refreshToken: 'r',
        dpopKey: '{dpopKey}',
      },
    },
  }),
  'an empty login_session': merged(login(), { files: { '.aws/config': '[default]\nlogin_session =\n' } }),
}

export const loginScenarios: readonly Scenario[] = [
  ...listed('SSO with', ssoForms, ' '),
  ...listed('aws login', loginForms, ': '),
]

function listed(title: string, table: Table, separator: string): Scenario[] {
  return Object.entries(table).map(([name, changes], index) =>
    credentialsScenario(title + separator + name, {
      ...merged(instance(), changes),
      inChildProcess: index % 19 === 3,
    }),
  )
}
