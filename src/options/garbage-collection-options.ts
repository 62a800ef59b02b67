import { isAbortSignal } from '../internal/core-objects.ts'
import { LONGEST_DEADLINE_MS } from '../scan/bulk-call.ts'
import type { BulkOptions } from './call-options.ts'
import { integerOption, type OptionSpec, type OptionSpecs } from './option.ts'

/** Options of `SessionStore.collectGarbage`. */
export interface GarbageCollectionOptions extends BulkOptions {
  /**
   * Ends the collection at any moment, also while `onProgress` is waited for; it then rejects with the signal's reason. A delete that was under way may
   * still happen.
   *
   * @default none
   */
  readonly signal?: AbortSignal | undefined

  /**
   * Told the counts so far, after every page of the table and once more when the collection fails or is aborted: what
   * it is told last is what has been done, except for deletes that were under way at an abort. The segment that the
   * page is of waits for the promise that it returns, if any. When it throws, the collection ends with that error.
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

/**
 * The specification of {@link GarbageCollectionOptions}.
 *
 * @internal
 */
export const garbageCollectionOptionSpecs: OptionSpecs<GarbageCollectionOptions> = {
  signal: {
    takes: 'an AbortSignal',
    accepts: isAbortSignal,
  },
  deadlineMs: integerOption('milliseconds', 1, LONGEST_DEADLINE_MS),
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

function numberOption(takes: string, least: number, most: number): OptionSpec<number> {
  return {
    takes,
    accepts: (value): value is number => typeof value === 'number' && value >= least && value <= most,
  }
}
