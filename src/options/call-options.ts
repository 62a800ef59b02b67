import type { DynamoDBSessionsError } from '../errors.ts'
import { isAbortSignal } from '../internal/core-objects.ts'
import { LONGEST_TIMER_MS } from '../internal/timers.ts'
import { type LockingOptions, lockingRows } from './locking-options.ts'
import {
  booleanOption,
  functionOption,
  integerOption,
  numberOption,
  type OptionRow,
  type OptionRows,
  secondsOption,
} from '../internal/option.ts'

/** Options that every call of `SessionStore` takes. */
export interface CallOptions {
  /**
   * Aborts the call at any time; it then rejects with the signal's reason. An aborted write may still have happened.
   *
   * @default none
   */
  readonly signal?: AbortSignal | undefined
}

/** Options of calls that take many requests: each of these ends within the store's `deadlineMs`. */
export interface BulkOptions extends CallOptions {
  /**
   * Longest time for the whole call, of a listing from its first entry to its last. Milliseconds. It then fails with
   * `DeadlineExceededError`; completed work is kept.
   *
   * @default none: it takes as long as the table is large
   */
  readonly deadlineMs?: number | undefined
}

/** Options of `SessionStore.records` and `SessionStore.listByUser`. */
export interface ListOptions extends BulkOptions {
  /**
   * Called for an item that can't be read as a session, which is then skipped, with a `SessionCorruptError` or a
   * `SessionDecryptionError` and the item's partition key. An error that it throws ends the listing.
   *
   * @default none: the first such item ends the listing with its error
   */
  readonly onError?: ((error: DynamoDBSessionsError, key: string | undefined) => void) | undefined
}

/** When a session is to expire; without either, the store's `ttlSeconds` decides. */
export interface ExpiryOptions {
  /**
   * Seconds from now on. More than 0; fractions are allowed.
   *
   * @default the store's `ttlSeconds`
   */
  readonly ttlSeconds?: number | undefined

  /**
   * Exact time, epoch milliseconds by the clock of this machine (`Date.now()`); it takes precedence over `ttlSeconds`.
   * A time in the past expires the session at once.
   *
   * @default `ttlSeconds` from now on
   */
  readonly expiresMs?: number | undefined
}

/** Options of `SessionStore.touch`. */
export interface TouchOptions extends CallOptions, ExpiryOptions {}

/** Options of `SessionStore.lock`. What is absent is as the store's option `locking` says. */
export interface LockOptions extends CallOptions, LockingOptions {
  /**
   * Whether the lock is renewed in the background until it ends.
   *
   * @default true
   */
  readonly renew?: boolean | undefined
}

/** Options of `SessionStore.collectGarbage`. */
export interface GarbageCollectionOptions extends BulkOptions {
  /**
   * Aborts the collection at any time, also while it awaits `onProgress`; it then rejects with the signal's reason. A delete in
   * progress may still happen.
   *
   * @default none
   */
  readonly signal?: AbortSignal | undefined

  /**
   * Called with the counts so far, after every page of the table and once more when the collection fails or is aborted: the
   * last counts are final, except for deletes in progress at an abort. The segment of the page waits for a promise that it
   * returns. When it throws, the collection ends with that error.
   *
   * @default none
   */
  readonly onProgress?: ((progress: GarbageCollectionProgress) => void | Promise<void>) | undefined

  /**
   * Number of parts of the table to read in parallel: 1 to 100. More are faster on tables of many gigabytes, as far as the two
   * limits below allow.
   *
   * @default 4
   */
  readonly segments?: number | undefined

  /**
   * Most read capacity units to use a second, on average over some seconds: a number from 1, or `Infinity`. A unit pays for
   * 8 KB of the table, whatever the items are. Where the engine does not report consumption, two items count as a unit.
   *
   * @default 1500 (half of what one partition of a table can do)
   */
  readonly maxReadUnitsPerSecond?: number | undefined

  /**
   * Most write capacity units to use a second, on average over some seconds: a number from 1, or `Infinity`. A delete uses one
   * for each KB of the item, and again for an index. Where consumption is not reported, a delete counts as one.
   *
   * @default 500 (half of what one partition of a table can do)
   */
  readonly maxWriteUnitsPerSecond?: number | undefined

  /**
   * Deletes only sessions that expired at least that long ago. Seconds, from 0. The store never returns an expired session; set
   * some minutes where machines with different clocks share the table.
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
  /** Sessions that were extended between being read as expired and being deleted; they were kept. */
  readonly revived: number
  /** Expired sessions that were already deleted: by time to live, a logout, another collection. */
  readonly gone: number
  /** Read capacity units that the scans used, as DynamoDB reports them. */
  readonly consumedReadUnits: number
  /** Write capacity units that the deletes used, as DynamoDB reports them; deletes of nothing are not included. */
  readonly consumedWriteUnits: number
  /** How often the collection paused because the table throttled it. */
  readonly pauses: number
}

/**
 * The rows of {@link CallOptions}.
 *
 * @internal
 */
export const callRows: OptionRows<CallOptions> = {
  signal: { takes: 'an AbortSignal', accepts: isAbortSignal },
}

/**
 * The rows of {@link BulkOptions}.
 *
 * @internal
 */
export const bulkRows: OptionRows<BulkOptions> = {
  ...callRows,
  deadlineMs: integerOption('milliseconds', 1, LONGEST_TIMER_MS),
}

/**
 * The rows of {@link ListOptions}.
 *
 * @internal
 */
export const listRows: OptionRows<ListOptions> = { ...bulkRows, onError: functionOption() }

/**
 * The rows of {@link TouchOptions}.
 *
 * @internal
 */
export const touchRows: OptionRows<TouchOptions> = {
  ttlSeconds: secondsOption(),
  expiresMs: { takes: 'a time in epoch milliseconds', accepts: Number.isFinite },
  ...callRows,
}

/**
 * The rows of {@link LockOptions}.
 *
 * @internal
 */
export const lockRows: OptionRows<LockOptions> = {
  renew: { ...booleanOption(), default: true },
  ...lockingRows,
  ...callRows,
}

const unitsRow: OptionRow<number> = {
  ...numberOption('capacity units', 1, Infinity),
  takes: 'a number of capacity units from 1, or Infinity',
}

/**
 * The rows of {@link GarbageCollectionOptions}.
 *
 * @internal
 */
export const garbageCollectionRows: OptionRows<
  GarbageCollectionOptions,
  'segments' | 'maxReadUnitsPerSecond' | 'maxWriteUnitsPerSecond' | 'graceSeconds'
> = {
  ...bulkRows,
  onProgress: functionOption(),
  segments: { ...integerOption('segments', 1, 100), default: 4 },
  maxReadUnitsPerSecond: { ...unitsRow, default: 1500 },
  maxWriteUnitsPerSecond: { ...unitsRow, default: 500 },
  graceSeconds: {
    ...numberOption('seconds', 0, Number.MAX_SAFE_INTEGER / 1000),
    takes: 'a number of seconds from 0',
    default: 0,
  },
}
