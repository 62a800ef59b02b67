import type { SessionData } from 'express-session'
import { describe, expect, test } from 'vitest'

import {
  isSdkClient,
  readSdkClient,
  type SdkClientConfig,
} from '../../../src/adapters/connect-dynamodb/sdk-client.ts'
import { loadInstalled } from '../../interop/install.ts'
import { engineCredentials, engineRegion, engine } from '../../support/engines.ts'
import { StubEndpoint } from '../../support/stub-endpoint.ts'
import { get as load, set, Store } from './subject.ts'

const packages = await loadInstalled()

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }
const nowhere = {}
const session: SessionData = { cookie: { originalMaxAge: 60_000 }, user: 'ada' }

async function failing(): Promise<never> {
  throw new Error('nothing to say')
}

function read(config: SdkClientConfig, environment = {}): ReturnType<typeof readSdkClient> {
  return readSdkClient({ config }, nowhere, environment)
}

describe('what a client says', () => {
  test('is found when it is a value, a function or an asynchronous function', async () => {
    for (const wrap of [
      (value: unknown) => value,
      (value: unknown) => () => value,
      (value: unknown) => async () => value,
    ]) {
      const found = await read({
        region: wrap('eu-west-1'),
        endpoint: wrap({ protocol: 'http:', hostname: '127.0.0.1', port: 8000, path: '/' }),
        credentials: wrap(credentials),
        maxAttempts: wrap(7),
      })
      expect(found).toMatchObject({ region: 'eu-west-1', endpoint: 'http://127.0.0.1:8000/', maxAttempts: 7 })
      const provider = found.credentials
      expect(typeof provider === 'function' && (await provider())).toEqual(credentials)
    }
  })

  test('is asked of the configuration itself', async () => {
    class Configuration {
      readonly #name = 'eu-west-1'
      async region(): Promise<string> {
        return this.#name
      }
    }
    expect((await read(new Configuration() as SdkClientConfig)).region).toBe('eu-west-1')
  })

  test.each<[string, unknown, string]>([
    ['text', 'https://dynamodb.example.com', 'https://dynamodb.example.com'],
    ['a URL', new URL('https://dynamodb.example.com/base'), 'https://dynamodb.example.com/base'],
    ['{ url }', { url: new URL('http://[::1]:8000') }, 'http://[::1]:8000/'],
    [
      'parts without a port',
      { protocol: 'https:', hostname: 'example.com', path: '/a/' },
      'https://example.com/a/',
    ],
    [
      'parts, the protocol without a colon',
      { protocol: 'https', hostname: 'example.com' },
      'https://example.com',
    ],
  ])('about the endpoint may be %s', async (_name, endpoint, url) => {
    expect((await read({ region: 'eu-west-1', endpoint })).endpoint).toBe(url)
  })

  test('about its region is needed', async () => {
    await expect(read({ region: failing })).rejects.toMatchObject({
      code: 'REGION_MISSING',
      message: expect.stringContaining('"region"') as string,
      cause: { message: 'nothing to say' },
    })
    await expect(read({ region: async () => 7 })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('pass the option "region"') as string,
    })
  })

  test('that is nothing the SDK says, is a mistake', async () => {
    await expect(read({ region: 'eu-west-1', endpoint: { host: 'example.com' } })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('pass the option "endpoint"') as string,
    })
    const { credentials: provider } = await read({ region: 'eu-west-1', credentials: async () => 'secret' })
    await expect(async () => typeof provider === 'function' && provider()).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.not.stringContaining('secret') as string,
    })
  })

  test('gives way to the options of the same names', async () => {
    const known = {
      region: 'eu-west-1',
      endpoint: 'http://127.0.0.1:8000',
      credentials,
      maxAttempts: 2,
    }
    const config = { region: failing, endpoint: failing, credentials: failing, maxAttempts: failing }
    expect(await readSdkClient({ config }, known, {})).toEqual(known)
  })

  test.each<[unknown, number | undefined]>([
    [99, 20],
    [0, undefined],
    [2.5, undefined],
    ['3', undefined],
  ])('about the number of attempts counts as far as it makes sense: %s', async (maxAttempts, expected) => {
    expect((await read({ region: 'eu-west-1', maxAttempts })).maxAttempts).toBe(expected)
  })

  test('about FIPS and dual-stack endpoints is heeded, and not twice', async () => {
    const asked: unknown[] = []
    const endpointProvider = (parameters: unknown): object => {
      asked.push(parameters)
      return { url: new URL('https://dynamodb.eu-west-1.api.aws') }
    }
    const region = 'eu-west-1'
    const plain = { region, endpoint: undefined }
    const own = { region, endpoint: 'https://dynamodb.eu-west-1.api.aws/' }
    const dual = { region, endpointProvider, useDualstackEndpoint: async () => true }
    expect(await read({ region, useFipsEndpoint: async () => true })).toMatchObject({
      region: 'fips-eu-west-1',
    })
    expect(await read({ region, endpointProvider, accountIdEndpointMode: 'preferred' })).toMatchObject(plain)
    expect(await read(dual)).toMatchObject(own)
    expect(await read(dual, { AWS_USE_DUALSTACK_ENDPOINT: 'true' })).toMatchObject(plain)
    expect(await read({ region, endpointProvider, accountIdEndpointMode: 'disabled' })).toMatchObject(own)
    expect(asked).toMatchObject([
      { Region: region, UseDualStack: true, UseFIPS: false },
      { Region: region, UseDualStack: false, UseFIPS: false, AccountIdEndpointMode: 'disabled' },
    ])
  })
})

describe.runIf(packages !== undefined)('a client of the AWS SDK', () => {
  type Sdk = Readonly<
    Record<'DynamoDBClient' | 'DynamoDB', new (settings: object) => { config: SdkClientConfig }>
  >
  const sdk = (): Sdk => packages?.('@aws-sdk/client-dynamodb') as Sdk

  test('is read', async () => {
    for (const Client of [sdk().DynamoDBClient, sdk().DynamoDB]) {
      const settings = {
        region: 'eu-west-1',
        credentials,
        endpoint: 'http://127.0.0.1:8000/base',
        maxAttempts: 6,
      }
      const client = new Client(settings)
      expect(isSdkClient(client)).toBe(true)
      const found = await readSdkClient(client, nowhere, {})
      expect(found).toMatchObject({
        region: 'eu-west-1',
        endpoint: 'http://127.0.0.1:8000/base',
        maxAttempts: 6,
      })
      expect(typeof found.credentials === 'function' && (await found.credentials())).toMatchObject(
        credentials,
      )
    }
  })

  test('that has no endpoint of its own leaves it open', async () => {
    const found = await readSdkClient(new (sdk().DynamoDBClient)({ region: 'fips-us-east-1' }), nowhere, {})
    expect(found).toMatchObject({ region: 'fips-us-east-1', endpoint: undefined })
    const dual = new (sdk().DynamoDBClient)({ region: 'us-east-1', useDualstackEndpoint: true })
    expect(await readSdkClient(dual, nowhere, {})).toMatchObject({
      region: 'us-east-1',
      endpoint: 'https://dynamodb.us-east-1.api.aws/',
    })
  })

  test('without a region is an error of the first call that says what to do', async () => {
    const store = new Store({ client: new (sdk().DynamoDBClient)({ credentials }), initialized: true })
    const loaded = load(store, 'some-id')
    await expect(loaded).rejects.toMatchObject({
      code: 'REGION_MISSING',
      message: expect.stringContaining('"client"') as string,
    })
    await store.close()
  })

  test('keeps sessions', async () => {
    const stub = await StubEndpoint.inFrontOf(engine.endpoint)
    const client = new (sdk().DynamoDBClient)({
      endpoint: stub.url,
      region: engineRegion,
      credentials: async () => engineCredentials,
    })
    const store = new Store({ client, table: `sessions-${Date.now()}` })
    try {
      expect(store.client).toBe(client)
      await store.initialize()
      await set(store, 'one', session)
      expect(await load(store, 'one')).toMatchObject({ user: 'ada' })
      expect(stub.operations).toEqual(expect.arrayContaining(['CreateTable', 'PutItem', 'GetItem']))
    } finally {
      await store.close()
      await stub.close()
    }
  })
})

describe('a client', () => {
  test('that hangs is an error after the deadline, and asked again by the next call', async () => {
    let asked = 0
    const region = async (): Promise<string> => {
      asked++
      return new Promise(() => undefined)
    }
    const store = new Store({ client: { config: { region } }, deadlineMs: 20 })
    const get = async (): Promise<unknown> => load(store, 'some-id')
    const first = await Promise.allSettled([get(), get()])
    expect(first).toMatchObject([
      { reason: { code: 'DEADLINE_EXCEEDED', message: expect.stringContaining('"client"') as string } },
      { reason: { code: 'DEADLINE_EXCEEDED' } },
    ])
    expect(asked).toBe(1)
    await expect(get()).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
    expect(asked).toBe(2)
    await store.close()
  })

  test('whose credentials change is asked again', async () => {
    const config = { region: 'eu-west-1', credentials: async () => credentials }
    const { credentials: provider } = await read(config)
    config.credentials = async () => ({ ...credentials, accessKeyId: 'AKIDOTHER' })
    expect(typeof provider === 'function' && (await provider())).toMatchObject({ accessKeyId: 'AKIDOTHER' })
  })
})
