import { describe, expect, test } from 'vitest'

import { engines, uniqueTableName } from '../../support/engines.ts'
import { sendToEngine } from '../../support/send-to-engine.ts'

async function createTable(endpoint: string): Promise<string> {
  const table = uniqueTableName()
  const { statusCode } = await sendToEngine(endpoint, 'CreateTable', {
    TableName: table,
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    BillingMode: 'PAY_PER_REQUEST',
  })
  expect(statusCode).toBe(200)
  await expect
    .poll(async () => (await sendToEngine(endpoint, 'DescribeTable', { TableName: table })).body)
    .toMatchObject({ Table: { TableStatus: 'ACTIVE' } })
  return table
}

describe.each(engines)('$name', ({ endpoint, supports }) => {
  test('stores an item and returns it', async () => {
    const table = await createTable(endpoint)
    const item = { id: { S: 'a' }, count: { N: '1' } }
    await sendToEngine(endpoint, 'PutItem', { TableName: table, Item: item })
    const { body } = await sendToEngine(endpoint, 'GetItem', { TableName: table, Key: { id: item.id } })
    expect(body).toEqual({ Item: item })
  })

  test('says truly whether a failed condition brings the old item', async () => {
    const table = await createTable(endpoint)
    const item = { id: { S: 'a' }, count: { N: '1' } }
    await sendToEngine(endpoint, 'PutItem', { TableName: table, Item: item })
    const { statusCode, body } = await sendToEngine(endpoint, 'PutItem', {
      TableName: table,
      Item: { id: item.id },
      ConditionExpression: 'attribute_not_exists(id)',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    })
    expect(statusCode).toBe(400)
    expect(body['__type']).toMatch(/#ConditionalCheckFailedException$/)
    expect(body['Item']).toEqual(supports.oldItemOnConditionFailure ? item : undefined)
  })

  test('says truly whether it has a time to live', async () => {
    const table = await createTable(endpoint)
    const { statusCode } = await sendToEngine(endpoint, 'UpdateTimeToLive', {
      TableName: table,
      TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
    })
    expect(statusCode === 200).toBe(supports.ttl)
  })
})

test('both engines run, or dynalite alone where there is no Java', () => {
  const names = engines.map(engine => engine.name).join(', ')
  expect(['dynalite', 'dynalite, DynamoDB Local']).toContain(names)
})

test('the environment has no AWS setting but those that keep tests from metadata and from files', () => {
  const names = Object.keys(process.env).filter(name => /^(AWS|DYNAMODB_SESSIONS)_/.test(name))
  expect(names.toSorted()).toEqual([
    'AWS_CONFIG_FILE',
    'AWS_EC2_METADATA_DISABLED',
    'AWS_SHARED_CREDENTIALS_FILE',
  ])
  expect(process.env['AWS_EC2_METADATA_DISABLED']).toBe('true')
})
