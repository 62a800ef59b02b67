import type { DynamoDBClient } from '../aws/dynamodb/client.ts'
import type { Layout } from '../layouts/layout.ts'
import { type DataSeal, nativeLayout } from '../layouts/native.ts'
import { copiedEncryption, sealsWrites } from '../options/encryption-options.ts'
import { hashSessionId, SESSION_ID_HASH_LENGTH } from '../encryption/session-id-hash.ts'
import { ItemTable } from '../items/item-table.ts'
import type { Migration } from '../migration/migration.ts'
import { Sessions } from './sessions.ts'
import {
  DEFAULT_PARTITION_KEY,
  DEFAULT_TABLE,
  DEFAULT_TTL_SECONDS,
  type SessionStoreOptions,
} from '../options/store-options.ts'

/** Options of a store that have been checked. */
export type StoreSettings<Data extends object> = Partial<SessionStoreOptions<Data>>

/** The package's own layout, as the options of a store want it. */
export function nativeLayoutOf<Data extends object>(options: StoreSettings<Data>): Layout {
  const { hashIds = true, encryption, compression } = options
  return nativeLayout({
    partitionKey: options.partitionKey ?? DEFAULT_PARTITION_KEY,
    prefix: options.prefix ?? '',
    nameOf: hashIds ? hashSessionId : id => id,
    nameLength: hashIds ? SESSION_ID_HASH_LENGTH : undefined,
    sealsWrites: sealsWrites({ encryption, compression }),
    loadSeal: lazySeal(options),
  })
}

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

/** Loads what compresses and encrypts when it is first needed, and keeps one for all: deriving keys is costly. */
function lazySeal<Data extends object>({
  encryption,
  compression,
}: StoreSettings<Data>): () => Promise<DataSeal> {
  const given = { encryption: encryption && copiedEncryption(encryption), compression }
  let seal: DataSeal | undefined
  return async () => {
    const { dataSeal } = await import('../encryption/payload-codec.ts')
    seal ??= dataSeal(given)
    return seal
  }
}
