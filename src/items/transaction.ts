import type { TimedOptions } from '../aws/dynamodb/client-options.ts'
import type { DynamoDBClient } from '../aws/dynamodb/client.ts'
import type { Input } from '../aws/dynamodb/operations.ts'
import { cancellationCodesOf, isAwsError } from '../aws/dynamodb/wire-error.ts'
import { randomText } from '../internal/random.ts'
import { backoffMs, sleep } from '../internal/timers.ts'

/** One write of a transaction. */
export type TransactItem = Input<'TransactWriteItems'>['TransactItems'][number]

const TOKEN_BYTES = 24

const CONFLICT_PAUSES = { baseMs: 10, capMs: 320 }

/** With less time left than that, a transaction is not tried again. */
const SHORTEST_TRY_MS = 50

/**
 * Writes several items, all or none. What is sent again because its response was lost is not done again (G11).
 *
 * @returns whether it was done; `false` when a condition did not hold.
 */
export async function writeTogether(
  client: DynamoDBClient,
  TransactItems: readonly TransactItem[],
  options: TimedOptions,
): Promise<boolean> {
  const input = { ClientRequestToken: randomText(TOKEN_BYTES), TransactItems }
  try {
    await transact(() => client.send('TransactWriteItems', input, options), options)
    return true
  } catch (error) {
    if (cancellationCodesOf(error).includes('ConditionalCheckFailed')) return false
    throw error
  }
}

/**
 * Does a transaction; again for as long as others are in flight on its items and there is time: each of them takes some
 * milliseconds.
 */
export async function transact<Value>(
  transaction: () => Promise<Value>,
  { signal, deadline }: TimedOptions,
): Promise<Value> {
  for (let retry = 0; ; retry++) {
    try {
      return await transaction()
    } catch (error) {
      const pauseMs = backoffMs(retry, CONFLICT_PAUSES)
      if (!isTransactionConflict(error) || deadline.isExpired(pauseMs)) throw error
      await sleep(pauseMs, signal)
      // The conflict says more than that the time is over.
      if (deadline.isExpired(SHORTEST_TRY_MS)) throw error
    }
  }
}

/** Whether the server has no transactions, which some that are compatible with DynamoDB have not. */
export function lacksTransactions(error: unknown): boolean {
  return isAwsError(error, 'UnknownOperationException')
}

/** Cancelled for a conflict with other transactions; the client has done what can be done about a lack of capacity. */
function isTransactionConflict(error: unknown): boolean {
  const codes = cancellationCodesOf(error)
  return (
    codes.includes('TransactionConflict') &&
    codes.every(code => code === 'None' || code === 'TransactionConflict')
  )
}
