import { setMaxListeners } from 'node:events'

import type { CapacityOutput, Input, Output } from '../dynamodb/operations.ts'
import { itemOfFailedCondition } from '../dynamodb/wire-error.ts'
import { DeadlineExceededError, DynamoDBError, ThrottlingError } from '../errors.ts'
import { sleep } from '../internal/waiting.ts'
import { allOf } from '../layout/layout.ts'
import type { Item } from '../types.ts'
import { CapacityPace, ThrottlingPauses } from './garbage-collection-pace.ts'
import { isFailedCondition, type ItemTable } from './item-table.ts'
import { forEachAtOnce, projectKey, scanInput, scanPages } from './listing.ts'
import { integerOption, type OptionSpec, type OptionSpecs, readOptions } from './option-spec.ts'

/** Options of `SessionStore.collectGarbage`. */
export interface GarbageCollectionOptions {
  /**
   * Ends the collection at any moment; it then rejects with the signal's reason. A delete that was under way may
   * still happen.
   *
   * @default none
   */
  readonly signal?: AbortSignal | undefined

  /**
   * Told the counts so far, after every page of the table and once more when the collection fails or is aborted: what
   * it was told last is what has been done, in any case. The part of the table that the page is of waits for the
   * promise that it returns, if any. When it throws, the collection ends with that error.
   *
   * @default none
   */
  readonly onProgress?: ((progress: GarbageCollectionProgress) => void | Promise<void>) | undefined

  /**
   * Into how many parts the table is divided, to be read at the same time: 1 to 100. More are faster on tables of many
   * gigabytes, as far as the two limits below allow.
   *
   * @default 4
   */
  readonly segments?: number | undefined

  /**
   * How many read capacity units the collection uses a second at most, on average over some seconds: a number from 1,
   * or `Infinity`. A unit pays for 8 KB of the table, whatever the items are. Requests whose consumption the engine
   * does not report are taken to use a unit for two items.
   *
   * @default 1500 (half of what one partition of a table can do)
   */
  readonly maxReadUnitsPerSecond?: number | undefined

  /**
   * How many write capacity units the collection uses a second at most, on average over some seconds: a number from 1,
   * or `Infinity`. A delete uses one for each KB of the item, and again where an index has to follow. Deletes whose
   * consumption is not reported are taken to use one.
   *
   * @default 500 (half of what one partition of a table can do)
   */
  readonly maxWriteUnitsPerSecond?: number | undefined

  /**
   * Deletes only what expired at least that long ago. Seconds, from 0. What has expired is absent for this store from
   * the millisecond it does; let this be some minutes where machines whose clocks differ share the table.
   *
   * @default 0
   */
  readonly graceSeconds?: number | undefined
}

/** What a garbage collection has done so far. */
export interface GarbageCollectionProgress {
  /** Items that were read, those of other namespaces and of other software among them. */
  readonly scanned: number
  /** Expired sessions that were deleted. */
  readonly deleted: number
  /** Sessions that had expired when they were read and had not any more when they were to be deleted; they are there. */
  readonly revived: number
  /** Expired sessions that somebody else deleted first: time to live, a logout, another collection. */
  readonly gone: number
  /** Read capacity units that the scans used, as DynamoDB reports them. */
  readonly consumedReadUnits: number
  /** Write capacity units that the deletes used, as DynamoDB reports them; it does not for those that deleted nothing. */
  readonly consumedWriteUnits: number
  /** How often the collection paused because the table throttled it. */
  readonly pauses: number
}

/** What a garbage collection has done. */
export interface GarbageCollectionResult extends GarbageCollectionProgress {
  /** Into how many parts the table was divided. */
  readonly segments: number
  /** How long it took, in milliseconds. */
  readonly durationMs: number
}

const DEFAULT_SEGMENTS = 4
const DEFAULT_READ_UNITS_PER_SECOND = 1500
const DEFAULT_WRITE_UNITS_PER_SECOND = 500

const DELETES_AT_ONCE = 16

/** How many sessions of ordinary size, 1 KB, a read unit pays for. */
const ITEMS_PER_READ_UNIT = 8

/** What requests are taken to use where the engine does not say. */
const ASSUMED_READ_UNITS_PER_ITEM = 0.5
const ASSUMED_WRITE_UNITS = 1

const specs: OptionSpecs<GarbageCollectionOptions> = {
  signal: {
    takes: 'an AbortSignal',
    accepts: (value): value is AbortSignal => value instanceof AbortSignal,
  },
  onProgress: {
    takes: 'a function',
    accepts: (value): value is NonNullable<GarbageCollectionOptions['onProgress']> =>
      typeof value === 'function',
  },
  segments: integerOption('segments', 1, 100),
  maxReadUnitsPerSecond: numberOption('a number of capacity units from 1, or Infinity', 1, Infinity),
  maxWriteUnitsPerSecond: numberOption('a number of capacity units from 1, or Infinity', 1, Infinity),
  graceSeconds: numberOption('a number of seconds from 0', 0, Number.MAX_SAFE_INTEGER / 1000),
}

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
  const checked = readOptions<GarbageCollectionOptions>(options, specs, {})
  checked.signal?.throwIfAborted()
  const startedAtMs = performance.now()
  const collector = new GarbageCollector(table, checked)
  await collector.run()
  return {
    ...collector.progress,
    segments: collector.segments,
    durationMs: Math.round(performance.now() - startedAtMs),
  }
}

class GarbageCollector {
  readonly segments: number
  readonly #table: ItemTable
  readonly #options: GarbageCollectionOptions
  readonly #graceMs: number
  readonly #pageLimit: number | undefined
  readonly #reads: CapacityPace
  readonly #writes: CapacityPace
  readonly #pauses = new ThrottlingPauses(Math.random)
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
    const readUnitsPerSecond = options.maxReadUnitsPerSecond ?? DEFAULT_READ_UNITS_PER_SECOND
    const writeUnitsPerSecond = options.maxWriteUnitsPerSecond ?? DEFAULT_WRITE_UNITS_PER_SECOND
    this.segments = options.segments ?? DEFAULT_SEGMENTS
    this.#table = table
    this.#options = options
    this.#graceMs = (options.graceSeconds ?? 0) * 1000
    this.#pageLimit = itemsPerPage(readUnitsPerSecond / this.segments)
    this.#reads = new CapacityPace(readUnitsPerSecond)
    this.#writes = new CapacityPace(writeUnitsPerSecond)
    // Every request under way listens to it, and Node warns of more than ten.
    setMaxListeners(0, this.#stop.signal)
  }

  get progress(): GarbageCollectionProgress {
    return { ...this.#counts, pauses: this.#pauses.count }
  }

  async run(): Promise<void> {
    const { signal: stopped } = this.#stop
    const { signal } = this.#options
    const onAbort = (): void => this.#stop.abort(signal?.reason)
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
    const { signal } = this.#stop
    const deletesAtOnce = Math.ceil(DELETES_AT_ONCE / this.segments)
    const pages = scanPages(
      this.#table,
      () => this.#scanInput(segment),
      { signal },
      make => this.#scan(make),
    )
    for await (const { Items: items = [] } of pages) {
      await forEachAtOnce(items, deletesAtOnce, item => this.#deleteIfExpired(item))
      await this.#options.onProgress?.(this.progress)
    }
  }

  async #reportEnd(): Promise<void> {
    try {
      await this.#options.onProgress?.(this.progress)
    } catch {
      // What ended the collection is the better error; it may even be this one.
    }
  }

  #scanInput(segment: number): Input<'Scan'> {
    const table = this.#table
    // Eventually consistent: every delete checks again, and half the price is half the price.
    const input = scanInput(table, allOf(this.#expired(), table.layout.namespace()), false)
    return {
      ...projectKey(table, input),
      Segment: segment,
      TotalSegments: this.segments,
      ReturnConsumedCapacity: 'TOTAL',
      ...(this.#pageLimit !== undefined && { Limit: this.#pageLimit }),
    }
  }

  #expired(): ReturnType<ItemTable['expiredAt']> {
    return this.#table.expiredAt(this.#table.clock.now() - this.#graceMs)
  }

  async #scan(make: () => Input<'Scan'>): Promise<Output<'Scan'>> {
    const { signal } = this.#stop
    const booking = this.#reads.book(performance.now())
    await this.#wait(booking.delayMs)
    const page = await this.#untilServed(() => this.#table.client.send('Scan', make(), { signal }))
    const scanned = page.ScannedCount ?? 0
    const units = reportedUnits(page)
    this.#reads.settle(booking, units ?? scanned * ASSUMED_READ_UNITS_PER_ITEM)
    this.#counts.scanned += scanned
    this.#counts.consumedReadUnits += units ?? 0
    return page
  }

  async #deleteIfExpired(item: Item): Promise<void> {
    const key = this.#table.layout.keyOfItem(item)
    if (key === undefined) return
    const { signal } = this.#stop
    const booking = this.#writes.book(performance.now())
    await this.#wait(booking.delayMs)
    let calls = 0
    try {
      const output = await this.#untilServed(() => {
        calls++
        return this.#table.client.send('DeleteItem', this.#deleteInput(key), { signal })
      })
      const units = reportedUnits(output)
      this.#writes.settle(booking, units ?? ASSUMED_WRITE_UNITS)
      this.#counts.consumedWriteUnits += units ?? 0
      this.#counts.deleted++
    } catch (error) {
      if (!(error instanceof DynamoDBError) || !isFailedCondition(error)) throw error
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
    const { expression, names, values } = this.#expired()
    return {
      TableName: this.#table.name,
      Key: this.#table.itemKey(key),
      ConditionExpression: expression,
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: values,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      ReturnConsumedCapacity: 'TOTAL',
    }
  }

  /** Makes a call again and again for as long as it is throttled, with pauses that all calls keep. */
  async #untilServed<Value>(call: () => Promise<Value>): Promise<Value> {
    for (;;) {
      for (let ms = this.#pauseMs(); ms > 0; ms = this.#pauseMs()) await this.#wait(ms)
      const { count } = this.#pauses
      try {
        const value = await call()
        this.#pauses.succeeded(count)
        return value
      } catch (error) {
        if (!isThrottling(error)) throw error
        this.#pauses.throttled(count, performance.now())
      }
    }
  }

  #pauseMs(): number {
    return this.#pauses.remainingMs(performance.now())
  }

  async #wait(delayMs: number): Promise<void> {
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

function numberOption(takes: string, least: number, most: number): OptionSpec<number> {
  return {
    takes,
    accepts: (value): value is number => typeof value === 'number' && value >= least && value <= most,
  }
}
