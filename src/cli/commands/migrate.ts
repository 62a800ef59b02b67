import type { SendOptions } from '../../aws/dynamodb/client-options.ts'
import { codeOf } from '../../internal/core-objects.ts'
import { closestMatch, didYouMean } from '../../internal/message-text.ts'
import { LAYOUT_NAMES, type LayoutName } from '../../layouts/layout-settings.ts'
import { ItemTable } from '../../items/item-table.ts'
import { openLayout } from '../../layouts/open-layout.ts'
import { type Migration, openMigration } from '../../migration/migration.ts'
import { forEachAtOnce, inBulk, pagesOfLive } from '../../scan/scan.ts'
import type { BulkOptions } from '../../options/call-options.ts'
import { openClient } from '../../store/open-client.ts'
import type { Item } from '../../types.ts'
import { type Command, declared, writeResult } from '../args.ts'
import { BULK_LIMITS, deadlineIn, ReadingProgress, TIMEOUT_OPTION } from '../bulk.ts'
import { counted, EXIT, UsageError, writeLine } from '../output.ts'
import { storeSettings } from '../store-settings.ts'

/** `dynamodb-sessions migrate` */
export const command: Command = {
  usage: ['--from <layout>'],
  description: [
    'Moves the sessions of another store to where --table, --prefix and --layout say. Applications with the option ' +
      '"migrateFrom" move a session when it is used; use this to move the rest at once.',
    'It reads the whole table. Applications may go on meanwhile, and sessions that they have moved are passed over. What ' +
      'cannot be moved stays where it is, and is counted. It can be interrupted and started again at any time.',
  ],
  optionsOnly: 'takes options only',
  options: declared({
    'from <layout>': `layout to move from, one of ${LAYOUT_NAMES.join(', ')}`,
    'from-table <name>': 'table to move from (default: the same table)',
    'from-prefix [text]': 'prefix of the keys there (default: that of the layout)',
    'from-partition-key <name>': 'partition key of the table there',
    'from-no-hash-ids': 'with --from native: the keys there are session IDs and no hashes (hashIds: false)',
    ...TIMEOUT_OPTION,
    'dry-run': 'only count the sessions',
  }),
  examples: {
    'How many there are:': 'migrate --from connect-dynamodb --dry-run',
    'From connect-dynamodb, in the same table:': 'migrate --from connect-dynamodb',
    'From another table:': 'migrate --from adonis --from-table Session --table sessions',
  },
  run: async context => {
    const { args, environment, signal, stderr } = context
    const from = args.text('from')
    if (from === undefined) throw new UsageError('migrate needs --from: the layout that the sessions are in')
    const layout = layoutToMoveFrom(from)
    const fromPlainIds = args.has('from-no-hash-ids')
    if (fromPlainIds !== (layout === 'native')) throw hashedIds(layout)
    const source = {
      layout,
      table: args.text('from-table'),
      prefix: args.text('from-prefix'),
      partitionKey: args.text('from-partition-key'),
      ...(fromPlainIds && { hashIds: false }),
    }
    const settings = storeSettings(context, { ...BULK_LIMITS, migrateFrom: source })
    const client = openClient(settings, environment)
    let latest: MigrateCounts | undefined
    try {
      const target = new ItemTable(client, await openLayout(settings), settings)
      const migration = await openMigration(target, settings)
      const progress = await ReadingProgress.of(migration.source, context)
      const options = {
        signal,
        ...deadlineIn(args),
        dryRun: args.has('dry-run'),
        onProgress: (counts: MigrateCounts, scanned: number) => {
          latest = counts
          return progress.show(scanned, inWords(counts))
        },
      }
      const counts = await migrateAll(migration, options)
      await writeResult(context, counts, inWords(counts))
      return counts.failed === 0 ? EXIT.ok : EXIT.failure
    } catch (error) {
      await context.progress.clear()
      if (latest !== undefined) await writeLine(stderr, `until then: ${inWords(latest)}`)
      throw error
    } finally {
      await client.close()
    }
  },
}

/** Taking hashes for session IDs would move every session to where no cookie leads. */
function hashedIds(from: LayoutName): UsageError {
  return new UsageError(
    from === 'native'
      ? '--from native moves sessions only from keys that are session IDs: if the store there has hashIds: false, add ' +
          '--from-no-hash-ids; hashes do not tell the session IDs, so with them let the application move its sessions ' +
          '(the option migrateFrom)'
      : '--from-no-hash-ids is for --from native alone: the keys of other layouts are never hashes',
  )
}

function layoutToMoveFrom(name: string): LayoutName {
  const layout = LAYOUT_NAMES.find(candidate => candidate === name)
  if (layout !== undefined) return layout
  const hint = didYouMean(closestMatch(name, LAYOUT_NAMES))
  throw new UsageError(`--from must be the name of a layout (${LAYOUT_NAMES.join(', ')})${hint}`)
}

function inWords({ found, moved, passedOver, failed }: MigrateCounts): string {
  const parts = [`${counted(found, 'session')} found`, `${moved} moved`]
  if (passedOver > 0) parts.push(`${passedOver} moved, ended or locked by others`)
  if (failed > 0) parts.push(`${failed} cannot be moved and stay where they are`)
  return parts.join(', ')
}

/** Options of {@link migrateAll}. */
interface MigrateOptions extends BulkOptions {
  /** Only counts what would be moved. */
  readonly dryRun: boolean
  /** Called with the counts so far, and how many items have been read for them, after every few sessions. */
  readonly onProgress: (counts: MigrateCounts, scanned: number) => Promise<void>
}

/** What has been done so far. */
interface MigrateCounts {
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
async function migrateAll(
  migration: Migration,
  { dryRun, onProgress, ...options }: MigrateOptions,
): Promise<MigrateCounts> {
  const { source } = migration
  const counts = { found: 0, moved: 0, passedOver: 0, failed: 0 }
  let scanned = 0
  const moveOne = async (item: Item, send: SendOptions): Promise<void> => {
    const key = source.layout.keyOfItem(item)
    if (key === undefined) return
    counts.found++
    const id = source.layout.idOfKey(key)
    if (id === undefined) counts.failed++
    else if (!dryRun) counts[await tryToMove(migration, id, send)]++
    if (counts.found % PROGRESS_EVERY === 0) await onProgress({ ...counts }, scanned)
  }
  await inBulk(options, async send => {
    for await (const page of pagesOfLive(source, true, send)) {
      await forEachAtOnce(page.Items ?? [], MOVES_AT_ONCE, item => moveOne(item, send))
      scanned += page.ScannedCount ?? 0
      await onProgress({ ...counts }, scanned)
    }
  })
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
  send: SendOptions,
): Promise<'moved' | 'passedOver' | 'failed'> {
  try {
    return (await migration.moveOne(id, send)) === 'moved' ? 'moved' : 'passedOver'
  } catch (error) {
    if (ABOUT_ONE_SESSION.has(codeOf(error) ?? '')) return 'failed'
    throw error
  }
}
