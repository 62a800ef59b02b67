import { collectGarbage, type GarbageCollectionProgress } from '../../scan/garbage-collection.ts'
import { type Command, EXIT, UsageError } from '../command.ts'
import { counted, duration } from '../format.ts'
import { writeJson, writeLine } from '../io.ts'
import { Progress } from '../progress.ts'
import { openSessions, storeSettings } from '../store-settings.ts'

/** `dynamodb-sessions gc` */
export const gcCommand: Command = {
  usage: [''],
  description: [
    'Deletes the sessions that have expired. Applications do not see them any more in any case, and the time to live of the ' +
      'table deletes them within some days at no cost: this is for tables without it, and for who does not want to wait.',
    'It reads the whole table, no faster than the limits allow, and deletes a session only if it is still expired at that ' +
      'moment. When the table throttles, it pauses and goes on. It can be interrupted and started again at any time.',
  ],
  options: [
    {
      name: 'grace-seconds',
      value: 'number',
      description: 'delete only what expired so long ago (default: 0)',
    },
    {
      name: 'max-read-units',
      value: 'number',
      description: 'read capacity to use a second at most (default: 1500)',
    },
    {
      name: 'max-write-units',
      value: 'number',
      description: 'write capacity to use a second at most (default: 500)',
    },
    {
      name: 'segments',
      value: 'number',
      description: 'parts of the table to read at the same time (default: 4)',
    },
  ],
  examples: [
    { what: 'What expired an hour ago or earlier:', line: 'gc --grace-seconds 3600' },
    {
      what: 'Slowly, beside a busy application, with provisioned capacity:',
      line: 'gc --max-read-units 20 --max-write-units 5',
    },
    { what: 'How much there is to delete, without deleting it:', line: 'stats' },
  ],
  run: async (invocation, io) => {
    if (invocation.positionals.length > 0) throw new UsageError('gc takes options only')
    const units = { least: 1, most: 1_000_000_000, unit: 'capacity units a second' }
    const options = {
      segments: invocation.number('segments', { least: 1, most: 100, unit: 'parts', whole: true }),
      maxReadUnitsPerSecond: invocation.number('max-read-units', units),
      maxWriteUnitsPerSecond: invocation.number('max-write-units', units),
      graceSeconds: invocation.number('grace-seconds', { least: 0, most: 1_000_000_000, unit: 'seconds' }),
    }
    const sessions = await openSessions(storeSettings(invocation, io), invocation, io)
    const progress = new Progress(io.stderr)
    let latest: GarbageCollectionProgress | undefined
    try {
      const result = await collectGarbage(sessions.items, {
        ...options,
        signal: io.signal,
        onProgress: counts => {
          latest = counts
          return progress.show(inWords(counts))
        },
      })
      await progress.clear()
      if (invocation.has('json')) await writeJson(io.stdout, result)
      else await writeLine(io.stdout, `${inWords(result)}, in ${duration(result.durationMs)}`)
      return EXIT.ok
    } catch (error) {
      await progress.clear()
      if (latest !== undefined) await writeLine(io.stderr, `until then: ${inWords(latest)}`)
      throw error
    } finally {
      await sessions.close()
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
