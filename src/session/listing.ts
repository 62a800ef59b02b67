import type { DynamoDBClient, SendOptions } from '../dynamodb/client.ts'
import type { Input, Output } from '../dynamodb/operations.ts'
import { bothOf, type Condition, type Layout } from '../layout/layout.ts'
import type { Item } from '../types.ts'

/** The table and the part of it that a listing is about. */
export interface ListedTable {
  readonly client: DynamoDBClient
  readonly table: string
  readonly layout: Layout
  readonly consistentRead: boolean
}

const DELETES_AT_ONCE = 25

/** The items of sessions that have not expired; with `keyOnly`, nothing but their partition key. */
export async function* listItems(
  listed: ListedTable,
  nowMs: number,
  keyOnly: boolean,
  options: SendOptions,
): AsyncGenerator<Item, void, undefined> {
  for await (const page of scanPages(listed, liveSessions(listed, nowMs), keyOnly, options)) {
    yield* page.Items ?? []
  }
}

/** The number of sessions that have not expired. Reads the whole table, and transfers only counts. */
export async function countItems(listed: ListedTable, nowMs: number, options: SendOptions): Promise<number> {
  const input: Input<'Scan'> = { ...scanInput(listed, liveSessions(listed, nowMs)), Select: 'COUNT' }
  let count = 0
  for await (const page of pagesOf(listed, input, options)) count += page.Count ?? 0
  return count
}

/** Deletes every item of the namespace, expired or not, a few at a time. */
export async function deleteItems(listed: ListedTable, options: SendOptions): Promise<void> {
  const { client, table } = listed
  for await (const page of scanPages(listed, listed.layout.namespace(), true, options)) {
    const keys = [...(page.Items ?? [])]
    while (keys.length > 0) {
      await Promise.all(
        keys
          .splice(0, DELETES_AT_ONCE)
          .map(Key => client.send('DeleteItem', { TableName: table, Key }, options)),
      )
    }
  }
}

function liveSessions({ layout }: ListedTable, nowMs: number): Condition {
  return bothOf(layout.liveAt(nowMs), layout.namespace())
}

function scanPages(
  listed: ListedTable,
  filter: Condition | undefined,
  keyOnly: boolean,
  options: SendOptions,
): AsyncGenerator<Output<'Scan'>, void, undefined> {
  const input = scanInput(listed, filter)
  const projected = {
    ...input,
    ProjectionExpression: '#projectedKey',
    ExpressionAttributeNames: {
      ...input.ExpressionAttributeNames,
      '#projectedKey': listed.layout.partitionKey,
    },
  }
  return pagesOf(listed, keyOnly ? projected : input, options)
}

function scanInput({ table, consistentRead }: ListedTable, filter: Condition | undefined): Input<'Scan'> {
  const input = { TableName: table, ConsistentRead: consistentRead }
  if (filter === undefined) return input
  return {
    ...input,
    FilterExpression: filter.expression,
    ExpressionAttributeNames: filter.names,
    ...(Object.keys(filter.values).length > 0 && { ExpressionAttributeValues: filter.values }),
  }
}

/** Reads page by page (DynamoDB reads up to 1 MB for one) and holds one page at a time. */
async function* pagesOf(
  { client }: ListedTable,
  input: Input<'Scan'>,
  options: SendOptions,
): AsyncGenerator<Output<'Scan'>, void, undefined> {
  let start: Item | undefined
  do {
    const page = await client.send(
      'Scan',
      start === undefined ? input : { ...input, ExclusiveStartKey: start },
      options,
    )
    yield page
    start = page.LastEvaluatedKey
  } while (start !== undefined)
}
