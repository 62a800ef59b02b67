import { type GarbageCollectionProgress, garbageCollectionRows } from '../../options/call-options.ts'
import { collectGarbage } from '../../scan/garbage-collection.ts'
import { type Command, declared, writeResult } from '../args.ts'
import { counted, duration, writeLine } from '../output.ts'
import { storeSettings, withSessions } from '../store-settings.ts'

/** `dynamodb-sessions gc` */
export const command: Command = {
  usage: [''],
  description: [
    'Deletes the sessions that have expired. Applications do not see them any more in any case, and the time to live of the ' +
      'table deletes them within some days at no cost: use this for tables without it, or to delete them at once.',
    'It reads the whole table, no faster than the limits allow, and deletes a session only if it is still expired at that ' +
      'moment. When the table throttles, it pauses and goes on. It can be interrupted and started again at any time.',
  ],
  optionsOnly: 'takes options only',
  options: declared({
    'grace-seconds <number>': 'delete only what expired so long ago (default: 0)',
    'max-read-units <number>': 'read capacity to use a second at most (default: 1500)',
    'max-write-units <number>': 'write capacity to use a second at most (default: 500)',
    'segments <number>': 'parts of the table to read at the same time (default: 4)',
  }),
  examples: {
    'What expired an hour ago or earlier:': 'gc --grace-seconds 3600',
    'Slowly, beside a busy application, with provisioned capacity:':
      'gc --max-read-units 20 --max-write-units 5',
    'How much there is to delete, without deleting it:': 'stats',
  },
  run: async context => {
    const { args, signal, stderr, progress } = context
    const rows = garbageCollectionRows
    const options = {
      segments: args.number('segments', rows.segments),
      maxReadUnitsPerSecond: args.number('max-read-units', rows.maxReadUnitsPerSecond),
      maxWriteUnitsPerSecond: args.number('max-write-units', rows.maxWriteUnitsPerSecond),
      graceSeconds: args.number('grace-seconds', rows.graceSeconds),
    }
    let latest: GarbageCollectionProgress | undefined
    const onProgress = (counts: GarbageCollectionProgress): Promise<void> => {
      latest = counts
      return progress.show(inWords(counts))
    }
    try {
      await withSessions(storeSettings(context), context, async ({ items }) => {
        const result = await collectGarbage(items, { ...options, signal, onProgress })
        await writeResult(context, result, `${inWords(result)}, in ${duration(result.durationMs)}`)
      })
    } catch (error) {
      await progress.clear()
      if (latest !== undefined) await writeLine(stderr, `until then: ${inWords(latest)}`)
      throw error
    }
  },
}

function inWords({ scanned, deleted, revived, gone, pauses }: GarbageCollectionProgress): string {
  const parts = [`${counted(deleted, 'expired session')} deleted`, `${counted(scanned, 'item')} read`]
  if (revived > 0) parts.push(`${revived} extended meanwhile`)
  if (gone > 0) parts.push(`${gone} deleted by others`)
  if (pauses > 0) parts.push(`paused ${pauses === 1 ? 'once' : `${pauses} times`} because of throttling`)
  return parts.join(', ')
}
