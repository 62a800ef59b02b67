import { isAwsError } from '../aws/dynamodb/wire-error.ts'
import type { SendOptions } from '../aws/dynamodb/client-options.ts'
import type { DynamoDBClient } from '../aws/dynamodb/client.ts'
import type { IndexDescription, KeySchema, TableDescription } from '../aws/dynamodb/operations.ts'
import { TableNotFoundError } from '../errors.ts'
import { foreignText } from '../internal/message-text.ts'
import { sleep } from '../internal/timers.ts'
import { type Layout, ttlAttributeOf } from '../layouts/layout.ts'
import type { LayoutOptions } from '../layouts/layout-settings.ts'
import { openLayout } from '../layouts/open-layout.ts'
import { type ProvisionedCapacity, type UserIndex, userIndex } from '../layouts/user-index.ts'

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

/** A replica of a table in another Region. */
export interface ReplicaState {
  readonly region: string
  /** `ACTIVE`, `CREATING`, `UPDATING`, `DELETING`, `REGION_DISABLED` or another word of DynamoDB's; of a witness, too. */
  readonly status: string
  /** Whether it takes part in writes only, and keeps no items that can be read. */
  readonly isWitness: boolean
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
  /** The replicas of the table, as DynamoDB lists them: of some tables it lists the Region that was asked, too. */
  readonly replicas: readonly ReplicaState[]
  /** How the replicas agree; `undefined` where there are none. */
  readonly consistency: 'eventual' | 'strong' | undefined
  /** Number of items, expired ones included, as DynamoDB counted them within the last six hours or so. */
  readonly itemCount: number | undefined
  /** Size of all items in bytes, counted at the same time. */
  readonly sizeBytes: number | undefined
}

/** The options that decide what a layout asks of its table. */
type LayoutTableOptions = Pick<LayoutOptions, 'layout' | 'partitionKey' | 'dataAttribute' | 'ttlAttribute'>

/** What a layout asks of the table that its items are in. */
export interface LayoutTable {
  /** Name of the layout. */
  readonly layout: string
  /** The partition key, an attribute of type S. */
  readonly partitionKey: string
  /** The attribute with the expiry in seconds; `undefined` in layouts without one: time to live cannot act there. */
  readonly ttlAttribute: string | undefined
  /** `undefined` in layouts that do not write down whose session it is. */
  readonly userIndex: UserIndex | undefined
}

/** A table, the way to it, and what is asked of it; no index by user where none is wanted. */
export interface TableAccess extends LayoutTable {
  readonly client: DynamoDBClient
  readonly table: string
  readonly send: SendOptions
}

/**
 * What the layout that the options name asks of its table.
 *
 * @throws {TypeError} `INVALID_OPTION` when the partition key has the name of another attribute of the layout.
 */
export async function openLayoutTable(options: LayoutTableOptions): Promise<LayoutTable> {
  return layoutTableOf(await openLayout(options))
}

/** What a layout asks of its table. */
export function layoutTableOf(layout: Layout): LayoutTable {
  const { name, partitionKey, userIndex: index } = layout
  return { layout: name, partitionKey, ttlAttribute: ttlAttributeOf(layout), userIndex: index }
}

/**
 * A table as it is, but for its time to live, which DynamoDB has to be asked for apart; when there is no such table, the
 * error that says where it was looked for.
 */
export async function findTable({
  client,
  table,
  send,
}: TableAccess): Promise<TableState | TableNotFoundError> {
  try {
    const { Table: description = {} } = await client.send('DescribeTable', { TableName: table }, send)
    return stateOf(table, description)
  } catch (error) {
    if (error instanceof TableNotFoundError) return error
    throw error
  }
}

function stateOf(table: string, description: TableDescription): TableState {
  return {
    table,
    status: shown(description.TableStatus),
    key: keyOf(description.KeySchema, description),
    billing: billingOf(description),
    timeToLive: undefined,
    userIndex: userIndexOf(description),
    ...replicasOf(description),
    itemCount: description.ItemCount,
    sizeBytes: description.TableSizeBytes,
  }
}

/** Whether sessions can be kept in a table at this moment; a table that is being updated goes on working. */
export function isUsable(status: string): boolean {
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

function replicasOf({
  Replicas: replicas = [],
  GlobalTableWitnesses: witnesses = [],
  MultiRegionConsistency: consistency,
}: TableDescription): Pick<TableState, 'replicas' | 'consistency'> {
  const all = [
    ...replicas.map(({ RegionName, ReplicaStatus }) => [RegionName, ReplicaStatus, false] as const),
    ...witnesses.map(({ RegionName, WitnessStatus }) => [RegionName, WitnessStatus, true] as const),
  ].map(([region, status, isWitness]) => ({ region: shown(region), status: shown(status), isWitness }))
  const agreement = consistency === 'STRONG' ? 'strong' : 'eventual'
  return { replicas: all, consistency: all.length === 0 ? undefined : agreement }
}

function projectedOf({ Projection: projection }: IndexDescription): 'ALL' | readonly string[] {
  return projection?.ProjectionType === 'ALL' ? 'ALL' : (projection?.NonKeyAttributes ?? [])
}

/** What the engine says of itself, and messages and applications repeat; no name in DynamoDB is longer. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? foreignText(value, 255) : 'unknown'
}

const RECHECK_MS = 500

/** The time to live of a table; `undefined` where the engine has none. */
export async function timeToLiveOf({ client, table, send }: TableAccess): Promise<TimeToLive | undefined> {
  try {
    const { TimeToLiveDescription: description } = await client.send(
      'DescribeTimeToLive',
      { TableName: table },
      send,
    )
    const { TimeToLiveStatus: status = 'DISABLED', AttributeName: attribute } = description ?? {}
    return { status: shown(status), attribute: attribute === undefined ? undefined : shown(attribute) }
  } catch (error) {
    if (isUnsupported(error)) return undefined
    throw error
  }
}

/** The same, at a time when a process that has just created the table may be about to enable it. */
export async function settledTimeToLiveOf(access: TableAccess): Promise<TimeToLive | undefined> {
  const timeToLive = await timeToLiveOf(access)
  if (timeToLive === undefined || isOn(timeToLive) || access.ttlAttribute === undefined) return timeToLive
  await sleep(RECHECK_MS, access.send.signal)
  return timeToLiveOf(access)
}

/** Enables the time to live of a new table; `undefined` where the engine has none, or the layout has no use for it. */
export async function enableTimeToLive(access: TableAccess): Promise<TimeToLive | undefined> {
  const { client, table, ttlAttribute, send } = access
  if (ttlAttribute === undefined) return undefined
  try {
    await client.send(
      'UpdateTimeToLive',
      { TableName: table, TimeToLiveSpecification: { AttributeName: ttlAttribute, Enabled: true } },
      send,
    )
    return { status: 'ENABLING', attribute: ttlAttribute }
  } catch (error) {
    if (isUnsupported(error)) return undefined
    // Another process has just done it, or is about to: what counts is what the table says.
    if (isAwsError(error, 'ValidationException') || isAwsError(error, 'ResourceInUseException')) {
      return settledTimeToLiveOf(access)
    }
    throw error
  }
}

/** Whether DynamoDB deletes expired items, or is about to. */
export function isOn({ status }: TimeToLive): boolean {
  return status === 'ENABLED' || status === 'ENABLING'
}

function isUnsupported(error: unknown): boolean {
  return isAwsError(error, 'UnknownOperationException')
}
