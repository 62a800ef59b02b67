import { onTestFinished } from 'vitest'

import { nativeLayout } from '../../src/layouts/native.ts'
import type { Layout } from '../../src/layouts/layout.ts'
import { openClient } from '../../src/store/open-client.ts'
import type { ConnectionOptions } from '../../src/options/connection-options.ts'
import { ItemTable } from '../../src/items/item-table.ts'
import { engineCredentials, engineRegion } from './engine-credentials.ts'

/** How a test wants its {@link ItemTable}. */
export interface NativeItemTableOptions extends ConnectionOptions {
  readonly table: string
  /** @default 'id' */
  readonly partitionKey?: string
  /** @default '' */
  readonly prefix?: string
  /** @default false */
  readonly hashIds?: boolean
  /** @default true */
  readonly consistentRead?: boolean
  /** @default none */
  readonly absoluteTimeoutMs?: number
}

/** On a busy machine a call may take long, and none of these tests is about that. */
const defaults: ConnectionOptions = {
  region: engineRegion,
  credentials: engineCredentials,
  attemptTimeoutMs: 30_000,
  deadlineMs: 60_000,
}

/** A table in the native layout with plain session IDs; its client is closed when the running test ends. */
export function openNativeItemTable({
  table,
  partitionKey,
  prefix,
  hashIds,
  consistentRead = true,
  absoluteTimeoutMs,
  ...connection
}: NativeItemTableOptions): ItemTable {
  const client = openClient({ ...defaults, ...connection }, {})
  onTestFinished(() => client.close())
  const layout = plainNativeLayout(partitionKey, prefix, hashIds)
  return new ItemTable(client, layout, {
    table,
    consistentRead,
    absoluteTimeoutSeconds: absoluteTimeoutMs === undefined ? undefined : absoluteTimeoutMs / 1000,
  })
}

/** The native layout, with plain session IDs unless a test wants hashes; sessions are neither compressed nor encrypted. */
export function plainNativeLayout(partitionKey = 'id', prefix = '', hashIds = false): Layout {
  return nativeLayout({ partitionKey, prefix, hashIds })
}
