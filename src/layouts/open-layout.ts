import { copiedEncryption, type DataSealOptions, sealsWrites } from '../encryption/encryption-options.ts'
import { hashSessionId, SESSION_ID_HASH_LENGTH } from '../encryption/session-id-hash.ts'
import type { ForeignLayoutSettings, Layout, LayoutName } from './layout.ts'
import { type DataSeal, nativeLayout } from './native.ts'

/** The options of a store that decide how a session is written as an item, checked. */
export interface LayoutSettings extends ForeignLayoutSettings, DataSealOptions {
  readonly layout?: LayoutName | undefined
  readonly hashIds?: boolean | undefined
}

/** Partition key of the native layout when nothing else says. */
export const DEFAULT_PARTITION_KEY = 'id'

/** Whether sessions are in the package's own layout. */
export function isNative({ layout }: Pick<LayoutSettings, 'layout'>): boolean {
  return layout === undefined || layout === 'native'
}

/**
 * The layout that the options name; that of other software is loaded when it is needed.
 *
 * @throws {TypeError} `INVALID_OPTION` when the options contradict the layout.
 */
export async function openLayout(settings: LayoutSettings): Promise<Layout> {
  const { layout = 'native' } = settings
  if (layout === 'native') return openNativeLayout(settings)
  if (layout === 'php' || layout === 'laravel') {
    const { phpLayout, laravelLayout } = await import('./php/php-layouts.ts')
    return layout === 'php' ? phpLayout(settings) : laravelLayout(settings)
  }
  const { foreignLayout } = await import('./foreign/rows.ts')
  return foreignLayout(layout, settings)
}

/**
 * The package's own layout, as the options want it. What compresses and encrypts is loaded when it is first needed.
 *
 * @throws {TypeError} `INVALID_OPTION` when the partition key has the name of another attribute of the layout.
 */
export function openNativeLayout(settings: LayoutSettings): Layout {
  const {
    partitionKey = DEFAULT_PARTITION_KEY,
    prefix = '',
    hashIds = true,
    encryption,
    compression,
  } = settings
  return nativeLayout({
    partitionKey,
    prefix,
    nameOf: hashIds ? hashSessionId : id => id,
    nameLength: hashIds ? SESSION_ID_HASH_LENGTH : undefined,
    sealsWrites: sealsWrites({ encryption, compression }),
    loadSeal: lazySeal(settings),
  })
}

/** Keeps one for all: deriving keys is costly. */
function lazySeal({ encryption, compression }: DataSealOptions): () => Promise<DataSeal> {
  const given = { encryption: encryption && copiedEncryption(encryption), compression }
  let seal: DataSeal | undefined
  return async () => {
    const { dataSeal } = await import('../encryption/payload-codec.ts')
    seal ??= dataSeal(given)
    return seal
  }
}
