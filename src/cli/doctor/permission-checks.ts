import { randomBytes } from 'node:crypto'

import type { Output } from '../../aws/dynamodb/operations.ts'
import { DynamoDBError, TableNotFoundError } from '../../errors.ts'
import type { KeyAttribute, TableAccess, TableState } from '../../table/table-state.ts'
import type { UserIndex } from '../../layouts/layout.ts'
import type { AttributeValue, Item } from '../../types.ts'
import { type Check, check, messageOf } from './check.ts'
import { isDenied } from './reach-check.ts'

/** What trying the permissions came to. */
export interface PermissionChecks {
  readonly checks: readonly Check[]
  /** A few items of the table, where they may be read. */
  readonly sample: readonly Item[] | undefined
}

interface Attempt {
  readonly operation: string
  /** Whether the application cannot do without. */
  readonly isNeeded: boolean
  /** What it is for. */
  readonly purpose: string
  /** `@default` the table */
  readonly resource?: string
  readonly send: () => Promise<unknown>
}

const SAMPLE_SIZE = 10

/**
 * Tries each permission without changing anything: reads and writes are about a key that nobody has, and the condition of
 * the writes can never hold.
 */
export async function checkPermissions(
  access: TableAccess,
  state: TableState | undefined,
): Promise<PermissionChecks> {
  let sample: readonly Item[] | undefined
  const checks: Check[] = []
  const keepSample = (page: Output<'Scan'>): void => {
    sample = page.Items ?? []
  }
  for (const attempt of attemptsOf(access, state, keepSample)) checks.push(await tried(attempt, access))
  return { checks, sample }
}

/** The key of an item that nobody has, in the form that the table asks for. */
export function keyOfNobody({ partitionKey }: TableAccess, state: TableState | undefined): Item {
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

function attemptsOf(
  access: TableAccess,
  state: TableState | undefined,
  keepSample: (page: Output<'Scan'>) => void,
): readonly Attempt[] {
  const { client, table: TableName, userIndex, send } = access
  const Key = keyOfNobody(access, state)
  const never = {
    ConditionExpression: 'attribute_exists(#key) AND attribute_not_exists(#key)',
    ExpressionAttributeNames: { '#key': Object.keys(Key)[0] ?? access.partitionKey },
  }
  const application = 'the application needs it'
  return [
    {
      operation: 'GetItem',
      isNeeded: true,
      purpose: application,
      send: () => client.send('GetItem', { TableName, Key }, send),
    },
    {
      operation: 'PutItem',
      isNeeded: true,
      purpose: application,
      send: () => client.send('PutItem', { TableName, Item: Key, ...never }, send),
    },
    {
      operation: 'UpdateItem',
      isNeeded: true,
      purpose: application,
      send: () =>
        client.send('UpdateItem', { TableName, Key, UpdateExpression: 'REMOVE doctor', ...never }, send),
    },
    {
      operation: 'DeleteItem',
      isNeeded: true,
      purpose: application,
      send: () => client.send('DeleteItem', { TableName, Key, ...never }, send),
    },
    ...(userIndex === undefined ? [] : [queryOf(access, userIndex)]),
    {
      operation: 'Scan',
      isNeeded: false,
      purpose: 'listing all sessions, counting them and garbage collection need it',
      send: async () => keepSample(await client.send('Scan', { TableName, Limit: SAMPLE_SIZE }, send)),
    },
    {
      operation: 'DescribeTable',
      isNeeded: false,
      purpose: 'create-table and doctor need it, the application does not',
      send: () => client.send('DescribeTable', { TableName }, send),
    },
    {
      operation: 'DescribeTimeToLive',
      isNeeded: false,
      purpose: 'create-table and doctor need it, the application does not',
      send: () => client.send('DescribeTimeToLive', { TableName }, send),
    },
  ]
}

function queryOf({ client, table: TableName, send }: TableAccess, { name, attribute }: UserIndex): Attempt {
  return {
    operation: 'Query',
    isNeeded: false,
    purpose: `listByUser and destroyByUser need it, on the index "${name}"`,
    resource: `the index ${name} of table "${TableName}"`,
    send: () =>
      client.send(
        'Query',
        {
          TableName,
          IndexName: name,
          KeyConditionExpression: '#user = :nobody',
          ExpressionAttributeNames: { '#user': attribute },
          ExpressionAttributeValues: { ':nobody': { S: `doctor ${randomBytes(24).toString('base64url')}` } },
        },
        send,
      ),
  }
}

async function tried(attempt: Attempt, access: TableAccess): Promise<Check> {
  const { operation, isNeeded, purpose, resource = `table "${access.table}"`, send } = attempt
  const name = `dynamodb:${operation}`
  try {
    await send()
    return check('pass', name, 'permitted')
  } catch (error) {
    access.send.signal?.throwIfAborted()
    if (isDenied(error)) {
      const fix = `add ${name} on ${resource} to the IAM policy, or remove what denies it; ${purpose}`
      return check(isNeeded ? 'fail' : 'warn', name, 'denied', fix)
    }
    if (error instanceof TableNotFoundError) return check('skip', name, 'cannot be tried without the table')
    const awsCode = error instanceof DynamoDBError ? error.awsCode : undefined
    // The condition was looked at, so that the permission is there.
    if (awsCode === 'ConditionalCheckFailedException') return check('pass', name, 'permitted')
    if (awsCode === 'UnknownOperationException') return check('skip', name, 'this engine does not have it')
    if (awsCode === 'ValidationException') {
      const reason =
        operation === 'Query' ? 'there is no such index, or it is still being built' : messageOf(error)
      return check('skip', name, `cannot be tried: ${reason}`)
    }
    return check(isNeeded ? 'fail' : 'warn', name, messageOf(error))
  }
}
