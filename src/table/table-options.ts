import { callRows } from '../options/call-options.ts'
import { openClient } from '../store/open-client.ts'
import { type ConnectionOptions, connectionRows } from '../options/connection-options.ts'
import type { LayoutName } from '../layouts/layout-settings.ts'
import { layoutRows } from '../options/layout-options.ts'
import { entryRows } from '../options/entry-options.ts'
import { integerOption, objectOption, type OptionRow, type OptionRows } from '../internal/option.ts'
import { tableRow } from '../options/store-options.ts'
import { type Billing, openLayoutTable, type TableAccess } from './table-state.ts'
import { processEnvironment } from '../internal/process-environment.ts'

/** What every function of this subpath takes: where DynamoDB is, and which table it is about. */
export interface TableOptions extends ConnectionOptions {
  /**
   * Name of the table.
   *
   * @default 'sessions'
   */
  readonly table?: string | undefined

  /**
   * The layout of the store that is to use the table: it decides what the partition key and the attribute with the expiry
   * are called, where nothing else says so, and whether there is an index by user.
   *
   * @default 'native'
   */
  readonly layout?: LayoutName | undefined

  /**
   * Name of the partition key, an attribute of type S. It cannot be an attribute that the layout uses for something else.
   *
   * @default what the layout's own software takes; 'id' for the native one
   */
  readonly partitionKey?: string | undefined

  /**
   * Layout `php`: the attribute that holds the data, as in the options of the store.
   *
   * @default 'data'
   */
  readonly dataAttribute?: string | undefined

  /**
   * Layout `php`: the attribute that holds the expiry, as in the options of the store. Time to live acts on it. In the other
   * layouts it has the name that their items have for it.
   *
   * @default 'expires'
   */
  readonly ttlAttribute?: string | undefined

  /**
   * Whether the table is to have the index `user-index`, which `listByUser` and `destroyByUser` need. It is sparse: it
   * costs nothing until sessions are written with the option `userId`. Only the native layout can use it.
   *
   * @default true for the native layout, false for the others
   */
  readonly userIndex?: boolean | undefined

  /**
   * Gives up at any moment; a table whose creation has begun is still created.
   *
   * @default none
   */
  readonly signal?: AbortSignal | undefined
}

/** Up to the most units that DynamoDB's API can express. */
const unitsRow: OptionRow<number> = { ...integerOption('units', 1, 1_000_000_000), isRequired: true }

/**
 * The specification of {@link TableOptions}.
 *
 * @internal
 */
export const tableSpecs: OptionRows<TableOptions> = {
  ...connectionRows,
  table: tableRow,
  partitionKey: layoutRows.partitionKey,
  layout: layoutRows.layout,
  dataAttribute: layoutRows.dataAttribute,
  ttlAttribute: layoutRows.ttlAttribute,
  userIndex: entryRows.userIndex,
  ...callRows,
}

/**
 * An option that takes a {@link Billing}.
 *
 * @internal
 */
export const billingSpec: OptionRow<Billing> = objectOption(
  "'on-demand', or an object { readCapacityUnits, writeCapacityUnits } with a whole number of units each, 1 or more",
  { readCapacityUnits: unitsRow, writeCapacityUnits: unitsRow },
  { takes: "'on-demand'", accepts: value => value === 'on-demand' },
)

/**
 * Reaches the table that the options name. Whoever calls this closes the client.
 *
 * @internal
 */
export async function openTable(options: TableOptions): Promise<TableAccess> {
  const asked = await openLayoutTable(options)
  return {
    ...asked,
    userIndex: options.userIndex === false ? undefined : asked.userIndex,
    client: openClient(options, processEnvironment()),
    table: options.table ?? tableRow.default,
    send: { signal: options.signal },
  }
}
