import { randomBytes } from 'node:crypto'

import { DynamoDBError, TableNotFoundError } from '../../errors.ts'
import { askedReplicas, checkReplicas, inRegion } from '../../table/replicas.ts'
import { type Finding, findingsOf, missingFinding } from '../../table/findings.ts'
import {
  findTable,
  isUsable,
  type KeyAttribute,
  type TableAccess,
  type TableState,
  type TimeToLive,
  timeToLiveOf,
} from '../../table/table-state.ts'
import type { AttributeValue, Item } from '../../types.ts'
import type { StoreOptions } from '../../options/store-options.ts'
import { aboutTable } from '../args.ts'
import { thrownText } from '../output.ts'
import { type Check, check } from './check.ts'
import { isDenied } from './connection-checks.ts'

/** What is known of the table. */
interface TableChecks {
  readonly checks: readonly Check[]
  /** `undefined` when it is not there, or its description is not permitted. */
  readonly state: TableState | undefined
  /** Whether DynamoDB has said that there is no such table. */
  readonly isMissing: boolean
}

const NAMES = ['table', 'key', 'billing', 'time to live', 'index by user'] as const

/** Looks at the table: whether it is there, its key, how it is paid for, its time to live, its index by user. */
export async function checkTableState(access: TableAccess, settings: StoreOptions): Promise<TableChecks> {
  const { table, send } = access
  try {
    const found = await findTable(access)
    if (found instanceof TableNotFoundError) {
      const checks = [asCheck('table', missingFinding(table, found, settings), settings)]
      return { checks, state: undefined, isMissing: true }
    }
    const { timeToLive, objection } = await readTimeToLive(access, found)
    const state = { ...found, timeToLive }
    const checks = Object.entries(findingsOf(state, access)).map(([about, finding]) =>
      about === 'time to live' && objection !== undefined ? objection : asCheck(about, finding, settings),
    )
    return {
      checks: [...checks, ...(await checkOtherRegions(access, state, settings))],
      state,
      isMissing: false,
    }
  } catch (error) {
    send.signal?.throwIfAborted()
    const checks = NAMES.map(name => unknown(name, error, 'dynamodb:DescribeTable'))
    return { checks, state: undefined, isMissing: false }
  }
}

/** Looks at the replicas in the Regions of `failover`, and tries there what the application needs. */
async function checkOtherRegions(
  access: TableAccess,
  state: TableState,
  settings: StoreOptions,
): Promise<readonly Check[]> {
  const asked = askedReplicas(settings)
  if (asked === undefined) return []
  const checks: Check[] = []
  try {
    const findings = await checkReplicas(state, access, asked)
    checks.push(...Object.entries(findings).map(([about, finding]) => asCheck(about, finding, settings)))
  } catch (error) {
    access.send.signal?.throwIfAborted()
    checks.push(unknown('replicas', error, 'dynamodb:DescribeTable'))
  }
  for (const region of asked.regions) {
    const permissions = await checkPermissions(inRegion(access, region), state)
    // Only what the application needs: the others are for the Region that operators work in.
    const needed = permissions.checks.filter(({ name }) => NEEDED_IN_REPLICAS.has(name))
    for (const { level, name, found, fix } of needed)
      checks.push(check(level, `${region}: ${name}`, found, fix))
    const lag = 'is in CloudWatch only: the metric ReplicationLatency of the table'
    checks.push(check('skip', `${region}: replication lag`, lag))
  }
  return checks
}

async function readTimeToLive(
  access: TableAccess,
  { status }: TableState,
): Promise<{ readonly timeToLive: TimeToLive | undefined; readonly objection?: Check }> {
  const name = 'time to live'
  if (!isUsable(status)) {
    return { timeToLive: undefined, objection: check('skip', name, 'the table is not active') }
  }
  try {
    return { timeToLive: await timeToLiveOf(access) }
  } catch (error) {
    access.send.signal?.throwIfAborted()
    return { timeToLive: undefined, objection: unknown(name, error, 'dynamodb:DescribeTimeToLive') }
  }
}

function asCheck(name: string, { level, what, fix }: Finding, settings: StoreOptions): Check {
  return check(level, name, aboutTable(what, settings), fix && aboutTable(fix, settings))
}

function unknown(name: string, error: unknown, action: string): Check {
  return isDenied(error)
    ? check('skip', name, `cannot be seen without the permission ${action}`)
    : check('skip', name, `cannot be seen: ${thrownText(error)}`)
}

/** What trying the permissions came to. */
interface PermissionChecks {
  readonly checks: readonly Check[]
  /** A few items of the table, where they may be read. */
  readonly sample: readonly Item[] | undefined
}

const SAMPLE_SIZE = 10

/** The key of an item that does not exist, in the form that the table asks for. */
export function missingKey({ partitionKey }: TableAccess, state: TableState | undefined): Item {
  const random = randomBytes(24)
  const valueOf = ({ type }: KeyAttribute): AttributeValue => {
    if (type === 'N') return { N: String(random.readUIntBE(0, 6)) }
    return type === 'B' ? { B: random.toString('base64') } : { S: `doctor ${random.toString('base64url')}` }
  }
  const key: readonly KeyAttribute[] =
    state === undefined || state.key.length === 0
      ? [{ name: partitionKey, role: 'HASH', type: 'S' }]
      : state.key
  return Object.fromEntries(key.map(attribute => [attribute.name, valueOf(attribute)]))
}

/**
 * Tries each permission without changing anything: reads and writes are about a missing key, and the condition of the
 * writes can never hold.
 */
export async function checkPermissions(
  access: TableAccess,
  state: TableState | undefined,
): Promise<PermissionChecks> {
  const { client, table: TableName, userIndex, send } = access
  const Key = missingKey(access, state)
  const never = {
    ConditionExpression: 'attribute_exists(#key) AND attribute_not_exists(#key)',
    ExpressionAttributeNames: { '#key': Object.keys(Key)[0] ?? access.partitionKey },
  }
  let sample: readonly Item[] | undefined
  const checks: Check[] = []
  const attempt = async (
    operation: string,
    purpose: string,
    request: () => Promise<unknown>,
    resource = `table "${TableName}"`,
  ): Promise<void> => {
    try {
      await request()
      checks.push(check('pass', `dynamodb:${operation}`, 'permitted'))
    } catch (error) {
      send.signal?.throwIfAborted()
      checks.push(refusal(error, operation, purpose, resource))
    }
  }
  await attempt('GetItem', NEEDED, () => client.send('GetItem', { TableName, Key }, send))
  await attempt('PutItem', NEEDED, () => client.send('PutItem', { TableName, Item: Key, ...never }, send))
  const update = { TableName, Key, UpdateExpression: 'REMOVE doctor', ...never }
  await attempt('UpdateItem', NEEDED, () => client.send('UpdateItem', update, send))
  await attempt('DeleteItem', NEEDED, () => client.send('DeleteItem', { TableName, Key, ...never }, send))
  if (userIndex !== undefined) {
    const { name, attribute } = userIndex
    const query = {
      TableName,
      IndexName: name,
      KeyConditionExpression: '#user = :nobody',
      ExpressionAttributeNames: { '#user': attribute },
      ExpressionAttributeValues: { ':nobody': { S: `doctor ${randomBytes(24).toString('base64url')}` } },
    }
    const purpose = `listByUser and destroyByUser need it, on the index "${name}"`
    const resource = `the index ${name} of table "${TableName}"`
    await attempt('Query', purpose, () => client.send('Query', query, send), resource)
  }
  await attempt('Scan', 'listing all sessions, counting them and garbage collection need it', async () => {
    const { Items = [] } = await client.send('Scan', { TableName, Limit: SAMPLE_SIZE }, send)
    sample = Items
  })
  await attempt('DescribeTable', FOR_SETUP, () => client.send('DescribeTable', { TableName }, send))
  await attempt('DescribeTimeToLive', FOR_SETUP, () => client.send('DescribeTimeToLive', { TableName }, send))
  return { checks, sample }
}

const NEEDED = 'the application needs it'
const NEEDED_IN_REPLICAS: ReadonlySet<string> = new Set(
  ['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'Query'].map(operation => `dynamodb:${operation}`),
)
const FOR_SETUP = 'create-table and doctor need it, the application does not'

/** What a request that failed says of the permission for it. */
function refusal(error: unknown, operation: string, purpose: string, resource: string): Check {
  const name = `dynamodb:${operation}`
  const level = purpose === NEEDED ? 'fail' : 'warn'
  if (isDenied(error)) {
    const fix = `add ${name} on ${resource} to the IAM policy, or remove what denies it; ${purpose}`
    return check(level, name, 'denied', fix)
  }
  if (error instanceof TableNotFoundError) return check('skip', name, 'cannot be tried without the table')
  switch (error instanceof DynamoDBError ? error.awsCode : '') {
    // The condition was looked at, so that the permission is there.
    case 'ConditionalCheckFailedException':
      return check('pass', name, 'permitted')
    case 'UnknownOperationException':
      return check('skip', name, 'this engine does not have it')
    case 'ValidationException': {
      const reason =
        operation === 'Query' ? 'there is no such index, or it is still being built' : thrownText(error)
      return check('skip', name, `cannot be tried: ${reason}`)
    }
    default:
      return check(level, name, thrownText(error))
  }
}
