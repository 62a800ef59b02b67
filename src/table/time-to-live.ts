import { sleep } from '../internal/timers.ts'
import { isAwsError } from '../aws/dynamodb/aws-error.ts'
import type { TableAccess, TimeToLive } from './table-state.ts'

const RECHECK_MS = 500

/** The time to live of a table; `undefined` where the engine has none. */
export async function timeToLiveOf({ client, table, send }: TableAccess): Promise<TimeToLive | undefined> {
  try {
    const { TimeToLiveDescription: description } = await client.send(
      'DescribeTimeToLive',
      { TableName: table },
      send,
    )
    return { status: description?.TimeToLiveStatus ?? 'DISABLED', attribute: description?.AttributeName }
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
