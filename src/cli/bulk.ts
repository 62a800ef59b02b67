import type { ItemTable } from '../items/item-table.ts'
import { numberOption } from '../internal/option.ts'
import { LONGEST_TIMER_MS } from '../internal/timers.ts'
import type { StoreOptions } from '../options/store-options.ts'
import type { CommandContext, ParsedArgs } from './args.ts'
import { grouped } from './output.ts'

/**
 * The limits of one request of a command that reads the whole table, in place of the application's: no visitor waits for it, and
 * a page of a slow or throttled table may take longer than all that a visitor waits for.
 */
export const BULK_LIMITS: StoreOptions = { attemptTimeoutMs: 60_000, deadlineMs: 600_000, maxAttempts: 20 }

/** The option of such commands, for their help. */
export const TIMEOUT_OPTION = {
  'timeout <seconds>':
    'end after so long, with exit code 1 (default: it takes as long as the table is large)',
} as const

/** What `--timeout` says, as an option of calls of many requests. */
export function deadlineIn(args: ParsedArgs): { readonly deadlineMs?: number } {
  const seconds = args.number('timeout', numberOption('seconds', 0.001, LONGEST_TIMER_MS / 1000))
  return seconds === undefined ? {} : { deadlineMs: Math.ceil(seconds * 1000) }
}

const BAR_WIDTH = 20

/** Tells how far the reading of a table has come: of about how many items, and how fast. */
export class ReadingProgress {
  readonly #context: CommandContext
  readonly #startedAtMs = performance.now()
  /** As DynamoDB counted them within the last hours; `undefined` where that may not be seen. */
  readonly #total: number | undefined

  private constructor(context: CommandContext, total: number | undefined) {
    this.#context = context
    this.#total = total
  }

  /** Asks how many items there are, where somebody is looking. */
  static async of({ client, name: TableName }: ItemTable, context: CommandContext): Promise<ReadingProgress> {
    if (!context.stderr.isTerminal) return new ReadingProgress(context, undefined)
    const { signal } = context
    try {
      const { Table: table } = await client.send('DescribeTable', { TableName }, { signal })
      return new ReadingProgress(context, table?.ItemCount)
    } catch {
      // The permission is one of operators; a table that is not there shows at the first page.
      signal.throwIfAborted()
      return new ReadingProgress(context, undefined)
    }
  }

  /** @param more what else there is to tell. */
  async show(scanned: number, more = ''): Promise<void> {
    const seconds = (performance.now() - this.#startedAtMs) / 1000
    const rate = seconds < 1 ? '' : `, ${grouped(Math.round(scanned / seconds))}/s`
    await this.#context.progress.show(`${this.#share(scanned)}${rate}${more === '' ? '' : `, ${more}`}`)
  }

  #share(scanned: number): string {
    const total = this.#total
    // The count is hours old: what is beyond it is no share of it.
    if (total === undefined || total < scanned || total === 0) return `${grouped(scanned)} items read`
    const share = scanned / total
    const bar = '#'.repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, '-')
    return `[${bar}] ${Math.floor(share * 100)} %, ${grouped(scanned)} of about ${grouped(total)} items read`
  }
}
