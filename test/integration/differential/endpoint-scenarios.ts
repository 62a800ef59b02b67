import {
  endpointScenario,
  merged,
  type Scenario,
  type ScenarioChanges,
} from '../../support/differential/scenario.ts'
import { configFile, environmentKeys, instance, withConfig } from './parts.ts'

/*
 * The region and the endpoint of DynamoDB. Nothing is sent: the request is caught before it leaves.
 */

type Table = Readonly<Record<string, ScenarioChanges>>

const region = (name: string): ScenarioChanges => ({ environment: { AWS_REGION: name } })
const variables = (environment: Readonly<Record<string, string>>): ScenarioChanges => ({ environment })
const ireland = region('eu-west-1')

const regionSources: Table = {
  'the option': { options: { region: 'eu-west-1' } },
  'the option over everything': merged(withConfig({ default: 'region = eu-west-3\n' }), {
    options: { region: 'eu-west-1' },
    environment: { AWS_REGION: 'eu-west-2' },
  }),
  AWS_REGION: region('eu-west-2'),
  'AWS_REGION over the profile': merged(withConfig({ default: 'region = eu-west-3\n' }), region('eu-west-2')),
  AWS_DEFAULT_REGION: variables({ AWS_DEFAULT_REGION: 'eu-west-2' }),
  'AWS_REGION over AWS_DEFAULT_REGION': variables({
    AWS_REGION: 'eu-west-2',
    AWS_DEFAULT_REGION: 'eu-west-3',
  }),
  'the profile': withConfig({ default: 'region = eu-west-3\n' }),
  'the profile in the credentials file': { files: { '.aws/credentials': '[default]\nregion = eu-west-3\n' } },
  'the profile in both files': {
    files: {
      '.aws/config': '[default]\nregion = eu-west-3\n',
      '.aws/credentials': '[default]\nregion = eu-north-1\n',
    },
  },
  'the profile that AWS_PROFILE names': merged(
    withConfig({
      'profile work': 'region = eu-west-3\naws_access_key_id = AKIAWORK\naws_secret_access_key = s\n',
      default: 'region = us-east-1\n',
    }),
    variables({ AWS_PROFILE: 'work' }),
  ),
  'the profile that the option names': merged(
    withConfig({
      'profile work': 'region = eu-west-3\naws_access_key_id = AKIAWORK\naws_secret_access_key = s\n',
      default: 'region = us-east-1\n',
    }),
    { options: { profile: 'work' } },
  ),
  'an empty AWS_REGION and the profile': merged(withConfig({ default: 'region = eu-west-3\n' }), region('')),
  'the instance': merged(instance(), variables({ AWS_EC2_METADATA_DISABLED: '' })),
  'the instance, without tokens': merged(
    instance({ token: [{ statusCode: 404 }] }),
    variables({ AWS_EC2_METADATA_DISABLED: '' }),
  ),
  'the instance, which fails': merged(
    instance({ region: [{ statusCode: 500 }] }),
    variables({ AWS_EC2_METADATA_DISABLED: '' }),
  ),
  'the instance, with metadata "disabled" by false': merged(
    instance(),
    variables({ AWS_EC2_METADATA_DISABLED: 'false' }),
  ),
  'the instance, with metadata disabled': instance(),
  nowhere: {},
  'AWS_REGION with a dot': region('eu-west-1.example.com'),
  'AWS_REGION with a slash': region('eu-west-1/'),
  'AWS_REGION with blanks around': region(' eu-west-1 '),
}

const regions: Table = Object.fromEntries(
  [
    'us-east-1',
    'eu-central-2',
    'cn-north-1',
    'cn-northwest-1',
    'us-gov-east-1',
    'us-gov-west-1',
    'us-iso-east-1',
    'us-isob-east-1',
    'eu-isoe-west-1',
    'us-isof-south-1',
    'eusc-de-east-1',
    'xx-new-1',
    'mx-central-1',
    'local',
    'fips-us-east-1',
    'us-east-1-fips',
    'fips-us-gov-west-1',
    'aws-global',
    'US-EAST-1',
  ].flatMap(name => [
    [name, region(name)],
    [`${name}, FIPS`, merged(region(name), variables({ AWS_USE_FIPS_ENDPOINT: 'true' }))],
    [`${name}, dual-stack`, merged(region(name), variables({ AWS_USE_DUALSTACK_ENDPOINT: 'true' }))],
    [
      `${name}, FIPS and dual-stack`,
      merged(region(name), variables({ AWS_USE_FIPS_ENDPOINT: 'true', AWS_USE_DUALSTACK_ENDPOINT: 'true' })),
    ],
    [`${name}, with an account`, merged(region(name), variables({ AWS_ACCOUNT_ID: '123456789012' }))],
  ]),
)

const CUSTOM = 'http://127.0.0.1:8000'
const services = (lines: string): string => `services = mine\n${lines}`

const endpointSources: Table = {
  'the option': { options: { endpoint: CUSTOM } },
  'the option with a path': { options: { endpoint: `${CUSTOM}/base` } },
  'the option with a path and a final slash': { options: { endpoint: `${CUSTOM}/base/` } },
  AWS_ENDPOINT_URL_DYNAMODB: variables({ AWS_ENDPOINT_URL_DYNAMODB: CUSTOM }),
  'AWS_ENDPOINT_URL_DYNAMODB with a path': variables({ AWS_ENDPOINT_URL_DYNAMODB: `${CUSTOM}/a/b` }),
  AWS_ENDPOINT_URL: variables({ AWS_ENDPOINT_URL: CUSTOM }),
  'AWS_ENDPOINT_URL_DYNAMODB over AWS_ENDPOINT_URL': variables({
    AWS_ENDPOINT_URL_DYNAMODB: `${CUSTOM}/specific`,
    AWS_ENDPOINT_URL: `${CUSTOM}/general`,
  }),
  'an empty AWS_ENDPOINT_URL_DYNAMODB': variables({
    AWS_ENDPOINT_URL_DYNAMODB: '',
    AWS_ENDPOINT_URL: CUSTOM,
  }),
  'endpoint_url of the profile': withConfig({ default: `endpoint_url = ${CUSTOM}/profile\n` }),
  'endpoint_url of the profile in the credentials file': {
    files: { '.aws/credentials': `[default]\nendpoint_url = ${CUSTOM}/profile\n` },
  },
  'AWS_ENDPOINT_URL over the profile': merged(
    withConfig({ default: `endpoint_url = ${CUSTOM}/profile\n` }),
    variables({ AWS_ENDPOINT_URL: `${CUSTOM}/variable` }),
  ),
  'a services section': withConfig({
    default: services(''),
    'services mine': `dynamodb =\n  endpoint_url = ${CUSTOM}/services\n`,
  }),
  'a services section over endpoint_url': withConfig({
    default: services(`endpoint_url = ${CUSTOM}/profile\n`),
    'services mine': `dynamodb =\n  endpoint_url = ${CUSTOM}/services\n`,
  }),
  'AWS_ENDPOINT_URL over a services section': merged(
    withConfig({
      default: services(''),
      'services mine': `dynamodb =\n  endpoint_url = ${CUSTOM}/services\n`,
    }),
    variables({ AWS_ENDPOINT_URL: `${CUSTOM}/variable` }),
  ),
  'a services section of another service': withConfig({
    default: services(`endpoint_url = ${CUSTOM}/profile\n`),
    'services mine': `s3 =\n  endpoint_url = ${CUSTOM}/services\n`,
  }),
  'a services section that does not exist': withConfig({ default: services('') }),
  'a services section that does not exist, and endpoint_url': withConfig({
    default: services(`endpoint_url = ${CUSTOM}/profile\n`),
  }),
  'a services section with two services': withConfig({
    default: services(''),
    'services mine': `s3 =\n  endpoint_url = ${CUSTOM}/s3\ndynamodb =\n  endpoint_url = ${CUSTOM}/services\nsts =\n  endpoint_url = ${CUSTOM}/sts\n`,
  }),
  'a services section in the credentials file': {
    files: {
      '.aws/config': configFile({ default: services('') }),
      '.aws/credentials': `[services mine]\ndynamodb =\n  endpoint_url = ${CUSTOM}/services\n`,
    },
  },
  ...Object.fromEntries(
    ['true', 'TRUE', 'false', '1', ''].map(value => [
      `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS "${value}"`,
      variables({ AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: value, AWS_ENDPOINT_URL: CUSTOM }),
    ]),
  ),
  'ignore_configured_endpoint_urls in the profile': merged(
    withConfig({ default: 'ignore_configured_endpoint_urls = true\n' }),
    variables({ AWS_ENDPOINT_URL: CUSTOM }),
  ),
  'ignore_configured_endpoint_urls, and the option': merged(
    withConfig({ default: 'ignore_configured_endpoint_urls = true\n' }),
    { options: { endpoint: CUSTOM } },
  ),
  'a custom endpoint and FIPS': variables({ AWS_ENDPOINT_URL: CUSTOM, AWS_USE_FIPS_ENDPOINT: 'true' }),
  'a custom endpoint and dual-stack': variables({
    AWS_ENDPOINT_URL: CUSTOM,
    AWS_USE_DUALSTACK_ENDPOINT: 'true',
  }),
  'a custom endpoint and an account': variables({ AWS_ENDPOINT_URL: CUSTOM, AWS_ACCOUNT_ID: '123456789012' }),
  'a custom endpoint and a required account': variables({
    AWS_ENDPOINT_URL: CUSTOM,
    AWS_ACCOUNT_ID_ENDPOINT_MODE: 'required',
  }),
  'a custom endpoint and the region local': variables({ AWS_ENDPOINT_URL: CUSTOM, AWS_REGION: 'local' }),
  'a custom endpoint and no region': merged(variables({ AWS_ENDPOINT_URL: CUSTOM }), {
    environment: { AWS_REGION: null },
  }),
  'an endpoint that is no URL': variables({ AWS_ENDPOINT_URL: 'nonsense' }),
}

const flags: Table = {
  ...Object.fromEntries(
    ['true', 'TRUE', 'false', '1', 'yes'].flatMap(value => [
      [`AWS_USE_FIPS_ENDPOINT "${value}"`, variables({ AWS_USE_FIPS_ENDPOINT: value })],
      [
        `AWS_USE_FIPS_ENDPOINT "${value}" and use_fips_endpoint true`,
        merged(
          withConfig({ default: 'use_fips_endpoint = true\n' }),
          variables({ AWS_USE_FIPS_ENDPOINT: value }),
        ),
      ],
      [`use_fips_endpoint ${value}`, withConfig({ default: `use_fips_endpoint = ${value}\n` })],
      [`AWS_USE_DUALSTACK_ENDPOINT "${value}"`, variables({ AWS_USE_DUALSTACK_ENDPOINT: value })],
      [`use_dualstack_endpoint ${value}`, withConfig({ default: `use_dualstack_endpoint = ${value}\n` })],
    ]),
  ),
  ...Object.fromEntries(
    ['preferred', 'disabled', 'required', 'Required', 'nonsense', ''].flatMap(mode => [
      [`AWS_ACCOUNT_ID_ENDPOINT_MODE "${mode}"`, variables({ AWS_ACCOUNT_ID_ENDPOINT_MODE: mode })],
      [
        `AWS_ACCOUNT_ID_ENDPOINT_MODE "${mode}" and an account`,
        variables({ AWS_ACCOUNT_ID_ENDPOINT_MODE: mode, AWS_ACCOUNT_ID: '123456789012' }),
      ],
      [
        `account_id_endpoint_mode ${mode} and an account`,
        merged(
          withConfig({ default: `account_id_endpoint_mode = ${mode}\n` }),
          variables({ AWS_ACCOUNT_ID: '123456789012' }),
        ),
      ],
    ]),
  ),
  'a required account and FIPS': variables({
    AWS_ACCOUNT_ID_ENDPOINT_MODE: 'required',
    AWS_ACCOUNT_ID: '123456789012',
    AWS_USE_FIPS_ENDPOINT: 'true',
  }),
  'an account and dual-stack': variables({
    AWS_ACCOUNT_ID: '123456789012',
    AWS_USE_DUALSTACK_ENDPOINT: 'true',
  }),
  'an account in the profile': {
    ...withConfig({
      default: 'aws_access_key_id = AKIAPROFILE\naws_secret_access_key = s\naws_account_id = 210987654321\n',
    }),
    environment: { AWS_ACCESS_KEY_ID: null, AWS_SECRET_ACCESS_KEY: null },
  },
}

export const endpointScenarios: readonly Scenario[] = [
  ...listed('region from', regionSources, {}),
  ...listed('endpoint in', regions, {}),
  ...listed('endpoint from', endpointSources, ireland),
  ...listed('endpoint with', flags, ireland),
]

function listed(title: string, table: Table, before: ScenarioChanges): Scenario[] {
  const base = merged(variables({ AWS_EC2_METADATA_DISABLED: 'true' }), { environment: environmentKeys })
  return Object.entries(table).map(([name, changes], index) =>
    endpointScenario(`${title} ${name}`, {
      ...merged(base, merged(before, changes)),
      inChildProcess: index % 23 === 2,
    }),
  )
}
