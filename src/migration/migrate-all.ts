import { codeOf } from '../internal/core-objects.ts'
import { forEachAtOnce, listItems } from '../scan/scan.ts'
import type { Migration } from './migration.ts'

/** Options of {@link migrateAll}. */
interface MigrateOptions {
  /** Ends it at any moment; what has been moved stays moved. */
  readonly signal?: AbortSignal | undefined
  /** Only counts what would be moved. */
  readonly dryRun: boolean
  /** Told the counts so far, after every few sessions. */
  readonly onProgress?: ((counts: MigrateCounts) => void | Promise<void>) | undefined
}

/** What has been done so far. */
export interface MigrateCounts {
  /** Live sessions that were found in the source. */
  readonly found: number
  readonly moved: number
  /** Sessions that were in the target already, gone, or locked by a request when it was their turn. */
  readonly passedOver: number
  /** Items whose key does not tell the session ID, or which cannot be read or moved; they are where they were. */
  readonly failed: number
}

const MOVES_AT_ONCE = 8
const PROGRESS_EVERY = 32

/**
 * Moves every session of the source, if you don't want to wait until each has been used. Applications may go
 * on meanwhile; a session that one of them moves or saves first is passed over.
 *
 * @throws whatever ends it as a whole, such as a missing table or the reason of `signal`; a session that cannot be moved
 *   is counted.
 */
export async function migrateAll(
  migration: Migration,
  { signal, dryRun, onProgress }: MigrateOptions,
): Promise<MigrateCounts> {
  const { source } = migration
  const counts = { found: 0, moved: 0, passedOver: 0, failed: 0 }
  await forEachAtOnce(listItems(source, true, { signal }), MOVES_AT_ONCE, async item => {
    const key = source.layout.keyOfItem(item)
    if (key === undefined) return
    counts.found++
    const id = source.layout.idOfKey(key)
    if (id === undefined) counts.failed++
    else if (!dryRun) counts[await tryToMove(migration, id, signal)]++
    if (counts.found % PROGRESS_EVERY === 0) await onProgress?.({ ...counts })
  })
  await onProgress?.({ ...counts })
  return counts
}

/** Codes of errors that are about the content of one session, so that others may still be moved. */
const ABOUT_ONE_SESSION: ReadonlySet<string> = new Set([
  'INVALID_SESSION_DATA',
  'SESSION_CONFLICT',
  'SESSION_CORRUPT',
  'SESSION_DECRYPTION_FAILED',
  'SESSION_TOO_LARGE',
])

async function tryToMove(
  migration: Migration,
  id: string,
  signal: AbortSignal | undefined,
): Promise<'moved' | 'passedOver' | 'failed'> {
  try {
    return (await migration.moveOne(id, { signal })) === 'moved' ? 'moved' : 'passedOver'
  } catch (error) {
    if (ABOUT_ONE_SESSION.has(codeOf(error) ?? '')) return 'failed'
    throw error
  }
}
