import { closestMatch, didYouMean } from '../../internal/message-text.ts'
import { LAYOUT_NAMES, type LayoutName } from '../../layouts/layout.ts'
import { ItemTable } from '../../items/item-table.ts'
import { openLayout } from '../../layouts/open-layout.ts'
import { type MigrateCounts, migrateAll } from '../../migration/migrate-all.ts'
import { openMigration } from '../../migration/migration.ts'
import { openClient } from '../../store/open-client.ts'
import { type Command, declared, writeResult } from '../args.ts'
import { counted, EXIT, UsageError } from '../output.ts'
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
    'dry-run': 'only count the sessions',
  }),
  examples: {
    'How many there are:': 'migrate --from connect-dynamodb --dry-run',
    'From connect-dynamodb, in the same table:': 'migrate --from connect-dynamodb',
    'From another table:': 'migrate --from adonis --from-table Session --table sessions',
  },
  run: async context => {
    const { args, environment, signal, progress } = context
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
    const settings = storeSettings(context, { migrateFrom: source })
    const client = openClient(settings, environment)
    try {
      const target = new ItemTable(client, await openLayout(settings), settings)
      const counts = await migrateAll(await openMigration(target, settings), {
        dryRun: args.has('dry-run'),
        signal,
        onProgress: latest => progress.show(inWords(latest)),
      })
      await writeResult(context, counts, inWords(counts))
      return counts.failed === 0 ? EXIT.ok : EXIT.failure
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
