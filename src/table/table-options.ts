import { openClient } from '../session/connection.ts'
import { type ConnectionOptions, connectionOptionSpecs } from '../session/connection-options.ts'
import { booleanOption, type OptionSpec, type OptionSpecs } from '../session/option-spec.ts'
import { DEFAULT_PARTITION_KEY, DEFAULT_TABLE, tableOptionSpecs } from '../session/store-options.ts'
import type { ProvisionedCapacity } from '../session/user-index.ts'
import type { Billing, TableAccess } from './table-state.ts'

/** What every function of this subpath takes: where DynamoDB is, and which table it is about. */
export interface TableOptions extends ConnectionOptions {
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
   * Whether the table is to have the index `user-index`, which `listByUser` and `destroyByUser` need. It is sparse: it
   * costs nothing until sessions are written with the option `userId`.
   *
   * @default true
   */
  readonly userIndex?: boolean | undefined

  /**
   * Gives up at any moment; a table whose creation has begun is still created.
   *
   * @default none
   */
  readonly signal?: AbortSignal | undefined
}

/** Most units that DynamoDB's API can express. */
const MAX_CAPACITY_UNITS = 1_000_000_000

/**
 * The specification of {@link TableOptions}.
 *
 * @internal
 */
export const tableSpecs: OptionSpecs<TableOptions> = {
  ...connectionOptionSpecs,
  ...tableOptionSpecs,
  userIndex: booleanOption(),
  signal: {
    takes: 'an AbortSignal',
    accepts: (value): value is AbortSignal => value instanceof AbortSignal,
  },
}

/**
 * An option that takes a {@link Billing}.
 *
 * @internal
 */
export const billingSpec: OptionSpec<Billing> = {
  takes:
    "'on-demand', or an object { readCapacityUnits, writeCapacityUnits } with a whole number of units each, 1 or more",
  accepts: (value): value is Billing => value === 'on-demand' || isProvisionedCapacity(value),
}

/**
 * Reaches the table that the options name. Whoever calls this closes the client.
 *
 * @internal
 */
export function openTable(options: TableOptions): TableAccess {
  return {
    client: openClient(options, process.env),
    table: options.table ?? DEFAULT_TABLE,
    partitionKey: options.partitionKey ?? DEFAULT_PARTITION_KEY,
    send: { signal: options.signal },
  }
}

function isProvisionedCapacity(value: unknown): value is ProvisionedCapacity {
  if (typeof value !== 'object' || value === null) return false
  return (
    Object.keys(value).length === 2 &&
    'readCapacityUnits' in value &&
    'writeCapacityUnits' in value &&
    isCapacity(value.readCapacityUnits) &&
    isCapacity(value.writeCapacityUnits)
  )
}

function isCapacity(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_CAPACITY_UNITS
}
