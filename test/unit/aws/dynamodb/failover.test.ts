import { subscribe, unsubscribe } from 'node:diagnostics_channel'

import { describe, expect, onTestFinished, test } from 'vitest'

import { settingsElsewhere } from '../../../../src/aws/config/settings.ts'
import type { DynamoDBClientOptions, DynamoDBSettings } from '../../../../src/aws/dynamodb/client-options.ts'
import { DynamoDBClient } from '../../../../src/aws/dynamodb/client.ts'
import { boundedTransport } from '../../../../src/aws/http/bounded-transport.ts'
import type { Transport, TransportRequest, TransportResponse } from '../../../../src/aws/http/transport.ts'
import type { AttemptTrace, RegionTrace } from '../../../../src/diagnostics.ts'
import { ConfigurationError, ConnectionError } from '../../../../src/errors.ts'
import { blockEventLoop } from '../../../support/event-loop.ts'
import { rejectionOf } from '../../../support/failure.ts'

type Behaviour =
  | 'well'
  | 'refuses'
  | 'hangs'
  | 'fails'
  | 'throttles'
  | 'denies'
  | 'has no table'
  | 'conflicts'

const HOME = 'eu-west-1'
const OTHER = 'us-west-2'
const read = { TableName: 'sessions', Key: { id: { S: 'k' } } }

/** DynamoDB in several Regions. */
class World implements Transport {
  readonly behaviours: Record<string, Behaviour> = { [HOME]: 'well', [OTHER]: 'well' }
  /** The Regions of the requests that have come. */
  seen: string[] = []
  readonly requests: TransportRequest[] = []

  async request(request: TransportRequest): Promise<TransportResponse> {
    const region = request.endpoint.hostname.split('.')[1] ?? ''
    this.seen.push(region)
    this.requests.push(request)
    switch (this.behaviours[region] ?? 'well') {
      case 'refuses':
        throw new ConnectionError('CONNECTION_FAILED', 'connection refused', { retryable: true })
      case 'hangs':
        return new Promise(() => undefined)
      case 'fails':
        return responseOf(500, { __type: 'InternalServerError' })
      case 'throttles':
        return responseOf(400, { __type: 'ThrottlingException' })
      case 'denies':
        return responseOf(400, { __type: 'AccessDeniedException' })
      case 'has no table':
        return responseOf(400, { __type: 'ResourceNotFoundException' })
      case 'conflicts':
        return responseOf(400, { __type: 'ReplicatedWriteConflictException' })
      case 'well':
        return responseOf(200, {})
    }
  }

  async close(): Promise<void> {
    // It has no connections.
  }

  take(): string[] {
    const { seen } = this
    this.seen = []
    return seen
  }
}

function responseOf(statusCode: number, body: object): TransportResponse {
  return {
    statusCode,
    headers: new Map([['content-type', 'application/x-amz-json-1.0']]),
    body: JSON.stringify(body),
  }
}

function open(
  options: Partial<DynamoDBClientOptions> = {},
  settings: {
    readonly maxAttempts?: number
    readonly useFips?: boolean
    readonly endpoint?: string
    readonly others?: readonly string[]
  } = {},
): { client: DynamoDBClient; world: World } {
  const world = new World()
  const { maxAttempts = 4, useFips = false, endpoint, others = [OTHER] } = settings
  const client = new DynamoDBClient({
    settings: () => {
      const home: DynamoDBSettings = {
        region: HOME,
        customEndpoint:
          endpoint === undefined ? undefined : { url: endpoint, source: 'the option "endpoint"' },
        useFips,
        useDualStack: false,
        accountIdEndpointMode: 'disabled',
        maxAttempts,
        correctsClockSkew: true,
      }
      if (options.failover === undefined && 'failover' in options) return home
      return { ...home, elsewhere: others.map(region => settingsElsewhere({ region }, home)) }
    },
    credentials: { accessKeyId: 'AKID', secretAccessKey: 'secret' },
    transport: boundedTransport(world),
    ownsTransport: true,
    clock: { now: () => Date.now() },
    random: () => 0,
    connectTimeoutMs: 20_000,
    attemptTimeoutMs: 20_000,
    deadlineMs: 40_000,
    failover: { attemptTimeoutMs: 10_000, returnAfterMs: 3_600_000 },
    ...options,
  })
  onTestFinished(() => client.close())
  return { client, world }
}

function listenTo<Message>(channel: string): Message[] {
  const messages: Message[] = []
  const listener = (message: unknown): void => {
    messages.push(message as Message)
  }
  subscribe(channel, listener)
  onTestFinished(() => {
    unsubscribe(channel, listener)
  })
  return messages
}

describe('a call goes on in the next Region', () => {
  test.each(['refuses', 'fails'] as const)('when its own %s twice', async behaviour => {
    const { client, world } = open()
    await client.send('GetItem', read)
    world.behaviours[HOME] = behaviour
    world.take()
    await client.send('GetItem', read)
    expect(world.take()).toEqual([HOME, HOME, OTHER])
    expect(new Map(world.requests.at(-1)?.headers).get('authorization')).toContain('/us-west-2/dynamodb/')
    // The third failure in a row opens the breaker.
    await client.send('GetItem', read)
    expect(world.take()).toEqual([HOME, OTHER])
    await client.send('UpdateItem', { ...read, UpdateExpression: 'SET a = :a' })
    expect(world.take()).toEqual([OTHER])
  })

  test('at once when its own does not respond', async () => {
    const { client, world } = open({
      failover: { attemptTimeoutMs: 50, returnAfterMs: 3_600_000 },
    })
    world.behaviours[HOME] = 'hangs'
    for (let count = 0; count < 4; count++) await client.send('GetItem', read)
    expect(world.take()).toEqual([HOME, OTHER, HOME, OTHER, HOME, OTHER, OTHER])
    expect(client.health().regions[0]).toMatchObject({ state: 'open', lastFailureCode: 'ATTEMPT_TIMEOUT' })
  })

  test('when it may not be tried again in its own', async () => {
    const { client, world } = open({}, { maxAttempts: 1 })
    world.behaviours[HOME] = 'refuses'
    await client.send('GetItem', read)
    expect(world.take()).toEqual([HOME, OTHER])
  })

  test('and in the one after that', async () => {
    const third = 'ap-south-1'
    const { client, world } = open({}, { others: [OTHER, third] })
    world.behaviours[HOME] = 'refuses'
    world.behaviours[OTHER] = 'refuses'
    await client.send('GetItem', read)
    expect(world.take()).toEqual([HOME, HOME, OTHER, OTHER, third])
    expect(client.health().region).toBe(HOME)
    await client.send('GetItem', read)
    expect(client.health().region).toBe(third)
  })

  test('but not for what the Region is not to blame for', async () => {
    const { client, world } = open({ deadlineMs: 1000 }, { maxAttempts: 2 })
    for (const behaviour of ['throttles', 'denies', 'conflicts'] as const) {
      world.behaviours[HOME] = behaviour
      for (let count = 0; count < 4; count++) await rejectionOf(client.send('GetItem', read))
    }
    const hung = new AbortController()
    world.behaviours[HOME] = 'hangs'
    for (let count = 0; count < 4; count++) {
      const call = client.send('GetItem', read, { signal: hung.signal })
      hung.abort(new Error('the caller has gone'))
      await rejectionOf(call)
    }
    expect(world.take()).not.toContain(OTHER)
    expect(client.health().regions[0]?.state).toBe('closed')
  })

  test('but not one about the table itself, nor one for a certain Region', async () => {
    const { client, world } = open()
    world.behaviours[HOME] = 'refuses'
    await rejectionOf(client.send('DescribeTable', { TableName: 'sessions' }))
    await rejectionOf(client.send('GetItem', read, { region: HOME }))
    expect(world.take()).not.toContain(OTHER)
    await client.send('GetItem', read, { region: OTHER })
    expect(world.take()).toEqual([OTHER])
  })

  test('and fails where that fails, too', async () => {
    const { client, world } = open()
    world.behaviours[HOME] = 'refuses'
    world.behaviours[OTHER] = 'denies'
    const error = await rejectionOf(client.send('GetItem', read))
    expect(error).toMatchObject({ code: 'ACCESS_DENIED' })
    expect(String(error)).toMatch(/in us-west-2; .*; in eu-west-1: connection refused$/)
    expect((error as Error).stack).toContain(String(error))
  })
})

describe('when every Region fails', () => {
  test('the error tells what came of each', async () => {
    const { client, world } = open({}, { maxAttempts: 1 })
    world.behaviours[HOME] = 'refuses'
    world.behaviours[OTHER] = 'fails'
    const error = await rejectionOf(client.send('GetItem', read))
    expect(String(error)).toMatch(/InternalServerError.*; in eu-west-1: connection refused$/)
  })

  test('calls go to the one that has responded since, without asking the first one before', async () => {
    const { client, world } = open({}, { maxAttempts: 1 })
    for (const region of [HOME, OTHER]) world.behaviours[region] = 'refuses'
    for (let count = 0; count < 4; count++) await rejectionOf(client.send('GetItem', read))
    expect(client.health().regions.map(({ state }) => state)).toEqual(['open', 'open'])
    world.behaviours[OTHER] = 'well'
    await client.send('GetItem', read)
    world.take()
    await client.send('GetItem', read)
    expect(world.take()).toEqual([OTHER])
    world.behaviours[OTHER] = 'refuses'
    world.behaviours[HOME] = 'well'
    await client.send('GetItem', read)
    expect(world.take()).toEqual([OTHER, HOME])
  })
})

describe('another Region that is not set up as the first one', () => {
  test.each(['denies', 'has no table'] as const)(
    'is left (%s), so that calls notice when that one is well again',
    async behaviour => {
      const { client, world } = open({}, { maxAttempts: 1 })
      world.behaviours[OTHER] = behaviour
      world.behaviours[HOME] = 'refuses'
      for (let count = 0; count < 4; count++) await rejectionOf(client.send('GetItem', read))
      world.behaviours[HOME] = 'well'
      world.take()
      for (let count = 0; count < 4; count++) await client.send('GetItem', read)
      expect(world.take()).toEqual([HOME, HOME, HOME, HOME])
    },
  )

  test('does not take a call with it that the first one would carry out', async () => {
    const { client, world } = open({}, { maxAttempts: 1 })
    world.behaviours[HOME] = 'refuses'
    for (let count = 0; count < 3; count++) await client.send('GetItem', read)
    world.behaviours[OTHER] = 'denies'
    world.behaviours[HOME] = 'well'
    world.take()
    await client.send('GetItem', read)
    expect(world.take()).toEqual([OTHER, HOME])
  })
})

test('another Region that failed once is found to be well by copies of reads, though no call went there', async () => {
  const { client, world } = open({ failover: { attemptTimeoutMs: 10_000, returnAfterMs: 1 } })
  await client.send('GetItem', read)
  world.behaviours[OTHER] = 'fails'
  for (let count = 0; count < 3; count++) {
    await rejectionOf(client.send('DeleteItem', read, { region: OTHER }))
  }
  expect(client.otherRegions).toEqual([])
  world.behaviours[OTHER] = 'well'
  await expect
    .poll(
      async () => {
        await client.send('GetItem', read)
        return client.otherRegions
      },
      { interval: 20 },
    )
    .toEqual([OTHER])
})

test('timeouts of a process that was frozen or blocked say nothing of the Region', async () => {
  const { client, world } = open({ failover: { attemptTimeoutMs: 20, returnAfterMs: 3_600_000 } })
  await client.send('GetItem', read)
  world.behaviours[HOME] = 'hangs'
  const calls = Array.from({ length: 30 }, () => client.send('GetItem', read))
  blockEventLoop(1500)
  await Promise.all(calls)
  expect(client.health().regions[0]).toMatchObject({ state: 'closed' })
})

test('calls return when copies of reads have succeeded, whose responses nobody gets', async () => {
  const { client, world } = open({
    failover: { attemptTimeoutMs: 10_000, returnAfterMs: 1 },
  })
  const starts = listenTo<RegionTrace>('tracing:dynamodb-sessions:region:start')
  const ends = listenTo<RegionTrace>('tracing:dynamodb-sessions:region:asyncEnd')
  world.behaviours[HOME] = 'refuses'
  for (let count = 0; count < 2; count++) await client.send('GetItem', read)
  expect(starts).toMatchObject([{ region: HOME, reason: 'CONNECTION_FAILED' }])
  expect(client.health().region).toBe(OTHER)
  world.behaviours[HOME] = 'well'
  let calls = 0
  await expect
    .poll(
      async () => {
        calls++
        await client.send('GetItem', read)
        return client.health().region
      },
      { interval: 20 },
    )
    .toBe(HOME)
  const seen = world.take()
  expect(seen.filter(region => region === OTHER).length).toBeGreaterThanOrEqual(calls - 1)
  expect(seen.filter(region => region === HOME).length).toBeLessThanOrEqual(4 + 5 + 1)
  expect(ends).toMatchObject([{ region: HOME, outcome: 'recovered' }])
})

test('traces tell the Region of an attempt, and why there is another one', async () => {
  const { client, world } = open({}, { maxAttempts: 1 })
  const attempts = listenTo<AttemptTrace>('tracing:dynamodb-sessions:attempt:asyncEnd')
  world.behaviours[HOME] = 'fails'
  await client.send('GetItem', read)
  expect(attempts).toMatchObject([{ region: HOME }, { region: OTHER, retryReason: 'failover' }])
})

describe('health', () => {
  test('is known without a request, and is plain JSON', async () => {
    const { client, world } = open({ failover: undefined })
    expect(client.health()).toEqual({ regions: [] })
    await client.send('GetItem', read)
    const before = Date.now()
    const health = client.health()
    expect(JSON.parse(JSON.stringify(health))).toEqual(health)
    expect(health).toMatchObject({ region: HOME, regions: [{ region: HOME, state: 'closed' }] })
    const [region] = health.regions
    expect(Math.abs((region?.lastSuccessMs ?? 0) - before)).toBeLessThan(60_000)
    expect(region?.latencyMs?.p99).toBeGreaterThan(0)
    expect(world.take()).toEqual([HOME])
  })
})

describe('a Region that cannot stand in', () => {
  test.each([
    [HOME, {}, 'names "eu-west-1", which is the Region of the store; leave it out'],
    ['cn-north-1', {}, 'tables have no replicas in another partition of AWS'],
    [
      OTHER,
      { endpoint: 'https://vpce-1.example' },
      'has no endpoint for "us-west-2", and the option "endpoint" is for eu-west-1 alone; give each Region its own',
    ],
  ])('is told by its name: %s', async (region, settings, words) => {
    const { client } = open({}, { ...settings, others: [region] })
    const error = await rejectionOf(client.send('GetItem', read))
    expect(error).toBeInstanceOf(ConfigurationError)
    expect((error as Error).message).toContain(words)
  })
})

test('endpoints are those of each Region, FIPS included', async () => {
  const { client, world } = open({}, { useFips: true })
  world.behaviours[HOME] = 'refuses'
  await client.send('GetItem', read)
  expect(world.requests.at(-1)?.endpoint.hostname).toBe('dynamodb-fips.us-west-2.amazonaws.com')
})
