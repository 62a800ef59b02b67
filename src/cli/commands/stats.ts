import { createHistogram } from 'node:perf_hooks'

import { itemSizeBytes } from '../../aws/dynamodb/item-size.ts'
import { SessionCorruptError } from '../../errors.ts'
import type { ItemTable } from '../../items/item-table.ts'
import { binaryOf } from '../../layouts/layout.ts'
import { numberOption } from '../../internal/option.ts'
import { inBulk, scanInput, scanPages } from '../../scan/scan.ts'
import type { Item } from '../../types.ts'
import { type Command, declared, writeResult } from '../args.ts'
import { BULK_LIMITS, deadlineIn, ReadingProgress, TIMEOUT_OPTION } from '../bulk.ts'
import { byteSize, counted, duration, fields, grouped } from '../output.ts'
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
  ],
  optionsOnly: 'takes options only',
  options: declared({
    'ttl-seconds <number>': 'lifetime of an unused session, to tell how long sessions have been idle',
    ...TIMEOUT_OPTION,
  }),
  examples: {
    'Of the whole table:': 'stats --table sessions',
    'Of one application of several in a table, for a dashboard:': 'stats --prefix shop: --json',
  },
  run: async context => {
    const { args, signal } = context
    const given = args.number('ttl-seconds', numberOption('seconds', 1, Infinity))
    const settings = storeSettings(context, BULK_LIMITS)
    // A lifetime that the environment names is that of the application, too.
    const ttlSeconds = given ?? (typeof settings.ttlSeconds === 'number' ? settings.ttlSeconds : undefined)
    return withSessions(settings, context, async ({ items }) => {
      const statistics = new Statistics(items, ttlSeconds)
      const input = scanInput(items, items.layout.namespace(), false)
      const progress = await ReadingProgress.of(items, context)
      await inBulk({ signal, ...deadlineIn(args) }, async send => {
        for await (const page of scanPages(items, () => input, send)) {
          for (const item of page.Items ?? []) statistics.add(item)
          statistics.scanned += page.ScannedCount ?? 0
          await progress.show(statistics.scanned)
        }
      })
      await writeResult(context, statistics.asJson(), statistics.asText())
    })
  },
}

/** What is counted and measured. */
class Statistics {
  scanned = 0
  readonly #items: ItemTable
  readonly #nowMs: number
  readonly #ttlMs: number | undefined
  readonly #counts = { withUser: 0, locked: 0, sealed: 0, unreadable: 0 }
  readonly #sizeBytes = new Distribution()
  readonly #ageSeconds = new Distribution()
  readonly #remainingSeconds = new Distribution()
  readonly #idleSeconds = new Distribution()
  readonly #expiredBytes = new Distribution()
  readonly #expiredForSeconds = new Distribution()

  constructor(items: ItemTable, ttlSeconds: number | undefined) {
    this.#items = items
    this.#nowMs = items.clock.now()
    this.#ttlMs = ttlSeconds === undefined ? undefined : ttlSeconds * 1000
  }

  add(item: Item): void {
    if (this.#items.layout.lateRequests?.isGravestone(item) === true) return
    const expiresMs = this.#expiryOf(item)
    if (expiresMs === undefined) {
      this.#counts.unreadable++
      return
    }
    const remainingMs = expiresMs - this.#nowMs
    if (remainingMs <= 0) {
      this.#expiredBytes.add(itemSizeBytes(item))
      this.#expiredForSeconds.add(-remainingMs / 1000)
      return
    }
    this.#addLive(item, remainingMs)
  }

  asJson(): object {
    return {
      scanned: this.scanned,
      live: this.#sizeBytes.count,
      ...this.#counts,
      sizeBytes: { total: this.#sizeBytes.sum, ...rounded(this.#sizeBytes) },
      ageSeconds: rounded(this.#ageSeconds),
      remainingSeconds: rounded(this.#remainingSeconds),
      ...(this.#ttlMs !== undefined && { idleSeconds: rounded(this.#idleSeconds) }),
      expired: {
        count: this.#expiredBytes.count,
        sizeBytes: this.#expiredBytes.sum,
        ageSeconds: rounded(this.#expiredForSeconds),
      },
    }
  }

  asText(): string {
    const { withUser, locked, sealed, unreadable } = this.#counts
    const seconds = (distribution: Distribution): string =>
      spread(distribution, number => duration(number * 1000))
    const rows: [string, string][] = [
      ['sessions', `${counted(this.#sizeBytes.count, 'session')}, ${byteSize(this.#sizeBytes.sum)}`],
      ['signed in', `${grouped(withUser)} (with a user ID)`],
      ['locked', grouped(locked)],
      ['sealed', `${grouped(sealed)} (compressed or encrypted)`],
      ['size', spread(this.#sizeBytes, byteSize)],
      ['age', seconds(this.#ageSeconds)],
      ['expire in', seconds(this.#remainingSeconds)],
    ]
    if (this.#ttlMs !== undefined) rows.push(['idle for', seconds(this.#idleSeconds)])
    const { count, sum } = this.#expiredBytes
    rows.push([
      'expired',
      count === 0 ? 'none is left' : `${grouped(count)} still there, ${byteSize(sum)}; gc deletes them`,
    ])
    if (count > 0) rows.push(['expired for', seconds(this.#expiredForSeconds)])
    if (unreadable > 0) rows.push(['no sessions', `${counted(unreadable, 'item')} without a readable expiry`])
    rows.push(['read', counted(this.scanned, 'item')])
    return fields(rows)
  }

  #addLive(item: Item, remainingMs: number): void {
    const { layout } = this.#items
    const createdMs = layout.createdOf(item)
    this.#sizeBytes.add(itemSizeBytes(item))
    this.#remainingSeconds.add(remainingMs / 1000)
    if (createdMs !== undefined) this.#ageSeconds.add((this.#nowMs - createdMs) / 1000)
    if (this.#ttlMs !== undefined && remainingMs <= this.#ttlMs) {
      this.#idleSeconds.add((this.#ttlMs - remainingMs) / 1000)
    }
    if (layout.userIndex !== undefined && layout.userIndex.attribute in item) this.#counts.withUser++
    const lock = layout.lock?.holderOf(item)
    if (lock !== undefined && (lock.untilMs === undefined || lock.untilMs > this.#nowMs))
      this.#counts.locked++
    if (binaryOf(item['data']) !== undefined) this.#counts.sealed++
  }

  #expiryOf(item: Item): number | undefined {
    try {
      return this.#items.expiryOf(item)
    } catch (error) {
      if (error instanceof SessionCorruptError) return undefined
      throw error
    }
  }
}

type Summary = Readonly<Record<'min' | 'median' | 'p95' | 'max', number>>

/**
 * The distribution of many numbers from 0 on in bounded memory: the least, the greatest and the sum are exact, and
 * quantiles are at most 1 % too high.
 */
export class Distribution {
  #count = 0
  #sum = 0
  #least = Infinity
  #greatest = 0
  // Of whole numbers from 1, so that everything is in it with 1 more.
  readonly #histogram = createHistogram({ figures: 3 })

  add(value: number): void {
    const number = Math.max(0, value)
    this.#count++
    this.#sum += number
    this.#least = Math.min(this.#least, number)
    this.#greatest = Math.max(this.#greatest, number)
    this.#histogram.record(Math.floor(number) + 1)
  }

  get count(): number {
    return this.#count
  }

  get sum(): number {
    return this.#sum
  }

  /** What a share of the numbers does not exceed, and all of it in one object; `undefined` when there are no numbers. */
  summary(): Summary | undefined {
    if (this.#count === 0) return undefined
    return { min: this.#least, median: this.#quantile(0.5), p95: this.#quantile(0.95), max: this.#greatest }
  }

  #quantile(share: number): number {
    const rank = Math.ceil(share * this.#count)
    const value = this.#histogram.percentile((100 * rank) / this.#count) - 1
    return Math.min(this.#greatest, Math.max(this.#least, value))
  }
}

function rounded(distribution: Distribution): Record<string, number> | undefined {
  const summary = distribution.summary()
  return (
    summary && Object.fromEntries(Object.entries(summary).map(([name, value]) => [name, Math.round(value)]))
  )
}

function spread(distribution: Distribution, inWords: (value: number) => string): string {
  const summary = distribution.summary()
  if (summary === undefined) return '-'
  const { min, median, p95, max } = summary
  return `${inWords(min)} to ${inWords(max)}, median ${inWords(median)}, 95 % up to ${inWords(p95)}`
}
