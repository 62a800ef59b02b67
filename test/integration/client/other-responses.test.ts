import { describe, expect, onTestFinished, test } from 'vitest'

import type { DynamoDBClient } from '../../../src/aws/dynamodb/client.ts'
import { SessionStore } from '../../../src/index.ts'
import {
  httpResponse,
  type RawConnection,
  type RawRequest,
  startRawServer,
} from '../../support/raw-server.ts'
import { openTestClient, testCredentials } from './test-client.ts'

/*
 * A response that is not the one to its request, followed by the one that is: whoever goes on using the connection gets
 * the response to the request before from then on (G8).
 */

const JSON_TYPE = 'application/x-amz-json-1.0'
let ids = 0

/** A response as DynamoDB gives it, with an ID of its own. */
function fromDynamoDB(body: unknown = {}, statusCode = 200): Buffer {
  const headers = { 'content-type': JSON_TYPE, 'x-amzn-requestid': `ID-${++ids}` }
  return httpResponse(JSON.stringify(body), { statusCode, headers })
}

const failedCondition = {
  __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException',
  message: 'The conditional request failed',
}

/** What comes in front of the response to a `PutItem`, `GetItem` or `UpdateItem` of the item 7, which it is not. */
const extras: Readonly<Record<string, () => Buffer>> = {
  'an HTML page': () => httpResponse('<html>welcome</html>', { headers: { 'content-type': 'text/html' } }),
  'an HTML page with the content type of DynamoDB': () =>
    httpResponse('<html>welcome</html>', { headers: { 'content-type': JSON_TYPE } }),
  'JSON without the marks of DynamoDB': () => httpResponse('{}'),
  'no content': () => Buffer.from('HTTP/1.1 204 No Content\r\nx-amzn-requestid: N\r\n\r\n'),
  'an encoded body': () =>
    httpResponse(Buffer.from([0x1f, 0x8b, 8, 0]), {
      headers: { 'content-type': JSON_TYPE, 'content-encoding': 'gzip' },
    }),
  'an error page of a proxy': () => httpResponse('<html>bad gateway</html>', { statusCode: 502 }),
  'an error page of a proxy, with an ID': () =>
    httpResponse('<html>bad gateway</html>', { statusCode: 502, headers: { 'x-amzn-requestid': 'PROXY' } }),
  'a redirection': () => httpResponse('', { statusCode: 302, headers: { location: 'http://elsewhere/' } }),
  'the item of another key': () => fromDynamoDB({ Item: { id: { S: 'another' }, n: { N: '1' } } }),
  'the attributes of another key': () => fromDynamoDB({ Attributes: { id: { S: 'another' } } }),
  'a page of a scan': () => fromDynamoDB({ Items: [], Count: 0, ScannedCount: 0 }),
  'the description of a table': () => fromDynamoDB({ Table: { TableName: 'sessions' } }),
  'the capacity of another table': () =>
    fromDynamoDB({ ConsumedCapacity: { TableName: 'others', CapacityUnits: 1 } }),
  'a condition that failed for another item': () =>
    fromDynamoDB({ ...failedCondition, Item: { id: { S: 'another' } } }, 400),
}

interface Served {
  readonly client: DynamoDBClient
  readonly requests: readonly string[]
}

/** A client of a server that sends `extra` in front of its `place`th response, and the right one in the next turn. */
async function serve(place: number, extra: () => Buffer): Promise<Served> {
  const requests: string[] = []
  const respond = async (connection: RawConnection): Promise<void> => {
    // Otherwise the second response waits for the next request, which carries the acknowledgement of the first one.
    connection.socket.setNoDelay(true)
    for (
      let request = await connection.nextRequest();
      request !== undefined;
      request = await connection.nextRequest()
    ) {
      if (requests.push(operationOf(request)) === place) {
        connection.send(extra())
        await new Promise(resolve => {
          setTimeout(resolve)
        })
      }
      connection.send(responseTo(request))
    }
  }
  const server = await startRawServer(respond)
  onTestFinished(async () => server.close())
  return { client: openTestClient(server.url, {}, { maxSockets: 1 }), requests }
}

function operationOf({ headerLines }: RawRequest): string {
  return headerLines.find(line => line.startsWith('x-amz-target'))?.split('.')[1] ?? ''
}

function responseTo(request: RawRequest): Buffer {
  const { Key, ExpressionAttributeValues } = JSON.parse(request.body) as {
    Key: { id: { S: string } }
    ExpressionAttributeValues: { ':n': { N: string } }
  }
  switch (operationOf(request)) {
    case 'GetItem':
      return fromDynamoDB({ Item: { ...Key, n: { N: Key.id.S } } })
    case 'UpdateItem':
      return fromDynamoDB({ Attributes: { ...Key, n: ExpressionAttributeValues[':n'] } })
    default:
      return fromDynamoDB()
  }
}

/** A request about the item `n`, and what it resolves with. */
type Call = (client: DynamoDBClient, n: number) => Promise<unknown>

const TableName = 'sessions'

const calls: Readonly<Record<string, Call>> = {
  GetItem: async (client, n) =>
    (await client.send('GetItem', { TableName, Key: { id: { S: `${n}` } } })).Item?.['n'],
  UpdateItem: async (client, n) =>
    (
      await client.send('UpdateItem', {
        TableName,
        Key: { id: { S: 'the same' } },
        UpdateExpression: 'SET #n = :n',
        ExpressionAttributeNames: { '#n': 'n' },
        ExpressionAttributeValues: { ':n': { N: `${n}` } },
        ReturnValues: 'ALL_NEW',
      })
    ).Attributes?.['n'],
  PutItem: async (client, n) =>
    client
      .send(
        'PutItem',
        {
          TableName,
          Item: { id: { S: `${n}` } },
          ConditionExpression: 'attribute_not_exists(id)',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
        { key: { id: { S: `${n}` } } },
      )
      .then(() => ({ N: `${n}` })),
}

describe.each(Object.keys(calls))('an extra response in front of that to %s', operation => {
  test.each(Object.keys(extras))('costs nobody else theirs: %s', async name => {
    const { client, requests } = await serve(7, extras[name] ?? fromDynamoDB)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, async (_, n) => calls[operation]?.(client, n)),
    )
    const wrong = outcomes.filter(
      (outcome, n) => outcome.status === 'fulfilled' && (outcome.value as { N: string }).N !== `${n}`,
    )
    expect(wrong).toEqual([])
    expect(outcomes.filter(({ status }) => status === 'rejected').length).toBeLessThanOrEqual(1)
    expect(requests.length).toBeGreaterThanOrEqual(40)
  })
})

test('an extra response that could be the right one is told from it where it comes before the next request', async () => {
  const { client } = await serve(7, () => fromDynamoDB())
  for (let n = 0; n < 40; n++) {
    await client.send('PutItem', { TableName, Item: { id: { S: `${n}` } } })
    await new Promise(resolve => {
      setTimeout(resolve)
    })
  }
  expect(await calls['GetItem']?.(client, 41)).toEqual({ N: '41' })
})

describe('what cannot be the response to a request', () => {
  test.each<[string, (client: DynamoDBClient) => Promise<unknown>, unknown, number?]>([
    [
      'no attributes, where all new ones were asked for',
      async client => calls['UpdateItem']?.(client, 1),
      {},
    ],
    [
      'attributes with another value than was set',
      async client => calls['UpdateItem']?.(client, 1),
      { Attributes: { id: { S: 'the same' }, n: { N: '2' } } },
    ],
    [
      'attributes that nobody asked for',
      async client => client.send('DeleteItem', { TableName, Key: { id: { S: '1' } } }),
      { Attributes: { id: { S: '1' } } },
    ],
    ['no items, of a scan', async client => client.send('Scan', { TableName }), {}],
    [
      'another number of items than it counts',
      async client => client.send('Scan', { TableName }),
      { Items: [], Count: 1, ScannedCount: 1 },
    ],
    [
      'no count, of a scan that only counts',
      async client => client.send('Scan', { TableName, Select: 'COUNT' }),
      { Items: [] },
    ],
    [
      'items that do not meet the condition of a query',
      async client =>
        client.send('Query', {
          TableName,
          KeyConditionExpression: '#user = :user',
          ExpressionAttributeNames: { '#user': 'user' },
          ExpressionAttributeValues: { ':user': { S: 'ada' } },
        }),
      { Items: [{ id: { S: '1' }, user: { S: 'bob' } }], Count: 1 },
    ],
    [
      'the items of another transaction',
      async client =>
        client.send('TransactGetItems', { TransactItems: [{ Get: { TableName, Key: { id: { S: '1' } } } }] }),
      { Responses: [{ Item: { id: { S: '2' } } }] },
    ],
    [
      'fewer items than a transaction asked for',
      async client =>
        client.send('TransactGetItems', { TransactItems: [{ Get: { TableName, Key: { id: { S: '1' } } } }] }),
      { Responses: [] },
    ],
    [
      'another table',
      async client => client.send('DescribeTable', { TableName }),
      { Table: { TableName: 'b' } },
    ],
    ['a condition that there was not', async client => calls['GetItem']?.(client, 1), failedCondition, 400],
    [
      'a transaction, of no transaction',
      async client => calls['GetItem']?.(client, 1),
      { __type: 'TransactionCanceledException', CancellationReasons: [{ Code: 'None' }] },
      400,
    ],
  ])('is an error, tried again on another connection: %s', async (_, call, body, statusCode = 200) => {
    const server = await startRawServer(async connection =>
      connection.answerAll(() => fromDynamoDB(body, statusCode)),
    )
    onTestFinished(async () => server.close())
    const client = openTestClient(server.url, { maxAttempts: 2 }, { maxSockets: 1 })
    await expect(call(client)).rejects.toMatchObject({
      code: 'INVALID_RESPONSE',
      retryable: true,
      message: expect.stringMatching(/ responded to \w+ with the response to another request$/) as string,
    })
    expect(server.connections).toHaveLength(2)
  })

  test('is what another name of the table, and numbers written otherwise, do not make it', async () => {
    const TableArn = 'arn:aws:dynamodb:eu-west-1:123456789012:table/sessions'
    const server = await startRawServer(async connection =>
      connection.answerAll(request =>
        operationOf(request) === 'DescribeTable'
          ? fromDynamoDB({ Table: { TableName: 'sessions' } })
          : fromDynamoDB({ Item: { id: { N: '1.50' } }, ConsumedCapacity: { TableName: 'sessions' } }),
      ),
    )
    onTestFinished(async () => server.close())
    const client = openTestClient(server.url)
    await client.send('DescribeTable', { TableName: TableArn })
    await client.send('GetItem', { TableName: TableArn, Key: { id: { N: '1.5' } } })
    expect(server.connections).toHaveLength(1)
  })
})

test('saves of a store are told their own outcome, or an error', async () => {
  const stored = new Map<string, unknown>()
  let writes = 0
  const server = await startRawServer(async connection => {
    for (
      let request = await connection.nextRequest();
      request !== undefined;
      request = await connection.nextRequest()
    ) {
      if (++writes === 5) {
        connection.send(extras['an HTML page']?.() ?? '')
        await new Promise(resolve => {
          setTimeout(resolve)
        })
      }
      const { Item, Key } = JSON.parse(request.body) as Record<
        'Item' | 'Key',
        { id: { S: string } } | undefined
      >
      if (Item !== undefined) stored.set(Item.id.S, Item)
      connection.send(fromDynamoDB(Key === undefined ? {} : { Item: stored.get(Key.id.S) }))
    }
  })
  const store = new SessionStore({
    table: 'sessions',
    region: 'eu-west-1',
    endpoint: server.url,
    credentials: testCredentials,
    maxSockets: 1,
  })
  onTestFinished(async () => {
    await store.close()
    await server.close()
  })
  const names = Array.from({ length: 40 }, (_, index) => `session-${index}`)
  const saves = await Promise.allSettled(names.map(async name => store.write(name, { name })))
  expect(saves.filter(({ status }) => status === 'rejected')).toHaveLength(1)
  const read = await Promise.all(names.map(async name => (await store.read(name))?.data))
  expect(read).toEqual(names.map(name => ({ name })))
})
