import type { DynamoDBClient, SendOptions } from '../aws/dynamodb/client.ts'
import type { IndexDescription, KeySchema, TableDescription } from '../aws/dynamodb/operations.ts'
import { TableNotFoundError } from '../errors.ts'
import { foreignText } from '../internal/foreign-text.ts'
import type { LayoutTable } from './layout-table.ts'
import { type ProvisionedCapacity, userIndex } from '../layouts/user-index.ts'

/** How a table is paid for: by request, or by the hour for capacity that is set aside. */
export type Billing = 'on-demand' | ProvisionedCapacity

/** An attribute of a key. */
export interface KeyAttribute {
  readonly name: string
  /** `HASH` is the partition key, `RANGE` the sort key. */
  readonly role: 'HASH' | 'RANGE'
  /** `S`, `N` or `B`; `undefined` where the engine does not say. */
  readonly type: string | undefined
}

/** The time to live of a table: by which attribute DynamoDB deletes items. */
export interface TimeToLive {
  /** `ENABLED`, `DISABLED`, `ENABLING` or `DISABLING`. */
  readonly status: string
  /** The attribute with the expiry in epoch seconds; `undefined` while time to live is off. */
  readonly attribute: string | undefined
}

/** The index by user, whoever made it. */
export interface UserIndexState {
  /** `ACTIVE`, `CREATING`, `UPDATING` or `DELETING`. */
  readonly status: string
  readonly key: readonly KeyAttribute[]
  /** The attributes that it has besides the keys. */
  readonly projected: 'ALL' | readonly string[]
}

/** A table as it is. */
export interface TableState {
  readonly table: string
  /** `ACTIVE`, `CREATING`, `UPDATING`, `DELETING` or another word of DynamoDB's. */
  readonly status: string
  readonly key: readonly KeyAttribute[]
  readonly billing: Billing
  /** `undefined` where the engine has no time to live, and for tables that are just being created or deleted. */
  readonly timeToLive: TimeToLive | undefined
  /** The index `user-index`; `undefined` when there is none. */
  readonly userIndex: UserIndexState | undefined
  /** Number of items, expired ones included, as DynamoDB counted them within the last six hours or so. */
  readonly itemCount: number | undefined
  /** Size of all items in bytes, counted at the same time. */
  readonly sizeBytes: number | undefined
}

/** A table, the way to it, and what is asked of it; no index by user where none is wanted. */
export interface TableAccess extends LayoutTable {
  readonly client: DynamoDBClient
  readonly table: string
  readonly send: SendOptions
}

/** Asks DynamoDB for the description of a table; `undefined` when there is no such table. */
export async function describeRaw(access: TableAccess): Promise<TableDescription | undefined> {
  const found = await findTable(access)
  return found instanceof TableNotFoundError ? undefined : found
}

/** The same; when there is no such table, the error that says where it was looked for. */
export async function findTable({
  client,
  table,
  send,
}: TableAccess): Promise<TableDescription | TableNotFoundError> {
  try {
    const { Table: description } = await client.send('DescribeTable', { TableName: table }, send)
    return description ?? {}
  } catch (error) {
    if (error instanceof TableNotFoundError) return error
    throw error
  }
}

/** A table as DynamoDB describes it. */
export function stateOf(
  table: string,
  description: TableDescription,
  timeToLive: TimeToLive | undefined,
): TableState {
  return {
    table,
    status: shown(description.TableStatus),
    key: keyOf(description.KeySchema, description),
    billing: billingOf(description),
    timeToLive: timeToLive && {
      status: shown(timeToLive.status),
      attribute: timeToLive.attribute === undefined ? undefined : shown(timeToLive.attribute),
    },
    userIndex: userIndexOf(description),
    itemCount: description.ItemCount,
    sizeBytes: description.TableSizeBytes,
  }
}

/** Whether sessions can be kept in a table at this moment; a table that is being updated goes on working. */
export function isUsable(status: string | undefined): boolean {
  return status === 'ACTIVE' || status === 'UPDATING'
}

function keyOf(
  schema: KeySchema = [],
  { AttributeDefinitions: definitions }: TableDescription,
): KeyAttribute[] {
  return schema.map(({ AttributeName: name, KeyType: role }) => {
    const type = definitions?.find(definition => definition.AttributeName === name)?.AttributeType
    return { name: shown(name), role, type: type === undefined ? undefined : shown(type) }
  })
}

/** Tables that have always been provisioned have no summary of it. */
function billingOf({
  BillingModeSummary: summary,
  ProvisionedThroughput: throughput,
}: TableDescription): Billing {
  if (summary?.BillingMode === 'PAY_PER_REQUEST') return 'on-demand'
  return {
    readCapacityUnits: throughput?.ReadCapacityUnits ?? 0,
    writeCapacityUnits: throughput?.WriteCapacityUnits ?? 0,
  }
}

function userIndexOf(description: TableDescription): UserIndexState | undefined {
  const index = description.GlobalSecondaryIndexes?.find(({ IndexName: name }) => name === userIndex.name)
  if (index === undefined) return undefined
  return {
    status: shown(index.IndexStatus),
    key: keyOf(index.KeySchema, description),
    projected: projectedOf(index),
  }
}

function projectedOf({ Projection: projection }: IndexDescription): 'ALL' | readonly string[] {
  return projection?.ProjectionType === 'ALL' ? 'ALL' : (projection?.NonKeyAttributes ?? [])
}

/** What the engine says of itself, and messages and applications repeat; no name in DynamoDB is longer. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? foreignText(value, 255) : 'unknown'
}
