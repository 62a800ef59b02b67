import { writeFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'

import {
  fromContainerMetadata,
  fromHttp,
  type FromHttpOptions,
} from '../../../src/aws/credentials/container.ts'
import type { ProviderContext } from '../../../src/aws/credentials/provider.ts'
import { AttemptTimeoutError, ConnectionError } from '../../../src/errors.ts'
import { SocketTransport } from '../../../src/aws/http/socket-transport.ts'
import type { CredentialProvider } from '../../../src/types.ts'
import { credentialsBody, FakeMetadata, type MetadataBehaviour } from '../../support/fake-metadata.ts'
import { RecordingTransport } from '../../support/recording-transport.ts'
import { temporaryHome } from '../../support/temporary-home.ts'
import { everythingIn, failureOf } from './failure.ts'

const PATH = '/v2/credentials/entitling-id'
const LINE = `GET ${PATH}`
const AUTHORIZATION = 'Bearer entitling-authorization'
const SHORT_MS = 500
const served = {
  accessKeyId: 'ASIAMETADATA00000001',
  secretAccessKey: 'MeTaDaTa/SeCrEt+0123456789abcdefghijklmn',
  sessionToken: 'metadata-session-token==',
  expiration: new Date('2031-05-06T13:00:00Z'),
}
const secrets = /entitling|MeTaDaTa|metadata-session-token/

/** A context with nothing but these variables, and a transport of its own. */
function contextWith(
  environment: Readonly<Record<string, string>>,
): Pick<ProviderContext, 'environment' | 'transport'> {
  const transport = new SocketTransport()
  onTestFinished(() => transport.close())
  return { environment, transport }
}

/** A provider that is configured for `server` in the environment, and does not pause. */
function providerFor(
  { url }: Pick<FakeMetadata, 'url'>,
  options: FromHttpOptions = {},
  environment: Readonly<Record<string, string>> = {},
): CredentialProvider {
  const context = contextWith({ AWS_CONTAINER_CREDENTIALS_FULL_URI: url + PATH, ...environment })
  return fromHttp({ timeout: 10_000, retryDelayMs: 0, ...options, context })
}

async function tokenFile(content: string): Promise<string> {
  const { directory } = await temporaryHome()
  const path = join(directory, 'token')
  await writeFile(path, content)
  return path
}

afterEach(() => {
  vi.useRealTimers()
})

describe('fromHttp and fromContainerMetadata', () => {
  it('ask the endpoint that the environment names, without an authorization when none is set', async () => {
    const body = credentialsBody({ Code: undefined, RoleArn: 'arn:aws:iam::123456789012:role/task' })
    for (const provider of [fromHttp, fromContainerMetadata]) {
      const server = await FakeMetadata.start()
      server.answer(LINE, { body })
      const context = contextWith({ AWS_CONTAINER_CREDENTIALS_FULL_URI: server.url + PATH })
      expect(await provider({ context })()).toEqual(served)
      expect(server.lines).toEqual([LINE])
      expect(server.requests[0]?.headers).not.toHaveProperty('authorization')
      expect(server.requests[0]?.headers).toMatchObject({ host: new URL(server.url).host })
    }
  })

  it('ask over IPv6, and keep the query', async () => {
    const server = await FakeMetadata.start('::1')
    server.answer(`${LINE}?a=1&b`, { body: credentialsBody({ AccountId: '123456789012' }) })
    const context = contextWith({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server.url}${PATH}?a=1&b` })
    expect(await fromContainerMetadata({ context })()).toEqual({ ...served, accountId: '123456789012' })
  })

  it.each([
    ['http://169.254.170.2/credentials', { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/credentials' }],
    ['http://169.254.170.23/v1/c', { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.23/v1/c' }],
    ['http://[fd00:ec2::23]/v1/c', { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://[fd00:ec2::23]/v1/c' }],
    [
      'https://credentials.example.com/',
      { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'https://credentials.example.com' },
    ],
  ])('ask %s for as long as the call may take, and connect for a second', async (url, environment) => {
    const transport = new RecordingTransport({ body: credentialsBody() })
    const variables = { ...environment, AWS_CONTAINER_AUTHORIZATION_TOKEN: AUTHORIZATION }
    const before = performance.now()
    await fromContainerMetadata({ context: { environment: variables, transport, deadlineMs: 9000 } })()
    const after = performance.now()
    expect(transport.lines).toEqual([`GET ${url}`])
    const [request] = transport.requests
    expect(request).toMatchObject({ connectTimeoutMs: 1000 })
    expect(request?.attemptTimeoutMs).toBeGreaterThan(9000 - Math.ceil(after - before) - 1)
    expect(request?.attemptTimeoutMs).toBeLessThanOrEqual(9000)
    expect(request?.headers).toContainEqual(['authorization', AUTHORIZATION])
  })

  it('take options before the environment', async () => {
    const server = await FakeMetadata.start()
    server.answer(LINE, { body: credentialsBody() })
    const provider = fromHttp({
      awsContainerCredentialsFullUri: server.url + PATH,
      awsContainerAuthorizationToken: AUTHORIZATION,
      context: contextWith({
        AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/elsewhere',
        AWS_CONTAINER_AUTHORIZATION_TOKEN: 'another',
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/no/such/file',
      }),
    })
    expect(await provider()).toEqual(served)
    expect(server.requests[0]?.headers.authorization).toBe(AUTHORIZATION)
  })

  it('send nothing anywhere when nothing is configured, or a foreign host', async () => {
    const transport = new RecordingTransport({ body: credentialsBody() })
    const nothing = await failureOf(fromContainerMetadata({ context: { environment: {}, transport } }))
    expect(nothing.tryNextProvider).toBe(true)
    for (const uri of [
      'http://credentials.example.com/c',
      'http://169.254.169.254/c',
      'http://127.0.0.1@x.example/',
    ]) {
      const environment = {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: uri,
        AWS_CONTAINER_AUTHORIZATION_TOKEN: AUTHORIZATION,
      }
      const error = await failureOf(fromContainerMetadata({ context: { environment, transport } }))
      expect(error.tryNextProvider).toBe(false)
      expect(everythingIn(error)).not.toMatch(secrets)
    }
    expect(transport.requests).toEqual([])
  })
})

describe('the authorization token of a container', () => {
  it('comes from the file before it comes from the variable, without being changed', async () => {
    const server = await FakeMetadata.start()
    server.answer(LINE, { body: credentialsBody() })
    const file = await tokenFile('eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl')
    const provider = providerFor(
      server,
      {},
      {
        AWS_CONTAINER_AUTHORIZATION_TOKEN: AUTHORIZATION,
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file,
      },
    )
    await provider()
    expect(server.requests[0]?.headers.authorization).toBe('eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl')
  })

  it('is read from its file before every attempt', async () => {
    const server = await FakeMetadata.start()
    const file = await tokenFile('token-0')
    server.handle(LINE, ({ headers }) => {
      if (headers.authorization === 'token-1') return { body: credentialsBody() }
      writeFileSync(file, 'token-1')
      return { statusCode: 500 }
    })
    const provider = providerFor(server, {}, { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file })
    expect(await provider()).toEqual(served)
    await writeFile(file, 'token-2')
    server.answer(LINE, { body: credentialsBody() })
    await provider()
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
      'token-0',
      'token-1',
      'token-2',
    ])
  })

  it.each(['entitling\r\nx-injected: y', 'entitling\n', '\rentitling', 'entitling\u0000', 'entitlingé', ''])(
    'is refused when it is %j, and nothing sent',
    async content => {
      const server = await FakeMetadata.start()
      server.answer(LINE, { body: credentialsBody() })
      const file = await tokenFile(content)
      const errors = [
        await failureOf(providerFor(server, {}, { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file })),
        ...(content === ''
          ? []
          : [
              await failureOf(providerFor(server, {}, { AWS_CONTAINER_AUTHORIZATION_TOKEN: content })),
              await failureOf(providerFor(server, { awsContainerAuthorizationToken: content })),
            ]),
      ]
      for (const error of errors) {
        expect(error.tryNextProvider).toBe(false)
        expect(everythingIn(error)).not.toMatch(secrets)
      }
      expect(errors[0]?.message).toContain(file)
      expect(server.requests).toEqual([])
    },
  )

  it('is an error when its file is gone, and nothing is asked without it', async () => {
    const server = await FakeMetadata.start()
    server.answer(LINE, { body: credentialsBody() })
    const file = await tokenFile('token-0')
    await rm(file)
    const environment = {
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: AUTHORIZATION,
    }
    const error = await failureOf(providerFor(server, {}, environment))
    expect(error.message).toContain(file)
    expect(error.message).toContain('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE')
    expect(error.tryNextProvider).toBe(false)
    expect(server.requests).toEqual([])
  })
})

describe('trouble with a container credentials endpoint', () => {
  it.each([
    [400, 4],
    [401, 2],
    [403, 2],
    [404, 4],
    [429, 4],
  ])('status %d is met %d times, and its text not passed on', async (statusCode, times) => {
    const server = await FakeMetadata.start()
    server.answer(LINE, {
      statusCode,
      body: { Code: 'AccessDeniedException', Message: `not with ${AUTHORIZATION}` },
    })
    const environment = { AWS_CONTAINER_AUTHORIZATION_TOKEN: AUTHORIZATION }
    const error = await failureOf(providerFor(server, {}, environment))
    expect(error.message).toBe(
      `the container credentials endpoint ${server.url} responded with HTTP status ${statusCode} (AccessDeniedException)`,
    )
    expect(error.tryNextProvider).toBe(true)
    expect(everythingIn(error)).not.toMatch(secrets)
    expect(server.lines).toEqual(Array.from({ length: times }, () => LINE))
  })

  it.each([401, 403])('status %d is got over with a token that was replaced meanwhile', async statusCode => {
    const server = await FakeMetadata.start()
    const file = await tokenFile('token-0')
    server.handle(LINE, ({ headers }) => {
      if (headers.authorization === 'token-1') return { body: credentialsBody() }
      writeFileSync(file, 'token-1')
      return { statusCode }
    })
    const provider = providerFor(server, {}, { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file })
    expect(await provider()).toEqual(served)
    expect(server.lines).toEqual([LINE, LINE])
  })

  it.each<[string, MetadataBehaviour]>([
    ['answers 500', { statusCode: 500, body: 'MeTaDaTa' }],
    ['answers 503', { statusCode: 503 }],
    ['redirects', { statusCode: 302, headers: { location: 'http://example.com/' } }],
    ['resets the connection', 'reset'],
    ['cuts its answer short', 'cut-short'],
  ])('an endpoint that %s is asked four times', async (_, behaviour) => {
    const server = await FakeMetadata.start()
    server.answer(LINE, behaviour)
    const error = await failureOf(providerFor(server))
    expect(error.message).toContain(server.url)
    expect(error.tryNextProvider).toBe(true)
    expect(everythingIn(error)).not.toMatch(secrets)
    expect(server.lines).toEqual([LINE, LINE, LINE, LINE])
  })

  it.each(['silence', 'trickle'] as const)('%s does not last', async behaviour => {
    const server = await FakeMetadata.start()
    server.answer(LINE, behaviour)
    const error = await failureOf(providerFor(server, { timeout: SHORT_MS, maxRetries: 1 }))
    expect(error.message).toMatch(/cannot be reached: no complete response from \S+ within \d+ ms/)
    expect(error.cause).toBeInstanceOf(AttemptTimeoutError)
    expect(error.tryNextProvider).toBe(true)
    expect(server.lines).toEqual([LINE, LINE])
  })

  it('nobody listening is an error after which a chain goes on', async () => {
    const server = await FakeMetadata.start()
    const { url } = server
    await server.close()
    const error = await failureOf(providerFor({ url }))
    expect(error.message).toContain(url)
    expect(error.tryNextProvider).toBe(true)
  })

  it('a slow answer within the limit is an answer', async () => {
    const server = await FakeMetadata.start()
    server.answer(LINE, { body: credentialsBody(), delayMs: 50 })
    expect(await providerFor(server)()).toEqual(served)
  })

  it('what passes is got over', async () => {
    const server = await FakeMetadata.start()
    server.answer(LINE, 'reset', { statusCode: 429 }, { statusCode: 400 }, { body: credentialsBody() })
    expect(await providerFor(server)()).toEqual(served)
    expect(server.lines).toHaveLength(4)
  })

  it.each<[string, unknown]>([
    ['is not JSON', '{"SecretAccessKey": "MeTaDaTa/SeCrEt"'],
    ['is not JSON', '<html>MeTaDaTa/SeCrEt</html>'],
    ['is not JSON', ''],
    ['is not a JSON object', '["MeTaDaTa/SeCrEt"]'],
    ['no text AccessKeyId', credentialsBody({ AccessKeyId: undefined })],
    ['no text SecretAccessKey', credentialsBody({ SecretAccessKey: 7 })],
    ['no text Token', credentialsBody({ Token: '' })],
    ['no text Expiration', credentialsBody({ Expiration: undefined })],
    ['not a date', credentialsBody({ Expiration: 'soon' })],
  ])('an answer that cannot be used (%s) ends a chain, after four attempts', async (part, body) => {
    const server = await FakeMetadata.start()
    server.answer(LINE, { body })
    const error = await failureOf(providerFor(server))
    expect(error.message).toContain(part)
    expect(error.tryNextProvider).toBe(false)
    expect(everythingIn(error)).not.toMatch(secrets)
    expect(server.lines).toHaveLength(4)
  })

  it('one that is silent for the whole deadline is asked once', async () => {
    const server = await FakeMetadata.start()
    server.answer(LINE, 'silence')
    const context = {
      ...contextWith({ AWS_CONTAINER_CREDENTIALS_FULL_URI: server.url + PATH }),
      deadlineMs: SHORT_MS,
    }
    const error = await failureOf(fromContainerMetadata({ context }))
    expect(error.message).toMatch(/cannot be reached: no complete response from .* within \d+ ms$/)
    expect(server.lines).toEqual([LINE])
  })

  it('pauses for one second before each further attempt', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const transport = new RecordingTransport(
      new ConnectionError('CONNECTION_FAILED', 'refused', { retryable: true }),
    )
    const environment = { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: PATH }
    const failure = failureOf(fromContainerMetadata({ context: { environment, transport } }))
    const counts: number[] = []
    for (const advanceMs of [0, 999, 1, 999, 1, 999, 1]) {
      await vi.advanceTimersByTimeAsync(advanceMs)
      counts.push(transport.requests.length)
    }
    expect(counts).toEqual([1, 1, 2, 2, 3, 3, 4])
    const error = await failure
    expect(error.message).toContain('refused')
    expect(everythingIn(error)).not.toMatch(secrets)
  })

  it('does not repeat what cannot succeed', async () => {
    const transport = new RecordingTransport(
      new ConnectionError('CERTIFICATE_REJECTED', 'the certificate was rejected', { retryable: false }),
    )
    const environment = { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'https://credentials.example.com/' }
    await failureOf(fromContainerMetadata({ context: { environment, transport } }))
    expect(transport.requests).toHaveLength(1)
  })
})
