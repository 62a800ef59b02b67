import type { TimedOptions } from '../aws/dynamodb/client-options.ts'
import { isAwsError } from '../aws/dynamodb/wire-error.ts'
import { DynamoDBSessionsError, TableMismatchError } from '../errors.ts'
import { foreignText } from '../internal/message-text.ts'
import { warn } from '../internal/process-environment.ts'
import { ttlAttributeOf } from '../layouts/layout.ts'
import { addIndexCommand } from '../layouts/user-index.ts'
import type { ItemTable } from './item-table.ts'

/**
 * Makes sure that sessions can be kept in a table, as far as the credentials of an application may see: that it is there, that
 * it may be read, and that it has the key of the layout. What sessions can be kept without is a process warning: time to live,
 * and the index by user where sessions have users.
 *
 * Reads one key that no session has, changes nothing, and takes one deadline for all of it.
 *
 * @throws {TableMismatchError} when the table has another key.
 */
export async function requireReady(
  table: ItemTable,
  options: TimedOptions,
  hasUsers: boolean,
): Promise<void> {
  await requireKey(table, options)
  await inform(options, () => warnOfTimeToLive(table, options))
  if (hasUsers) await inform(options, () => warnOfUserIndex(table, options))
}

async function requireKey(table: ItemTable, options: TimedOptions): Promise<void> {
  const { client, name: TableName, layout } = table
  try {
    await client.send('GetItem', { TableName, Key: table.itemKey('no session has this key') }, options)
  } catch (error) {
    if (!isAwsError(error, 'ValidationException')) throw error
    const asked = `${layout.partitionKey} (HASH, S)`
    const found = await keyInWords(table, options)
    const difference =
      found === undefined
        ? `the key of table "${TableName}" is not ${asked}`
        : `the key of table "${TableName}" is ${found}, not ${asked}`
    throw new TableMismatchError(
      `${difference}, so that no session can be kept in it; name its partition key in the option "partitionKey" or its ` +
        'layout in "layout", or create another table: npx dynamodb-sessions create-table',
      [difference],
    )
  }
}

/** The key that the table has; `undefined` where that cannot be seen. */
async function keyInWords(
  { client, name: TableName }: ItemTable,
  options: TimedOptions,
): Promise<string | undefined> {
  let words: string | undefined
  await inform(options, async () => {
    const { Table: { KeySchema: schema = [], AttributeDefinitions: definitions = [] } = {} } =
      await client.send('DescribeTable', { TableName }, options)
    const typeOf = (name: string): string =>
      definitions.find(each => each.AttributeName === name)?.AttributeType ?? 'unknown type'
    words = schema
      .map(({ AttributeName: name, KeyType: role }) => `${foreignText(name, 255)} (${role}, ${typeOf(name)})`)
      .join(', ')
  })
  return words === '' ? undefined : words
}

async function warnOfTimeToLive(
  { client, name: TableName, layout }: ItemTable,
  options: TimedOptions,
): Promise<void> {
  const asked = ttlAttributeOf(layout)
  if (asked === undefined) return
  const {
    TimeToLiveDescription: { TimeToLiveStatus: status = 'DISABLED', AttributeName: attribute = '' } = {},
  } = await client.send('DescribeTimeToLive', { TableName }, options)
  const isOn = status === 'ENABLED' || status === 'ENABLING'
  if (isOn && attribute === asked) return
  const found = isOn ? `on the attribute "${foreignText(attribute, 255)}"` : 'off'
  warn(
    `time to live of table "${TableName}" is ${found}, not on "${asked}": expired sessions are never deleted; ` +
      'npx dynamodb-sessions doctor says how to change that',
  )
}

async function warnOfUserIndex(
  { client, name: TableName, layout: { userIndex: index } }: ItemTable,
  options: TimedOptions,
): Promise<void> {
  if (index === undefined) return
  const query = {
    TableName,
    IndexName: index.name,
    KeyConditionExpression: '#user = :nobody',
    ExpressionAttributeNames: { '#user': index.attribute },
    ExpressionAttributeValues: { ':nobody': { S: 'no user has this ID' } },
  }
  try {
    await client.send('Query', query, options)
  } catch (error) {
    if (!isAwsError(error, 'ValidationException') || !error.message.includes('specified index')) throw error
    warn(
      `table "${TableName}" has no index "${index.name}", so that listByUser and destroyByUser will fail; add it: ` +
        addIndexCommand(TableName),
    )
  }
}

/** Looks at what is good to know: nothing is said where the credentials may not see it, or the engine does not have it. */
async function inform({ signal }: TimedOptions, look: () => Promise<void>): Promise<void> {
  try {
    await look()
  } catch (error) {
    signal?.throwIfAborted()
    if (!(error instanceof DynamoDBSessionsError)) throw error
  }
}
