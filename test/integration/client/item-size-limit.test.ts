import { beforeAll, describe, expect, test } from 'vitest'

import { itemSizeBytes, MAX_ITEM_BYTES } from '../../../src/aws/dynamodb/item-size.ts'
import type { AttributeValue, Item } from '../../../src/types.ts'
import { engines } from '../../support/engines.ts'
import { sendToEngine } from '../../support/send-to-engine.ts'
import { SessionTable } from '../../support/session-table.ts'

/*
 * Items of exactly the limit by our count, and of one byte more, sent to the engines without any code of ours.
 */

const accepted = { statusCode: 200, text: '{}' }
const refused = {
  statusCode: 400,
  text: expect.stringMatching(/#ValidationException".*item size/i) as string,
}

const samples: readonly AttributeValue[] = [
  { S: '' },
  { S: 'plain' },
  ...[
    '0',
    '-0',
    '7',
    '10',
    '12',
    '120',
    '1230',
    '0.001',
    '0.012',
    '1.5',
    '-12.5',
    '1.20',
    '1e10',
    '12e1',
    '0012',
    '1763856123',
    '1763856123456',
    '1763856123450',
    '1763856123400',
    '1763856123000',
    '12345678901234567890123456789012345678',
  ].map(N => ({ N })),
  { B: 'AAA=' },
  { BOOL: true },
  { NULL: true },
  { L: [] },
  { M: {} },
  { L: [{ S: 'ab' }, { N: '120' }, { L: [{ BOOL: false }] }] },
  { M: { a: { S: 'b' }, cd: { M: { e: { N: '1.5' } } } } },
  { SS: ['a', 'bc'] },
  { NS: ['1', '120'] },
  { BS: ['AAAA', 'AA=='] },
]

/** An item of `bytes` by our count that has the value in it. */
function itemOf(bytes: number, value: AttributeValue): Item {
  const item = { id: { S: 'key' }, value, padding: { S: '' } }
  return { ...item, padding: { S: 'x'.repeat(bytes - itemSizeBytes(item)) } }
}

describe.each(engines)('$name', engine => {
  const { name, endpoint } = engine
  let table: SessionTable
  beforeAll(async () => {
    table = await SessionTable.create(engine)
  })
  const put = async (item: Item): Promise<{ readonly statusCode: number; readonly text: string }> => {
    const input = { TableName: table.name, Item: item }
    const { statusCode, body } = await sendToEngine(endpoint, 'PutItem', input)
    return { statusCode, text: JSON.stringify(body) }
  }

  test.each(samples.map(value => [JSON.stringify(value), value] as const))(
    'draws the line where we do with %s in the item',
    async (_json, value) => {
      expect(await put(itemOf(MAX_ITEM_BYTES, value))).toEqual(accepted)
      expect(await put(itemOf(MAX_ITEM_BYTES + 1, value))).toEqual(refused)
    },
  )

  test('counts texts that are not ASCII', async () => {
    const atLimit = itemOf(MAX_ITEM_BYTES, { S: 'é€😀' })
    const above = itemOf(MAX_ITEM_BYTES + 1, { S: 'é€😀' })
    expect(await put(atLimit)).toEqual(accepted)
    // dynalite counts UTF-16 units where DynamoDB counts bytes of UTF-8: 4 instead of the 9 of this text.
    expect(await put(above)).toEqual(name === 'dynalite' ? accepted : refused)
  })

  test('counts attribute names that are not ASCII', async () => {
    const item = { id: { S: 'key' }, 'é€': { S: '' } }
    const padded = (bytes: number): Item => ({
      ...item,
      'é€': { S: 'x'.repeat(bytes - itemSizeBytes(item)) },
    })
    expect(await put(padded(MAX_ITEM_BYTES))).toEqual(accepted)
    expect(await put(padded(MAX_ITEM_BYTES + 1))).toEqual(name === 'dynalite' ? accepted : refused)
  })
})
