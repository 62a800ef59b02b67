import { AsyncLocalStorage } from 'node:async_hooks'

import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'

import { SessionStore } from '../../../src/store/session-store.ts'
import type { Credentials } from '../../../src/types.ts'
import { engine } from '../../support/engines.ts'
import { rejectionOf } from '../../support/failure.ts'
import { unhandledErrorsDuring } from '../../support/process-events.ts'
import { SessionTable } from '../../support/session-table.ts'
import { awsError } from '../../support/stub-dynamodb.ts'
import { openTestClient, someKey, testCredentials, useStub } from '../client/test-client.ts'
import { eventChannel, eventNames, subscribeForTest, TraceRecorder } from './trace-recorder.ts'

const stub = useStub()
const aDuration = expect.any(Number) as number
const unfailed = ['start', 'end', 'asyncStart', 'asyncEnd']

describe('the channels "operation" and "attempt"', () => {
  let table: SessionTable
  beforeAll(async () => {
    table = await SessionTable.create(engine)
  })

  test('tell every call with what it consumed', async () => {
    const recorder = new TraceRecorder('operation', 'attempt')
    const store = new SessionStore({
      ...table.options,
    })
    onTestFinished(() => store.close())
    const record = await store.write('some-session', { user: 'ada' })
    await store.read('some-session')
    await store.write('some-session', { user: 'bob' }, { basis: record })
    await store.destroy('some-session')
    for await (const _ of store.keys()) throw new Error('the session has been destroyed')

    const operations = ['PutItem', 'GetItem', 'UpdateItem', 'DeleteItem', 'Scan']
    const calls = recorder.ended('operation')
    expect(calls.map(({ operation }) => operation)).toEqual(operations)
    for (const call of calls) {
      expect(call).toMatchObject({
        table: table.name,
        attempts: 1,
        durationMs: aDuration,
        requestId: expect.any(String) as string,
        consumedCapacity: aDuration,
      })
    }
    const attempts = recorder.ended('attempt')
    expect(attempts.map(({ operation }) => operation)).toEqual(operations)
    for (const [index, attempt] of attempts.entries()) {
      const { requestId } = calls[index] ?? {}
      expect(attempt).toMatchObject({ table: table.name, attempt: 1, backOffMs: 0, requestId })
    }
    // The scan finds an empty table, which costs nothing on some engines.
    const consumed = calls.map(({ consumedCapacity }) => Number(consumedCapacity) > 0)
    expect(consumed.slice(0, 4)).toEqual([true, true, true, true])
  })
})

describe('a call', () => {
  test('has an attempt within it, with the same message at every event', async () => {
    const recorder = new TraceRecorder('operation', 'attempt')
    stub().answer({ body: { ConsumedCapacity: { CapacityUnits: 1.5 } } })
    await openTestClient(stub().endpoint).send('GetItem', someKey)
    expect(recorder.order).toEqual([
      'operation start',
      'operation end',
      'attempt start',
      'attempt end',
      'attempt asyncStart',
      'attempt asyncEnd',
      'operation asyncStart',
      'operation asyncEnd',
    ])
    expect(new Set(recorder.published.map(({ message }) => message)).size).toBe(2)
    const operation = { operation: 'GetItem', table: 'sessions', attempts: 0 }
    expect(recorder.published[0]?.held).toEqual(operation)
    expect(recorder.ended('operation')).toEqual([
      {
        ...operation,
        attempts: 1,
        region: 'eu-west-1',
        requestId: 'REQUEST-1',
        consumedCapacity: 1.5,
        durationMs: aDuration,
      },
    ])
  })

  test('that is throttled tells its retries and their reasons', async () => {
    const recorder = new TraceRecorder('operation', 'attempt')
    stub().answer(
      awsError('ProvisionedThroughputExceededException'),
      { statusCode: 503, body: 'busy' },
      'cut',
      {},
    )
    await openTestClient(stub().endpoint).send('GetItem', someKey)
    const throttled = { name: 'ThrottlingError', code: 'THROTTLED' }
    expect(recorder.ended('attempt')).toMatchObject([
      { attempt: 1, backOffMs: 0, requestId: 'REQUEST-1', error: throttled },
      { attempt: 2, retryReason: 'throttling', requestId: 'REQUEST-2', error: { name: 'DynamoDBError' } },
      { attempt: 3, retryReason: 'transient', error: { name: 'ConnectionError', code: 'INVALID_RESPONSE' } },
      { attempt: 4, retryReason: 'transient', requestId: expect.stringMatching(/^REQUEST-/) as string },
    ])
    const [first, , third, last] = recorder.ended('attempt')
    expect(first).not.toHaveProperty('retryReason')
    expect(third).not.toHaveProperty('requestId')
    expect(last).not.toHaveProperty('error')
    expect(recorder.ended('operation')).toMatchObject([{ attempts: 4, requestId: last?.['requestId'] }])
    expect(recorder.ended('operation')[0]).not.toHaveProperty('error')
  })

  test('tells the back-off before a retry', async () => {
    const recorder = new TraceRecorder('attempt')
    stub().answer({ statusCode: 500 }, {})
    await openTestClient(stub().endpoint, { random: () => 0.9 }).send('GetItem', someKey)
    const [, retry] = recorder.ended('attempt')
    // A timer may fire a little early by the clock that measures it.
    expect(retry?.['backOffMs']).toBeGreaterThan(18)
  })

  test('tells a corrected clock and replaced credentials as reasons', async () => {
    const recorder = new TraceRecorder('attempt')
    const fresh: Credentials = { accessKeyId: 'AKIDEXAMPLE000000002', secretAccessKey: 'other' }
    const date = new Date(Date.now() + 1_200_000).toUTCString()
    stub().answer(
      { ...awsError('RequestTimeTooSkewed'), headers: { date } },
      awsError('UnrecognizedClientException'),
      {},
    )
    const client = openTestClient(stub().endpoint, {
      credentials: ({ rejected } = {}) => (rejected === undefined ? testCredentials : fresh),
    })
    await client.send('GetItem', someKey)
    expect(recorder.ended('attempt')).toMatchObject([
      { attempt: 1, error: { code: 'CLOCK_SKEW' } },
      { attempt: 2, retryReason: 'clock', error: { code: 'CREDENTIALS_UNKNOWN' } },
      { attempt: 3, retryReason: 'credentials' },
    ])
  })

  test('that fails tells why, in both channels', async () => {
    const recorder = new TraceRecorder('operation', 'attempt')
    stub().answer(awsError('ResourceNotFoundException'))
    await rejectionOf(openTestClient(stub().endpoint).send('GetItem', someKey))
    const failed = ['start', 'end', 'error', 'asyncStart', 'asyncEnd']
    for (const name of ['operation', 'attempt']) {
      const events = recorder.published.filter(({ channel }) => channel === name).map(({ event }) => event)
      expect(events).toEqual(failed)
      expect(recorder.ended(name)).toMatchObject([
        {
          requestId: 'REQUEST-1',
          error: {
            name: 'TableNotFoundError',
            code: 'TABLE_NOT_FOUND',
            awsCode: 'ResourceNotFoundException',
          },
        },
      ])
    }
  })

  test('that finds no credentials fails in its first attempt', async () => {
    const recorder = new TraceRecorder('operation', 'attempt')
    const client = openTestClient(stub().endpoint, {
      credentials: () => {
        throw new Error('SeCrEt')
      },
    })
    await rejectionOf(client.send('GetItem', someKey))
    expect(recorder.ended('attempt')).toMatchObject([{ attempt: 1, error: { name: 'Error' } }])
    expect(recorder.ended('operation')).toMatchObject([{ attempts: 1, error: { name: 'Error' } }])
    expect(JSON.stringify(recorder.published)).not.toContain('SeCrEt')
  })

  test('that is given up is told as aborted', async () => {
    const recorder = new TraceRecorder('operation')
    stub().answer('hang')
    const giveUp = new AbortController()
    const call = rejectionOf(
      openTestClient(stub().endpoint).send('GetItem', someKey, { signal: giveUp.signal }),
    )
    await stub().received(1)
    giveUp.abort()
    await call
    expect(recorder.ended('operation')).toMatchObject([{ error: { name: 'AbortError', code: undefined } }])
  })

  test('that is refused before it begins is not told', async () => {
    const recorder = new TraceRecorder('operation', 'attempt')
    const client = openTestClient(stub().endpoint)
    await rejectionOf(client.send('GetItem', someKey, { signal: AbortSignal.abort() }))
    await client.close()
    await rejectionOf(client.send('GetItem', someKey))
    expect(recorder.published).toEqual([])
  })

  test('of a transaction tells the first table and the sum of what it consumed', async () => {
    const recorder = new TraceRecorder('operation')
    stub().answer({
      body: {
        ConsumedCapacity: [
          { TableName: 'a', CapacityUnits: 2 },
          { TableName: 'b', CapacityUnits: 3 },
        ],
      },
    })
    await openTestClient(stub().endpoint).send('TransactWriteItems', {
      ClientRequestToken: 'token',
      TransactItems: [
        { Put: { TableName: 'a', Item: { id: { S: '1' } } } },
        { Delete: { TableName: 'b', Key: { id: { S: '1' } } } },
      ],
    })
    expect(recorder.ended('operation')).toMatchObject([{ table: 'a', consumedCapacity: 5 }])
  })

  test.each<[string, unknown]>([
    ['nothing', {}],
    ['another type', { ConsumedCapacity: 7 }],
    ['null', { ConsumedCapacity: null }],
    ['no units', { ConsumedCapacity: { TableName: 'sessions' } }],
    ['units of another type', { ConsumedCapacity: { CapacityUnits: 'many' } }],
  ])('tells no capacity when the answer says %s about it', async (_name, body) => {
    const recorder = new TraceRecorder('operation')
    stub().answer({ body })
    await openTestClient(stub().endpoint).send('GetItem', someKey)
    expect(recorder.ended('operation')[0]).not.toHaveProperty('consumedCapacity')
  })
})

/** What the client sends to read {@link someKey}. */
async function bodyOfRequest(): Promise<unknown> {
  stub().answer({})
  await openTestClient(stub().endpoint).send('GetItem', someKey)
  return JSON.parse(stub().requests[0]?.body ?? '')
}

describe('the consumed capacity is asked for', () => {
  test('by whoever listens to operations', async () => {
    subscribeForTest('operation', 'asyncEnd', () => undefined)
    expect(await bodyOfRequest()).toEqual({ ...someKey, ReturnConsumedCapacity: 'TOTAL' })
  })

  test('by nobody else', async () => {
    expect(await bodyOfRequest()).toEqual(someKey)
    const recorder = new TraceRecorder('attempt', 'credentials', 'lock', 'conflict')
    expect(await bodyOfRequest()).toEqual(someKey)
    expect(recorder.ended('attempt')).toHaveLength(1)
  })

  test('of operations that tell it', async () => {
    const recorder = new TraceRecorder('operation')
    stub().answer({})
    await openTestClient(stub().endpoint).send('DescribeTable', { TableName: 'sessions' })
    expect(JSON.parse(stub().requests[0]?.body ?? '')).toEqual({ TableName: 'sessions' })
    expect(recorder.ended('operation')).toMatchObject([{ operation: 'DescribeTable' }])
  })
})

describe('subscribers', () => {
  test.each(eventNames)('may listen to "%s" alone', async event => {
    const seen: object[] = []
    subscribeForTest('attempt', event, message => seen.push(message))
    stub().answer(awsError('InternalServerError', 'as scripted', 500), {})
    await openTestClient(stub().endpoint).send('GetItem', someKey)
    expect(seen).toHaveLength(event === 'error' ? 1 : 2)
  })

  test('that come and go do not disturb calls under way', async () => {
    stub().answer('hang')
    const giveUp = new AbortController()
    const client = openTestClient(stub().endpoint)
    const before = rejectionOf(client.send('GetItem', someKey, { signal: giveUp.signal }))
    await stub().received(1)
    const seen: string[] = []
    const onStart = (): unknown => seen.push('start')
    eventChannel('operation', 'start').subscribe(onStart)
    const during = rejectionOf(client.send('GetItem', someKey, { signal: giveUp.signal }))
    await stub().received(2)
    eventChannel('operation', 'start').unsubscribe(onStart)
    giveUp.abort()
    await Promise.all([before, during])
    expect(seen).toEqual(['start'])
    stub().answer({ body: { Item: someKey.Key } })
    expect(await client.send('GetItem', someKey)).toEqual({ Item: someKey.Key })
  })

  test('that throw do not break a call', async () => {
    for (const event of eventNames) {
      for (const name of ['operation', 'attempt']) {
        subscribeForTest(name, event, () => {
          throw new Error(`${name} ${event}`)
        })
      }
    }
    stub().answer({ statusCode: 500 }, { body: { Item: someKey.Key } })
    let output: unknown
    const { uncaughtExceptions } = await unhandledErrorsDuring(async () => {
      output = await openTestClient(stub().endpoint).send('GetItem', someKey)
    })
    expect(output).toEqual({ Item: someKey.Key })
    // Two attempts, of which one failed, within one operation, which did not.
    expect(uncaughtExceptions).toHaveLength(2 * unfailed.length + 1 + unfailed.length)
  })
})

test('a store that is bound to "start" follows the call, with attempts inside of operations', async () => {
  interface Span {
    readonly name: string
    readonly parent: Span | undefined
  }
  const spans = new AsyncLocalStorage<Span>()
  const ended: (Span | undefined)[] = []
  for (const name of ['operation', 'attempt']) {
    const start = eventChannel(name, 'start')
    start.bindStore(spans, () => ({ name, parent: spans.getStore() }))
    onTestFinished(() => {
      start.unbindStore(spans)
    })
    subscribeForTest(name, 'asyncEnd', () => ended.push(spans.getStore()))
  }
  stub().answer(awsError('ThrottlingException'), {})
  const client = openTestClient(stub().endpoint)
  const calls = ['request 1', 'request 2'].map(name =>
    spans.run({ name, parent: undefined }, async () => {
      await client.send('GetItem', someKey)
      return spans.getStore()?.name
    }),
  )
  expect(await Promise.all(calls)).toEqual(['request 1', 'request 2'])
  const paths = ended.map(span => {
    const names: string[] = []
    for (let current = span; current !== undefined; current = current.parent) names.unshift(current.name)
    return names.join(' > ')
  })
  // One of the two was throttled.
  expect(paths.filter(path => path.endsWith('attempt'))).toHaveLength(3)
  expect([...new Set(paths)].sort()).toEqual([
    'request 1 > operation',
    'request 1 > operation > attempt',
    'request 2 > operation',
    'request 2 > operation > attempt',
  ])
})
