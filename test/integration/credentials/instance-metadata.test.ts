import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'

import {
  fromInstanceMetadata,
  type FromInstanceMetadataOptions,
} from '../../../src/aws/credentials/instance-metadata.ts'
import type { ProviderContext } from '../../../src/aws/credentials/provider.ts'
import { ConnectionError } from '../../../src/errors.ts'
import { SocketTransport } from '../../../src/aws/http/socket-transport.ts'
import { PendingSteps } from '../../../src/internal/deadline.ts'
import type { CredentialProvider } from '../../../src/types.ts'
import {
  credentialsBody,
  type FakeMetadata,
  instanceLines,
  instanceRole,
  type MetadataBehaviour,
  playInstance,
  tokenAnswer,
} from '../../support/fake-metadata.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { RecordingTransport } from '../../support/recording-transport.ts'
import { temporaryHome } from '../../support/temporary-home.ts'
import { everythingIn, failureOf } from './failure.ts'

const { token, role, credentials } = instanceLines
const served = {
  accessKeyId: 'ASIAMETADATA00000001',
  secretAccessKey: 'MeTaDaTa/SeCrEt+0123456789abcdefghijklmn',
  sessionToken: 'metadata-session-token==',
  expiration: new Date('2031-05-06T13:00:00Z'),
}
const SHORT_MS = 500
const SECOND_MS = 1000

let warnings: string[]

beforeEach(() => {
  warnings = []
  vi.spyOn(process, 'emitWarning').mockImplementation((warning: string | Error) => {
    warnings.push(String(warning))
  })
})
afterEach(() => {
  vi.restoreAllMocks()
})

/** A context that asks `server`, with an empty home directory. */
async function contextFor(
  server: Pick<FakeMetadata, 'url'> | undefined,
  environment: Readonly<Record<string, string>> = {},
  config?: string,
): Promise<ProviderContext & { readonly clock: ManualClock; readonly environment: Record<string, string> }> {
  const home = await temporaryHome(config === undefined ? {} : { config })
  const transport = new SocketTransport()
  onTestFinished(() => transport.close())
  return {
    environment: {
      ...home.environment,
      ...(server !== undefined && { AWS_EC2_METADATA_SERVICE_ENDPOINT: server.url }),
      ...environment,
    },
    clock: new ManualClock(),
    random: () => 0,
    transport,
    serviceTransport: transport,
    deadlineMs: 7000,
    pending: new PendingSteps(),
  }
}

async function providerFor(
  server: Pick<FakeMetadata, 'url'>,
  options: FromInstanceMetadataOptions = {},
): Promise<CredentialProvider> {
  return fromInstanceMetadata({ timeout: 10_000, ...options, context: await contextFor(server) })
}

/** A server that plays an instance whose service answers the request for a token with this status. */
async function playWithoutTokens(statusCode: number): Promise<FakeMetadata> {
  const server = await playInstance()
  return server
    .answer(token, { statusCode })
    .answer(role, { body: instanceRole })
    .answer(credentials, { body: credentialsBody() })
}

describe('fromInstanceMetadata', () => {
  it('gets a token, the role and its credentials', async () => {
    const server = await playInstance()
    const provider = await providerFor(server)
    expect(await provider()).toEqual(served)
    expect(server.lines).toEqual([token, role, credentials])
    const [put, ...gets] = server.requests
    expect(put?.headers).toMatchObject({
      'x-aws-ec2-metadata-token-ttl-seconds': '21600',
      'content-length': '0',
      host: new URL(server.url).host,
    })
    for (const get of gets) expect(get.headers['x-aws-ec2-metadata-token']).toBe('token-1')
  })

  it('passes the account on where the service names it', async () => {
    const server = await playInstance()
    server.answer(credentials, { body: credentialsBody({ AccountId: '123456789012' }) })
    const provider = await providerFor(server)
    expect(await provider()).toEqual({ ...served, accountId: '123456789012' })
  })

  it('asks over IPv6', async () => {
    const server = await playInstance('::1')
    const provider = await providerFor(server)
    expect(await provider()).toEqual(served)
    expect(server.requests[0]?.headers.host).toMatch(/^\[::1\]:\d+$/)
  })

  it.each([
    ['http://169.254.169.254', {}],
    ['http://[fd00:ec2::254]', { AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: 'IPv6' }],
  ])('asks %s unless told otherwise, for no longer than one second each', async (origin, environment) => {
    const transport = new RecordingTransport(
      { body: 'a-token' },
      { body: instanceRole },
      { body: credentialsBody() },
    )
    const context = { ...(await contextFor(undefined, environment)), transport }
    const before = performance.now()
    expect(await fromInstanceMetadata({ context })()).toEqual(served)
    const after = performance.now()
    expect(transport.lines).toEqual([token, role, credentials].map(line => line.replace(' ', ` ${origin}`)))
    for (const { connectTimeoutMs, attemptTimeoutMs, deadlineAtMs } of transport.requests) {
      expect({ connectTimeoutMs, attemptTimeoutMs }).toEqual({
        connectTimeoutMs: SECOND_MS,
        attemptTimeoutMs: SECOND_MS,
      })
      expect(deadlineAtMs).toBeGreaterThanOrEqual(before + SECOND_MS)
      expect(deadlineAtMs).toBeLessThanOrEqual(after + SECOND_MS)
    }
  })

  it('takes the variables of other SDKs for timeout and attempts', async () => {
    const transport = new RecordingTransport({ statusCode: 503 })
    const environment = { AWS_METADATA_SERVICE_TIMEOUT: '7', AWS_METADATA_SERVICE_NUM_ATTEMPTS: '3' }
    const context = { ...(await contextFor(undefined, environment)), transport }
    await failureOf(fromInstanceMetadata({ context }))
    expect(transport.requests.map(({ attemptTimeoutMs }) => attemptTimeoutMs)).toEqual(
      Array.from({ length: 6 }, () => 7000),
    )
    expect(transport.lines.filter(line => line.startsWith('PUT'))).toHaveLength(3)
  })

  it('asks nothing when the service is switched off', async () => {
    const transport = new RecordingTransport()
    for (const value of ['true', '1', 'yes']) {
      const context = { ...(await contextFor(undefined, { AWS_EC2_METADATA_DISABLED: value })), transport }
      const error = await failureOf(fromInstanceMetadata({ context }))
      expect(error.message).toContain('AWS_EC2_METADATA_DISABLED')
      expect(error.tryNextProvider).toBe(true)
    }
    expect(transport.requests).toEqual([])
  })

  it.each(['false', ''])('asks when the switch is %j', async value => {
    const server = await playInstance()
    const context = await contextFor(server, { AWS_EC2_METADATA_DISABLED: value })
    expect(await fromInstanceMetadata({ context })()).toEqual(served)
  })
})

describe('the token of the instance metadata service', () => {
  it('is kept until two minutes before its end', async () => {
    const server = await playInstance()
    server.answer(token, tokenAnswer('token-1', 600))
    const context = await contextFor(server)
    const provider = fromInstanceMetadata({ context })
    await provider()
    context.clock.advance(480 * SECOND_MS - 1)
    await provider()
    expect(server.lines).toEqual([token, role, credentials, role, credentials])

    server.forget()
    context.clock.advance(1)
    await provider()
    expect(server.lines).toEqual([token, role, credentials])
  })

  it('counts as valid for six hours when the service does not say', async () => {
    const server = await playInstance()
    server.answer(token, { body: 'token-1' })
    const context = await contextFor(server)
    const provider = fromInstanceMetadata({ context })
    await provider()
    context.clock.advance((21_600 - 120) * SECOND_MS - 1)
    await provider()
    context.clock.advance(1)
    await provider()
    expect(server.lines.filter(line => line === token)).toHaveLength(2)
  })

  it('is replaced once when the service no longer accepts it', async () => {
    const server = await playInstance()
    const provider = await providerFor(server)
    await provider()
    server.forget()
    server.answer(token, tokenAnswer('token-2'))
    server.handle(role, ({ headers }) =>
      headers['x-aws-ec2-metadata-token'] === 'token-2' ? { body: instanceRole } : { statusCode: 401 },
    )
    server.answer(credentials, { body: credentialsBody({ Token: 'the-next-one' }) })
    expect(await provider()).toEqual({ ...served, sessionToken: 'the-next-one' })
    expect(server.lines).toEqual([role, token, role, credentials])
    expect(warnings).toEqual([])
  })

  it('is not replaced for ever', async () => {
    const server = await playInstance()
    server.answer(role, { statusCode: 401 })
    const error = await failureOf(await providerFor(server))
    expect(server.lines).toEqual([token, role, token, role])
    expect(error.message).toContain('HTTP status 401')
    expect(error.tryNextProvider).toBe(true)
    expect(everythingIn(error)).not.toContain('token-1')
  })

  it.each(['', 'a\r\nb', 'é'])('is not sent when it is %j', async body => {
    const server = await playInstance()
    server.answer(token, { body })
    const error = await failureOf(await providerFor(server))
    expect(error.message).toContain('responded to the request for a token with something else')
    expect(server.lines).toEqual([token, role])
    expect(server.requests[1]?.headers).not.toHaveProperty('x-aws-ec2-metadata-token')
  })

  it('is not sent to another endpoint', async () => {
    const first = await playInstance()
    const second = await playInstance()
    second.answer(token, tokenAnswer('token-of-the-second'))
    second.answer(role, { body: instanceRole })
    second.answer(credentials, { body: credentialsBody() })
    const context = await contextFor(first)
    const provider = fromInstanceMetadata({ context })
    await provider()
    context.environment['AWS_EC2_METADATA_SERVICE_ENDPOINT'] = second.url
    await provider()
    expect(second.lines).toEqual([token, role, credentials])
    expect(second.requests.map(({ headers }) => headers['x-aws-ec2-metadata-token'])).not.toContain('token-1')
  })
})

const tokenFailures: readonly (readonly [string, MetadataBehaviour])[] = [
  ['answers 401', { statusCode: 401 }],
  ['answers 429', { statusCode: 429 }],
  ['answers 500', { statusCode: 500 }],
  ['answers 503', { statusCode: 503 }],
  ['answers 302', { statusCode: 302, headers: { location: 'http://example.com/' } }],
  ['gives an empty token', { body: '' }],
  ['gives a token that no header may have', { body: 'a\r\nb' }],
  ['is silent', 'silence'],
  ['trickles', 'trickle'],
  ['resets the connection', 'reset'],
  ['cuts its answer short', 'cut-short'],
]

describe('a metadata service without tokens', () => {
  it.each([403, 404, 405])('is asked without one after status %d, from then on', async statusCode => {
    const server = await playWithoutTokens(statusCode)
    const provider = await providerFor(server)
    expect(await provider()).toEqual(served)
    expect(await provider()).toEqual(served)
    expect(server.lines).toEqual([token, role, credentials, role, credentials])
    for (const { headers } of server.requests) expect(headers).not.toHaveProperty('x-aws-ec2-metadata-token')
  })

  it('is asked for one again when it begins to insist on it', async () => {
    const server = await playWithoutTokens(403)
    const provider = await providerFor(server)
    await provider()
    server.forget()
    server.answer(token, tokenAnswer('token-1'))
    server.handle(role, ({ headers }) =>
      headers['x-aws-ec2-metadata-token'] === 'token-1' ? { body: instanceRole } : { statusCode: 401 },
    )
    expect(await provider()).toEqual(served)
    expect(server.lines).toEqual([role, token, role, credentials])
  })

  it.each(tokenFailures)('is one that %s, for five minutes', async (_, behaviour) => {
    const server = await playWithoutTokens(403)
    server.answer(token, behaviour)
    const context = await contextFor(server)
    const provider = fromInstanceMetadata({ context, timeout: SHORT_MS })
    expect(await provider()).toEqual(served)
    context.clock.advance(5 * 60 * SECOND_MS - 1)
    expect(await provider()).toEqual(served)
    expect(server.lines).toEqual([token, role, credentials, role, credentials])
    for (const { headers } of server.requests) expect(headers).not.toHaveProperty('x-aws-ec2-metadata-token')

    server.forget()
    context.clock.advance(1)
    server.answer(token, tokenAnswer('token-1'))
    expect(await provider()).toEqual(served)
    expect(server.lines).toEqual([token, role, credentials])
  })

  it('that refuses the first connection is asked as well', async () => {
    const transport = new RecordingTransport(
      new ConnectionError('CONNECTION_FAILED', 'refused', { retryable: true }),
      { body: instanceRole },
      { body: credentialsBody() },
    )
    const context = { ...(await contextFor(undefined)), transport }
    expect(await fromInstanceMetadata({ context })()).toEqual(served)
  })

  it('is not remembered when it did not respond without a token either', async () => {
    const server = await playInstance()
    server.answer(token, 'silence', tokenAnswer('token-1'))
    server.answer(role, 'silence', { body: instanceRole })
    const provider = await providerFor(server, { timeout: SHORT_MS })
    await failureOf(provider)
    expect(await provider()).toEqual(served)
    expect(server.lines).toEqual([token, role, token, role, credentials])
  })

  it('is not what one is that answers 400', async () => {
    const server = await playWithoutTokens(400)
    const error = await failureOf(await providerFor(server))
    expect(error.message).toContain('responded to the request for a token with HTTP status 400')
    expect(error.tryNextProvider).toBe(true)
    expect(server.lines).toEqual([token])
  })

  it('that demands one all the same is an error that names the hop limit', async () => {
    const server = await playInstance()
    server.answer(token, 'silence')
    const error = await failureOf(await providerFor(server, { timeout: SHORT_MS }))
    expect(error.message).toMatch(/gave no token \(IMDSv2\), and it demands one: .*hop limit/)
    expect(error.tryNextProvider).toBe(true)
    expect(server.lines).toEqual([token, role])
  })

  it.each([
    ['the variable', { AWS_EC2_METADATA_V1_DISABLED: 'true' }, ''],
    ['the profile', { AWS_PROFILE: 'strict' }, '[profile strict]\nec2_metadata_v1_disabled = true\n'],
  ])(
    'that is silent names the hop limit where %s forbids to ask without one',
    async (_, environment, config) => {
      const server = await playWithoutTokens(403)
      server.answer(token, 'silence')
      const context = await contextFor(server, environment, config)
      const error = await failureOf(fromInstanceMetadata({ context, timeout: SHORT_MS }))
      expect(error.message).toMatch(/(?:V1_DISABLED|v1_disabled of the profile "strict") forbids .*hop limit/)
      expect(server.lines).toEqual([token])
    },
  )

  it('that fails in another way than by silence has nothing to do with the hop limit', async () => {
    const server = await playWithoutTokens(403)
    server.answer(token, 'reset', { statusCode: 500 })
    const context = await contextFor(server, { AWS_EC2_METADATA_V1_DISABLED: 'true' })
    for (const reason of [/was lost$/, /HTTP status 500$/]) {
      const error = await failureOf(fromInstanceMetadata({ context, timeout: 10_000 }))
      expect(error.message).toMatch(reason)
    }
  })

  it('is not asked when that is forbidden', async () => {
    const server = await playWithoutTokens(404)
    const byVariable = await contextFor(server, { AWS_EC2_METADATA_V1_DISABLED: 'true' })
    const profile = '[profile strict]\nec2_metadata_v1_disabled = true\n'
    const byProfile = await contextFor(server, { AWS_PROFILE: 'strict' }, profile)
    const errors = [
      await failureOf(fromInstanceMetadata({ context: byVariable })),
      await failureOf(fromInstanceMetadata({ context: byProfile })),
      await failureOf(
        fromInstanceMetadata({ context: await contextFor(server), ec2MetadataV1Disabled: true }),
      ),
    ]
    expect(server.lines).toEqual([token, token, token])
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringContaining('AWS_EC2_METADATA_V1_DISABLED'),
      expect.stringContaining('ec2_metadata_v1_disabled of the profile "strict"'),
      expect.stringContaining('ec2MetadataV1Disabled'),
    ])
    for (const { tryNextProvider } of errors) expect(tryNextProvider).toBe(true)
  })
})

describe('trouble with the instance metadata service', () => {
  it.each<[string, MetadataBehaviour]>([
    ['is silent', 'silence'],
    ['trickles', 'trickle'],
    ['resets the connection', 'reset'],
    ['cuts its answer short', 'cut-short'],
    ['answers 500', { statusCode: 500 }],
    ['answers 403', { statusCode: 403 }],
  ])('a service that %s is an error after which a chain goes on', async (_, behaviour) => {
    for (const line of [role, credentials]) {
      const server = await playInstance()
      server.answer(line, behaviour)
      const error = await failureOf(await providerFor(server, { timeout: SHORT_MS }))
      expect(error.tryNextProvider).toBe(true)
      expect(error.message).toContain(server.url)
      expect(server.lines.at(-1)).toBe(line)
      expect(everythingIn(error)).not.toContain('token-1')
    }
  })

  it('a slow answer within the limit is an answer', async () => {
    const server = await playInstance()
    server.answer(credentials, { body: credentialsBody(), delayMs: 50 })
    const provider = await providerFor(server)
    expect(await provider()).toEqual(served)
  })

  it('nobody listening is an error after which a chain goes on', async () => {
    const server = await playInstance()
    const { url } = server
    await server.close()
    const error = await failureOf(await providerFor({ url }))
    expect(error.tryNextProvider).toBe(true)
    expect(error.message).toContain(url)
  })

  it('requests without an answer, or with a server error, are sent again as often as asked for', async () => {
    const server = await playInstance()
    server
      .answer(token, 'reset', { statusCode: 500 }, tokenAnswer('token-1'))
      .answer(role, 'silence', { body: instanceRole })
      .answer(credentials, 'cut-short', { statusCode: 503 }, { body: credentialsBody() })
    const provider = await providerFor(server, { timeout: SHORT_MS, maxRetries: 2 })
    expect(await provider()).toEqual(served)
    expect(server.lines).toEqual([token, token, token, role, role, credentials, credentials, credentials])
  })

  it('an instance without a role is told apart', async () => {
    const server = await playInstance()
    server.answer(role, { statusCode: 404 })
    const error = await failureOf(await providerFor(server))
    expect(error.message).toContain('is an IAM role attached')
    expect(error.tryNextProvider).toBe(true)
  })

  it.each(['', 'two\nroles', '../../other', 'role?x=1', 'role HTTP/1.1\r\nx: y', '<html>'])(
    'the role %j is refused, and nothing more asked',
    async body => {
      const server = await playInstance()
      server.answer(role, { body })
      const error = await failureOf(await providerFor(server))
      expect(error.message).toContain('not the name of a role')
      expect(error.tryNextProvider).toBe(false)
      expect(server.lines).toEqual([token, role])
    },
  )

  it.each<[string, unknown]>([
    ['is not JSON', '{"Code": "Success", "SecretAccessKey": "MeTaDaTa/SeCrEt"'],
    ['is not JSON', '<html>MeTaDaTa/SeCrEt</html>'],
    ['is not JSON', ''],
    ['is not a JSON object', '["MeTaDaTa/SeCrEt"]'],
    ['the Code AssumeRoleUnauthorizedAccess', { Code: 'AssumeRoleUnauthorizedAccess' }],
    ['a Code instead of Success', credentialsBody({ Code: 'MeTaDaTa/SeCrEt' })],
    ['no text AccessKeyId', credentialsBody({ AccessKeyId: undefined })],
    ['no text SecretAccessKey', credentialsBody({ SecretAccessKey: 7 })],
    ['no text Token', credentialsBody({ Token: '' })],
    ['no text Expiration', credentialsBody({ Expiration: null })],
    ['not a date', credentialsBody({ Expiration: 'soon' })],
  ])('an answer that cannot be used (%s) ends a chain', async (part, body) => {
    const server = await playInstance()
    server.answer(credentials, { body })
    const error = await failureOf(await providerFor(server))
    expect(error.message).toContain(part)
    expect(error.message).toContain(instanceRole)
    expect(error.tryNextProvider).toBe(false)
    expect(everythingIn(error)).not.toMatch(/MeTaDaTa|metadata-session-token|token-1/)
  })

  it.each([
    { AWS_EC2_METADATA_SERVICE_ENDPOINT: 'not a uri' },
    { AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: 'IPv5' },
  ])('a wrong setting ends a chain: %j', async environment => {
    const transport = new RecordingTransport()
    const context = { ...(await contextFor(undefined, environment)), transport }
    const error = await failureOf(fromInstanceMetadata({ context }))
    expect(error.message).toContain(Object.keys(environment)[0])
    expect(error.tryNextProvider).toBe(false)
    expect(transport.requests).toEqual([])
  })
})

describe('credentials of an instance during an outage', () => {
  it('stay in use, with one warning', async () => {
    const server = await playInstance()
    const { url } = server
    const context = await contextFor(server)
    const provider = fromInstanceMetadata({ context })
    await provider()
    await server.close()
    context.clock.nowMs = served.expiration.getTime() - 1
    for (const advanceMs of [0, 1, 60_000]) {
      context.clock.advance(advanceMs)
      expect(await provider()).toEqual({
        ...served,
        expiration: new Date(context.clock.now() + 5 * 60_000),
      })
    }
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain(url)
    expect(warnings[0]).not.toMatch(/MeTaDaTa|ASIAMETADATA|metadata-session-token|token-1/)
  })

  it('stay in use when the service itself hands out expired ones', async () => {
    const server = await playInstance()
    const context = await contextFor(server)
    context.clock.nowMs = served.expiration.getTime() + 1
    expect(await fromInstanceMetadata({ context })()).toEqual({
      ...served,
      expiration: new Date(context.clock.now() + 5 * 60_000),
    })
    expect(warnings).toHaveLength(1)
  })
})
