import type { DynamoDBClient } from '../aws/dynamodb/client.ts'
import { invalidArgument } from '../errors.ts'
import type { Layout } from '../layouts/layout.ts'
import { openLayout } from '../layouts/open-layout.ts'
import { Migration } from '../migration/migration.ts'
import { itemTableOf, sessionsOf, type StoreSettings } from './native-sessions.ts'
import type { Sessions } from './sessions.ts'

/** Opens the sessions of a store whose layout is another than the native one, or that moves sessions from elsewhere. */
export async function openSessions<Data extends object>(
  client: DynamoDBClient,
  options: StoreSettings<Data>,
): Promise<Sessions<Data>> {
  const layout = await openLayout(options)
  const migration = await migrationOf(client, options, layout)
  return sessionsOf(client, options, layout, migration)
}

/**
 * Opens what moves sessions for a store.
 *
 * @throws {TypeError} `INVALID_OPTION` when the options do not say from where.
 */
export async function openMigration<Data extends object>(
  client: DynamoDBClient,
  options: StoreSettings<Data>,
): Promise<Migration> {
  const migration = await migrationOf(client, options, await openLayout(options))
  if (migration === undefined) throw invalidArgument('INVALID_OPTION', 'the option "migrateFrom" is missing')
  return migration
}

async function migrationOf<Data extends object>(
  client: DynamoDBClient,
  options: StoreSettings<Data>,
  layout: Layout,
): Promise<Migration | undefined> {
  const source = sourceOf(options, layout)
  if (source === undefined) return undefined
  return new Migration(
    itemTableOf(client, options, layout),
    itemTableOf(client, source, await openLayout(source)),
  )
}

/** The options of a store for the place that sessions are moved from. */
function sourceOf<Data extends object>(
  { migrateFrom, table, encryption }: StoreSettings<Data>,
  { partitionKey }: Layout,
): StoreSettings<Data> | undefined {
  if (migrateFrom === undefined) return undefined
  const source = typeof migrateFrom === 'string' ? { layout: migrateFrom } : migrateFrom
  // What is in the same table is under the same key attribute, whatever its software takes by default.
  if (source.table !== undefined) return { ...source, encryption }
  return { ...source, table, partitionKey: source.partitionKey ?? partitionKey, encryption }
}
