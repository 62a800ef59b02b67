import { Buckets, TimeHistogram } from './histograms.ts'
import { TopCounts } from './top-counts.ts'

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
