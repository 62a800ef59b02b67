import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'

import type { Environment } from '../../../src/internal/process-environment.ts'
import {
  ConfigurationError,
  ConnectionError,
  CredentialsError,
  DeadlineExceededError,
} from '../../../src/errors.ts'
import { systemClock } from '../../../src/aws/http/server-clock.ts'
import { SocketTransport } from '../../../src/aws/http/socket-transport.ts'
import type { TransportRequest } from '../../../src/aws/http/transport.ts'
import { type ClientOptions, type FoundSettings, openClient } from '../../../src/store/open-client.ts'
import { rejectionOf } from '../../support/failure.ts'

const input = { TableName: 'sessions', Key: { id: { S: 'k' } } }
const credentials = { accessKeyId: 'AKID', secretAccessKey: 'secret' }

/** An environment in which there is nothing to find but what a test adds. */
const nothing: Environment = {
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/there/is/no/such/config',
  AWS_SHARED_CREDENTIALS_FILE: '/there/is/no/such/credentials',
}

/** Requests that would have been sent; none leaves the process. */
let requests: TransportRequest[] = []
let answer = (): Promise<{ statusCode: number; headers: Map<string, string>; body: Buffer }> =>
  Promise.reject(new Error('no answer'))

beforeEach(() => {
  requests = []
  answer = () =>
    Promise.resolve({
      statusCode: 200,
      headers: new Map([['content-type', 'application/x-amz-json-1.0']]),
      body: Buffer.from('{}'),
    })
  vi.spyOn(SocketTransport.prototype, 'request').mockImplementation(request => {
    requests.push(request)
    return answer()
  })
})
afterEach(() => {
  vi.restoreAllMocks()
})

async function send(options: ClientOptions, environment: Environment = {}): Promise<TransportRequest> {
  const client = openClient({ credentials, ...options }, { ...nothing, ...environment })
  onTestFinished(() => client.close())
  await client.send('GetItem', input)
  const request = requests.at(-1)
  if (request === undefined) throw new Error('nothing was sent')
  return request
}

function accessKeyIdOf({ headers }: TransportRequest): string | undefined {
  return /Credential=(\w+)/.exec(new Map(headers).get('authorization') ?? '')?.[1]
}

function scopeOf({ headers }: TransportRequest): string | undefined {
  return /Credential=\w+\/\d{8}\/([^,]+)/.exec(new Map(headers).get('authorization') ?? '')?.[1]
}

describe('settings that are found', () => {
  test('take the place of the options; calls at the same time share the search', async () => {
    let searches = 0
    const findSettings = async () => {
      searches++
      return { region: 'eu-north-1', endpoint: 'http://127.0.0.1:8001' }
    }
    const client = openClient({ region: 'eu-west-1', credentials, findSettings }, nothing)
    onTestFinished(() => client.close())
    expect(searches).toBe(0)
    await Promise.all([client.send('GetItem', input), client.send('GetItem', input)])
    await client.send('GetItem', input)
    expect(searches).toBe(1)
    expect(requests.map(({ endpoint }) => endpoint.host)).toEqual(Array(3).fill('127.0.0.1:8001'))
    expect(requests.map(scopeOf)).toEqual(Array(3).fill('eu-north-1/dynamodb/aws4_request'))
  })

  test('are looked for elsewhere as far as they are left open', async () => {
    const { endpoint } = await send({ findSettings: async () => ({}) }, { AWS_REGION: 'eu-south-1' })
    expect(endpoint.host).toBe('dynamodb.eu-south-1.amazonaws.com')
  })

  test('fail a call that cannot have them, and no later one', async () => {
    const failure = new Error('not yet')
    const findSettings = vi.fn<() => Promise<FoundSettings>>().mockRejectedValueOnce(failure)
    findSettings.mockResolvedValue({ region: 'eu-west-1' })
    const client = openClient({ credentials, findSettings }, nothing)
    onTestFinished(() => client.close())
    await expect(client.send('GetItem', input)).rejects.toBe(failure)
    await expect(client.send('GetItem', input)).resolves.toEqual({})
  })

  test('are waited for no longer than the deadline of the call, which names them', async () => {
    const client = openClient(
      { credentials, findSettings: () => new Promise<never>(() => undefined), deadlineMs: 30 },
      nothing,
    )
    const error = await rejectionOf(client.send('GetItem', input))
    expect(error).toBeInstanceOf(DeadlineExceededError)
    expect(String(error)).toContain('region and endpoint of the client in the option "client"')
  })
})

/** Hangs at first, then answers. */
function hangingOnce<Value>(value: Value): { ask: () => Promise<Value>; asked: () => number } {
  let asked = 0
  const ask = (): Promise<Value> =>
    asked++ === 0 ? new Promise<never>(() => undefined) : Promise.resolve(value)
  return { ask, asked: () => asked }
}

async function firstFailsThenSucceeds(options: ClientOptions, environment: Environment = {}): Promise<void> {
  const client = openClient({ deadlineMs: 1500, ...options }, { ...nothing, ...environment })
  onTestFinished(() => client.close())
  const several = Array.from({ length: 3 }, () => rejectionOf(client.send('GetItem', input)))
  for (const error of await Promise.all(several)) expect(error).toBeInstanceOf(DeadlineExceededError)
  await expect(client.send('GetItem', input)).resolves.toEqual({})
  await expect(client.send('GetItem', input)).resolves.toEqual({})
}

describe('what hangs once is asked again by the next call', () => {
  test('the function that the option "credentials" is', async () => {
    const { ask, asked } = hangingOnce(credentials)
    await firstFailsThenSucceeds({ region: 'eu-west-1', credentials: ask })
    expect(asked()).toBe(2)
  })

  test('the search for settings', async () => {
    const { ask, asked } = hangingOnce<FoundSettings>({ region: 'eu-west-1' })
    await firstFailsThenSucceeds({ credentials, findSettings: ask })
    expect(asked()).toBe(2)
  })

  test('the search for settings before that for credentials', async () => {
    let asked = 0
    const findSettings = (): Promise<FoundSettings> =>
      asked++ === 1 ? new Promise<never>(() => undefined) : Promise.resolve({ region: 'eu-west-1' })
    const keys = { AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 'secret' }
    await firstFailsThenSucceeds({ findSettings }, keys)
    expect(asked).toBe(3)
  })

  test('the instance, for its region', async () => {
    const metadata = hangingOnce(undefined)
    const answered = answer
    answer = () => {
      const path = requests.at(-1)?.path
      const body = { '/latest/api/token': 'token', '/latest/meta-data/placement/region': 'eu-west-1' }[
        path ?? ''
      ]
      if (body === undefined) return answered()
      return metadata.ask().then(() => ({ statusCode: 200, headers: new Map(), body: Buffer.from(body) }))
    }
    await firstFailsThenSucceeds({ credentials }, { AWS_EC2_METADATA_DISABLED: '' })
    expect(requests.map(({ path }) => path)).toEqual([
      '/latest/api/token',
      '/latest/api/token',
      '/latest/meta-data/placement/region',
      '/',
      '/',
    ])
  })

  test('and is not named twice by the error of a deadline', async () => {
    const client = openClient(
      { region: 'eu-west-1', deadlineMs: 1000, credentials: () => new Promise<never>(() => undefined) },
      nothing,
    )
    onTestFinished(() => client.close())
    await rejectionOf(client.send('GetItem', input))
    expect(String(await rejectionOf(client.send('GetItem', input)))).toMatch(
      /waiting for the function that the option "credentials" is \(for \d+ ms\)$/,
    )
  })
})

describe('the region', () => {
  test.each<[string, ClientOptions, Environment, string]>([
    ['the option', { region: 'eu-west-1' }, { AWS_REGION: 'eu-west-2' }, 'eu-west-1'],
    ['AWS_REGION', {}, { AWS_REGION: 'eu-west-2', AWS_DEFAULT_REGION: 'eu-west-3' }, 'eu-west-2'],
    ['AWS_DEFAULT_REGION', {}, { AWS_REGION: '', AWS_DEFAULT_REGION: 'eu-west-3' }, 'eu-west-3'],
  ])('comes from %s, for the signature and the endpoint', async (_source, options, environment, region) => {
    const request = await send(options, environment)
    expect(scopeOf(request)).toBe(`${region}/dynamodb/aws4_request`)
    expect(request.endpoint.origin).toBe(`https://dynamodb.${region}.amazonaws.com`)
  })

  test.each([{}, { AWS_REGION: '', AWS_DEFAULT_REGION: ' ' }])('is missing in %j', async environment => {
    const error = await rejectionOf(send({}, environment))
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error).toHaveProperty('code', 'REGION_MISSING')
    expect((error as Error).message).toMatch(
      /^no AWS region; looked at: the option "region" and the environment variables DYNAMODB_SESSIONS_REGION, AWS_REGION, AWS_DEFAULT_REGION.*; set one of them, for example to eu-west-1$/,
    )
    expect(requests).toHaveLength(0)
  })

  test('is needed with an endpoint, too', async () => {
    await expect(send({ endpoint: 'http://127.0.0.1:8000' })).rejects.toMatchObject({
      code: 'REGION_MISSING',
    })
  })

  test.each(['AWS_REGION', 'AWS_DEFAULT_REGION'])('cannot be nonsense in %s', async variable => {
    const error = await rejectionOf(send({}, { [variable]: 'hunter2.evil.example' }))
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error).toMatchObject({
      code: 'INVALID_SETTING',
      message: `the environment variable ${variable} is not the name of an AWS region such as eu-west-1`,
    })
  })

  test('that was missing is looked for again at the next call', async () => {
    const environment: Record<string, string | undefined> = { ...nothing }
    const client = openClient({ credentials }, environment)
    onTestFinished(() => client.close())
    await expect(client.send('GetItem', input)).rejects.toMatchObject({ code: 'REGION_MISSING' })
    environment['AWS_REGION'] = 'eu-west-1'
    await expect(client.send('GetItem', input)).resolves.toEqual({})
  })
})

describe('the endpoint', () => {
  const region = 'cn-north-1'
  const environment = {
    AWS_ENDPOINT_URL_DYNAMODB: 'http://one.example/base',
    AWS_ENDPOINT_URL: 'http://two.example',
  }

  test.each<[string, ClientOptions, Environment, string]>([
    ['the option', { endpoint: 'http://zero.example:8000' }, environment, 'http://zero.example:8000/'],
    ['AWS_ENDPOINT_URL_DYNAMODB', {}, environment, 'http://one.example/base/'],
    ['AWS_ENDPOINT_URL', {}, { ...environment, AWS_ENDPOINT_URL_DYNAMODB: '' }, 'http://two.example/'],
    ['the rules', {}, {}, 'https://dynamodb.cn-north-1.amazonaws.com.cn/'],
    [
      'the rules, when the variables are to be ignored',
      {},
      { ...environment, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' },
      'https://dynamodb.cn-north-1.amazonaws.com.cn/',
    ],
    [
      'the option, even then',
      { endpoint: 'http://zero.example' },
      { ...environment, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' },
      'http://zero.example/',
    ],
  ])('comes from %s', async (_source, options, variables, url) => {
    const { endpoint, path, headers } = await send({ region, ...options }, variables)
    expect(endpoint.origin + path).toBe(url)
    expect(new Map(headers).get('host')).toBe(new URL(url).host)
  })

  test.each([
    [
      'AWS_ENDPOINT_URL_DYNAMODB',
      'hunter2',
      'it is not a URL such as https://dynamodb.eu-west-1.amazonaws.com',
    ],
    ['AWS_ENDPOINT_URL', 'ftp://hunter2', 'it has to start with https:// or http://'],
    ['AWS_ENDPOINT_URL', 'http://u:hunter2@h', 'it must not contain a user name or password'],
    ['AWS_ENDPOINT_URL', 'http://h/?hunter2', 'it must not have a query or a fragment'],
  ])('cannot be nonsense in %s: %s', async (variable, value, reason) => {
    const error = await rejectionOf(send({ region }, { [variable]: value }))
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error).toMatchObject({
      code: 'INVALID_SETTING',
      message: `the environment variable ${variable} cannot be used: ${reason}`,
      cause: { name: 'TypeError', message: reason },
    })
    expect(requests).toHaveLength(0)
  })
})

describe('limits', () => {
  test('have defaults', async () => {
    vi.spyOn(performance, 'now').mockReturnValue(1000)
    const { connectTimeoutMs, attemptTimeoutMs, deadlineAtMs } = await send({ region: 'eu-west-1' })
    expect({ connectTimeoutMs, attemptTimeoutMs, deadlineAtMs }).toEqual({
      connectTimeoutMs: 2000,
      attemptTimeoutMs: 3000,
      deadlineAtMs: 8000,
    })
  })

  test('are those of the options', async () => {
    vi.spyOn(performance, 'now').mockReturnValue(1000)
    const options = {
      region: 'eu-west-1',
      connectTimeoutMs: 51_000,
      attemptTimeoutMs: 52_000,
      deadlineMs: 53_000,
    }
    const { connectTimeoutMs, attemptTimeoutMs, deadlineAtMs } = await send(options)
    expect({ connectTimeoutMs, attemptTimeoutMs, deadlineAtMs }).toEqual({
      connectTimeoutMs: 51_000,
      attemptTimeoutMs: 52_000,
      deadlineAtMs: 54_000,
    })
  })

  test.each([
    [{ attemptTimeoutMs: 9000 }, 10_000],
    [{ connectTimeoutMs: 8000, attemptTimeoutMs: 100 }, 9000],
    [{ attemptTimeoutMs: 6000 }, 8000],
  ])('the default of the deadline gives way to what one attempt may take: %j', async (options, atMs) => {
    vi.spyOn(performance, 'now').mockReturnValue(1000)
    expect((await send({ region: 'eu-west-1', ...options })).deadlineAtMs).toBe(atMs)
  })

  test.each<[ClientOptions, number]>([
    [{}, 4],
    [{ maxAttempts: 2 }, 2],
  ])('let a call be sent so many times: %j, %i', async (options, attempts) => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    answer = () => Promise.reject(new ConnectionError('CONNECTION_LOST', 'lost', { retryable: true }))
    await expect(send({ region: 'eu-west-1', ...options })).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
    expect(requests).toHaveLength(attempts)
  })

  test('are jittered by chance', async () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(0)
    answer = () => Promise.reject(new ConnectionError('CONNECTION_LOST', 'lost', { retryable: true }))
    await send({ region: 'eu-west-1' }).catch(() => undefined)
    expect(random).toHaveBeenCalledTimes(3)
  })
})

describe('the clock', () => {
  test('dates the signature', async () => {
    const { headers } = await send({
      region: 'eu-west-1',
      clock: { now: () => Date.UTC(2030, 0, 2, 3, 4, 5) },
    })
    expect(new Map(headers).get('x-amz-date')).toBe('20300102T030405Z')
  })

  test('is the system’s unless another is given', async () => {
    vi.spyOn(Date, 'now').mockReturnValue(Date.UTC(2031, 0, 2, 3, 4, 5))
    expect(systemClock.now()).toBe(Date.UTC(2031, 0, 2, 3, 4, 5))
    const { headers } = await send({ region: 'eu-west-1' })
    expect(new Map(headers).get('x-amz-date')).toBe('20310102T030405Z')
  })
})

describe('credentials', () => {
  const region = 'eu-west-1'

  test('that are an object are used as they are', async () => {
    expect(accessKeyIdOf(await send({ region }))).toBe('AKID')
  })

  test('that are an object may change, as that of an SDK does', async () => {
    const changing = { ...credentials }
    const client = openClient({ region, credentials: changing }, nothing)
    onTestFinished(() => client.close())
    await client.send('GetItem', input)
    changing.accessKeyId = 'AKIDTWO'
    await client.send('GetItem', input)
    expect(requests.map(accessKeyIdOf)).toEqual(['AKID', 'AKIDTWO'])
  })

  test('that a function finds are asked for once, by the clock of the options', async () => {
    let nowMs = Date.UTC(2026, 0, 1)
    let calls = 0
    const client = openClient(
      {
        region,
        clock: { now: () => nowMs },
        credentials: async () => ({
          ...credentials,
          accessKeyId: `AKID${++calls}`,
          expiration: new Date(nowMs + 3_600_000),
        }),
      },
      nothing,
    )
    onTestFinished(() => client.close())
    await Promise.all([client.send('GetItem', input), client.send('GetItem', input)])
    await client.send('GetItem', input)
    nowMs += 3_600_000
    await client.send('GetItem', input)
    expect(requests.map(accessKeyIdOf)).toEqual(['AKID1', 'AKID1', 'AKID1', 'AKID2'])
  })

  test('that are not given are looked for in the environment', async () => {
    const keys = { AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 'secret' }
    expect(accessKeyIdOf(await send({ region, credentials: undefined }, keys))).toBe('AKIDENV')
  })

  test('that are nowhere are an error that says what was looked at', async () => {
    const error = await rejectionOf(send({ region, credentials: undefined }))
    expect(error).toBeInstanceOf(CredentialsError)
    expect((error as Error).message).toMatch(
      /^no AWS credentials; looked at: environment variables \(AWS_ACCESS_KEY_ID is not set\)/,
    )
    expect(requests).toHaveLength(0)
  })

  test('that a function returns and are none are an error', async () => {
    const broken = { accessKeyId: 'AKID' } as typeof credentials
    await expect(send({ region, credentials: () => broken })).rejects.toBeInstanceOf(CredentialsError)
  })
})

test('opening a client asks nobody', () => {
  let asked = 0
  const client = openClient(
    {
      credentials: () => {
        asked++
        return credentials
      },
    },
    new Proxy<Record<string, string>>({}, { get: () => String(asked++) }),
  )
  onTestFinished(() => client.close())
  expect(asked).toBe(0)
})

describe('in Cloudflare Workers', () => {
  beforeEach(() => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' })
  })
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  test('requests go through fetch, because no socket outlives the request that has opened it', async () => {
    const sent = vi.fn<typeof globalThis.fetch>(() =>
      Promise.resolve(
        new Response('{}', {
          headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': 'A' },
        }),
      ),
    )
    vi.stubGlobal('fetch', sent)
    const client = openClient({ region: 'eu-west-1', credentials }, nothing)
    await client.send('GetItem', input)
    expect(sent.mock.calls[0]?.[0]).toBe('https://dynamodb.eu-west-1.amazonaws.com/')
    expect(requests).toEqual([])
    await client.close()
    expect(await rejectionOf(client.send('GetItem', input))).toMatchObject({ code: 'STORE_CLOSED' })
  })

  test.each([{ maxSockets: 1 }, { ca: 'PEM' }])('%j is refused, for it would have no effect', options => {
    expect(() => openClient({ region: 'eu-west-1', credentials, ...options }, nothing)).toThrow(
      'has no effect in Cloudflare Workers; leave it out',
    )
  })
})
