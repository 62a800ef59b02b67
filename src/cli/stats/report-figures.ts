import { Buckets, TimeHistogram, TopCounts } from './bounded-counts.ts'
import { byteSize, counted } from '../output.ts'

/** What a report needs to know of a session. */
interface LiveSession {
  readonly sizeBytes: number
  readonly createdMs: number | undefined
  readonly expiresMs: number
  readonly user: string | undefined
}

const KB = 1024
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** What is older or expires later is an exception. */
const YEARS_MS = 2 * 365 * DAY_MS

/** DynamoDB counts so much more for every item when it charges for storage. */
const ITEM_OVERHEAD_BYTES = 100

/** The figures of a report that the terminal has no room for. Bounded, however many sessions there are. */
export class ReportFigures {
  readonly created: TimeHistogram
  readonly expiring: TimeHistogram
  /** Live sessions without a creation time. */
  withoutCreation = 0
  readonly sizes: Buckets = new Buckets([1, 2, 4, 8, 16, 32, 64, 128, 256].map(size => size * KB))
  /** Expired sessions by how long they have been so, with their bytes. */
  readonly backlog: Buckets = new Buckets([HOUR_MS, 6 * HOUR_MS, DAY_MS, 2 * DAY_MS, 7 * DAY_MS, 30 * DAY_MS])
  readonly users: TopCounts = new TopCounts()
  /** What DynamoDB charges. */
  readonly units = { live: 0, readOnce: 0, writeOnce: 0, storedBytes: 0, expiredBytes: 0, deleteExpired: 0 }

  constructor(nowMs: number) {
    this.created = new TimeHistogram(nowMs - YEARS_MS, nowMs + DAY_MS)
    this.expiring = new TimeHistogram(nowMs - DAY_MS, nowMs + YEARS_MS)
  }

  addLive({ sizeBytes, createdMs, expiresMs, user }: LiveSession): void {
    if (createdMs === undefined) this.withoutCreation++
    else this.created.add(createdMs)
    this.expiring.add(expiresMs)
    this.sizes.add(sizeBytes)
    if (user !== undefined) this.users.add(user)
    this.units.live++
    this.units.readOnce += Math.ceil(sizeBytes / (4 * KB))
    this.units.writeOnce += Math.ceil(sizeBytes / KB)
    this.units.storedBytes += sizeBytes + ITEM_OVERHEAD_BYTES
  }

  addExpired(sizeBytes: number, expiredForMs: number): void {
    this.backlog.add(expiredForMs, sizeBytes)
    this.units.expiredBytes += sizeBytes + ITEM_OVERHEAD_BYTES
    this.units.deleteExpired += Math.ceil(sizeBytes / KB)
  }
}

/** On-demand prices of the table class Standard in us-east-1, in dollars. */
const PRICES = { gigabyteMonth: 0.25, millionReads: 0.125, millionWrites: 0.625 } as const

const GIGABYTE = 1024 ** 3
const MILLION = 1e6

/** What an estimate rests on; stands under it. */
export const COST_ASSUMPTIONS: readonly string[] = [
  `Prices are those of us-east-1, on-demand, table class Standard: $${PRICES.gigabyteMonth} for a GB and month, ` +
    `$${PRICES.millionReads} for a million read units, $${PRICES.millionWrites} for a million write units. Other Regions, ` +
    'provisioned capacity and discounts differ.',
  'A read unit is 4 KB of one session, read consistently; eventually consistent reads take half of that. A write unit is 1 KB. Both are ' +
    'rounded up for each session.',
  'Every session is read and written as often as every other, and a write does not change its size.',
  'Storage includes the 100 bytes that DynamoDB adds to each item. Items that are no sessions, indexes, replicas, backups, transactions, ' +
    'data transfer and the free tier are left out. The index by user costs about another write for each session with a user.',
]

/** One line of an estimate. */
export interface CostLine {
  readonly what: string
  readonly amount: string
  readonly cost: string
}

/** What the sessions cost, by their sizes. */
export function costLines({ units }: Pick<ReportFigures, 'units'>): readonly CostLine[] {
  const { live, storedBytes, expiredBytes, deleteExpired } = units
  const average = (sum: number): number => (live === 0 ? 1 : sum / live) * MILLION
  return [
    storage('Storage of sessions that are alive', storedBytes),
    storage('Storage of expired sessions', expiredBytes),
    requests('A million reads', average(units.readOnce), PRICES.millionReads),
    requests('A million eventually consistent reads', average(units.readOnce) / 2, PRICES.millionReads),
    requests('A million writes', average(units.writeOnce), PRICES.millionWrites),
    requests(
      'Deleting the expired sessions with gc (time to live: free)',
      deleteExpired,
      PRICES.millionWrites,
    ),
  ]
}

function storage(what: string, bytes: number): CostLine {
  const gigabytes = bytes / GIGABYTE
  return {
    what,
    amount: byteSize(bytes),
    cost: `${dollars(gigabytes * PRICES.gigabyteMonth)} a month`,
  }
}

function requests(what: string, units: number, price: number): CostLine {
  return { what, amount: counted(Math.round(units), 'unit'), cost: dollars((units / MILLION) * price) }
}

function dollars(value: number): string {
  if (value !== 0 && value < 0.01) return 'less than $0.01'
  return `$${value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`
}
