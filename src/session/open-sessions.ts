import type { DynamoDBClient } from '../dynamodb/client.ts'
import { openForeignLayout } from '../layout/foreign/open.ts'
import type { Layout } from '../layout/layout.ts'
import type { LayoutOptions } from './layout-options.ts'
import { Migration } from './migration.ts'
import { itemTableOf, nativeLayoutOf, sessionsOf, type StoreSettings } from './native-sessions.ts'
import type { Sessions } from './sessions.ts'

/** Opens the sessions of a store whose layout is another than the native one, or that moves sessions from elsewhere. */
export async function openSessions<Data extends object>(
  client: DynamoDBClient,
  options: StoreSettings<Data>,
): Promise<Sessions<Data>> {
  const layout = await layoutOf(options)
  const { migrateFrom } = options
  if (migrateFrom === undefined) return sessionsOf(client, options, layout)
  const {
    table = options.table,
    hashIds,
    ...there
  } = typeof migrateFrom === 'string' ? { layout: migrateFrom } : migrateFrom
  const source = {
    ...there,
    ...(table !== undefined && { table }),
    ...(hashIds !== undefined && { hashIds }),
  }
  const migration = new Migration(
    itemTableOf(client, options, layout),
    itemTableOf(client, source, await layoutOf({ ...source, encryption: options.encryption })),
  )
  return sessionsOf(client, options, layout, migration)
}

async function layoutOf<Data extends object>(options: StoreSettings<Data>): Promise<Layout> {
  if (options.layout === undefined || options.layout === 'native') return nativeLayoutOf(options)
  const { layout, ...rest }: LayoutOptions = options
  return openForeignLayout({ layout, ...rest })
}
