import {
  credentialsScenario,
  merged,
  type Scenario,
  type ScenarioChanges,
} from '../../support/differential/scenario.ts'
import { assumedRole, stsError } from '../../support/fake-sts.ts'
import {
  configFile,
  container,
  environmentKeys,
  instance,
  noInstance,
  processLine,
  processOutput,
  processScript,
  roleArn,
  roles,
  staticKeys,
  webIdentityAnswer,
  withConfig,
} from './parts.ts'

/*
 * Every form that a profile can have, chains of roles, and what files can look like. Nothing remote is set up, so that
 * a failure ends the chain in one way or another.
 */

type Table = Readonly<Record<string, ScenarioChanges>>

const inIreland: ScenarioChanges = { environment: { AWS_REGION: 'eu-west-1' } }
const base = { 'profile base': staticKeys('AKIABASE') }
const alpha = `${roleArn('alpha')}source_profile = base\n`

const staticForms: Table = {
  'with a session token': withConfig({ default: `${staticKeys()}aws_session_token = token==\n` }),
  'with an account': withConfig({ default: `${staticKeys()}aws_account_id = 123456789012\n` }),
  'with an empty token': withConfig({ default: `${staticKeys()}aws_session_token =\n` }),
  'in the credentials file': { files: { '.aws/credentials': `[default]\n${staticKeys()}` } },
  'in both files': {
    files: {
      '.aws/config': `[default]\n${staticKeys('AKIACONFIG')}`,
      '.aws/credentials': `[default]\n${staticKeys('AKIACREDENTIALS')}`,
    },
  },
  'halves in two files': {
    files: {
      '.aws/config': '[default]\naws_access_key_id = AKIACONFIG\n',
      '.aws/credentials': '[default]\naws_secret_access_key = secret\n',
    },
  },
  'and a credential process': {
    files: {
      '.aws/config': `[default]\n${staticKeys()}${processLine}`,
      ...processScript(processOutput()),
    },
  },
  'and SSO': withConfig({
    default: `${staticKeys()}sso_session = work\nsso_account_id = 1\nsso_role_name = a\n`,
  }),
  'and web identity': withConfig({
    default: `${staticKeys()}${roleArn('web')}web_identity_token_file = /absent\n`,
  }),
  'and role_arn with a source': merged(
    withConfig({ default: staticKeys() + alpha, ...base }),
    merged(inIreland, { servers: { sts: roles('alpha') } }),
  ),
  'and source_profile': withConfig({ default: `${staticKeys()}source_profile = base\n`, ...base }),
  'option profile': merged(withConfig({ 'profile work': staticKeys('AKIAWORK') }), {
    options: { profile: 'work' },
  }),
  'option profile over AWS_PROFILE': merged(
    withConfig({ 'profile work': staticKeys('AKIAWORK'), 'profile home': staticKeys('AKIAHOME') }),
    { options: { profile: 'work' }, environment: { AWS_PROFILE: 'home' } },
  ),
  'option profile over keys in the environment': merged(
    withConfig({ 'profile work': staticKeys('AKIAWORK') }),
    {
      options: { profile: 'work' },
      environment: environmentKeys,
    },
  ),
  'AWS_DEFAULT_PROFILE is not known': merged(
    withConfig({ 'profile work': staticKeys('AKIAWORK'), default: staticKeys() }),
    { environment: { AWS_DEFAULT_PROFILE: 'work' } },
  ),
  'empty AWS_PROFILE': merged(withConfig({ default: staticKeys() }), { environment: { AWS_PROFILE: '' } }),
}

const fileForms: Table = {
  AWS_CONFIG_FILE: {
    files: { 'elsewhere/config': `[default]\n${staticKeys('AKIAELSEWHERE')}` },
    environment: { AWS_CONFIG_FILE: '{home}/elsewhere/config' },
  },
  AWS_SHARED_CREDENTIALS_FILE: {
    files: {
      'elsewhere/keys': `[default]\n${staticKeys('AKIAELSEWHERE')}`,
      '.aws/credentials': `[default]\n${staticKeys()}`,
    },
    environment: { AWS_SHARED_CREDENTIALS_FILE: '{home}/elsewhere/keys' },
  },
  'AWS_CONFIG_FILE that begins with ~/': {
    files: { 'elsewhere/config': `[default]\n${staticKeys('AKIAELSEWHERE')}` },
    environment: { AWS_CONFIG_FILE: '~/elsewhere/config' },
  },
  'AWS_CONFIG_FILE that does not exist': {
    files: { '.aws/config': `[default]\n${staticKeys()}` },
    environment: { AWS_CONFIG_FILE: '{home}/absent' },
  },
  'empty AWS_CONFIG_FILE': {
    files: { '.aws/config': `[default]\n${staticKeys()}` },
    environment: { AWS_CONFIG_FILE: '' },
  },
  'USERPROFILE instead of HOME': {
    files: { 'user/.aws/config': `[default]\n${staticKeys('AKIAUSER')}` },
    environment: { HOME: null, USERPROFILE: '{home}/user' },
  },
  'empty HOME': {
    files: { 'user/.aws/config': `[default]\n${staticKeys('AKIAUSER')}` },
    environment: { HOME: '', USERPROFILE: '{home}/user' },
  },
  'line ends of Windows': { files: { '.aws/config': `[default]\n${staticKeys()}`.replaceAll('\n', '\r\n') } },
  'no blanks around =': {
    files: { '.aws/config': '[default]\naws_access_key_id=AKIA\naws_secret_access_key=secret' },
  },
  'many blanks around =': {
    files: {
      '.aws/config': '[default]\n aws_access_key_id   =   AKIA  \naws_secret_access_key\t=\tsecret\t\n',
    },
  },
  comments: {
    files: {
      '.aws/config':
        '# a comment\n; another\n[default] # behind\naws_access_key_id = AKIA # behind\naws_secret_access_key = sec#ret;x ; y\n',
    },
  },
  'a secret with =': {
    files: { '.aws/config': '[default]\naws_access_key_id = AKIA\naws_secret_access_key = se=cr=et==\n' },
  },
  'sections that come twice': {
    files: {
      '.aws/config': `[default]\naws_access_key_id = AKIAFIRST\n[profile other]\nregion = x\n[default]\naws_access_key_id = AKIASECOND\naws_secret_access_key = secret\n`,
    },
  },
  'properties that come twice': {
    files: {
      '.aws/config': '[default]\naws_access_key_id = A\naws_access_key_id = B\naws_secret_access_key = s\n',
    },
  },
  '[profile default]': { files: { '.aws/config': `[profile default]\n${staticKeys('AKIAPREFIXED')}` } },
  '[profile default] after [default]': {
    files: {
      '.aws/config': `[default]\n${staticKeys('AKIAPLAIN')}[profile default]\n${staticKeys('AKIAPREFIXED')}`,
    },
  },
  '[profile default] before [default]': {
    files: {
      '.aws/config': `[profile default]\n${staticKeys('AKIAPREFIXED')}[default]\n${staticKeys('AKIAPLAIN')}`,
    },
  },
  '[profile default] with half, [default] with half': {
    files: {
      '.aws/config': '[default]\naws_access_key_id = A\n[profile default]\naws_secret_access_key = s\n',
    },
  },
  'a profile without its prefix': {
    files: { '.aws/config': `[work]\n${staticKeys()}` },
    options: { profile: 'work' },
  },
  'a prefixed profile in the credentials file': {
    files: { '.aws/credentials': `[profile work]\n${staticKeys()}` },
    options: { profile: 'work' },
  },
  'quoted profile names': {
    files: { '.aws/config': `[profile "work"]\n${staticKeys('AKIAQUOTED')}` },
    options: { profile: 'work' },
  },
  'odd profile names': {
    files: { '.aws/config': `[profile a.b/c@d+e:f%g-h_i]\n${staticKeys('AKIAODD')}` },
    options: { profile: 'a.b/c@d+e:f%g-h_i' },
  },
  'profile names with blanks': {
    files: { '.aws/credentials': `[my work]\n${staticKeys('AKIABLANK')}` },
    options: { profile: 'my work' },
  },
  'a tab behind profile': {
    files: { '.aws/config': `[profile\twork]\n${staticKeys('AKIATAB')}` },
    options: { profile: 'work' },
  },
  'blanks inside brackets': { files: { '.aws/config': `[ default ]\n${staticKeys('AKIABRACKETS')}` } },
  'property names in capitals': {
    files: { '.aws/config': '[default]\nAWS_ACCESS_KEY_ID = AKIA\nAws_Secret_Access_Key = secret\n' },
  },
  'lines before any section': { files: { '.aws/config': `region = x\n[default]\n${staticKeys()}` } },
  'a line without =': { files: { '.aws/config': `[default]\nnonsense\n${staticKeys()}` } },
  'a broken section before': { files: { '.aws/config': `[broken\nregion = x\n[default]\n${staticKeys()}` } },
  'nested properties': {
    files: {
      '.aws/config': `[default]\ns3 =\n  addressing_style = path\n  aws_access_key_id = NESTED\n${staticKeys()}`,
    },
  },
  'a byte order mark': { files: { '.aws/config': `\ufeff[default]\n${staticKeys()}` } },
  'profile __proto__': {
    files: { '.aws/config': `[profile __proto__]\n${staticKeys('AKIAPROTO')}[default]\n${staticKeys()}` },
  },
  'profile constructor': { options: { profile: 'constructor' } },
  'profile toString': { options: { profile: 'toString' } },
  'empty files': { files: { '.aws/config': '', '.aws/credentials': '' } },
  'a directory instead of a file': {
    files: { '.aws/config/file': 'x', '.aws/credentials': `[default]\n${staticKeys()}` },
  },
  'values in quotation marks': {
    files: { '.aws/config': '[default]\naws_access_key_id = "AKIA"\naws_secret_access_key = "s"\n' },
  },
}

const processForms: Table = Object.fromEntries(
  (
    [
      ['keys alone', processOutput()],
      [
        'everything',
        processOutput({ SessionToken: 't', Expiration: '2031-01-01T00:00:00Z', AccountId: '123456789012' }),
      ],
      ['no Version', processOutput({ Version: undefined })],
      ['Version 2', processOutput({ Version: 2 })],
      ['Version as a text', processOutput({ Version: '1' })],
      ['no AccessKeyId', processOutput({ AccessKeyId: undefined })],
      ['no SecretAccessKey', processOutput({ SecretAccessKey: undefined })],
      ['an Expiration in the past', processOutput({ Expiration: '2021-01-01T00:00:00Z' })],
      ['an Expiration with an offset', processOutput({ Expiration: '2031-01-01T00:00:00+02:00' })],
      ['an Expiration with fractions', processOutput({ Expiration: '2031-01-01T00:00:00.123Z' })],
      ['an Expiration that is no date', processOutput({ Expiration: 'tomorrow' })],
      ['an empty Expiration', processOutput({ Expiration: '' })],
      ['a null SessionToken', processOutput({ SessionToken: null })],
      ['an empty SessionToken', processOutput({ SessionToken: '' })],
      ['no JSON', 'not json'],
      ['JSON that is cut short', '{"Version": 1, "AccessKeyId": "A'],
      ['an array', '[]'],
      ['null', 'null'],
      ['nothing', ''],
    ] satisfies readonly (readonly [string, unknown])[]
  ).map(([name, output]) => [
    `prints ${name}`,
    {
      files: { '.aws/config': `[profile work]\n${processLine}`, ...processScript(output) },
      options: { profile: 'work' },
    },
  ]),
)

const otherProcessForms: Table = {
  'fails after printing credentials': {
    files: { '.aws/config': `[profile work]\n${processLine}`, ...processScript(processOutput(), 3) },
    options: { profile: 'work' },
  },
  'does not exist': {
    files: { '.aws/config': '[profile work]\ncredential_process = {home}/absent\n' },
    options: { profile: 'work' },
  },
  'is in the default profile': {
    files: { '.aws/config': `[default]\n${processLine}`, ...processScript(processOutput()) },
  },
  'is in the credentials file': {
    files: { '.aws/credentials': `[default]\n${processLine}`, ...processScript(processOutput()) },
  },
  'takes the account from the profile': {
    files: {
      '.aws/config': `[default]\n${processLine}aws_account_id = 123456789012\n`,
      ...processScript(processOutput()),
    },
  },
  'has an account, and so does the profile': {
    files: {
      '.aws/config': `[default]\n${processLine}aws_account_id = 123456789012\n`,
      ...processScript(processOutput({ AccountId: '210987654321' })),
    },
  },
  'has arguments, pipes and variables': {
    files: {
      '.aws/config':
        '[default]\ncredential_process = printf \'%s\' "{\\"Version\\":1,\\"AccessKeyId\\":\\"$AKID\\",\\"SecretAccessKey\\":\\"s\\"}" | cat\n',
    },
    environment: { AKID: 'AKIAFROMVARIABLE' },
  },
  'prints to standard error as well': {
    files: {
      '.aws/config': `[default]\ncredential_process = echo warning >&2; sh {home}/process.sh\n`,
      ...processScript(processOutput()),
    },
  },
}

const roleForms: Table = {
  'a source profile': withConfig({ default: alpha, ...base }),
  'a source profile in the credentials file': {
    files: {
      '.aws/config': configFile({ default: alpha }),
      '.aws/credentials': `[base]\n${staticKeys('AKIABASE')}`,
    },
  },
  'a source with a session token': withConfig({
    default: alpha,
    'profile base': `${staticKeys('AKIABASE')}aws_session_token = token\n`,
  }),
  'every parameter': withConfig({
    default: `${alpha}role_session_name = me\nexternal_id = outside\nduration_seconds = 900\n`,
    ...base,
  }),
  'a duration that is no number': withConfig({ default: `${alpha}duration_seconds = long\n`, ...base }),
  'a duration of zero': withConfig({ default: `${alpha}duration_seconds = 0\n`, ...base }),
  'a fraction as duration': withConfig({ default: `${alpha}duration_seconds = 900.5\n`, ...base }),
  'MFA and nobody to ask': withConfig({ default: `${alpha}mfa_serial = arn:aws:iam::1:mfa/me\n`, ...base }),
  'a region of its own': withConfig({ default: `${alpha}region = ap-south-1\n`, ...base }),
  'a region of its source': withConfig({
    default: alpha,
    'profile base': `${staticKeys('AKIABASE')}region = ap-south-1\n`,
  }),
  'AWS_REGION and a region of its own': merged(
    withConfig({ default: `${alpha}region = ap-south-1\n`, ...base }),
    {
      environment: { AWS_REGION: 'eu-north-1' },
    },
  ),
  'the option region and a region of its own': merged(
    withConfig({ default: `${alpha}region = ap-south-1\n`, ...base }),
    { options: { region: 'eu-south-1' } },
  ),
  'the option region and AWS_REGION': merged(withConfig({ default: alpha, ...base }), {
    environment: { AWS_REGION: 'eu-north-1' },
    options: { region: 'eu-south-1' },
  }),
  'the region of a named profile': merged(
    withConfig({ 'profile work': `${alpha}region = ap-south-1\n`, ...base, default: 'region = eu-west-2\n' }),
    { environment: { AWS_PROFILE: 'work' } },
  ),
  'the region of the option profile': merged(
    withConfig({ 'profile work': `${alpha}region = ap-south-1\n`, ...base, default: 'region = eu-west-2\n' }),
    { options: { profile: 'work' } },
  ),
  'the option profile and AWS_REGION': merged(
    withConfig({ 'profile work': `${alpha}region = ap-south-1\n`, ...base }),
    { options: { profile: 'work' }, environment: { AWS_REGION: 'eu-north-1' } },
  ),
  AWS_DEFAULT_REGION: merged(withConfig({ default: alpha, ...base }), {
    environment: { AWS_DEFAULT_REGION: 'eu-north-1' },
  }),
  'a pseudo-region': merged(withConfig({ default: `${alpha}region = fips-us-east-1\n`, ...base }), {
    environment: { AWS_ENDPOINT_URL_STS: '{url:sts}' },
  }),
  'credential_source Environment': merged(
    withConfig({ 'profile work': `${roleArn('alpha')}credential_source = Environment\n` }),
    { environment: { ...environmentKeys, AWS_PROFILE: 'work' } },
  ),
  'credential_source Environment without keys': withConfig({
    default: `${roleArn('alpha')}credential_source = Environment\n`,
  }),
  'credential_source in lower case': merged(
    withConfig({ 'profile work': `${roleArn('alpha')}credential_source = environment\n` }),
    { environment: { ...environmentKeys, AWS_PROFILE: 'work' } },
  ),
  'credential_source EcsContainer': merged(
    withConfig({ default: `${roleArn('alpha')}credential_source = EcsContainer\n` }),
    container(),
  ),
  'credential_source EcsContainer and no container': withConfig({
    default: `${roleArn('alpha')}credential_source = EcsContainer\n`,
  }),
  'credential_source Ec2InstanceMetadata': merged(
    withConfig({ default: `${roleArn('alpha')}credential_source = Ec2InstanceMetadata\n` }),
    merged(instance(), { environment: { AWS_EC2_METADATA_DISABLED: null } }),
  ),
  'credential_source Ec2InstanceMetadata without a role': merged(
    withConfig({ default: `${roleArn('alpha')}credential_source = Ec2InstanceMetadata\n` }),
    merged(instance({ role: [{ statusCode: 404 }] }), { environment: { AWS_EC2_METADATA_DISABLED: null } }),
  ),
  'an unknown credential_source': withConfig({ default: `${roleArn('alpha')}credential_source = Cloud\n` }),
  'source_profile and credential_source': merged(
    withConfig({ default: `${alpha}credential_source = Environment\n`, ...base }),
    {},
  ),
  'role_arn alone': withConfig({ default: roleArn('alpha') }),
  'source_profile alone': withConfig({ default: 'source_profile = base\n', ...base }),
  'credential_source alone': withConfig({ default: 'credential_source = Environment\n' }),
  'a source that does not exist': withConfig({ default: alpha }),
  'a source without keys': withConfig({ default: alpha, 'profile base': 'region = eu-west-1\n' }),
  'a source with half of its keys': withConfig({
    default: alpha,
    'profile base': 'aws_access_key_id = AKIABASE\n',
  }),
  'itself as source, with keys': withConfig({
    default: `${staticKeys('AKIASELF')}${roleArn('alpha')}source_profile = default\n`,
  }),
  'itself as source, without keys': withConfig({ default: `${roleArn('alpha')}source_profile = default\n` }),
  'a chain of two roles': withConfig({
    default: `${roleArn('beta')}source_profile = middle\n`,
    'profile middle': alpha,
    ...base,
  }),
  'a chain of three roles': withConfig({
    default: `${roleArn('gamma')}source_profile = second\n`,
    'profile second': `${roleArn('beta')}source_profile = first\nregion = ap-south-1\n`,
    'profile first': alpha,
    ...base,
  }),
  'a chain that ends in credential_source': merged(
    withConfig({
      'profile work': `${roleArn('beta')}source_profile = middle\n`,
      'profile middle': `${roleArn('alpha')}credential_source = Environment\n`,
    }),
    { environment: { ...environmentKeys, AWS_PROFILE: 'work' } },
  ),
  'a source that is credential_source without a role': merged(
    withConfig({
      'profile work': `${roleArn('alpha')}source_profile = middle\n`,
      'profile middle': 'credential_source = Environment\n',
    }),
    { environment: { ...environmentKeys, AWS_PROFILE: 'work' } },
  ),
  'a source with a role and static keys': withConfig({
    default: `${roleArn('beta')}source_profile = middle\n`,
    'profile middle': staticKeys('AKIAMIDDLE') + alpha,
    ...base,
  }),
  'a circle of two': withConfig({
    default: `${roleArn('beta')}source_profile = other\n`,
    'profile other': `${roleArn('alpha')}source_profile = default\n`,
  }),
  'a circle further on': withConfig({
    default: `${roleArn('gamma')}source_profile = first\n`,
    'profile first': `${roleArn('beta')}source_profile = second\n`,
    'profile second': `${roleArn('alpha')}source_profile = first\n`,
  }),
  'a process as source': {
    files: {
      '.aws/config': configFile({ default: alpha, 'profile base': processLine }),
      ...processScript(processOutput()),
    },
  },
  'a failing process as source': {
    files: {
      '.aws/config': configFile({ default: alpha, 'profile base': processLine }),
      ...processScript('', 1),
    },
  },
  'web identity as source': merged(
    withConfig({
      default: alpha,
      'profile base': `${roleArn('web')}web_identity_token_file = {home}/token\n`,
    }),
    {
      files: {
        token: 'web-token',
        '.aws/config': configFile({
          default: alpha,
          'profile base': `${roleArn('web')}web_identity_token_file = {home}/token\n`,
        }),
      },
      servers: {
        sts: [{ when: 'WithWebIdentity', answers: [webIdentityAnswer({ AccessKeyId: 'ASIAWEB' })] }],
      },
    },
  ),
  'the account in the answer': {
    ...withConfig({ default: alpha, ...base }),
    servers: {
      sts: [
        {
          when: 'role%2Falpha',
          answers: [assumedRole({ Arn: 'arn:aws-cn:sts::999988887777:assumed-role/a/b' })],
        },
      ],
    },
  },
}

const webIdentityForms: Table = {
  'in a profile': {
    files: {
      token: 'web-token',
      '.aws/config': `[default]\n${roleArn('web')}web_identity_token_file = {home}/token\n`,
    },
  },
  'in a profile, with a session name': {
    files: {
      token: 'web-token',
      '.aws/config': `[default]\n${roleArn('web')}web_identity_token_file = {home}/token\nrole_session_name = me\n`,
    },
  },
  'in a profile, with AWS_ROLE_SESSION_NAME': {
    files: {
      token: 'web-token',
      '.aws/config': `[default]\n${roleArn('web')}web_identity_token_file = {home}/token\n`,
    },
    environment: { AWS_ROLE_SESSION_NAME: 'from-environment' },
  },
  'in a profile, without its file': withConfig({
    default: `${roleArn('web')}web_identity_token_file = {home}/absent\n`,
  }),
  'in a profile, without a role': withConfig({ default: 'web_identity_token_file = {home}/absent\n' }),
  'in a profile, with an external ID and duration': {
    files: {
      token: 'web-token',
      '.aws/config': `[default]\n${roleArn('web')}web_identity_token_file = {home}/token\nduration_seconds = 900\nexternal_id = x\n`,
    },
  },
  'in a profile with a region': {
    files: {
      token: 'web-token',
      '.aws/config': `[default]\n${roleArn('web')}web_identity_token_file = {home}/token\nregion = ap-south-1\n`,
    },
  },
  'in the environment': webEnvironment({}),
  'in the environment, with a session name': webEnvironment({ AWS_ROLE_SESSION_NAME: 'from-environment' }),
  'in the environment, token with line ends': { ...webEnvironment({}), files: { token: 'web-token\r\n' } },
  'in the environment, token with characters to encode': {
    ...webEnvironment({}),
    files: { token: 'a+b/c=&d é' },
  },
  'in the environment, empty token': { ...webEnvironment({}), files: { token: '' } },
  'in the environment, empty role': webEnvironment({ AWS_ROLE_ARN: '' }),
  'in the environment, empty file name': webEnvironment({ AWS_WEB_IDENTITY_TOKEN_FILE: '' }),
  'in the environment and a profile': merged(webEnvironment({}), withConfig({ default: staticKeys() })),
  'in the environment, with AWS_PROFILE that does not exist': webEnvironment({ AWS_PROFILE: 'absent' }),
}

function webEnvironment(more: Readonly<Record<string, string>>): ScenarioChanges {
  return {
    files: { token: 'web-token' },
    environment: {
      AWS_WEB_IDENTITY_TOKEN_FILE: '{home}/token',
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/web',
      ...more,
    },
  }
}

const stsAnswers: Table = Object.fromEntries(
  Object.entries({
    AccessDenied: [stsError('AccessDenied', 'no', 403)],
    ExpiredTokenException: [stsError('ExpiredTokenException')],
    RegionDisabledException: [stsError('RegionDisabledException', 'off', 403)],
    IDPRejectedClaim: [stsError('IDPRejectedClaim', 'no', 403)],
    'IDPCommunicationError, then success': [stsError('IDPCommunicationError'), webIdentityAnswer()],
    'IDPCommunicationError for good': [stsError('IDPCommunicationError')],
    'Throttling, then success': [stsError('Throttling'), webIdentityAnswer()],
    'HTTP 500, then success': [stsError('InternalFailure', 'oops', 500), webIdentityAnswer()],
    'HTTP 503 for good': [stsError('ServiceUnavailable', 'oops', 503)],
    'HTTP 501': [stsError('NotImplemented', 'oops', 501)],
    'a reset, then success': ['reset' as const, webIdentityAnswer()],
    'cut short, then success': ['cut-short' as const, webIdentityAnswer()],
    'resets for good': ['reset' as const],
    'HTTP 400 that is no XML': [{ statusCode: 400, body: 'nonsense' }],
    'HTTP 200 that is no XML': [{ body: 'nonsense' }],
    'HTTP 200 without a body': [{ body: '' }],
    'no SecretAccessKey': [webIdentityAnswer({ SecretAccessKey: undefined })],
    'no Expiration': [webIdentityAnswer({ Expiration: undefined })],
    'no SessionToken': [webIdentityAnswer({ SessionToken: undefined })],
    'no Arn': [webIdentityAnswer({ Arn: undefined })],
    'an Expiration with fractions': [webIdentityAnswer({ Expiration: '2031-01-01T00:00:00.5Z' })],
  }).map(([name, answers]) => [
    name,
    merged(webEnvironment({}), { servers: { sts: [{ when: 'WithWebIdentity', answers }] } }),
  ]),
)

const defaultSts: ScenarioChanges = {
  servers: {
    sts: [
      { when: 'WithWebIdentity', answers: [webIdentityAnswer({ AccessKeyId: 'ASIAWEB' })] },
      ...roles('alpha', 'beta', 'gamma'),
    ],
  },
}

export const profileScenarios: readonly Scenario[] = [
  ...listed('static profile', staticForms),
  ...listed('shared files', fileForms),
  ...listed('credential process', { ...processForms }, 'credential process '),
  ...listed('credential process', otherProcessForms, 'credential process '),
  ...listed('role with', roleForms),
  ...listed('web identity', webIdentityForms),
  ...listed('STS answers with', stsAnswers),
]

function listed(title: string, table: Table, prefix = `${title}: `): Scenario[] {
  return Object.entries(table).map(([name, changes], index) =>
    credentialsScenario(prefix + name, {
      ...merged(noInstance, merged(title === 'STS answers with' ? {} : defaultSts, changes)),
      inChildProcess: index % 17 === 0,
    }),
  )
}
