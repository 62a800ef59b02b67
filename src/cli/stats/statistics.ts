import { itemSizeBytes } from '../../aws/dynamodb/item-size.ts'
import { SessionCorruptError } from '../../errors.ts'
import type { ItemTable } from '../../items/item-table.ts'
import { binaryOf, textOf } from '../../layouts/attributes.ts'
import type { Item } from '../../types.ts'
import { byteSize, counted, duration, grouped } from '../output.ts'
import { Distribution } from './bounded-counts.ts'
import type { ReportFigures } from './report-figures.ts'

/** What is counted and measured. */
export class Statistics {
  scanned = 0
  readonly #items: ItemTable
  readonly #figures: ReportFigures | undefined
  readonly #nowMs: number
  readonly #ttlMs: number | undefined
  readonly #counts = { withUser: 0, locked: 0, sealed: 0, unreadable: 0 }
  readonly #sizeBytes = new Distribution()
  readonly #ageSeconds = new Distribution()
  readonly #remainingSeconds = new Distribution()
  readonly #idleSeconds = new Distribution()
  readonly #expiredBytes = new Distribution()
  readonly #expiredForSeconds = new Distribution()

  /** @param figures what a report needs besides. */
  constructor(
    items: ItemTable,
    nowMs: number,
    ttlSeconds: number | undefined,
    figures: ReportFigures | undefined,
  ) {
    this.#items = items
    this.#figures = figures
    this.#nowMs = nowMs
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
      const sizeBytes = itemSizeBytes(item)
      this.#expiredBytes.add(sizeBytes)
      this.#expiredForSeconds.add(-remainingMs / 1000)
      this.#figures?.addExpired(sizeBytes, -remainingMs)
      return
    }
    this.#addLive(item, expiresMs)
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

  /** What the terminal shows, as names and values. */
  rows(): readonly (readonly [name: string, value: string])[] {
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
    return rows
  }

  #addLive(item: Item, expiresMs: number): void {
    const { layout } = this.#items
    const remainingMs = expiresMs - this.#nowMs
    const createdMs = layout.createdOf(item)
    const sizeBytes = itemSizeBytes(item)
    this.#sizeBytes.add(sizeBytes)
    this.#remainingSeconds.add(remainingMs / 1000)
    if (createdMs !== undefined) this.#ageSeconds.add((this.#nowMs - createdMs) / 1000)
    if (this.#ttlMs !== undefined && remainingMs <= this.#ttlMs) {
      this.#idleSeconds.add((this.#ttlMs - remainingMs) / 1000)
    }
    const user = layout.userIndex && item[layout.userIndex.attribute]
    if (user !== undefined) this.#counts.withUser++
    this.#figures?.addLive({ sizeBytes, createdMs, expiresMs, user: textOf(user) })
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
