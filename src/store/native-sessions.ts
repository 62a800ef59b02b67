import type { DynamoDBClient } from '../aws/dynamodb/client.ts'
import type { Layout } from '../layouts/layout.ts'
import { ItemTable } from '../items/item-table.ts'
import type { Migration } from '../migration/migration.ts'
import { Sessions } from './sessions.ts'
import { DEFAULT_TABLE, DEFAULT_TTL_SECONDS, type SessionStoreOptions } from '../options/store-options.ts'

/** Options of a store that have been checked. */
export type StoreSettings<Data extends object> = Partial<SessionStoreOptions<Data>>

/** The items of a store's table in a layout. */
export function itemTableOf<Data extends object>(
  client: DynamoDBClient,
  { table, consistentRead, absoluteTimeoutSeconds }: StoreSettings<Data>,
  layout: Layout,
): ItemTable {
  return new ItemTable({
    client,
    layout,
    table: table ?? DEFAULT_TABLE,
    consistentRead: consistentRead ?? true,
    absoluteTimeoutMs: absoluteTimeoutSeconds === undefined ? undefined : absoluteTimeoutSeconds * 1000,
  })
}

/** The sessions of a store, in a layout. */
export function sessionsOf<Data extends object>(
  client: DynamoDBClient,
  options: StoreSettings<Data>,
  layout: Layout,
  migration?: Migration,
): Sessions<Data> {
  return new Sessions<Data>({
    items: itemTableOf(client, options, layout),
    migration,
    ttlSeconds: options.ttlSeconds ?? DEFAULT_TTL_SECONDS,
    touchAfterSeconds: options.touchAfterSeconds,
    hasAbsoluteTimeout: options.absoluteTimeoutSeconds !== undefined,
    onConflict: options.onConflict ?? 'merge',
    userId: options.userId,
    locking: typeof options.locking === 'object' ? options.locking : {},
  })
}
