import type { CapacityOutput, Input, Output } from '../aws/dynamodb/operations.ts'
import { isFailedCondition, itemOfFailedCondition } from '../aws/dynamodb/wire-error.ts'
import { DeadlineExceededError, ThrottlingError } from '../errors.ts'
import { backoffMs, sleep, unlessAborted } from '../internal/timers.ts'
import { allOf, type Condition } from '../layouts/layout.ts'
import type { Item, Random } from '../types.ts'
import {
  type GarbageCollectionOptions,
  type GarbageCollectionProgress,
  garbageCollectionRows,
} from '../options/call-options.ts'
import { forEachAtOnce, inBulk, projectKey, scanInput, scanPages } from './scan.ts'
import { ASKS_FOR_ITEM, conditionInput, type ItemTable } from '../items/item-table.ts'
import { validateCallOptions } from '../internal/option.ts'

/** What a garbage collection has done. */
export interface GarbageCollectionResult extends GarbageCollectionProgress {
  /** Into how many parts the table was divided. */
  readonly segments: number
  /** How long it took, in milliseconds. */
  readonly durationMs: number
}

const DELETES_AT_ONCE = 16

/** How many sessions of ordinary size, 1 KB, a read unit pays for. */
const ITEMS_PER_READ_UNIT = 8

/** What requests are taken to use where the engine does not say. */
const ASSUMED_READ_UNITS_PER_ITEM = 0.5
const ASSUMED_WRITE_UNITS = 1

/**
 * Deletes the sessions of one namespace that have expired, locked or not. Items that do not say when they expire are
 * nobody's garbage and stay.
 *
 * Each delete happens only if the session is still expired at that moment: one that was revived after it was read is
 * not lost. A delete whose answer was lost and that is sent again is recognised (G11). When the table throttles, the
 * collection pauses and goes on where it was, however long that takes; any other error ends it. What has been deleted
 * stays deleted then, and the next collection finds the rest. Memory holds a page of keys for each segment (G12).
 *
 * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
 * @throws the reason of `signal`, what `onProgress` throws, and every error of DynamoDB or the network but throttling.
 */
export async function collectGarbage(
  table: ItemTable,
  options: GarbageCollectionOptions = {},
): Promise<GarbageCollectionResult> {
  validateCallOptions(options, garbageCollectionRows)
  options.signal?.throwIfAborted()
  const startedAtMs = performance.now()
  return inBulk(options, async ({ signal }) => {
    const collector = new GarbageCollector(table, { ...options, signal })
    await collector.run()
    return {
      ...collector.progress,
      segments: collector.segments,
      durationMs: Math.round(performance.now() - startedAtMs),
    }
  })
}

class GarbageCollector {
  readonly segments: number
  readonly #table: ItemTable
  readonly #options: GarbageCollectionOptions
  readonly #graceMs: number
  readonly #pageLimit: number | undefined
  readonly #reads: RateLimiter
  readonly #writes: RateLimiter
  readonly #pauses = new ThrottlingPauses(Math.random)
  /** It is to end, for whatever reason: nothing is begun any more. Requests under way end when the caller has given up. */
  readonly #stop = new AbortController()
  readonly #counts = {
    scanned: 0,
    deleted: 0,
    revived: 0,
    gone: 0,
    consumedReadUnits: 0,
    consumedWriteUnits: 0,
  }

  constructor(table: ItemTable, options: GarbageCollectionOptions) {
    const readUnitsPerSecond =
      options.maxReadUnitsPerSecond ?? garbageCollectionRows.maxReadUnitsPerSecond.default
    const writeUnitsPerSecond =
      options.maxWriteUnitsPerSecond ?? garbageCollectionRows.maxWriteUnitsPerSecond.default
    this.segments = options.segments ?? garbageCollectionRows.segments.default
    this.#table = table
    this.#options = options
    this.#graceMs = (options.graceSeconds ?? 0) * 1000
    this.#pageLimit = itemsPerPage(readUnitsPerSecond / this.segments)
    this.#reads = new RateLimiter(readUnitsPerSecond)
    this.#writes = new RateLimiter(writeUnitsPerSecond)
  }

  get progress(): GarbageCollectionProgress {
    return { ...this.#counts, pauses: this.#pauses.count }
  }

  async run(): Promise<void> {
    const { signal: stopped } = this.#stop
    const { signal } = this.#options
    const onAbort = (): void => {
      this.#stop.abort(signal?.reason)
    }
    signal?.addEventListener('abort', onAbort)
    try {
      const segments = Array.from({ length: this.segments }, (_, segment) => this.#runSegment(segment))
      await Promise.all(segments)
      if (stopped.aborted) await this.#reportEnd()
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
    stopped.throwIfAborted()
  }

  /** Does not throw: the first failure of any segment ends all of them. */
  async #runSegment(segment: number): Promise<void> {
    try {
      await this.#collectSegment(segment)
    } catch (error) {
      this.#stop.abort(error)
    }
  }

  async #collectSegment(segment: number): Promise<void> {
    const deletesAtOnce = Math.ceil(DELETES_AT_ONCE / this.segments)
    const pages = scanPages(
      this.#table,
      () => this.#scanInput(segment),
      {},
      make => this.#scan(make),
    )
    for await (const { Items: items = [] } of pages) {
      await forEachAtOnce(items, deletesAtOnce, item => this.#deleteIfExpired(item))
      await unlessAborted(this.#options.onProgress?.(this.progress), this.#stop.signal)
    }
  }

  async #reportEnd(): Promise<void> {
    try {
      await unlessAborted(this.#options.onProgress?.(this.progress), this.#options.signal)
    } catch {
      // What ended the collection is the better error; it may even be this one.
    }
  }

  async #scan(make: () => Input<'Scan'>): Promise<Output<'Scan'>> {
    const { signal } = this.#options
    const reservation = this.#reads.reserve(performance.now())
    await this.#wait(reservation.delayMs)
    const page = await this.#untilServed(() => this.#table.client.send('Scan', make(), { signal }))
    const scanned = page.ScannedCount ?? 0
    const units = reportedUnits(page)
    this.#reads.commit(reservation, units ?? scanned * ASSUMED_READ_UNITS_PER_ITEM)
    this.#counts.scanned += scanned
    this.#counts.consumedReadUnits += units ?? 0
    return page
  }

  #scanInput(segment: number): Input<'Scan'> {
    const table = this.#table
    const filter = allOf(this.#expired(), table.layout.namespace())
    return {
      // Eventually consistent, at half the price: every delete checks again.
      ...projectKey(table, scanInput(table, filter, false)),
      Segment: segment,
      TotalSegments: this.segments,
      ReturnConsumedCapacity: 'TOTAL',
      ...(this.#pageLimit !== undefined && { Limit: this.#pageLimit }),
    }
  }

  async #deleteIfExpired(item: Item): Promise<void> {
    const key = this.#table.layout.keyOfItem(item)
    if (key === undefined) return
    const { signal } = this.#options
    const reservation = this.#writes.reserve(performance.now())
    await this.#wait(reservation.delayMs)
    let calls = 0
    try {
      const output = await this.#untilServed(() => {
        calls++
        return this.#table.client.send('DeleteItem', this.#deleteInput(key), { signal })
      })
      const units = reportedUnits(output)
      this.#writes.commit(reservation, units ?? ASSUMED_WRITE_UNITS)
      this.#counts.consumedWriteUnits += units ?? 0
      this.#counts.deleted++
    } catch (error) {
      if (!isFailedCondition(error)) throw error
      // Engines that do not know ReturnValuesOnConditionCheckFailure, and DynamoDB for an absent item, return none.
      const there =
        itemOfFailedCondition(error) ??
        (await this.#untilServed(() => this.#table.get(key, true, { signal })))
      if (there !== undefined) this.#counts.revived++
      // An earlier attempt may have deleted it, and its answer was lost (G11).
      else if (calls > 1 || error.attempts > 1) this.#counts.deleted++
      else this.#counts.gone++
    }
  }

  #deleteInput(key: string): Input<'DeleteItem'> {
    return {
      TableName: this.#table.name,
      Key: this.#table.itemKey(key),
      ...conditionInput(this.#expired()),
      ...ASKS_FOR_ITEM,
      ReturnConsumedCapacity: 'TOTAL',
    }
  }

  #expired(): Condition {
    const table = this.#table
    const nowMs = table.clock.now()
    return allOf(table.expiredAt(nowMs - this.#graceMs), table.layout.lateRequests?.noCreationExpected(nowMs))
  }

  /** Makes a call again and again for as long as it is throttled, with pauses that all calls keep. */
  async #untilServed<Value>(call: () => Promise<Value>): Promise<Value> {
    for (;;) {
      for (let ms = this.#pauseMs(); ms > 0; ms = this.#pauseMs()) await this.#wait(ms)
      const { count } = this.#pauses
      try {
        const value = await this.#table.clock.retryAfterClockCorrection(call)
        this.#pauses.succeeded(count)
        return value
      } catch (error) {
        if (!isThrottling(error)) throw error
        this.#pauses.throttled(count, performance.now())
        this.#stop.signal.throwIfAborted()
      }
    }
  }

  #pauseMs(): number {
    return this.#pauses.remainingMs(performance.now())
  }

  async #wait(delayMs: number): Promise<void> {
    this.#stop.signal.throwIfAborted()
    if (delayMs > 0) await sleep(delayMs, this.#stop.signal)
  }
}

/** How many items a page may have so that it costs about what a second allows; absent when that is any number. */
function itemsPerPage(readUnitsPerSecond: number): number | undefined {
  return Number.isFinite(readUnitsPerSecond)
    ? Math.max(1, Math.floor(readUnitsPerSecond * ITEMS_PER_READ_UNIT))
    : undefined
}

/** Throttling that outlasted the retries of a call, or its deadline. */
function isThrottling(error: unknown): boolean {
  return (
    error instanceof ThrottlingError ||
    (error instanceof DeadlineExceededError && error.cause instanceof ThrottlingError)
  )
}

function reportedUnits({ ConsumedCapacity: consumed }: CapacityOutput): number | undefined {
  const units: unknown = consumed?.CapacityUnits
  return typeof units === 'number' && Number.isFinite(units) && units >= 0 ? units : undefined
}

/** Capacity that one request may use from some moment on. */
interface Reservation {
  /** Milliseconds to wait before the request may be sent. */
  readonly delayMs: number
  /** Capacity units that were set aside for it. */
  readonly units: number
}

/** Capacity that was not used in time can be made up for within this time; it lapses after that. */
const MADE_UP_FOR_WITHIN_MS = 100

const THROTTLING_PAUSES = { baseMs: 1000, capMs: 60_000 }

/**
 * Spreads requests over time so that, on average, they use no more capacity units a second than allowed.
 *
 * What a request uses is known only afterwards. It is taken to use what the last one did, and the next ones wait for
 * what it used on top of that. Pure arithmetic: the time is an argument.
 */
export class RateLimiter {
  readonly #unitsPerMs: number
  #usualUnits = 1
  #freeFromMs = Number.NEGATIVE_INFINITY

  /** @param unitsPerSecond above 0; `Infinity` means that nothing has to wait. */
  constructor(unitsPerSecond: number) {
    this.#unitsPerMs = unitsPerSecond / 1000
  }

  /** Sets capacity aside for one request. */
  reserve(nowMs: number): Reservation {
    const units = this.#usualUnits
    const fromMs = Math.max(this.#freeFromMs, nowMs - MADE_UP_FOR_WITHIN_MS)
    this.#freeFromMs = fromMs + units / this.#unitsPerMs
    return { delayMs: Math.max(0, fromMs - nowMs), units }
  }

  /** Corrects a reservation by what the request has used. */
  commit({ units }: Reservation, usedUnits: number): void {
    this.#freeFromMs += (usedUnits - units) / this.#unitsPerMs
    this.#usualUnits = usedUnits
  }
}

/**
 * The pauses of a collector whose table throttles it: full jitter, growing from a second to a minute at most, until a
 * request succeeds again. All requests of the collector share them.
 *
 * Pure arithmetic: the time and the randomness are arguments.
 */
export class ThrottlingPauses {
  readonly #random: Random
  #count = 0
  #inARow = 0
  #endMs = Number.NEGATIVE_INFINITY

  constructor(random: Random) {
    this.#random = random
  }

  /** How many there have been; a request keeps it, to tell what it was sent after. */
  get count(): number {
    return this.#count
  }

  /** Milliseconds until the pause is over; 0 when there is none. */
  remainingMs(nowMs: number): number {
    return Math.max(0, this.#endMs - nowMs)
  }

  /**
   * Begins a pause, unless one has begun since the request was sent: requests that were under way together and were
   * all throttled are one reason to pause, not many.
   *
   * @param countAtSending {@link count} as the request was sent.
   */
  throttled(countAtSending: number, nowMs: number): void {
    if (countAtSending !== this.#count) return
    this.#endMs = nowMs + backoffMs(this.#inARow, THROTTLING_PAUSES, this.#random)
    this.#inARow++
    this.#count++
  }

  /** Lets the next pause be a short one again, when the request was sent after the last. */
  succeeded(countAtSending: number): void {
    if (countAtSending === this.#count) this.#inARow = 0
  }
}
