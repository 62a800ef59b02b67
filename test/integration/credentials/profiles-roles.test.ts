import { describe, expect, it, vi } from 'vitest'
import { fromIni, type FromIniOptions } from '../../../src/aws/credentials/ini.ts'
import type { MfaCodeProvider } from '../../../src/aws/credentials/index.ts'
import { deferred } from '../../../src/internal/timers.ts'
import type { CredentialProvider, Credentials } from '../../../src/types.ts'
import { type FakeServiceRequest } from '../../support/fake-sso.ts'
import {
  assumedRole,
  authorizationFor,
  fakeSts,
  type FakeSts,
  roleCredentials,
  stsError,
} from '../../support/fake-sts.ts'
import { RecordingTransport } from '../../support/recording-transport.ts'
import { temporaryHome } from '../../support/temporary-home.ts'
import { everythingIn, failureOf } from './failure.ts'

const role = (name: string): string => `arn:aws:iam::123456789012:role/${name}`
const KEYS = 'aws_access_key_id = AKIABASE\naws_secret_access_key = s3cret-base\n'
const baseKeys = { accessKeyId: 'AKIABASE', secretAccessKey: 's3cret-base' }

interface Machine extends FakeSts {
  readonly provider: (profile: string, options?: FromIniOptions) => CredentialProvider
}

/** A machine with this config file, and an STS whose keys are named after the role that they are for. */
async function machine(config: string, environment: Readonly<Record<string, string>> = {}): Promise<Machine> {
  const home = await temporaryHome({ config })
  const sts = await fakeSts({ ...home.environment, ...environment })
  sts.answers(request => assumedRole({ AccessKeyId: `ASIA-${roleOf(request)}` }))
  return { ...sts, provider: (profile, options) => fromIni({ profile, context: sts.context, ...options }) }
}

function roleOf({ body }: FakeServiceRequest): string {
  return new URLSearchParams(body).get('RoleArn')?.split('/')[1] ?? ''
}

/** Who signed for which role, in order. */
function steps({ service }: FakeSts): readonly string[] {
  return service.requests.map(request => {
    const signer = /Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1]
    return `${signer} -> ${roleOf(request)}`
  })
}

describe('a role with a source profile', () => {
  it('is assumed with the keys of that profile', async () => {
    const scene = await machine(
      `[profile a]\nrole_arn = ${role('a')}\nsource_profile = b\n[profile b]\n${KEYS}`,
    )
    expect(await scene.provider('a')()).toStrictEqual({ ...roleCredentials, accessKeyId: 'ASIA-a' })
    expect(scene.forms()).toEqual([
      {
        Action: 'AssumeRole',
        Version: '2011-06-15',
        RoleArn: role('a'),
        RoleSessionName: `dynamodb-sessions-${scene.clock.now()}`,
        DurationSeconds: '3600',
      },
    ])
    const [request] = scene.service.requests
    if (request === undefined) throw new Error('nothing was sent')
    expect(request.headers.authorization).toBe(
      authorizationFor(request, baseKeys, 'eu-west-1', new Date(scene.clock.now())),
    )
  })

  it('is assumed as the profile says', async () => {
    const scene = await machine(
      `[profile a]\nrole_arn = ${role('a')}\nsource_profile = b\nexternal_id = ext+1\nduration_seconds = 900\n` +
        `role_session_name = me\nmfa_serial = device\n[profile b]\n${KEYS}`,
    )
    const mfaCodeProvider = vi.fn<MfaCodeProvider>(async () => '123456')
    await scene.provider('a', { mfaCodeProvider })()
    expect(mfaCodeProvider.mock.calls).toEqual([['device']])
    expect(scene.forms()).toEqual([
      {
        Action: 'AssumeRole',
        Version: '2011-06-15',
        RoleArn: role('a'),
        RoleSessionName: 'me',
        ExternalId: 'ext+1',
        DurationSeconds: '900',
        SerialNumber: 'device',
        TokenCode: '123456',
      },
    ])
  })

  it('a person is asked once for the code that several calls wait for', async () => {
    const scene = await machine(
      `[profile a]\nrole_arn = ${role('a')}\nsource_profile = b\nmfa_serial = device\n[profile b]\n${KEYS}`,
    )
    const code = deferred<string>()
    const mfaCodeProvider = vi.fn<MfaCodeProvider>(() => code.promise)
    const provider = scene.provider('a', { mfaCodeProvider })
    const ask = async (): Promise<Credentials> => provider()
    const asked = [ask(), ask()]
    await expect.poll(() => mfaCodeProvider).toHaveBeenCalled()
    asked.push(ask())
    code.resolve('123456')
    expect(new Set(await Promise.all(asked))).toHaveProperty('size', 1)
    expect(mfaCodeProvider).toHaveBeenCalledTimes(1)
    await provider()
    expect(mfaCodeProvider).toHaveBeenCalledTimes(2)
  })

  it('is preferred to static keys, web identity and a process of its own', async () => {
    const scene = await machine(
      `[profile a]\nrole_arn = ${role('a')}\nsource_profile = b\naws_access_key_id = OWN\n` +
        `aws_secret_access_key = s3cret-own\nweb_identity_token_file = /nonexistent\ncredential_process = false\n` +
        `[profile b]\n${KEYS}`,
    )
    await scene.provider('a')()
    expect(steps(scene)).toEqual(['AKIABASE -> a'])
  })

  it('is assumed with its own static keys when it is its own source', async () => {
    const scene = await machine(`[profile a]\nrole_arn = ${role('a')}\nsource_profile = a\n${KEYS}`)
    await scene.provider('a')()
    expect(steps(scene)).toEqual(['AKIABASE -> a'])
  })

  it('is assumed through other roles, from the far end', async () => {
    const scene = await machine(
      `[profile a]\nrole_arn = ${role('a')}\nsource_profile = b\n` +
        `[profile b]\nrole_arn = ${role('b')}\nsource_profile = c\nexternal_id = of-b\nduration_seconds = 1800\n` +
        `[profile c]\nrole_arn = ${role('c')}\nsource_profile = d\n[profile d]\n${KEYS}`,
    )
    expect(await scene.provider('a')()).toMatchObject({ accessKeyId: 'ASIA-a' })
    expect(steps(scene)).toEqual(['AKIABASE -> c', 'ASIA-c -> b', 'ASIA-b -> a'])
    expect(scene.forms().map(({ ExternalId, DurationSeconds }) => [ExternalId, DurationSeconds])).toEqual([
      [undefined, '3600'],
      ['of-b', '1800'],
      [undefined, '3600'],
    ])
  })

  it('stops at the first profile of the way that has static keys, whatever else that has', async () => {
    const scene = await machine(
      `[profile a]\nrole_arn = ${role('a')}\nsource_profile = b\n` +
        `[profile b]\nrole_arn = ${role('b')}\nsource_profile = nobody\n${KEYS}`,
    )
    await scene.provider('a')()
    expect(steps(scene)).toEqual(['AKIABASE -> a'])
  })

  it('may come back to the first profile for its static keys', async () => {
    const scene = await machine(
      `[profile a]\nrole_arn = ${role('a')}\nsource_profile = b\n${KEYS}` +
        `[profile b]\nrole_arn = ${role('b')}\nsource_profile = a\n`,
    )
    await scene.provider('a')()
    expect(steps(scene)).toEqual(['AKIABASE -> b', 'ASIA-b -> a'])
  })

  it('takes the credentials of a process', async () => {
    const output = '{"Version":1,"AccessKeyId":"AKIAPROCESS","SecretAccessKey":"s3cret"}'
    const scene = await machine(
      `[profile a]\nrole_arn = ${role('a')}\nsource_profile = b\n` +
        `[profile b]\ncredential_process = printf '%s' '${output}'\n`,
    )
    await scene.provider('a')()
    expect(steps(scene)).toEqual(['AKIAPROCESS -> a'])
  })
})

describe('what goes wrong on the way', () => {
  it.each<[string, string, RegExp]>([
    [
      'the source does not exist',
      `[profile a]\nrole_arn = ${role('a')}\nsource_profile = gone\n`,
      /^the profile "gone" does not exist: .* \("a" -> "gone"\)$/,
    ],
    [
      'the source says nothing',
      `[profile a]\nrole_arn = ${role('a')}\nsource_profile = b\n[profile b]\nregion = eu-west-1\n`,
      /^the profile "b" says nothing about credentials \("a" -> "b"\)$/,
    ],
    [
      'the source is half filled',
      `[profile a]\nrole_arn = ${role('a')}\nsource_profile = b\n[profile b]\naws_secret_access_key = s3cret\n`,
      /^the profile "b" has aws_secret_access_key and no aws_access_key_id$/,
    ],
    [
      'it is its own source without keys',
      `[profile a]\nrole_arn = ${role('a')}\nsource_profile = a\n`,
      /go round in a circle \("a" -> "a" -> "a"\)/,
    ],
    [
      'two profiles refer to each other',
      `[profile a]\nrole_arn = ${role('a')}\nsource_profile = b\n[profile b]\nrole_arn = ${role('b')}\nsource_profile = a\n`,
      /go round in a circle \("a" -> "b" -> "a" -> "b"\)/,
    ],
    [
      'the circle does not lead through the first profile',
      `[profile a]\nrole_arn = ${role('a')}\nsource_profile = b\n[profile b]\nrole_arn = ${role('b')}\nsource_profile = c\n` +
        `[profile c]\nrole_arn = ${role('c')}\nsource_profile = b\n`,
      /go round in a circle \("a" -> "b" -> "c" -> "b"\)/,
    ],
    [
      'the duration is no number',
      `[profile a]\nrole_arn = ${role('a')}\nsource_profile = b\nduration_seconds = 1h\n[profile b]\n${KEYS}`,
      /^the profile "a" has a duration_seconds/,
    ],
    [
      'it needs a code, and there is nobody to ask',
      `[profile a]\nrole_arn = ${role('a')}\nsource_profile = b\nmfa_serial = device\n` +
        `[profile b]\nrole_arn = ${role('b')}\nsource_profile = c\n[profile c]\n${KEYS}`,
      /^the profile "a" requires multi-factor authentication with the device device; pass mfaCodeProvider/,
    ],
  ])('%s', async (_, config, message) => {
    const scene = await machine(config)
    const error = await failureOf(scene.provider('a'))
    expect(error.message).toMatch(message)
    expect(error.tryNextProvider).toBe(false)
    expect(everythingIn(error)).not.toContain('s3cret')
    expect(scene.service.requests).toEqual([])
  })

  it('a role on the way is refused, and the error says which', async () => {
    const scene = await machine(
      `[profile a]\nrole_arn = ${role('a')}\nsource_profile = b\n` +
        `[profile b]\nrole_arn = ${role('b')}\nsource_profile = c\n[profile c]\n${KEYS}`,
    )
    scene.answers(stsError('AccessDenied', 's3cret-base', 403))
    const error = await failureOf(scene.provider('a'))
    expect(error.message).toMatch(
      /^the profile "b": cannot assume the role arn:aws:iam::123456789012:role\/b through STS in eu-west-1: /,
    )
    expect(everythingIn(error)).not.toContain('s3cret')
    expect(scene.service.requests).toHaveLength(1)
  })

  it('the device is asked only after the source has been found', async () => {
    const scene = await machine(
      `[profile a]\nrole_arn = ${role('a')}\nsource_profile = gone\nmfa_serial = device\n`,
    )
    const mfaCodeProvider = vi.fn<MfaCodeProvider>(() => '123456')
    await failureOf(scene.provider('a', { mfaCodeProvider }))
    expect(mfaCodeProvider).not.toHaveBeenCalled()
  })

  it('STS is throttled for a while', async () => {
    const scene = await machine(
      `[profile a]\nrole_arn = ${role('a')}\nsource_profile = b\n[profile b]\n${KEYS}`,
    )
    scene.answers(stsError('Throttling'), stsError('Throttling'), assumedRole())
    expect(await scene.provider('a')()).toStrictEqual(roleCredentials)
    expect(scene.service.requests).toHaveLength(3)
  })
})

describe('the region of STS', () => {
  const config =
    `[default]\nregion = eu-south-1\n[profile a]\nrole_arn = ${role('a')}\nsource_profile = b\nregion = eu-north-1\n` +
    `[profile plain]\nrole_arn = ${role('plain')}\nsource_profile = b\n` +
    `[profile far]\nrole_arn = ${role('far')}\nsource_profile = a\n[profile b]\nregion = sa-east-1\n${KEYS}`

  async function hosts(
    options: FromIniOptions,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<readonly string[]> {
    const home = await temporaryHome({ config })
    const transport = new RecordingTransport({ body: assumedRole().body })
    const { context } = await fakeSts()
    await fromIni({
      ...options,
      context: {
        ...context,
        environment: { ...home.environment, ...environment },
        serviceTransport: transport,
      },
    })()
    return transport.requests.map(({ endpoint }) => endpoint.hostname)
  }

  it.each<[string, FromIniOptions, Readonly<Record<string, string>>, readonly string[]]>([
    [
      'of the options',
      { profile: 'a', clientConfig: { region: 'ap-east-1' }, region: 'us-west-2' },
      { AWS_REGION: 'us-west-1' },
      ['sts.ap-east-1.amazonaws.com'],
    ],
    [
      'of the profile',
      { profile: 'a', region: 'us-west-2' },
      { AWS_REGION: 'us-west-1' },
      ['sts.eu-north-1.amazonaws.com'],
    ],
    [
      'of the client that the credentials are for',
      { profile: 'plain', region: 'us-west-2' },
      { AWS_REGION: 'us-west-1' },
      ['sts.us-west-2.amazonaws.com'],
    ],
    [
      'of the environment',
      { profile: 'plain' },
      { AWS_REGION: 'us-west-1' },
      ['sts.us-west-1.amazonaws.com'],
    ],
    ['of the default profile', { profile: 'plain' }, {}, ['sts.eu-south-1.amazonaws.com']],
    [
      'of the first profile, for the whole chain',
      { profile: 'far', region: 'us-west-2' },
      {},
      ['sts.us-west-2.amazonaws.com', 'sts.us-west-2.amazonaws.com'],
    ],
  ])('is that %s', async (_, options, environment, expected) => {
    expect(await hosts(options, environment)).toEqual(expected)
  })

  it('does not matter where the profile names an endpoint', async () => {
    const scene = await machine('', { AWS_ENDPOINT_URL_STS: '' })
    const home = await temporaryHome({
      config:
        `[profile a]\nrole_arn = ${role('a')}\nsource_profile = b\nservices = local\nregion = eu-north-1\n` +
        `[services local]\nsts =\n  endpoint_url = ${scene.service.url}\n[profile b]\n${KEYS}`,
    })
    const environment = { ...home.environment, AWS_REGION: 'eu-west-1' }
    await fromIni({ profile: 'a', context: { ...scene.context, environment } })()
    expect(steps(scene)).toEqual(['AKIABASE -> a'])
    expect(scene.service.requests[0]?.headers.authorization).toContain('/eu-north-1/sts/aws4_request')
  })
})
