import { connectItem, nativeItem, table } from './fixture.mjs'

/** @typedef {'native' | 'connect-dynamodb'} LayoutName */

/** Sizes of the item that the stub server can serve, in bytes of session data. */
export const itemSizes = [512, 4096, 65_536]

/** Layouts that the stub server serves. @type {readonly LayoutName[]} */
export const layouts = ['native', 'connect-dynamodb']

/**
 * What the stub server answers to each operation: constants, as the operations would have them.
 *
 * @param {LayoutName} layout
 * @param {number} itemBytes
 * @returns {Record<string, string>} JSON by the name of the operation.
 */
export function answersOf(layout, itemBytes) {
  const item = layout === 'native' ? nativeItem(itemBytes) : connectItem(itemBytes)
  // connect-dynamodb asks for the attribute that it changed, our store does not.
  const updated = layout === 'native' ? {} : { Attributes: { expires: item['expires'] } }
  return {
    GetItem: JSON.stringify({ Item: item }),
    PutItem: '{}',
    UpdateItem: JSON.stringify(updated),
    DescribeTable: JSON.stringify({
      Table: {
        TableName: table,
        TableStatus: 'ACTIVE',
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      },
    }),
  }
}
