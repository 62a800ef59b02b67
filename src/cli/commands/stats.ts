import { numberOption } from '../../internal/option.ts'
import { inBulk, scanInput, scanPages } from '../../scan/scan.ts'
import { type Command, declared, writeResult } from '../args.ts'
import { BULK_LIMITS, deadlineIn, ReadingProgress, TIMEOUT_OPTION } from '../bulk.ts'
import { fields, printable, UsageError, writeLine } from '../output.ts'
import { ReportFile } from '../stats/report-file.ts'
import { ReportFigures } from '../stats/report-figures.ts'
import { reportPage } from '../stats/report-page.ts'
import { Statistics } from '../stats/statistics.ts'
import { storeSettings, withSessions } from '../store-settings.ts'

/** `dynamodb-sessions stats` */
export const command: Command = {
  usage: [''],
  description: [
    'Counts the sessions and measures them: how large they are, how old, how long they will last, and how many have expired ' +
      'and are still there (time to live deletes them within some days; gc does at once).',
    'It reads the whole table with eventually consistent reads, a page at a time: a read unit for every 8 KB. Memory is ' +
      'bounded; median and 95th percentile are within 1 %. How long sessions have been idle can be told only where they all ' +
      'have the same lifetime: give it as --ttl-seconds.',
    'With --html it also writes a report with plots: sessions by creation and expiry, sizes, the users with most sessions, expired ' +
      'sessions, and an estimate of the cost. It is one file that needs no network; a report of that name is replaced. User IDs are ' +
      'in it only with --show-data.',
  ],
  optionsOnly: 'takes options only',
  options: declared({
    'ttl-seconds <number>': 'lifetime of an unused session, to tell how long sessions have been idle',
    'html <file>': 'also write a report with plots to this file, which ends in .html',
    'show-data': 'with --html: name the users by their IDs',
    ...TIMEOUT_OPTION,
  }),
  examples: {
    'Of the whole table:': 'stats --table sessions',
    'Of one application of several in a table, for a dashboard:': 'stats --prefix shop: --json',
    'With plots, for a browser:': 'stats --html report.html',
  },
  run: async context => {
    const { args, signal, stderr } = context
    const given = args.number('ttl-seconds', numberOption('seconds', 1, Infinity))
    const html = args.text('html')
    if (html === undefined && args.has('show-data')) throw new UsageError('--show-data goes with --html')
    // Before the table is read, which takes time and money.
    const file = html === undefined ? undefined : await ReportFile.at(html)
    const settings = storeSettings(context, BULK_LIMITS)
    // A lifetime that the environment names is that of the application, too.
    const ttlSeconds = given ?? (typeof settings.ttlSeconds === 'number' ? settings.ttlSeconds : undefined)
    return withSessions(settings, context, async ({ items, naming }) => {
      const atMs = items.clock.now()
      const figures = file && new ReportFigures(atMs)
      const statistics = new Statistics(items, atMs, ttlSeconds, figures)
      const input = scanInput(items, items.layout.namespace(), false)
      const progress = await ReadingProgress.of(items, context)
      await inBulk({ signal, ...deadlineIn(args) }, async send => {
        for await (const page of scanPages(items, () => input, send)) {
          for (const item of page.Items ?? []) statistics.add(item)
          statistics.scanned += page.ScannedCount ?? 0
          await progress.show(statistics.scanned)
        }
      })
      const rows = statistics.rows()
      await writeResult(context, statistics.asJson(), fields(rows))
      if (file === undefined || figures === undefined) return
      await file.write(reportPage({ table: items.name, atMs, rows, figures, showUsers: naming.showData }))
      await writeLine(stderr, `report written to ${printable(file.path)}`)
    })
  },
}
