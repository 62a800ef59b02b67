import { describe, expect, test } from 'vitest'

import {
  defaultProvider,
  fromContainerMetadata,
  fromEnv,
  fromHttp,
  fromIni,
  fromInstanceMetadata,
  fromLoginCredentials,
  fromProcess,
  fromSSO,
  fromTemporaryCredentials,
  fromTokenFile,
} from '../../../../src/aws/credentials/index.ts'
import { instantOf } from '../../../../src/aws/credentials/provider.ts'
import { thrownBy } from '../../../support/failure.ts'

const params = { RoleArn: 'arn:aws:iam::111122223333:role/sessions' }

/** Every provider that is public, whatever options it is given, and what it needs at least. */
const providers: Readonly<Record<string, readonly [make: (options: never) => unknown, needed: object]>> = {
  defaultProvider: [defaultProvider, {}],
  fromContainerMetadata: [fromContainerMetadata, {}],
  fromEnv: [fromEnv, {}],
  fromHttp: [fromHttp, {}],
  fromIni: [fromIni, {}],
  fromInstanceMetadata: [fromInstanceMetadata, {}],
  fromLoginCredentials: [fromLoginCredentials, {}],
  fromProcess: [fromProcess, {}],
  fromSSO: [fromSSO, {}],
  fromTemporaryCredentials: [fromTemporaryCredentials, { params }],
  fromTokenFile: [fromTokenFile, {}],
}

/** The values of an option that a provider must take, then those that it must refuse. */
const options: readonly (readonly [provider: string, option: string, good: unknown[], bad: unknown[]])[] = [
  ['defaultProvider', 'profile', ['app', undefined], [42, null]],
  ['defaultProvider', 'mfaCodeProvider', [() => '123456'], ['123456']],
  ['fromContainerMetadata', 'timeout', [1, 2000.5], [Number.NaN, 0, -1, Infinity, 2 ** 31, '2000']],
  ['fromContainerMetadata', 'maxRetries', [0, 3], [Number.NaN, -1, 1.5, Infinity, '3']],
  ['fromContainerMetadata', 'retryDelayMs', [0, 1000], [Number.NaN, -1]],
  ['fromEnv', 'context', [{}], ['x', null]],
  ['fromHttp', 'awsContainerCredentialsFullUri', ['http://127.0.0.1/'], [new URL('http://127.0.0.1/')]],
  ['fromHttp', 'maxRetries', [0], [Number.NaN]],
  ['fromIni', 'profile', ['app'], [['app']]],
  [
    'fromIni',
    'clientConfig',
    [{ region: 'eu-west-1' }, { region: undefined, profile: 'hub' }],
    ['eu-west-1', null, [], { region: async () => 'eu-west-1' }, { regoin: 'eu-west-1' }],
  ],
  ['fromInstanceMetadata', 'endpointMode', ['IPv4', 'IPv6'], ['ipv4', 4]],
  ['fromInstanceMetadata', 'ec2MetadataV1Disabled', [true, false], ['true']],
  ['fromInstanceMetadata', 'timeout', [1000], [Number.NaN]],
  ['fromLoginCredentials', 'clientConfig', [{ region: 'eu-west-1' }], [{ endpoint: 'https://example.com' }]],
  ['fromLoginCredentials', 'region', ['eu-west-1'], [1]],
  ['fromProcess', 'timeoutMs', [1, 60_000], [Number.NaN, 0, '60000']],
  ['fromProcess', 'profile', ['app'], [42]],
  ['fromSSO', 'ssoAccountId', ['111122223333'], [111_122_223_333]],
  [
    'fromTemporaryCredentials',
    'params',
    [params, { ...params, DurationSeconds: 900, Tags: [], ExternalId: undefined }],
    [
      undefined,
      null,
      {},
      { RoleArn: 1 },
      'arn',
      { ...params, ExternalID: 'x' },
      { ...params, ProvidedContexts: [] },
      { ...params, DurationSeconds: '900' },
    ],
  ],
  [
    'fromTemporaryCredentials',
    'clientConfig',
    [{ profile: 'hub' }],
    [{ credentials: {} }, { requestHandler: {} }],
  ],
  ['fromTemporaryCredentials', 'masterCredentials', [() => 0, {}], ['hub', null]],
  ['fromTokenFile', 'roleArn', ['arn:aws:iam::111122223333:role/sessions'], [{}]],
]

test.each(Object.entries(providers))('%s refuses options that it does not have', (name, [make, needed]) => {
  const error = thrownBy(() => make({ ...needed, comand: 'SeCrEt' } as never), TypeError)
  expect(error).toHaveProperty('code', 'INVALID_OPTION')
  expect(error.message).toMatch(
    new RegExp(`^${name} has no option "comand" \\(its options are: \\w[\\w, ]*\\)$`),
  )
})

test.each(Object.entries(providers))('%s refuses what is no object of options', (name, [make]) => {
  for (const wrong of [null, 'app', []]) {
    const error = thrownBy(() => make(wrong as never), TypeError)
    expect(error).toMatchObject({
      code: 'INVALID_OPTION',
      message: `the options of ${name} must be an object`,
    })
  }
})

test.each(options)('%s, %s: takes what it can use, and refuses the rest', (name, option, good, bad) => {
  const [make, needed] = providers[name] ?? []
  for (const value of good) expect(make?.({ ...needed, [option]: value } as never)).toBeTypeOf('function')
  for (const value of bad) {
    const error = thrownBy(() => make?.({ ...needed, [option]: value } as never), TypeError)
    expect(error).toHaveProperty('code', 'INVALID_OPTION')
    expect(error.message).toMatch(new RegExp(`^the option "${option}" of ${name} must be `))
  }
})

describe('instantOf', () => {
  test.each([
    '2020-06-17T10:02:08Z',
    '2020-06-17T10:02:08UTC',
    '2020-06-17T10:02:08 UTC',
    '2020-06-17 10:02:08 UTC',
    '2020-06-17T10:02:08utc',
    '2020-06-17T10:02:08GMT',
    '2020-06-17t10:02:08z',
    '2020-06-17T10:02:08',
    '2020-06-17 10:02:08',
    '2020-06-17T10:02:08.000000UTC',
    '2020-06-17T10:02:08+00:00',
    '2020-06-17T10:02:08+0000',
    '2020-06-17T12:02:08+02',
    '2020-06-17T05:02:08-0500',
    '2020-06-17T15:32:08+05:30',
    '2020-06-17T10:02:08Z[UTC]',
    'Wed, 17 Jun 2020 10:02:08 GMT',
    ' 2020-06-17T10:02:08Z\n',
  ])('reads %j', text => {
    expect(instantOf(text)).toEqual(new Date('2020-06-17T10:02:08Z'))
  })

  test.each(['2020-06-17T10:02:08.5UTC', '2020-06-17T10:02:08,5Z', '2020-06-17T10:02:08.500999Z'])(
    'keeps the milliseconds of %j',
    text => {
      expect(instantOf(text)).toEqual(new Date('2020-06-17T10:02:08.500Z'))
    },
  )

  test.each([
    undefined,
    '',
    'soon',
    '2020-06-17T10:02:08XYZ',
    '2020-13-17T10:02:08UTC',
    '2020-06-17T25:02:08Z',
  ])('reads nothing in %j', text => {
    expect(instantOf(text)).toBeUndefined()
  })
})
