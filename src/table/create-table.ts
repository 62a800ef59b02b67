import type { DynamoDBClient, SendOptions } from '../dynamodb/client.ts'
import type { Output, TableDescription } from '../dynamodb/operations.ts'
import { DeadlineExceededError, DynamoDBError, TableMismatchError, TableNotFoundError } from '../errors.ts'
import { sleep } from '../internal/waiting.ts'
import { openClient } from '../session/connection.ts'
import { type ConnectionOptions, connectionOptionSpecs } from '../session/connection-options.ts'
import { integerOption, type OptionSpec, type OptionSpecs, readOptions } from '../session/option-spec.ts'
import { DEFAULT_PARTITION_KEY, DEFAULT_TABLE, tableOptionSpecs } from '../session/store-options.ts'

/** Options of {@link createTable}: where DynamoDB is, and what the table is to be. */
export interface CreateTableOptions extends ConnectionOptions {
  /**
   * Name of the table.
   *
   * @default 'sessions'
   */
  readonly table?: string | undefined

  /**
   * Name of the partition key, an attribute of type S.
   *
   * @default 'id'
   */
  readonly partitionKey?: string | undefined

  /**
   * Longest time to wait for the table to become active. Milliseconds.
   *
   * @default 120000
   */
  readonly waitTimeoutMs?: number | undefined

  /**
   * Told what is not as asked but does not keep sessions from working, one sentence a call.
   *
   * @default `process.emitWarning`
   */
  readonly onWarning?: ((message: string) => void) | undefined

  /**
   * Gives up at any moment; a table whose creation has begun is still created.
   *
   * @default none
   */
  readonly signal?: AbortSignal | undefined
}

/** What {@link createTable} found or did. */
export interface CreateTableResult {
  /** Whether this call created the table; `false` when it was there already. */
  readonly created: boolean
  /** What is not as asked but does not keep sessions from working; {@link CreateTableOptions.onWarning} was told. */
  readonly warnings: readonly string[]
}

interface Job {
  readonly client: DynamoDBClient
  readonly table: string
  readonly partitionKey: string
  readonly send: SendOptions
  readonly giveUpAtMs: number
  readonly warnings: string[]
}

type TimeToLive = NonNullable<Output<'DescribeTimeToLive'>['TimeToLiveDescription']>

/** The attribute that the native layout keeps its expiry in, epoch seconds. */
const TTL_ATTRIBUTE = 'expires'
const DEFAULT_WAIT_TIMEOUT_MS = 120_000
const FIRST_POLL_MS = 50
const SLOWEST_POLL_MS = 2000
const TTL_RECHECK_MS = 500

const specs: OptionSpecs<CreateTableOptions> = {
  ...connectionOptionSpecs,
  ...tableOptionSpecs,
  waitTimeoutMs: integerOption('milliseconds', 1, 3_600_000),
  onWarning: functionOption(),
  signal: {
    takes: 'an AbortSignal',
    accepts: (value): value is AbortSignal => value instanceof AbortSignal,
  },
}

/**
 * Creates the table for sessions: on-demand billing, a partition key of type S, and time to live on `expires`.
 * Waits until the table is active.
 *
 * Does nothing when the table is there as asked, so that it can run at every deployment, several times at once.
 * It never changes a table that was there: a table that sessions cannot be kept in is a `TableMismatchError`;
 * other differences (no time to live, for example) are warnings. So is an engine without time to live, such as
 * dynalite.
 *
 * Needs the permissions `dynamodb:CreateTable`, `DescribeTable`, `UpdateTimeToLive` and `DescribeTimeToLive`,
 * which the application itself does not.
 *
 * @example
 * ```ts
 * import { createTable } from 'dynamodb-sessions/table'
 *
 * const { created } = await createTable({ table: 'sessions', region: 'eu-west-1' })
 * console.log(created ? 'created' : 'was there')
 * ```
 *
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
 * @throws {TableMismatchError} when the table is there with another key.
 * @throws {DeadlineExceededError} when the table is not active after `waitTimeoutMs`.
 */
export async function createTable(options: CreateTableOptions = {}): Promise<CreateTableResult> {
  const checked = readOptions<CreateTableOptions>(options, specs, process.env)
  const client = openClient(checked, process.env)
  const job: Job = {
    client,
    table: checked.table ?? DEFAULT_TABLE,
    partitionKey: checked.partitionKey ?? DEFAULT_PARTITION_KEY,
    send: { signal: checked.signal },
    giveUpAtMs: performance.now() + (checked.waitTimeoutMs ?? DEFAULT_WAIT_TIMEOUT_MS),
    warnings: [],
  }
  try {
    const created = await ensureTable(job)
    const warn = checked.onWarning ?? emitWarning
    for (const warning of job.warnings) warn(warning)
    return { created, warnings: job.warnings }
  } finally {
    await client.close()
  }
}

async function ensureTable(job: Job): Promise<boolean> {
  const before = await waitUntil(job, description => description?.TableStatus !== 'DELETING')
  if (isUsable(before)) {
    checkKey(job, before)
    await checkTimeToLive(job)
    return false
  }
  // A table in the making is probably another process's doing, at this very moment: what is to follow its
  // creation is then done by both, because the other one may stop in between.
  const created = before === undefined && (await create(job))
  // Right after its creation a table may not be found yet: DescribeTable is eventually consistent.
  checkKey(job, (await waitUntil(job, isUsable)) ?? {})
  await enableTimeToLive(job)
  return created
}

/** Whether sessions can be kept in a table at this moment; a table that is being updated goes on working. */
function isUsable(description: TableDescription | undefined): description is TableDescription {
  return description?.TableStatus === 'ACTIVE' || description?.TableStatus === 'UPDATING'
}

async function describe({ client, table, send }: Job): Promise<TableDescription | undefined> {
  try {
    const { Table: description } = await client.send('DescribeTable', { TableName: table }, send)
    return description ?? {}
  } catch (error) {
    if (error instanceof TableNotFoundError) return undefined
    throw error
  }
}

async function create({ client, table, partitionKey, send }: Job): Promise<boolean> {
  try {
    await client.send(
      'CreateTable',
      {
        TableName: table,
        KeySchema: [{ AttributeName: partitionKey, KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: partitionKey, AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
      },
      send,
    )
    return true
  } catch (error) {
    if (isAwsError(error, 'ResourceInUseException')) return false
    throw error
  }
}

async function waitUntil(
  job: Job,
  isReached: (description: TableDescription | undefined) => boolean,
): Promise<TableDescription | undefined> {
  for (let pauseMs = FIRST_POLL_MS; ; pauseMs = Math.min(pauseMs * 2, SLOWEST_POLL_MS)) {
    const description = await describe(job)
    if (isReached(description)) return description
    if (performance.now() + pauseMs > job.giveUpAtMs) {
      const status = description?.TableStatus ?? 'not there'
      throw new DeadlineExceededError(`table "${job.table}" did not become active in time; it is ${status}`)
    }
    await sleep(pauseMs, job.send.signal)
  }
}

function checkKey({ table, partitionKey }: Job, { KeySchema, AttributeDefinitions }: TableDescription): void {
  const key = (KeySchema ?? []).map(({ AttributeName, KeyType }) => {
    const type = AttributeDefinitions?.find(
      definition => definition.AttributeName === AttributeName,
    )?.AttributeType
    return `${AttributeName} (${KeyType}, ${type ?? 'unknown type'})`
  })
  const asked = `${partitionKey} (HASH, S)`
  if (key.length === 1 && key[0] === asked) return
  throw new TableMismatchError(
    `table "${table}" exists with another key, and a key cannot be changed: name its partition key in the option ` +
      `"partitionKey", or use another table (the key is ${key.join(', ')}; asked for: ${asked})`,
    [`the key is ${key.join(', ')}, not ${asked}`],
  )
}

async function checkTimeToLive(job: Job): Promise<void> {
  const { table, send, warnings } = job
  let timeToLive = await describeTimeToLive(job)
  if (timeToLive !== undefined && !isOn(timeToLive)) {
    // A process that has created the table just now is about to enable it.
    await sleep(TTL_RECHECK_MS, send.signal)
    timeToLive = await describeTimeToLive(job)
  }
  const { TimeToLiveStatus: status = 'DISABLED', AttributeName: attribute } = timeToLive ?? {}
  if (timeToLive === undefined) {
    warnings.push(unsupported(table))
  } else if (!isOn(timeToLive)) {
    warnings.push(
      `time to live is ${status} on table "${table}", so that expired sessions are never deleted; enable it: aws ` +
        `dynamodb update-time-to-live --table-name ${table} --time-to-live-specification ` +
        `Enabled=true,AttributeName=${TTL_ATTRIBUTE}`,
    )
  } else if (attribute !== TTL_ATTRIBUTE) {
    warnings.push(
      `time to live of table "${table}" is on attribute "${attribute}", not on "${TTL_ATTRIBUTE}", so that expired ` +
        'sessions are never deleted; disable it and enable it on the other attribute',
    )
  }
}

/** `undefined` where the engine has no time to live. */
async function describeTimeToLive({ client, table, send }: Job): Promise<TimeToLive | undefined> {
  try {
    const output = await client.send('DescribeTimeToLive', { TableName: table }, send)
    return output.TimeToLiveDescription ?? {}
  } catch (error) {
    if (isUnsupported(error)) return undefined
    throw error
  }
}

function isOn({ TimeToLiveStatus: status }: TimeToLive): boolean {
  return status === 'ENABLED' || status === 'ENABLING'
}

async function enableTimeToLive(job: Job): Promise<void> {
  const { client, table, send, warnings } = job
  try {
    await client.send(
      'UpdateTimeToLive',
      { TableName: table, TimeToLiveSpecification: { AttributeName: TTL_ATTRIBUTE, Enabled: true } },
      send,
    )
  } catch (error) {
    if (isUnsupported(error)) warnings.push(unsupported(table))
    // Another process has just done it, or is about to: what counts is what the table says.
    else if (isAwsError(error, 'ValidationException') || isAwsError(error, 'ResourceInUseException')) {
      await checkTimeToLive(job)
    } else throw error
  }
}

function unsupported(table: string): string {
  return (
    `this DynamoDB engine has no time to live, so that expired sessions stay in table "${table}" until something ` +
    'deletes them; they are never read'
  )
}

function isUnsupported(error: unknown): boolean {
  return isAwsError(error, 'UnknownOperationException')
}

function isAwsError(error: unknown, awsCode: string): boolean {
  return error instanceof DynamoDBError && error.awsCode === awsCode
}

function functionOption(): OptionSpec<(message: string) => void> {
  return {
    takes: 'a function',
    accepts: (value): value is (message: string) => void => typeof value === 'function',
  }
}

function emitWarning(message: string): void {
  process.emitWarning(message, 'DynamoDBSessionsWarning')
}
