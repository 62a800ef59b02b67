import { isJsonObject, type JsonObject } from '../../internal/core-objects.ts'
import type { AttributeValue, Item } from '../../types.ts'
import { type Operation, tableName } from './operations.ts'
import type { WireError } from './wire-error.ts'

/** What the input of an operation tells about its response. */
interface Asked {
  readonly TableName?: string | undefined
  readonly Key?: Item
  readonly ReturnValues?: string
  readonly Select?: string
  readonly UpdateExpression?: string
  readonly KeyConditionExpression?: string
  readonly ConditionExpression?: string
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>
  readonly ExpressionAttributeValues?: Item
  readonly TransactItems?: readonly {
    readonly Get?: { readonly Key: Item }
    readonly Put?: object
    readonly Delete?: object
  }[]
}

/** The operations whose outputs can have a field. Fields that are not here may come with any. */
const OPERATIONS_WITH: ReadonlyMap<string, ReadonlySet<Operation>> = new Map<string, ReadonlySet<Operation>>([
  ['Item', new Set(['GetItem'])],
  ['Attributes', new Set(['UpdateItem', 'DeleteItem'])],
  ['Items', new Set(['Scan', 'Query'])],
  ['Count', new Set(['Scan', 'Query'])],
  ['ScannedCount', new Set(['Scan', 'Query'])],
  ['LastEvaluatedKey', new Set(['Scan', 'Query'])],
  ['Responses', new Set(['TransactGetItems'])],
  ['Table', new Set(['DescribeTable'])],
  ['TableDescription', new Set(['CreateTable', 'UpdateTable'])],
  ['TimeToLiveDescription', new Set(['DescribeTimeToLive'])],
  ['TimeToLiveSpecification', new Set(['UpdateTimeToLive'])],
])

/** An attribute that is set to a value as it is: `#name = :value`, and nothing behind. */
const ASSIGNMENT = /(#\w+) = (:\w+)(?=,| [A-Z]|$)/g

/** What the outputs of an operation have to be; those of the others can say nothing that could be wrong. */
const CHECKS: Partial<Record<Operation, (asked: Asked, output: JsonObject) => boolean>> = {
  GetItem: ({ Key }, output) => isItemAt(Key, output['Item']),
  UpdateItem: (asked, output) => isUpdated(asked, output['Attributes']),
  DeleteItem: (asked, output) => areOldAttributes(asked, output['Attributes']),
  Scan: isPage,
  Query: isPage,
  TransactGetItems: (asked, output) => areItemsOf(asked, output['Responses']),
  DescribeTable: (asked, output) => isOfTable(asked, output['Table']),
}

/**
 * Whether an output can be the one to a request: it has the fields that the output of the operation has, and is about the
 * items that were asked for.
 *
 * An output that says nothing, as that of most writes, can be the one to any such request.
 */
export function isOwnOutput(operation: Operation, asked: Asked, output: object): boolean {
  if (!isJsonObject(output)) return false
  for (const field of Object.keys(output)) {
    if (OPERATIONS_WITH.get(field)?.has(operation) === false) return false
  }
  if (!isOfTable(asked, output['ConsumedCapacity'])) return false
  return CHECKS[operation]?.(asked, output) ?? true
}

/**
 * Whether an error can be the response to a request: nothing is said of conditions that it does not have, and the item that
 * did not meet the condition is the one that it was about.
 *
 * @param key of that item, where the input does not name it.
 */
export function isOwnError({ awsCode, item }: WireError, asked: Asked, key: Item | undefined): boolean {
  switch (awsCode) {
    case 'ConditionalCheckFailedException':
      return asked.ConditionExpression !== undefined && isItemAt(key ?? asked.Key, item)
    case 'TransactionCanceledException':
      return asked.TransactItems !== undefined
    default:
      return true
  }
}

function isUpdated(asked: Asked, attributes: unknown): boolean {
  const { Key, ReturnValues, UpdateExpression = '' } = asked
  if (ReturnValues !== 'ALL_NEW') return attributes === undefined
  if (!isJsonObject(attributes) || !isItemAt(Key, attributes)) return false
  for (const [, name = '', value = ''] of UpdateExpression.matchAll(ASSIGNMENT)) {
    if (!hasValue(asked, attributes, name, value)) return false
  }
  return true
}

function areOldAttributes({ Key, ReturnValues }: Asked, attributes: unknown): boolean {
  return ReturnValues === 'ALL_OLD' ? isItemAt(Key, attributes) : attributes === undefined
}

function isPage(asked: Asked, output: JsonObject): boolean {
  const items = output['Items']
  const count = output['Count']
  if (asked.Select === 'COUNT') return typeof count === 'number'
  if (!Array.isArray(items) || (count !== undefined && count !== items.length)) return false
  const [, name, value] = /^(#\w+) = (:\w+)/.exec(asked.KeyConditionExpression ?? '') ?? []
  if (name === undefined || value === undefined) return true
  return items.every(item => isJsonObject(item) && hasValue(asked, item, name, value))
}

function areItemsOf({ TransactItems: actions = [] }: Asked, responses: unknown): boolean {
  if (!Array.isArray(responses) || responses.length !== actions.length) return false
  return responses.every((response: unknown, index) => {
    return isJsonObject(response) && isItemAt(actions[index]?.Get?.Key, response['Item'])
  })
}

/** Whether something is of the table that was asked, as far as it says so. */
function isOfTable({ TableName: asked }: Asked, described: unknown): boolean {
  const name = isJsonObject(described) ? described['TableName'] : undefined
  return asked === undefined || typeof name !== 'string' || tableName(name) === tableName(asked)
}

/** Whether there is no item, or one that has this key. */
function isItemAt(key: Item | undefined, item: unknown): boolean {
  if (item === undefined || key === undefined) return true
  if (!isJsonObject(item)) return false
  for (const name of Object.keys(key)) {
    const value = key[name]
    if (value !== undefined && !isSameValue(item[name], value)) return false
  }
  return true
}

/** Whether an attribute has the value of the request that these placeholders stand for. */
function hasValue(
  { ExpressionAttributeNames: names = {}, ExpressionAttributeValues: values = {} }: Asked,
  item: JsonObject,
  name: string,
  value: string,
): boolean {
  const expected = values[value]
  return expected === undefined || isSameValue(item[names[name] ?? name], expected)
}

/** Compares what a key can be; of other types, and of numbers, DynamoDB may have written the same in another way. */
function isSameValue(found: unknown, expected: AttributeValue): boolean {
  if (!isJsonObject(found)) return false
  if ('S' in expected) return found['S'] === expected.S
  if ('B' in expected) return found['B'] === expected.B
  return 'N' in expected ? Number(found['N']) === Number(expected.N) : true
}
