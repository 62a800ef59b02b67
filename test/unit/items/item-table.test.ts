import { describe, expect, test } from 'vitest'

import { ItemTable, type ItemUpdate } from '../../../src/items/item-table.ts'
import { allOf } from '../../../src/layouts/layout.ts'
import { nativeLayout } from '../../../src/layouts/native.ts'
import { openClient } from '../../../src/store/open-client.ts'
import { RecordingTransport } from '../../support/recording-transport.ts'

const condition = { expression: '#rev = :rev', names: { '#rev': 'rev' }, values: { ':rev': { S: '1' } } }

/** A table whose requests reach nothing, and what it has sent. */
function openTable(): { table: ItemTable; sent: () => unknown[] } {
  const transport = new RecordingTransport({ body: '{}' })
  const credentials = { accessKeyId: 'AKID', secretAccessKey: 'secret' }
  const client = openClient({ region: 'eu-west-1', credentials, transport }, {})
  const table = new ItemTable(client, nativeLayout({}), { table: 'sessions' })
  const sent = (): unknown[] =>
    transport.requests.map(({ body }) => JSON.parse(Buffer.from(body).toString()) as unknown)
  return { table, sent }
}

function updateTo(data: string, rev: string): ItemUpdate {
  const required = allOf({ ...condition, values: { ':rev': { S: rev } } })
  return { set: { data: { S: data } }, remove: [], condition: required }
}

describe('an update', () => {
  test('says what it sets, removes and requires', async () => {
    const { table, sent } = openTable()
    const set = { data: { S: 'a "quoted" text' }, expires: { N: '7' } }
    await table
      .update('key', { set, remove: ['user'], condition, returnsItem: true }, {})
      .catch(() => undefined)
    expect(sent()[0]).toEqual({
      TableName: 'sessions',
      Key: { id: { S: 'key' } },
      UpdateExpression: 'SET #a0 = :a0, #a1 = :a1 REMOVE #a2',
      ConditionExpression: '#rev = :rev',
      ExpressionAttributeNames: { '#rev': 'rev', '#a0': 'data', '#a1': 'expires', '#a2': 'user' },
      ExpressionAttributeValues: { ':rev': { S: '1' }, ':a0': set.data, ':a1': set.expires },
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    })
  })

  test('has its own values each time', async () => {
    const { table, sent } = openTable()
    await table.update('one', updateTo('first', '1'), {})
    await table.update('two', updateTo('second', '2'), {})
    const [first, second] = sent()
    expect(second).toEqual({
      ...(first as object),
      Key: { id: { S: 'two' } },
      ExpressionAttributeValues: { ':rev': { S: '2' }, ':a0': { S: 'second' } },
    })
  })

  const value = { S: 'value' }
  test.each<[string, ItemUpdate, ItemUpdate]>([
    [
      'sets',
      { set: { 'a,b': value }, remove: [], condition },
      { set: { a: value, b: value }, remove: [], condition },
    ],
    ['removes', { set: {}, remove: ['a'], condition }, { set: {}, remove: ['b'], condition }],
    ['sets or removes', { set: { a: value }, remove: [], condition }, { set: {}, remove: ['a'], condition }],
    [
      'requires',
      { set: { a: value }, remove: [], condition },
      { set: { a: value }, remove: [], condition: allOf(condition, condition) },
    ],
    [
      'returns',
      { set: {}, remove: ['a'], condition, returnsItem: true },
      { set: {}, remove: ['a'], condition, returnsItem: false },
    ],
  ])('is not taken for another by what it %s', async (_what, one, other) => {
    const alone = openTable()
    await alone.table.update('key', other, {}).catch(() => undefined)
    const { table, sent } = openTable()
    await table.update('key', one, {}).catch(() => undefined)
    await table.update('key', other, {}).catch(() => undefined)
    expect(sent().at(-1)).toEqual(alone.sent()[0])
  })
})
