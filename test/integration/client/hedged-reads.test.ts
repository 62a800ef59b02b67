import { describe, expect, test } from 'vitest'

import type { TransportRequest, TransportResponse } from '../../../src/aws/http/transport.ts'
import type { DynamoDBClient } from '../../../src/aws/dynamodb/client.ts'
import { SocketTransport } from '../../../src/aws/http/socket-transport.ts'
import { deferred } from '../../../src/internal/timers.ts'
import { rejectionOf } from '../../support/failure.ts'
import { type StubAnswer, StubEndpoint } from '../../support/stub-endpoint.ts'
import { TraceRecorder } from '../observability/trace-recorder.ts'
import { openTestClient, someKey, type TestClientOptions } from './test-client.ts'

/** Hedges are sent at once, so that no test has to wait for a read to be slow. */
const hedgedReads = { budget: 1, minDelayMs: 1, maxDelayMs: 1 }

/** A DynamoDB whose responses the test gives, to the requests in the order in which they came. */
class Scripted {
  readonly #coming: ((answer: StubAnswer) => void)[] = []
  readonly #arrived: (() => void)[] = []
  readonly stub: Promise<StubEndpoint>

  constructor() {
    this.stub = StubEndpoint.start(() => {
      const { promise, resolve } = deferred<StubAnswer>()
      this.#coming.push(resolve)
      for (const wake of this.#arrived.splice(0)) wake()
      return promise
    })
  }

  async received(count: number): Promise<void> {
    while (this.#coming.length < count) await new Promise<void>(resolve => this.#arrived.push(resolve))
  }

  /** Responds to request `index`. */
  respond(index: number, rev: string, statusCode = 200): void {
    const body = statusCode === 200 ? { Item: { ...someKey.Key, rev: { S: rev } } } : { __type: rev }
    this.#coming[index]?.({ statusCode, body })
  }
}

async function open(
  options: TestClientOptions = {},
  maxSockets = 8,
): Promise<{ client: DynamoDBClient; database: Scripted; stub: StubEndpoint; sent: TransportRequest[] }> {
  const database = new Scripted()
  const stub = await database.stub
  const sent: TransportRequest[] = []
  const transport = new (class extends SocketTransport {
    override request(request: TransportRequest): Promise<TransportResponse> {
      sent.push(request)
      return super.request(request)
    }
  })({ maxSockets })
  const client = openTestClient(stub.url, { hedgedReads, transport, ...options })
  return { client, database, stub, sent }
}

describe('a slow read', () => {
  test('goes out on a second connection, and the first response wins', async () => {
    const { client, database, stub } = await open()
    const traces = new TraceRecorder('attempt')
    const read = client.send('GetItem', { ...someKey, ConsistentRead: true })
    await database.received(2)
    expect(stub.requests[1]).toEqual(stub.requests[0])
    expect(await stub.openConnections()).toBe(2)
    database.respond(1, 'of the hedge')
    expect(await read).toMatchObject({ Item: { rev: { S: 'of the hedge' } } })
    expect(traces.ended('attempt')).toMatchObject([{ attempt: 1, hedge: 'won' }])
    expect(client.health().regions).toMatchObject([{ hedgedReads: { reads: 1, hedges: 1, won: 1 } }])
    // The slower one is read to its end, and its connection is kept.
    expect(client.health().connections).toMatchObject({ open: 2, idle: 1 })
    database.respond(0, 'of the first')
    await expect.poll(() => client.health().connections).toMatchObject({ open: 2, idle: 2 })
    await client.close()
  })

  test('waits for its second request when the first one fails, and the other way round', async () => {
    for (const [first, second] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const { client, database } = await open({ maxAttempts: 1 })
      const traces = new TraceRecorder('attempt')
      const read = client.send('GetItem', someKey)
      await database.received(2)
      database.respond(first, 'InternalServerError', 500)
      await expect.poll(() => client.health().connections).toMatchObject({ open: 1 })
      database.respond(second, 'good')
      expect(await read).toMatchObject({ Item: { rev: { S: 'good' } } })
      expect(traces.ended('attempt')).toMatchObject([{ hedge: second === 1 ? 'won' : 'lost' }])
      await client.close()
    }
  })

  test('fails with the error of its first request, and is tried again as ever', async () => {
    const { client, database } = await open({ maxAttempts: 2 })
    const read = client.send('GetItem', someKey)
    await database.received(2)
    database.respond(1, 'ThrottlingException', 400)
    database.respond(0, 'InternalServerError', 500)
    await database.received(4)
    database.respond(3, 'ThrottlingException', 400)
    database.respond(2, 'ResourceNotFoundException', 400)
    expect(await rejectionOf(read)).toMatchObject({ awsCode: 'ResourceNotFoundException' })
    await client.close()
  })

  test('ends both requests with the signal of the caller, and leaves none behind', async () => {
    const { client, database } = await open()
    const controller = new AbortController()
    const read = client.send('GetItem', someKey, { signal: controller.signal })
    await database.received(2)
    controller.abort(new Error('gone'))
    expect(await rejectionOf(read)).toMatchObject({ message: 'gone' })
    await expect.poll(() => client.health().connections).toMatchObject({ open: 0 })
    await client.close()
  })

  test('does not take a connection that others wait for', async () => {
    const { client, database, sent } = await open({}, 1)
    const read = client.send('GetItem', someKey)
    await expect.poll(() => sent.length).toBe(2)
    const another = client.send('PutItem', { TableName: 'sessions', Item: someKey.Key })
    database.respond(0, 'of the first')
    expect(await read).toMatchObject({ Item: { rev: { S: 'of the first' } } })
    await database.received(2)
    database.respond(1, 'ValidationException', 400)
    expect(await rejectionOf(another)).toMatchObject({ awsCode: 'ValidationException' })
    await client.close()
  })
})

test('writes and other reads are sent once', async () => {
  const { client, database, sent } = await open()
  const put = client.send('PutItem', { TableName: 'sessions', Item: someKey.Key })
  const query = client.send('Query', { TableName: 'sessions', KeyConditionExpression: '#id = :id' })
  const read = client.send('GetItem', someKey)
  await database.received(4)
  expect(sent.map(({ isHedge }) => isHedge)).toEqual([false, false, false, true])
  for (const index of [0, 1, 2, 3]) database.respond(index, 'ValidationException', 400)
  for (const call of [put, query, read]) await rejectionOf(call)
  await client.close()
})

test('without the option no read is sent twice', async () => {
  const { client, database, sent } = await open({ hedgedReads: undefined })
  const read = client.send('GetItem', someKey)
  await database.received(1)
  await new Promise(resolve => setTimeout(resolve, 20))
  expect(sent).toHaveLength(1)
  database.respond(0, 'of the first')
  await read
  expect(client.health().regions[0]).not.toHaveProperty('hedgedReads')
  await client.close()
})
