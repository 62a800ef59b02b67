import {
  type Finding,
  keyFinding,
  missingFinding,
  statusFinding,
  timeToLiveFinding,
  userIndexFinding,
  billingFinding,
} from '../../table/findings.ts'
import type { TableSettings } from '../../aws/dynamodb/missing-table.ts'
import type { TableDescription } from '../../aws/dynamodb/operations.ts'
import { TableNotFoundError } from '../../errors.ts'
import { findTable, isUsable, stateOf, type TableAccess, type TableState } from '../../table/table-state.ts'
import { timeToLiveOf } from '../../table/time-to-live.ts'
import { inOptionNames } from '../failure.ts'
import { type Check, check, messageOf } from './check.ts'
import { isDenied } from './reach-check.ts'

/** What is known of the table. */
export interface TableChecks {
  readonly checks: readonly Check[]
  /** `undefined` when it is not there, or nobody may say. */
  readonly state: TableState | undefined
  /** Whether DynamoDB has said that there is no such table. */
  readonly isMissing: boolean
}

const NAMES = ['table', 'key', 'billing', 'time to live', 'index by user'] as const

/** Looks at the table: whether it is there, its key, how it is paid for, its time to live, its index by user. */
export async function checkTableState(access: TableAccess, settings: TableSettings): Promise<TableChecks> {
  let description: Awaited<ReturnType<typeof findTable>>
  try {
    description = await findTable(access)
  } catch (error) {
    access.send.signal?.throwIfAborted()
    return {
      checks: NAMES.map(name => unknown(name, error, 'dynamodb:DescribeTable')),
      state: undefined,
      isMissing: false,
    }
  }
  const { table } = access
  if (description instanceof TableNotFoundError) {
    const finding = missingFinding(table, description, settings)
    return { checks: [asCheck('table', finding)], state: undefined, isMissing: true }
  }
  const [timeToLive, timeToLiveCheck] = await checkTimeToLive(access, description)
  const state = { ...timeToLive, table }
  return {
    state,
    isMissing: false,
    checks: [
      asCheck('table', statusFinding(state)),
      asCheck('key', keyFinding(state, access.partitionKey)),
      asCheck('billing', billingFinding(state, undefined)),
      timeToLiveCheck,
      ...(access.userIndex === undefined ? [] : [asCheck('index by user', userIndexFinding(state))]),
    ],
  }
}

async function checkTimeToLive(
  access: TableAccess,
  description: TableDescription,
): Promise<[TableState, Check]> {
  const { table } = access
  const name = 'time to live'
  if (!isUsable(description.TableStatus)) {
    return [stateOf(table, description, undefined), check('skip', name, 'the table is not active')]
  }
  try {
    const state = stateOf(table, description, await timeToLiveOf(access))
    return [state, asCheck(name, timeToLiveFinding(state, access))]
  } catch (error) {
    access.send.signal?.throwIfAborted()
    return [stateOf(table, description, undefined), unknown(name, error, 'dynamodb:DescribeTimeToLive')]
  }
}

function asCheck(name: string, { level, what, fix }: Finding): Check {
  return check(level, name, inOptionNames(what), fix === undefined ? undefined : inOptionNames(fix))
}

function unknown(name: string, error: unknown, action: string): Check {
  return isDenied(error)
    ? check('skip', name, `cannot be seen without the permission ${action}`)
    : check('skip', name, `cannot be seen: ${messageOf(error)}`)
}
