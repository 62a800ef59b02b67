import {
  credentialsScenario,
  merged,
  type Scenario,
  type ScenarioChanges,
} from '../../support/differential/scenario.ts'
import { stsError } from '../../support/fake-sts.ts'
import {
  container,
  environmentKeys,
  instance,
  noInstance,
  processLine,
  processScript,
  roleArn,
  staticKeys,
  webIdentity,
  withConfig,
} from './parts.ts'

/*
 * The order of the providers, and which failures go on to the next one: every provider set up well, badly and not at
 * all, with every state of those that come after it.
 */

type States = Readonly<Record<string, ScenarioChanges>>

const environmentStates: States = {
  'no keys': {},
  keys: { environment: environmentKeys },
  'temporary keys': {
    environment: {
      ...environmentKeys,
      AWS_SESSION_TOKEN: 'environment-token',
      AWS_ACCOUNT_ID: '111122223333',
      AWS_CREDENTIAL_EXPIRATION: '2031-01-02T03:04:05Z',
    },
  },
  'an access key ID alone': { environment: { AWS_ACCESS_KEY_ID: 'AKIAENVIRONMENT' } },
  'a secret key alone': { environment: { AWS_SECRET_ACCESS_KEY: 'environment-secret-key' } },
  'empty keys': { environment: { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' } },
}

const profileStates: States = {
  'no profile': {},
  'static profile': withConfig({ default: staticKeys() }),
  'half a static profile': withConfig({ default: 'aws_access_key_id = AKIAPROFILE\n' }),
  'profile with a region only': withConfig({ default: 'region = eu-west-3\n' }),
  'process that fails': {
    files: { '.aws/config': `[default]\n${processLine}`, ...processScript('', 1) },
  },
  'role that STS denies': merged(
    withConfig({ default: `${roleArn('alpha')}source_profile = base\n`, 'profile base': staticKeys() }),
    {
      environment: { AWS_REGION: 'eu-west-1' },
      servers: { sts: [{ when: 'role%2Falpha', answers: [stsError('AccessDenied', 'no', 403)] }] },
    },
  ),
  'SSO without a log-in': withConfig({
    default: 'sso_session = work\nsso_account_id = 123456789012\nsso_role_name = reader\n',
    'sso-session work': 'sso_region = eu-west-1\nsso_start_url = https://example.awsapps.com/start\n',
  }),
}

const webIdentityStates: States = {
  'no web identity': {},
  'web identity': webIdentity(),
  'web identity that STS denies': webIdentity(stsError('AccessDenied', 'no', 403)),
  'web identity without its file': merged(webIdentity(), {
    environment: { AWS_WEB_IDENTITY_TOKEN_FILE: '{home}/absent' },
  }),
  'web identity without a role': merged(webIdentity(), { environment: { AWS_ROLE_ARN: null } }),
}

const remoteStates: States = {
  'nothing remote': noInstance,
  container: container(),
  instance: instance(),
  'instance without a role': instance({ role: [{ statusCode: 404 }] }),
  'container and instance': merged(container(), instance()),
}

const namedProfileStates: States = {
  'that does not exist': {},
  'with static keys': withConfig({ 'profile work': staticKeys('AKIAWORK') }),
  'with half of the keys': withConfig({ 'profile work': 'aws_access_key_id = AKIAWORK\n' }),
  'with a region only': withConfig({ 'profile work': 'region = eu-west-3\n' }),
  'without anything': withConfig({ 'profile work': '' }),
  'in the credentials file': { files: { '.aws/credentials': `[work]\n${staticKeys('AKIAWORK')}` } },
  'whose process fails': {
    files: { '.aws/config': `[profile work]\n${processLine}`, ...processScript('', 1) },
  },
  'whose source profile does not exist': withConfig({
    'profile work': `${roleArn('alpha')}source_profile = absent\n`,
  }),
  'with a role and no source': withConfig({ 'profile work': roleArn('alpha') }),
}

export const chainScenarios: readonly Scenario[] = [...unnamed(), ...environmentFirst(), ...named()]

/** Without keys in the environment: profile, web identity and remote in every combination. */
function unnamed(): Scenario[] {
  return combined([profileStates, webIdentityStates, remoteStates], 'chain')
}

/** With something in the environment: a few of the others. */
function environmentFirst(): Scenario[] {
  const { 'no keys': _, ...states } = environmentStates
  const profiles = pick(profileStates, ['no profile', 'static profile'])
  return combined([states, profiles, pick(remoteStates, ['nothing remote', 'instance'])], 'chain')
}

function named(): Scenario[] {
  const profiles = Object.fromEntries(
    Object.entries(namedProfileStates).map(([name, changes]) => [
      `AWS_PROFILE ${name}`,
      merged(changes, { environment: { AWS_PROFILE: 'work' } }),
    ]),
  )
  const remotes = pick(remoteStates, ['nothing remote', 'container', 'instance'])
  return combined([profiles, pick(environmentStates, ['no keys', 'keys']), remotes], 'chain')
}

function pick(states: States, names: readonly string[]): States {
  return Object.fromEntries(Object.entries(states).filter(([name]) => names.includes(name)))
}

function combined(axes: readonly States[], prefix: string): Scenario[] {
  let partial: readonly (readonly [name: string, changes: ScenarioChanges])[] = [[prefix, {}]]
  for (const [index, axis] of axes.entries()) {
    const separator = index === 0 ? ': ' : ', '
    partial = partial.flatMap(([name, changes]) =>
      Object.entries(axis).map(([state, more]) => [name + separator + state, merged(changes, more)] as const),
    )
  }
  // Some are run in a process of their own.
  return partial.map(([name, changes], index) =>
    credentialsScenario(name, { ...changes, inChildProcess: index % 13 === 6 }),
  )
}
