import type { Item } from '../types.ts'

/** A condition or update in DynamoDB's expression language, with its placeholders. */
export interface ExpressionInput {
  readonly ConditionExpression?: string
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>
  readonly ExpressionAttributeValues?: Item
}

/** What every operation on one table names. */
export interface TableInput {
  readonly TableName: string
}

/** Definition and state of a table, as far as sessions depend on it. */
export interface TableDescription {
  readonly TableStatus?: string
  readonly KeySchema?: readonly { readonly AttributeName: string; readonly KeyType: 'HASH' | 'RANGE' }[]
  readonly AttributeDefinitions?: readonly {
    readonly AttributeName: string
    readonly AttributeType: string
  }[]
  readonly BillingModeSummary?: { readonly BillingMode?: string }
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
    input: TableInput & ExpressionInput & { readonly Key: Item; readonly UpdateExpression: string }
    output: object
  }
  DeleteItem: { input: TableInput & { readonly Key: Item }; output: object }
  Scan: {
    input: TableInput &
      Omit<ExpressionInput, 'ConditionExpression'> & {
        readonly FilterExpression?: string
        readonly ProjectionExpression?: string
        readonly Select?: 'COUNT'
        readonly ConsistentRead?: boolean
        readonly ExclusiveStartKey?: Item
      }
    output: { readonly Items?: readonly Item[]; readonly Count?: number; readonly LastEvaluatedKey?: Item }
  }
  CreateTable: {
    input: TableInput & {
      readonly KeySchema: NonNullable<TableDescription['KeySchema']>
      readonly AttributeDefinitions: NonNullable<TableDescription['AttributeDefinitions']>
      readonly BillingMode: 'PAY_PER_REQUEST'
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

/** Input of an operation. */
export type Input<Name extends Operation> = Operations[Name]['input']

/** Output of an operation. */
export type Output<Name extends Operation> = Operations[Name]['output']
