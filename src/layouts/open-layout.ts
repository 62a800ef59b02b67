import { hash } from 'node:crypto'

import {
  copiedEncryption,
  encodesWrites,
  type PayloadCodecOptions,
} from '../encryption/encryption-options.ts'
import type { PayloadCodec } from '../encryption/payload-codec.ts'
import type { ForeignLayoutSettings, Layout, LayoutName } from './layout.ts'
import { nativeLayout } from './native.ts'

/** The options of a store that decide how a session is written as an item, checked. */
export interface LayoutSettings extends ForeignLayoutSettings, PayloadCodecOptions {
  readonly layout?: LayoutName | undefined
  readonly hashIds?: boolean | undefined
}

/** Length of what {@link hashSessionId} returns. */
export const SESSION_ID_HASH_LENGTH = 43

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
    encodesWrites: encodesWrites({ encryption, compression }),
    loadCodec: lazyPayloadCodec({ encryption, compression }),
  })
}

/**
 * Loads what compresses and encrypts when it is first needed, and keeps one for all: deriving keys is costly.
 *
 * @returns a function for one whose keys are ready.
 */
export function lazyPayloadCodec({
  encryption,
  compression,
}: PayloadCodecOptions): () => Promise<PayloadCodec> {
  const given = { encryption: encryption && copiedEncryption(encryption), compression }
  let codec: PayloadCodec | undefined
  return async () => {
    const module = await import('../encryption/payload-codec.ts')
    codec ??= new module.PayloadCodec(given)
    await codec.prepare()
    return codec
  }
}

/**
 * The name under which a session is stored: base64url of the SHA-256 of its ID.
 *
 * Whoever reads the table, a backup or a log of keys cannot get from it to a session ID that a server would
 * accept. Session IDs are long and random, so the hash needs neither salt nor stretching.
 */
export function hashSessionId(id: string): string {
  return hash('sha256', id, 'base64url')
}
