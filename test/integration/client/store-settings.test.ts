import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'

import { ConfigurationError, CredentialsError } from '../../../src/errors.ts'
import { deferred } from '../../../src/internal/timers.ts'
import { SessionStore } from '../../../src/store/session-store.ts'
import type { SessionStoreOptions } from '../../../src/options/store-options.ts'
import { rejectionOf } from '../../support/failure.ts'
import { controlTime } from '../transport/harness.ts'
import { passPauses, testCredentials, useStub } from './test-client.ts'

/*
 * What the options of a SessionStore, and the variables that stand in for them, do to the requests it sends.
 */

const stub = useStub()
const nowMs = Date.UTC(2026, 10, 23)
const id = 'the-session-id'
const hashOfId = 'bKKXfmyF3TQ1_XsxQdBhP8ZuSYXyiOApQJA9SvOQBeo'

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

function openStore(options: SessionStoreOptions = {}): SessionStore {
  const store = new SessionStore({
    endpoint: stub().endpoint,
    region: 'eu-west-1',
    credentials: testCredentials,
    clock: { now: () => nowMs },
    ...options,
  })
  onTestFinished(() => store.close())
  return store
}

interface SentInput {
  readonly TableName?: string
  readonly ConsistentRead?: boolean
  readonly Key?: object
  readonly Item?: Readonly<Record<string, { readonly N?: string; readonly S?: string } | undefined>>
}

function lastInput(): SentInput {
  return JSON.parse(stub().requests.at(-1)?.body ?? '{}') as SentInput
}

/** Sets options by the variables that stand in for them, and leaves them out of the options. */
function inEnvironment(variables: Readonly<Record<string, string>>): SessionStoreOptions {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(`DYNAMODB_SESSIONS_${name}`, value)
  return {}
}

describe.each<
  [string, (options: SessionStoreOptions, variables: Record<string, string>) => SessionStoreOptions]
>([
  ['options', options => options],
  ['variables', (_options, variables) => inEnvironment(variables)],
])('%s', (_name, settings) => {
  test('say where the sessions are', async () => {
    const store = openStore(
      settings(
        { table: 'my-table', prefix: 'app:', partitionKey: 'sid' },
        { TABLE: 'my-table', PREFIX: 'app:', PARTITION_KEY: 'sid' },
      ),
    )
    await store.destroy(id)
    expect(lastInput()).toMatchObject({ TableName: 'my-table', Key: { sid: { S: `app:${hashOfId}` } } })
  })

  test('say whether IDs are hashed and reads are consistent', async () => {
    const store = openStore(
      settings({ hashIds: false, consistentRead: false }, { HASH_IDS: 'false', CONSISTENT_READ: 'false' }),
    )
    await store.read(id)
    const inputs = stub().requests.map(({ body }) => JSON.parse(body) as SentInput)
    expect(inputs.map(({ ConsistentRead }) => ConsistentRead)).toEqual([false, true])
    expect(inputs[0]?.Key).toEqual({ id: { S: id } })
  })

  test('say how long sessions live', async () => {
    await openStore(settings({ ttlSeconds: 0.5 }, { TTL_SECONDS: '0.5' })).write(id, {})
    expect(lastInput().Item?.['expiresMs']).toEqual({ N: String(nowMs + 500) })
  })

  test('say how often a call is sent', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    stub().answer({ statusCode: 500 })
    await rejectionOf(openStore(settings({ maxAttempts: 2 }, { MAX_ATTEMPTS: '2' })).read(id))
    expect(stub().requests).toHaveLength(2)
  })

  test('say how long a call may take', async () => {
    stub().answer('hang')
    const error = await rejectionOf(openStore(settings({ deadlineMs: 60 }, { DEADLINE_MS: '60' })).read(id))
    expect(error).toMatchObject({
      name: 'DeadlineExceededError',
      message: expect.stringContaining('GetItem did not succeed within 60 ms') as string,
    })
  })

  test('say how long an attempt may take', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    stub().answer('hang')
    const options = settings({ attemptTimeoutMs: 30 }, { ATTEMPT_TIMEOUT_MS: '30' })
    controlTime()
    const failed = rejectionOf(openStore({ ...options, maxAttempts: 2 }).read(id))
    await stub().received(1)
    vi.advanceTimersByTime(30)
    await passPauses(() => stub().requests.length === 2)
    vi.advanceTimersByTime(30)
    expect(await failed).toMatchObject({
      name: 'AttemptTimeoutError',
      message: expect.stringContaining('within 30 ms') as string,
    })
    expect(stub().requests).toHaveLength(2)
  })

  test('say how many connections there are', async () => {
    const store = openStore(settings({ maxSockets: 1 }, { MAX_SOCKETS: '1' }))
    const other = openStore({ maxSockets: 2 })
    stub().answer('hang', {})
    const controller = new AbortController()
    const first = rejectionOf(store.destroy(id, { signal: controller.signal }))
    await stub().received(1)

    // The second call waits: those of another store, made after it, are answered before it is even sent.
    const second = store.destroy(id)
    for (let call = 0; call < 3; call++) await other.read(id)
    expect(stub().requests.map(({ headers }) => headers['x-amz-target'])).toEqual([
      'DynamoDB_20120810.DeleteItem',
      ...Array.from({ length: 3 }, () => 'DynamoDB_20120810.GetItem'),
    ])
    controller.abort()
    await first
    await second
    expect(stub().requests).toHaveLength(5)
  })
})

describe('where requests go', () => {
  test('is said by DYNAMODB_SESSIONS_ENDPOINT and DYNAMODB_SESSIONS_REGION', async () => {
    vi.stubEnv('DYNAMODB_SESSIONS_ENDPOINT', `${stub().endpoint}/own`)
    vi.stubEnv('DYNAMODB_SESSIONS_REGION', 'eu-central-1')
    vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', `${stub().endpoint}/aws`)
    vi.stubEnv('AWS_REGION', 'us-east-1')
    await openStore({ endpoint: undefined, region: undefined }).destroy(id)
    expect(stub().requests[0]?.url).toBe('/own/')
    expect(stub().requests[0]?.headers.authorization).toContain('/eu-central-1/dynamodb/aws4_request')
  })

  test('is said by AWS_ENDPOINT_URL_DYNAMODB and AWS_REGION otherwise', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', `${stub().endpoint}/aws`)
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:1')
    vi.stubEnv('AWS_REGION', 'us-east-1')
    await openStore({ endpoint: undefined, region: undefined }).destroy(id)
    expect(stub().requests[0]?.url).toBe('/aws/')
    expect(stub().requests[0]?.headers.authorization).toContain('/us-east-1/dynamodb/aws4_request')
  })

  test('is an error at the first call when the region is missing', async () => {
    const error = await rejectionOf(openStore({ region: undefined }).read(id))
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error).toMatchObject({ code: 'REGION_MISSING' })
    expect(stub().requests).toHaveLength(0)
  })
})

describe('credentials', () => {
  test('come from the environment when they are not given', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDENV')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
    vi.stubEnv('AWS_SESSION_TOKEN', 'token')
    await openStore({ credentials: undefined }).destroy(id)
    expect(stub().requests[0]?.headers.authorization).toContain('Credential=AKIDENV/')
    expect(stub().requests[0]?.headers['x-amz-security-token']).toBe('token')
  })

  test('that are missing are an error at the first call, and looked for again at the next', async () => {
    const store = openStore({ credentials: undefined })
    expect(await rejectionOf(store.read(id))).toBeInstanceOf(CredentialsError)
    expect(stub().requests).toHaveLength(0)
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDENV')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
    await store.read(id)
    expect(stub().requests).toHaveLength(1)
  })

  test('of a function are asked for once by many calls at once', async () => {
    let asked = 0
    const store = openStore({
      credentials: async () => {
        asked++
        return testCredentials
      },
    })
    await Promise.all(Array.from({ length: 50 }, () => store.destroy(id)))
    expect(asked).toBe(1)
    expect(stub().requests).toHaveLength(50)
  })

  test('of a function that never answers do not hang the call', async () => {
    controlTime()
    const asked = deferred<undefined>()
    const credentials = async (): Promise<never> => {
      asked.resolve(undefined)
      return new Promise(() => undefined)
    }
    const failed = rejectionOf(openStore({ credentials, deadlineMs: 50 }).read(id))
    await asked.promise
    vi.advanceTimersByTime(50)
    expect(await failed).toMatchObject({
      name: 'DeadlineExceededError',
      message: expect.stringMatching(
        /^GetItem did not succeed within 50 ms: the AWS credentials were not found in time; it was waiting for the function that the option "credentials" is \(for 50 ms\)$/,
      ) as string,
    })
  })
})

test('the ID is stored as its SHA-256, with all attributes of the layout, unless options say otherwise', async () => {
  await openStore().write(id, { user: 7 })
  expect(lastInput()).toEqual({
    TableName: 'sessions',
    Item: {
      id: { S: hashOfId },
      data: { S: '{"user":7}' },
      expires: { N: String(nowMs / 1000 + 86_400) },
      expiresMs: { N: String(nowMs + 86_400_000) },
      rev: { S: expect.stringMatching(/^[\w-]{12}$/) as string },
      created: { N: String(nowMs / 1000) },
      birth: { S: expect.stringMatching(new RegExp(`^${nowMs}[\\w-]{8}$`)) as string },
    },
    ConditionExpression: 'attribute_not_exists(#itemKey)',
    ExpressionAttributeNames: { '#itemKey': 'id' },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  })
})
