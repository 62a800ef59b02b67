import { openClient } from '../../store/open-client.ts'
import { LAYOUT_NAMES, type LayoutName } from '../../layouts/layout.ts'
import { type MoveCounts, moveAll } from '../../migration/migrate-all.ts'
import { openMigration } from '../../store/open-sessions.ts'
import { type Command, EXIT, UsageError } from '../command.ts'
import { counted } from '../format.ts'
import { writeJson, writeLine } from '../io.ts'
import { didYouMean, nearest } from '../../internal/closest-match.ts'
import { Progress } from '../progress.ts'
import { storeSettings } from '../store-settings.ts'

/** `dynamodb-sessions migrate` */
export const migrateCommand: Command = {
  usage: ['--from <layout>'],
  description: [
    'Moves the sessions of another store to where --table, --prefix and --layout say. Applications with the option "migrateFrom" move a session when it is used; this is for who does not ' +
      'want to wait for the rest.',
    'It reads the whole table. Applications may go on meanwhile, and sessions that they have moved are passed over. What ' +
      'cannot be moved stays where it is, and is counted. It can be interrupted and started again at any time.',
  ],
  options: [
    { name: 'from', value: 'layout', description: 'layout to move from: connect-dynamodb, php, native, ...' },
    { name: 'from-table', value: 'name', description: 'table to move from (default: the same table)' },
    {
      name: 'from-prefix',
      value: 'text',
      mayBeEmpty: true,
      description: 'prefix of the keys there (default: that of the layout)',
    },
    { name: 'from-partition-key', value: 'name', description: 'partition key of the table there' },
    {
      name: 'from-no-hash-ids',
      description: 'with --from native: the keys there are session IDs and no hashes (hashIds: false)',
    },
    { name: 'dry-run', description: 'only count the sessions' },
  ],
  examples: [
    { what: 'How many there are:', line: 'migrate --from connect-dynamodb --dry-run' },
    { what: 'From connect-dynamodb, in the same table:', line: 'migrate --from connect-dynamodb' },
    {
      what: 'From another table:',
      line: 'migrate --from adonis --from-table Session --table sessions',
    },
  ],
  run: async (invocation, io) => {
    if (invocation.positionals.length > 0) throw new UsageError('migrate takes options only')
    const from = invocation.text('from')
    if (from === undefined) throw new UsageError('migrate needs --from: the layout that the sessions are in')
    const layout = layoutToMoveFrom(from)
    const fromPlainIds = invocation.has('from-no-hash-ids')
    if (fromPlainIds !== (from === 'native')) throw hashedIds(from)
    const source = {
      layout,
      table: invocation.text('from-table'),
      prefix: invocation.text('from-prefix'),
      partitionKey: invocation.text('from-partition-key'),
      ...(fromPlainIds && { hashIds: false }),
    }
    const settings = storeSettings(invocation, io, { migrateFrom: source })
    const client = openClient(settings, io.environment)
    const progress = new Progress(io.stderr)
    try {
      const counts = await moveAll(await openMigration(client, settings), {
        dryRun: invocation.has('dry-run'),
        signal: io.signal,
        onProgress: latest => progress.show(inWords(latest)),
      })
      await progress.clear()
      if (invocation.has('json')) await writeJson(io.stdout, counts)
      else await writeLine(io.stdout, inWords(counts))
      return counts.failed === 0 ? EXIT.ok : EXIT.failure
    } finally {
      await progress.clear()
      await client.close()
    }
  },
}

/** Taking hashes for session IDs would move every session to where no cookie leads. */
function hashedIds(from: string): UsageError {
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
  const hint = didYouMean(nearest(name, LAYOUT_NAMES))
  throw new UsageError(`--from takes the name of a layout (${LAYOUT_NAMES.join(', ')})${hint}`)
}

function inWords({ found, moved, passedOver, failed }: MoveCounts): string {
  const parts = [`${counted(found, 'session')} found`, `${moved} moved`]
  if (passedOver > 0) parts.push(`${passedOver} moved, ended or locked by others`)
  if (failed > 0) parts.push(`${failed} cannot be moved and stay where they are`)
  return parts.join(', ')
}
