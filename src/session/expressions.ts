import type { ExpressionInput } from '../dynamodb/operations.ts'
import { DynamoDBError } from '../errors.ts'
import type { Condition } from '../layout/layout.ts'
import type { AttributeValue, Item } from '../types.ts'

/** The input fields that make a write conditional. */
export function conditionInput({ expression, names, values }: Condition): ExpressionInput {
  return {
    ConditionExpression: expression,
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  }
}

/** The input fields of an UpdateItem that sets attributes, under a condition. */
export function conditionalSetInput(
  attributes: Item,
  condition: Condition,
): ExpressionInput & { readonly UpdateExpression: string } {
  const names: Record<string, string> = { ...condition.names }
  const values: Record<string, AttributeValue> = { ...condition.values }
  const assignments = Object.entries(attributes).map(([name, value], index) => {
    names[`#set${index}`] = name
    values[`:set${index}`] = value
    return `#set${index} = :set${index}`
  })
  return {
    UpdateExpression: `SET ${assignments.join(', ')}`,
    ConditionExpression: condition.expression,
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  }
}

/**
 * Whether a conditional write happened.
 *
 * @returns `false` when its condition did not hold; every other failure is thrown.
 */
export async function happened(write: Promise<unknown>): Promise<boolean> {
  try {
    await write
    return true
  } catch (error) {
    if (error instanceof DynamoDBError && error.awsCode === 'ConditionalCheckFailedException') return false
    throw error
  }
}
