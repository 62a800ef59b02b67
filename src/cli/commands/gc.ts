import { type GarbageCollectionProgress, garbageCollectionRows } from '../../options/call-options.ts'
import { collectGarbage } from '../../scan/garbage-collection.ts'
import { inBulk, scanInput, scanPages } from '../../scan/scan.ts'
import type { Input } from '../../aws/dynamodb/operations.ts'
import type { ItemTable } from '../../items/item-table.ts'
import { allOf } from '../../layouts/layout.ts'
import { type Command, type CommandContext, declared, writeResult } from '../args.ts'
import { BULK_LIMITS, deadlineIn, ReadingProgress, TIMEOUT_OPTION } from '../bulk.ts'
import { counted, duration, grouped, writeLine } from '../output.ts'
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
    ...TIMEOUT_OPTION,
    'dry-run': 'only count what has expired',
  }),
  examples: {
    'What expired an hour ago or earlier:': 'gc --grace-seconds 3600',
    'Slowly, beside a busy application, with provisioned capacity:':
      'gc --max-read-units 20 --max-write-units 5',
    'How much there is to delete, without deleting it:': 'gc --dry-run',
  },
  run: async context => {
    const { args, signal, stderr } = context
    const rows = garbageCollectionRows
    const options = {
      segments: args.number('segments', rows.segments),
      maxReadUnitsPerSecond: args.number('max-read-units', rows.maxReadUnitsPerSecond),
      maxWriteUnitsPerSecond: args.number('max-write-units', rows.maxWriteUnitsPerSecond),
      graceSeconds: args.number('grace-seconds', rows.graceSeconds),
    }
    let latest: GarbageCollectionProgress | undefined
    try {
      await withSessions(storeSettings(context, BULK_LIMITS), context, async ({ items }) => {
        const progress = await ReadingProgress.of(items, context)
        if (args.has('dry-run')) return countExpired(context, items, options.graceSeconds ?? 0, progress)
        const onProgress = (counts: GarbageCollectionProgress): Promise<void> => {
          latest = counts
          return progress.show(counts.scanned, `${counted(counts.deleted, 'expired session')} deleted`)
        }
        const result = await collectGarbage(items, { ...options, ...deadlineIn(args), signal, onProgress })
        await writeResult(context, result, `${inWords(result)}, in ${duration(result.durationMs)}`)
      })
    } catch (error) {
      await context.progress.clear()
      if (latest !== undefined) await writeLine(stderr, `until then: ${inWords(latest)}`)
      throw error
    }
  },
}

/** What a collection would delete now, by the same condition. */
async function countExpired(
  context: CommandContext,
  items: ItemTable,
  graceSeconds: number,
  progress: ReadingProgress,
): Promise<void> {
  const counts = { scanned: 0, expired: 0 }
  const input = (): Input<'Scan'> => {
    const nowMs = items.clock.now()
    const expired = allOf(
      items.expiredAt(nowMs - graceSeconds * 1000),
      items.layout.lateRequests?.noCreationExpected(nowMs),
    )
    return { ...scanInput(items, allOf(expired, items.layout.namespace()), false), Select: 'COUNT' }
  }
  await inBulk({ signal: context.signal, ...deadlineIn(context.args) }, async send => {
    for await (const page of scanPages(items, input, send)) {
      counts.scanned += page.ScannedCount ?? 0
      counts.expired += page.Count ?? 0
      await progress.show(counts.scanned, `${counted(counts.expired, 'expired session')} found`)
    }
  })
  const text = `${counted(counts.expired, 'expired session')} would be deleted, ${counted(counts.scanned, 'item')} read`
  await writeResult(context, counts, text)
}

function inWords({ scanned, deleted, revived, gone, pauses }: GarbageCollectionProgress): string {
  const parts = [`${counted(deleted, 'expired session')} deleted`, `${counted(scanned, 'item')} read`]
  if (revived > 0) parts.push(`${grouped(revived)} extended meanwhile`)
  if (gone > 0) parts.push(`${grouped(gone)} deleted by others`)
  if (pauses > 0) parts.push(`paused ${pauses === 1 ? 'once' : `${pauses} times`} because of throttling`)
  return parts.join(', ')
}
