import { credentialsBody, instanceRole, tokenAnswer } from '../../support/fake-metadata.ts'
import { assumedRole, type AssumedRoleChanges } from '../../support/fake-sts.ts'
import type { FakeServiceAnswer } from '../../support/fake-sso.ts'
import type {
  Route,
  ScenarioChanges,
  ScenarioEnvironment,
  ScriptedBehaviour,
} from '../../support/differential/scenario.ts'

/*
 * What scenarios are put together from.
 */

export const environmentKeys: ScenarioEnvironment = {
  AWS_ACCESS_KEY_ID: 'AKIAENVIRONMENT',
  AWS_SECRET_ACCESS_KEY: 'environment-secret-key',
}

/** Property lines of a profile with static keys. */
export function staticKeys(accessKeyId = 'AKIAPROFILE'): string {
  return `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = profile-secret-key\n`
}

/** Properties of sections, one a line, under their headers. */
export function configFile(sections: Readonly<Record<string, string>>): string {
  return Object.entries(sections)
    .map(([header, lines]) => `[${header}]\n${lines}`)
    .join('\n')
}

/** A world whose config file has these sections. */
export function withConfig(sections: Readonly<Record<string, string>>): ScenarioChanges {
  return { files: { '.aws/config': configFile(sections) } }
}

export const instanceTokenLine = 'PUT /latest/api/token'
export const instanceRoleLine = 'GET /latest/meta-data/iam/security-credentials/'
export const instanceCredentialsLine: string = instanceRoleLine + instanceRole

/** What an instance with a role answers; each can be replaced. */
export function instance(
  changes: {
    readonly token?: readonly ScriptedBehaviour[]
    readonly role?: readonly ScriptedBehaviour[]
    readonly credentials?: readonly ScriptedBehaviour[]
    readonly region?: readonly ScriptedBehaviour[]
  } = {},
): ScenarioChanges {
  const {
    token = [tokenAnswer('token-1')],
    role = [{ body: instanceRole }],
    credentials = [{ body: credentialsBody({ AccessKeyId: 'ASIAINSTANCE' }) }],
    region = [{ body: 'eu-central-1' }],
  } = changes
  const routes: readonly Route[] = [
    { when: instanceTokenLine, answers: token },
    { when: 'placement/region', answers: region },
    { when: instanceCredentialsLine, answers: credentials },
    { when: instanceRoleLine, answers: role },
  ]
  return { servers: { metadata: routes } }
}

export const noInstance: ScenarioChanges = { environment: { AWS_EC2_METADATA_DISABLED: 'true' } }

/** A container whose endpoint answers like this. */
export function container(
  ...answers: readonly [ScriptedBehaviour, ...ScriptedBehaviour[]] | readonly []
): ScenarioChanges {
  const body = credentialsBody({ AccessKeyId: 'ASIACONTAINER' })
  return {
    environment: { AWS_CONTAINER_CREDENTIALS_FULL_URI: '{url:container}/v1/credentials' },
    servers: {
      container: [{ when: 'GET /v1/credentials', answers: answers.length > 0 ? answers : [{ body }] }],
    },
  }
}

/** Web identity in the environment, and how STS answers. */
export function webIdentity(...answers: readonly ScriptedBehaviour[]): ScenarioChanges {
  return {
    environment: {
      AWS_REGION: 'eu-west-1',
      AWS_WEB_IDENTITY_TOKEN_FILE: '{home}/token',
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/web',
    },
    files: { token: 'web-identity-token' },
    servers: {
      sts: [
        {
          when: 'AssumeRoleWithWebIdentity',
          answers: answers.length > 0 ? answers : [webIdentityAnswer({ AccessKeyId: 'ASIAWEB' })],
        },
      ],
    },
  }
}

export function webIdentityAnswer(changes: AssumedRoleChanges = {}): FakeServiceAnswer {
  return assumedRole(changes, 'AssumeRoleWithWebIdentity')
}

/** STS that lets the roles be assumed that are named, each with an access key ID of its own. */
export function roles(...names: readonly string[]): readonly Route[] {
  return names.map(name => ({
    when: `role%2F${name}`,
    answers: [assumedRole({ AccessKeyId: `ASIA${name.toUpperCase()}` })],
  }))
}

/** Line of a profile that assumes a role. */
export function roleArn(name: string): string {
  return `role_arn = arn:aws:iam::123456789012:role/${name}\n`
}

/** A script to use as credential process, which counts its runs. */
export function processScript(output: unknown, exitCode = 0): Readonly<Record<string, string>> {
  const text = typeof output === 'string' ? output : JSON.stringify(output)
  return {
    'process.sh': `echo run >> "$(dirname "$0")/process-runs"\ncat <<'END'\n${text}\nEND\nexit ${exitCode}\n`,
  }
}

export const processLine = 'credential_process = sh {home}/process.sh\n'

/** What a credential process prints. */
export function processOutput(changes: Readonly<Record<string, unknown>> = {}): unknown {
  return { Version: 1, AccessKeyId: 'AKIAPROCESS', SecretAccessKey: 'process-secret-key', ...changes }
}
