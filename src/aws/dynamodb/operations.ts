import type { Item } from '../../types.ts'

/** A condition or update in DynamoDB's expression language, with its placeholders. */
export interface ExpressionInput {
  readonly ConditionExpression?: string
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>
  readonly ExpressionAttributeValues?: Item
  /** Asks for the item that a condition did not hold for; dynalite does not know it. */
  readonly ReturnValuesOnConditionCheckFailure?: 'ALL_OLD'
}

/** What every operation on one table names. */
export interface TableInput {
  readonly TableName: string
}

/** Asks what an operation consumed. */
export interface CapacityInput {
  readonly ReturnConsumedCapacity?: 'TOTAL'
}

/** What an operation consumed, when that was asked for. */
export interface CapacityOutput {
  readonly ConsumedCapacity?: { readonly CapacityUnits?: number }
}

/** The attributes of a key, of a table or of an index. */
export type KeySchema = readonly { readonly AttributeName: string; readonly KeyType: 'HASH' | 'RANGE' }[]

/** Provisioned capacity of a table, as DynamoDB describes it; on-demand tables have 0 of both, or none. */
export interface ThroughputDescription {
  readonly ReadCapacityUnits?: number
  readonly WriteCapacityUnits?: number
}

/** Definition and state of a global secondary index, as far as sessions depend on it. */
export interface IndexDescription {
  readonly IndexName?: string
  readonly IndexStatus?: string
  readonly KeySchema?: KeySchema
  readonly Projection?: { readonly ProjectionType?: string; readonly NonKeyAttributes?: readonly string[] }
}

/** Definition and state of a table, as far as sessions depend on it. */
export interface TableDescription {
  readonly TableStatus?: string
  readonly KeySchema?: KeySchema
  readonly AttributeDefinitions?: readonly {
    readonly AttributeName: string
    readonly AttributeType: string
  }[]
  readonly BillingModeSummary?: { readonly BillingMode?: string }
  readonly ProvisionedThroughput?: ThroughputDescription
  readonly GlobalSecondaryIndexes?: readonly IndexDescription[]
  readonly Replicas?: readonly { readonly RegionName?: string; readonly ReplicaStatus?: string }[]
  readonly GlobalTableWitnesses?: readonly { readonly RegionName?: string; readonly WitnessStatus?: string }[]
  readonly MultiRegionConsistency?: string
  readonly ItemCount?: number
  readonly TableSizeBytes?: number
}

/**
 * The operations that the package sends, with the part of their input and output that it uses, in the words of
 * the DynamoDB API (version 2012-08-10). Every output field is optional: it comes off the wire.
 */
export interface Operations {
  GetItem: {
    input: TableInput & { readonly Key: Item; readonly ConsistentRead?: boolean }
    output: { readonly Item?: Item }
  }
  PutItem: { input: TableInput & ExpressionInput & { readonly Item: Item }; output: object }
  UpdateItem: {
    input: TableInput &
      ExpressionInput & {
        readonly Key: Item
        readonly UpdateExpression: string
        readonly ReturnValues?: 'ALL_NEW'
      }
    output: { readonly Attributes?: Item }
  }
  DeleteItem: {
    input: TableInput &
      ExpressionInput &
      CapacityInput & { readonly Key: Item; readonly ReturnValues?: 'ALL_OLD' }
    output: CapacityOutput & { readonly Attributes?: Item }
  }
  Scan: {
    input: TableInput &
      CapacityInput &
      Omit<ExpressionInput, 'ConditionExpression'> & {
        readonly FilterExpression?: string
        readonly ProjectionExpression?: string
        readonly Select?: 'COUNT'
        readonly ConsistentRead?: boolean
        readonly ExclusiveStartKey?: Item
        readonly Limit?: number
        readonly Segment?: number
        readonly TotalSegments?: number
      }
    output: CapacityOutput & {
      readonly Items?: readonly Item[]
      readonly Count?: number
      readonly ScannedCount?: number
      readonly LastEvaluatedKey?: Item
    }
  }
  Query: {
    input: TableInput &
      Omit<ExpressionInput, 'ConditionExpression'> & {
        readonly IndexName?: string
        readonly KeyConditionExpression: string
        readonly FilterExpression?: string
        readonly ExclusiveStartKey?: Item
      }
    output: { readonly Items?: readonly Item[]; readonly LastEvaluatedKey?: Item }
  }
  TransactGetItems: {
    input: {
      readonly TableName?: undefined
      readonly TransactItems: readonly { readonly Get: TableInput & { readonly Key: Item } }[]
    }
    /** One response for each item, in the order of the request. */
    output: { readonly Responses?: readonly { readonly Item?: Item }[] }
  }
  TransactWriteItems: {
    input: {
      readonly TableName?: undefined
      readonly ClientRequestToken: string
      readonly TransactItems: readonly (
        | { readonly Put: TableInput & ExpressionInput & { readonly Item: Item } }
        | { readonly Delete: TableInput & ExpressionInput & { readonly Key: Item } }
      )[]
    }
    output: object
  }
  CreateTable: {
    input: TableInput & {
      readonly KeySchema: KeySchema
      readonly AttributeDefinitions: NonNullable<TableDescription['AttributeDefinitions']>
      readonly BillingMode: 'PAY_PER_REQUEST' | 'PROVISIONED'
      readonly ProvisionedThroughput?: {
        readonly ReadCapacityUnits: number
        readonly WriteCapacityUnits: number
      }
      readonly StreamSpecification?: {
        readonly StreamEnabled: true
        readonly StreamViewType: 'NEW_AND_OLD_IMAGES'
      }
      readonly GlobalSecondaryIndexes?: readonly {
        readonly IndexName: string
        readonly KeySchema: KeySchema
        readonly Projection: {
          readonly ProjectionType: 'INCLUDE'
          readonly NonKeyAttributes: readonly string[]
        }
        readonly ProvisionedThroughput?: {
          readonly ReadCapacityUnits: number
          readonly WriteCapacityUnits: number
        }
      }[]
    }
    output: { readonly TableDescription?: TableDescription }
  }
  UpdateTable: {
    input: TableInput & {
      readonly ReplicaUpdates: readonly { readonly Create: { readonly RegionName: string } }[]
      readonly MultiRegionConsistency?: 'STRONG'
      readonly GlobalTableWitnessUpdates?: readonly { readonly Create: { readonly RegionName: string } }[]
    }
    output: { readonly TableDescription?: TableDescription }
  }
  DescribeTable: { input: TableInput; output: { readonly Table?: TableDescription } }
  DescribeTimeToLive: {
    input: TableInput
    output: {
      readonly TimeToLiveDescription?: { readonly TimeToLiveStatus?: string; readonly AttributeName?: string }
    }
  }
  UpdateTimeToLive: {
    input: TableInput & {
      readonly TimeToLiveSpecification: { readonly AttributeName: string; readonly Enabled: boolean }
    }
    output: object
  }
}

/** Name of an operation that the package sends. */
export type Operation = keyof Operations

/** The operations on items, as opposed to tables. They tell the capacity that they consume, if asked to. */
export const ITEM_OPERATIONS: ReadonlySet<Operation> = new Set<Operation>([
  'DeleteItem',
  'GetItem',
  'PutItem',
  'Query',
  'Scan',
  'TransactGetItems',
  'TransactWriteItems',
  'UpdateItem',
])

/** Input of an operation. */
export type Input<Name extends Operation> = Operations[Name]['input']

/** Output of an operation. */
export type Output<Name extends Operation> = Operations[Name]['output']

const TIMED_FIELDS = ['Item', 'UpdateExpression', 'ConditionExpression', 'FilterExpression']

/** The name of a table, which may be given as its ARN. */
export function tableName(table: string): string {
  return table.slice(table.lastIndexOf('/') + 1)
}

/** What an input consists of: the actions of a transaction (`[{ Put: { ... } }, ...]`), or else itself. */
export function actionsOf(input: object): readonly object[] {
  const { TransactItems: items }: { readonly TransactItems?: unknown } = input
  if (!Array.isArray(items)) return [input]
  return items.flatMap((item: Readonly<Record<string, object>>) => Object.values(item))
}

/** Whether an input may hold what the time is: expiries are written, and conditions and filters compare with them. */
export function dependsOnTime(input: object): boolean {
  return actionsOf(input).some(action => TIMED_FIELDS.some(name => Object.hasOwn(action, name)))
}
