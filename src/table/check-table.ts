import { TableNotFoundError } from '../errors.ts'
import { readOptions } from '../options/option.ts'
import {
  billingFinding,
  type Finding,
  keyFinding,
  missingFinding,
  statusFinding,
  timeToLiveFinding,
  userIndexFinding,
} from './findings.ts'
import { openTable, type TableOptions, tableSpecs } from './table-options.ts'
import { findTable, isUsable, stateOf, type TableAccess, type TableState } from './table-state.ts'
import { timeToLiveOf } from './time-to-live.ts'
import { processEnvironment } from '../internal/process-environment.ts'

/** What {@link checkTable} found. */
export interface TableReport {
  readonly table: string
  /** The table as it is; `undefined` when there is none. */
  readonly state: TableState | undefined
  /** What was looked at, in a fixed order: existence, status, key, billing, time to live, index by user. */
  readonly findings: readonly Finding[]
}

/**
 * Describes a table: its key, how it is paid for, its time to live, its index by user and how full it is.
 *
 * Needs the permissions `dynamodb:DescribeTable` and `DescribeTimeToLive`, which the application itself does not.
 *
 * @example
 * ```ts
 * import { describeTable } from 'dynamodb-sessions/table'
 *
 * const state = await describeTable({ table: 'sessions', region: 'eu-west-1' })
 * console.log(state === undefined ? 'there is no such table' : `${state.status}, ${state.itemCount} items`)
 * ```
 *
 * @returns `undefined` when there is no such table.
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
 */
export async function describeTable(options: TableOptions = {}): Promise<TableState | undefined> {
  return withTable(options, async access => {
    const state = await readState(access)
    return state instanceof TableNotFoundError ? undefined : state
  })
}

/**
 * Checks whether sessions can be kept in a table, and whether everything is as it should be. Changes nothing.
 *
 * That the table is not there is one of the findings; that DynamoDB cannot be asked is an error. Needs the same
 * permissions as {@link describeTable}.
 *
 * @example
 * ```ts
 * import { checkTable } from 'dynamodb-sessions/table'
 *
 * const { findings } = await checkTable({ table: 'sessions', region: 'eu-west-1' })
 * for (const { level, what, fix } of findings) console.log(level, what, fix ?? '')
 * ```
 *
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
 */
export async function checkTable(options: TableOptions = {}): Promise<TableReport> {
  return withTable(options, async (access, settings) => {
    const { table, partitionKey, userIndex } = access
    const state = await readState(access)
    if (state instanceof TableNotFoundError) {
      return { table, state: undefined, findings: [missingFinding(table, state, settings)] }
    }
    const findings = [
      statusFinding(state),
      keyFinding(state, partitionKey),
      billingFinding(state, undefined),
      ...(isUsable(state.status) ? [timeToLiveFinding(state, access)] : []),
      ...(userIndex === undefined ? [] : [userIndexFinding(state)]),
    ]
    return { table, state, findings }
  })
}

async function withTable<Result>(
  options: TableOptions,
  use: (access: TableAccess, checked: TableOptions) => Promise<Result>,
): Promise<Result> {
  const checked = readOptions<TableOptions>(options, tableSpecs, processEnvironment())
  const access = await openTable(checked, options)
  try {
    return await use(access, checked)
  } finally {
    await access.client.close()
  }
}

async function readState(access: TableAccess): Promise<TableState | TableNotFoundError> {
  const description = await findTable(access)
  if (description instanceof TableNotFoundError) return description
  // A table that is just coming or going has no time to live to ask for.
  const timeToLive = isUsable(description.TableStatus) ? await timeToLiveOf(access) : undefined
  return stateOf(access.table, description, timeToLive)
}
