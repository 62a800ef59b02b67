import { TableNotFoundError } from '../errors.ts'
import { readOptions } from '../internal/option.ts'
import { processEnvironment } from '../internal/process-environment.ts'
import { askedReplicas, checkReplicas } from './replicas.ts'
import { type Finding, findingsOf, missingFinding } from './findings.ts'
import { openTable, type TableOptions, tableSpecs } from './table-options.ts'
import { findTable, isUsable, type TableState, timeToLiveOf } from './table-state.ts'

/** What {@link checkTable} found. */
export interface TableReport {
  readonly table: string
  /** The table as it is; `undefined` when there is none. */
  readonly state: TableState | undefined
  /** What was looked at, in a fixed order: existence, status, key, billing, time to live, index by user,
   * and the same of the replicas in the Regions of `failover`. */
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
  const { state } = await checkTable(options)
  return state
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
  const checked = readOptions<TableOptions>(options, tableSpecs, processEnvironment())
  const access = await openTable(checked)
  try {
    const { table } = access
    const found = await findTable(access)
    if (found instanceof TableNotFoundError) {
      return { table, state: undefined, findings: [missingFinding(table, found, checked)] }
    }
    // A table that is just coming or going has no time to live to ask for.
    const isComplete = isUsable(found.status)
    const state = isComplete ? { ...found, timeToLive: await timeToLiveOf(access) } : found
    const findings = Object.entries(findingsOf(state, access))
      .filter(([about]) => isComplete || about !== 'time to live')
      .map(([, finding]) => finding)
    const replicas = askedReplicas(checked)
    if (isComplete && replicas !== undefined) {
      findings.push(...Object.values(await checkReplicas(state, access, replicas)))
    }
    return { table, state, findings }
  } finally {
    await access.client.close()
  }
}
