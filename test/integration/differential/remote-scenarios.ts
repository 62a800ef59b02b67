import { credentialsBody, tokenAnswer } from '../../support/fake-metadata.ts'
import {
  credentialsScenario,
  merged,
  type Scenario,
  type ScenarioChanges,
  type ScriptedBehaviour,
} from '../../support/differential/scenario.ts'
import { container, instance, withConfig } from './parts.ts'

/*
 * Containers and instances: what their endpoints answer, and how they are configured. Behind a container there is an
 * instance with a role, which must never be asked.
 */

type Table = Readonly<Record<string, ScenarioChanges>>

const good: ScriptedBehaviour = { body: credentialsBody({ AccessKeyId: 'ASIACONTAINER' }) }
const without = (name: string): ScriptedBehaviour => ({ body: credentialsBody({ [name]: undefined }) })
const uri = (text: string): ScenarioChanges =>
  merged(container(), { environment: { AWS_CONTAINER_CREDENTIALS_FULL_URI: text } })
const authorized = (
  variables: Readonly<Record<string, string>>,
  files: Record<string, string> = {},
): ScenarioChanges => merged(container(), { environment: variables, files })

const containerForms: Table = {
  'answers well': container(),
  'says the account': container({ body: credentialsBody({ AccountId: '123456789012' }) }),
  'says no Code': container(without('Code')),
  'leaves AccessKeyId out': container(without('AccessKeyId'), good),
  'leaves Token out, then answers well': container(without('Token'), good),
  'leaves Expiration out, then answers well': container(without('Expiration'), good),
  'answers with an Expiration that is no date': container(
    { body: credentialsBody({ Expiration: 'soon' }) },
    good,
  ),
  'answers with an Expiration in the past': container({
    body: credentialsBody({ Expiration: '2020-01-01T00:00:00Z' }),
  }),
  'answers with HTTP 500, then well': container({ statusCode: 500, body: {} }, good),
  'answers with HTTP 500 twice, then well': container({ statusCode: 500 }, { statusCode: 503 }, good),
  'answers with HTTP 400': container({ statusCode: 400, body: { Code: 'Bad', Message: 'm' } }),
  'answers with HTTP 401': container({ statusCode: 401, body: { Code: 'Denied', Message: 'm' } }),
  'answers with HTTP 403': container({ statusCode: 403, body: 'no JSON' }),
  'answers with HTTP 404': container({ statusCode: 404, body: {} }),
  'answers with HTTP 429, then well': container({ statusCode: 429, body: {} }, good),
  'answers with a redirect': container({ statusCode: 302, headers: { location: '/elsewhere' } }, good),
  'answers with HTTP 500 for good': container({ statusCode: 500, body: {} }),
  'answers with no JSON, then well': container({ body: 'nonsense' }, good),
  'answers with an empty body, then well': container({ body: '' }, good),
  'resets, then answers well': container('reset', good),
  'is cut short, then answers well': container('cut-short', good),
  'has a query': uri('{url:container}/v1/credentials?id=1&x=y'),
  'has a fragment': uri('{url:container}/v1/credentials#fragment'),
  'has an authorization token': authorized({ AWS_CONTAINER_AUTHORIZATION_TOKEN: 'Basic abc' }),
  'has an empty authorization token': authorized({ AWS_CONTAINER_AUTHORIZATION_TOKEN: '' }),
  'has an authorization token with a line break': authorized({
    AWS_CONTAINER_AUTHORIZATION_TOKEN: 'a\r\nb: c',
  }),
  'has an authorization token with a line feed': authorized({ AWS_CONTAINER_AUTHORIZATION_TOKEN: 'a\nb' }),
  'has an authorization token file': authorized(
    { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '{home}/token' },
    { token: 'token-of-file' },
  ),
  'has an authorization token and a file': authorized(
    {
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '{home}/token',
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'token-of-variable',
    },
    { token: 'token-of-file' },
  ),
  'has an authorization token file that does not exist': authorized({
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '{home}/absent',
  }),
  'has an empty authorization token file': authorized(
    { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '{home}/token' },
    { token: '' },
  ),
  'has an authorization token file with a line break': authorized(
    { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '{home}/token' },
    { token: 'token\r\nx: y' },
  ),
  'is on a foreign host': uri('http://192.0.2.1/credentials'),
  'is on a foreign name': uri('http://credentials.example.com/credentials'),
  'is on a name that begins like this machine': uri('http://127.0.0.1.example.com/credentials'),
  'is on a name that ends like this machine': uri('http://example.localhost/credentials'),
  'is no URL': uri('credentials'),
  'is a path': uri('/credentials'),
  'is a file': uri('file:///etc/passwd'),
  'has an empty URI': uri(''),
}

const token = tokenAnswer('token-1')
const status = (statusCode: number): ScriptedBehaviour => ({ statusCode, body: 'as scripted' })
const v1Disabled = { environment: { AWS_EC2_METADATA_V1_DISABLED: 'true' } }
const answering = (...credentials: readonly ScriptedBehaviour[]): ScenarioChanges => instance({ credentials })

const instanceForms: Table = {
  'answers well': instance(),
  'has a role name with a line end': instance({ role: [{ body: 'application-role\n' }] }),
  'has an empty role name': instance({ role: [{ body: '' }] }),
  'says the account': answering({ body: credentialsBody({ AccountId: '123456789012' }) }),
  'leaves AccessKeyId out': answering(without('AccessKeyId')),
  'leaves Token out': answering(without('Token')),
  'leaves Expiration out': answering(without('Expiration')),
  'leaves Code out': answering(without('Code')),
  'answers with a Code that is not Success': answering({
    body: { Code: 'AssumeRoleUnauthorizedAccess', Message: 'm' },
  }),
  'answers with a Code that is not Success, and credentials': answering({
    body: credentialsBody({ Code: 'Failed' }),
  }),
  'answers with credentials that have expired': answering({
    body: credentialsBody({ Expiration: '2020-01-01T00:00:00Z' }),
  }),
  'answers with an Expiration that is no date': answering({ body: credentialsBody({ Expiration: 'soon' }) }),
  'answers with no JSON': answering({ body: '<html>' }),
  'answers with JSON cut short': answering({ body: '{"AccessKeyId": "A' }),
  // The AWS SDK never settles here.
  'is cut short': { ...answering('cut-short'), notForSdk: true },
  resets: answering('reset'),
  ...Object.fromEntries(
    [400, 401, 403, 404, 405, 429, 500, 503].flatMap(code => [
      [`answers the token with ${code}`, instance({ token: [status(code)] })],
      [
        `answers the token with ${code}, v1 disabled`,
        merged(instance({ token: [status(code)] }), v1Disabled),
      ],
      [`answers the role with ${code}`, instance({ role: [status(code)] })],
      [`answers the credentials with ${code}`, answering(status(code))],
    ]),
  ),
  'resets the token': instance({ token: ['reset'] }),
  'is silent about the token': instance({ token: ['silence'] }),
  'is silent about the token, v1 disabled': merged(instance({ token: ['silence'] }), v1Disabled),
  'is silent about the role': instance({ role: ['silence'] }),
  'has v1 disabled': merged(instance(), v1Disabled),
  'has v1 disabled in the profile': merged(
    instance({ token: [status(404)] }),
    withConfig({ default: 'ec2_metadata_v1_disabled = true\n' }),
  ),
  'has v1 disabled in the profile and enabled in the environment': merged(
    merged(instance({ token: [status(404)] }), withConfig({ default: 'ec2_metadata_v1_disabled = true\n' })),
    { environment: { AWS_EC2_METADATA_V1_DISABLED: 'false' } },
  ),
  'has v1 "disabled" with an odd word': merged(instance({ token: [status(404)] }), {
    environment: { AWS_EC2_METADATA_V1_DISABLED: 'no' },
  }),
  'is disabled': merged(instance(), { environment: { AWS_EC2_METADATA_DISABLED: 'true' } }),
  'is disabled in capitals': merged(instance(), { environment: { AWS_EC2_METADATA_DISABLED: 'TRUE' } }),
  'is disabled with 1': merged(instance(), { environment: { AWS_EC2_METADATA_DISABLED: '1' } }),
  'is not disabled by false': merged(instance(), { environment: { AWS_EC2_METADATA_DISABLED: 'false' } }),
  'is not disabled by an empty variable': merged(instance(), {
    environment: { AWS_EC2_METADATA_DISABLED: '' },
  }),
  'has its endpoint with a final slash': merged(instance(), {
    environment: { AWS_EC2_METADATA_SERVICE_ENDPOINT: '{url:metadata}/' },
  }),
  'has an endpoint mode besides the endpoint': merged(instance(), {
    environment: { AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: 'IPv6' },
  }),
  'has an endpoint and an unknown mode': merged(instance(), {
    environment: { AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: 'IPv8' },
  }),
  'has an endpoint that nobody listens at': {
    environment: { AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:9' },
  },
  'gives a token with a line end': instance({ token: [{ ...token, body: 'token-1\n' }] }),
  'gives an empty token': instance({ token: [{ ...token, body: '' }] }),
}

export const remoteScenarios: readonly Scenario[] = [
  ...Object.entries(containerForms).map(([name, changes], index) =>
    credentialsScenario(`container that ${name}`, {
      ...merged(instance(), changes),
      inChildProcess: index % 19 === 0,
    }),
  ),
  ...Object.entries(instanceForms).map(([name, changes], index) =>
    credentialsScenario(`instance that ${name}`, { ...changes, inChildProcess: index % 23 === 0 }),
  ),
]
