import { AccessDeniedError, DeadlineExceededError } from '../../errors.ts'
import { withTimeout } from '../../internal/timers.ts'
import { openClient } from '../../store/open-client.ts'
import {
  type ConnectionOptions,
  connectionOptionSpecs,
  deadlineMsOf,
} from '../../options/connection-options.ts'
import { readOptions } from '../../options/option.ts'
import { withNameOfSdk } from './deferred-session-store.ts'
import type { Settings } from './options.ts'
import { readSdkClient } from './sdk-client.ts'
import { processEnvironment } from '../../internal/process-environment.ts'

/** A table as DynamoDB describes it: the fields of `DescribeTable`. */
export type TableDescription = Readonly<Record<string, unknown>>

/** A table is made in some seconds; whoever waits for longer gets an error, and the next one finds it made. */
const CREATION_TIMEOUT_MS = 30_000

/** How DynamoDB is reached: what the options say, completed by what the client of the AWS SDK says. */
export async function findConnection({ client, connection }: Settings): Promise<ConnectionOptions> {
  if (client === undefined) return connection
  const deadlineMs = deadlineMsOf(connection)
  const found = readSdkClient(client, connection, processEnvironment())
  const read = await withTimeout(found, deadlineMs, undefined, () => {
    return new DeadlineExceededError(
      `the client in the option "client" did not tell its region and endpoint within ${deadlineMs} ms`,
    )
  })
  return { ...connection, ...read }
}

/**
 * Asks DynamoDB for the description of the table.
 *
 * @throws {TableNotFoundError} when there is none; its `name` is `ResourceNotFoundException`, as in the AWS SDK.
 */
export async function describeSessionsTable(settings: Settings): Promise<TableDescription> {
  const connection = await findConnection(settings)
  const client = openClient(
    readOptions(connection, connectionOptionSpecs, processEnvironment()),
    processEnvironment(),
  )
  try {
    const { Table: description } = await client.send('DescribeTable', { TableName: settings.table })
    return { ...description }
  } catch (error) {
    throw withNameOfSdk(error)
  } finally {
    await client.close()
  }
}

/**
 * Creates the table with provisioned capacity and time to live, if it is not there, and waits until it can be used. A table
 * that is there is left as it is.
 *
 * Credentials that may not enable time to live, because connect-dynamodb did not, are a warning.
 */
export async function createSessionsTable(settings: Settings): Promise<TableDescription> {
  const { table, hashKey: partitionKey, readCapacityUnits, writeCapacityUnits } = settings
  const connection = await findConnection(settings)
  const { createTable } = await import('../../table/create-table.ts')
  try {
    await createTable({
      ...connection,
      table,
      layout: 'connect-dynamodb',
      partitionKey,
      billing: { readCapacityUnits, writeCapacityUnits },
      userIndex: false,
      waitTimeoutMs: CREATION_TIMEOUT_MS,
    })
  } catch (error) {
    if (!(error instanceof AccessDeniedError)) throw withNameOfSdk(error)
    const description = await describeSessionsTable(settings).catch(() => undefined)
    if (description?.['TableStatus'] !== 'ACTIVE') throw withNameOfSdk(error)
    process.emitWarning(
      `table "${table}" is there, but nothing is known of its time to live: ${error.message}`,
      'DynamoDBSessionsWarning',
    )
    return description
  }
  return describeSessionsTable(settings)
}
