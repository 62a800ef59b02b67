import { DynamoDBError } from '../../errors.ts'
import { weakProperty } from '../../internal/weak-property.ts'
import type { Item } from '../../types.ts'

const items = weakProperty<Item>()
const cancellations = weakProperty<readonly string[]>()

/** Whether DynamoDB refused a request for this reason, by the name that its API has for it. */
export function isAwsError(error: unknown, awsCode: string): error is DynamoDBError {
  return error instanceof DynamoDBError && error.awsCode === awsCode
}

/** Whether a write failed because its condition did not hold. */
export function isFailedCondition(error: unknown): error is DynamoDBError {
  return isAwsError(error, 'ConditionalCheckFailedException')
}

/**
 * The item that did not meet the condition of a write, as it was then: the one thing of an error that is session data,
 * so that it is no property of the error, and printing that does not show it (G9).
 *
 * @returns `undefined` for every other error, for a write that did not ask for the item
 *   (`ReturnValuesOnConditionCheckFailure`), when there was none, and from engines that leave it out.
 */
export function itemOfFailedCondition(error: unknown): Item | undefined {
  return items.of(error)
}

/** Keeps the item of a failed condition for {@link itemOfFailedCondition}, for as long as the error is kept. */
export function rememberItem(error: DynamoDBError, item: Item): void {
  items.set(error, item)
}

/**
 * Why a transaction was cancelled, in the words of the DynamoDB API: one code for each of its actions, `'None'` for those
 * that nothing was wrong with.
 *
 * @returns nothing for every other error, and for answers that do not say.
 */
export function cancellationCodesOf(error: unknown): readonly string[] {
  return cancellations.of(error) ?? []
}

/** Keeps the codes of a cancelled transaction for {@link cancellationCodesOf}. */
export function rememberCancellation(error: DynamoDBError, codes: readonly string[]): void {
  cancellations.set(error, codes)
}
