import type { DynamoDBSessionsError } from '../errors.ts'
import type { SessionData } from '../types.ts'
import type { LockingOptions } from './locking-options.ts'
import type { SessionRecord } from '../items/session-record.ts'

/** Options that every call of `SessionStore` takes. */
export interface CallOptions {
  /**
   * Gives the call up at any moment; it then rejects with the signal's reason. A write that is given up may
   * still have happened.
   *
   * @default none
   */
  readonly signal?: AbortSignal | undefined
}

/** Options of calls that take many requests: each of these ends within the store's `deadlineMs`. */
export interface BulkOptions extends CallOptions {
  /**
   * Longest time for the whole call, of a listing from its first entry to its last. Milliseconds. It then fails with
   * `DeadlineExceededError`; what has been done stays done.
   *
   * @default none: it takes as long as the table is large
   */
  readonly deadlineMs?: number | undefined
}

/** Options of `SessionStore.records` and `SessionStore.listByUser`. */
export interface ListOptions extends BulkOptions {
  /**
   * Told of an item that is no session that can be read, which is then left out: a `SessionCorruptError` or a
   * `SessionDecryptionError`, and the item's partition key. What it throws ends the listing, as every other error does.
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
   * Exact moment, epoch milliseconds by the clock of this machine (`Date.now()`); it takes precedence over `ttlSeconds`.
   * A moment in the past expires the session at once.
   *
   * @default `ttlSeconds` from now on
   */
  readonly expiresMs?: number | undefined
}

/** Options of `SessionStore.write`. */
export interface WriteOptions<Data extends object = SessionData> extends CallOptions, ExpiryOptions {
  /**
   * The record that the session was read or last written as. With it, the write happens only if that session
   * still exists and has not expired: a session that was destroyed meanwhile stays destroyed (G3). When somebody else
   * has written it meanwhile, `onConflict` decides (G2).
   *
   * @default none: the session is created, or replaced whatever it is
   */
  readonly basis?: SessionRecord<Data> | undefined

  /**
   * The record of the session that goes on under this new ID. Values that have not changed are written exactly as they
   * were stored there, which matters where JavaScript cannot tell them apart, such as 3.0 and 3 of PHP. Nothing else is
   * taken from it, and it stays as it is. Does not go with `basis`.
   *
   * @default none
   */
  readonly movedFrom?: SessionRecord<Data> | undefined
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

/** Options of `SessionStore.destroyByUser`. */
export interface DestroyByUserOptions<Data extends object = SessionData> extends BulkOptions {
  /**
   * The session to keep, or several: their IDs or records.
   *
   * @default none
   */
  readonly except?: string | SessionRecord<Data> | readonly (string | SessionRecord<Data>)[] | undefined
}

/** The options that a call takes, by name. */
export type OptionNames<Options extends object> = Readonly<Record<keyof Options, true>>

/** What {@link CallOptions} can be. */
export const callOptionNames: OptionNames<CallOptions> = { signal: true }

/** What {@link BulkOptions} can be. */
export const bulkOptionNames: OptionNames<BulkOptions> = { signal: true, deadlineMs: true }

/** What {@link ListOptions} can be. */
export const listOptionNames: OptionNames<ListOptions> = { signal: true, deadlineMs: true, onError: true }

/** What {@link TouchOptions} can be. */
export const touchOptionNames: OptionNames<TouchOptions> = { ttlSeconds: true, expiresMs: true, signal: true }

/** What {@link WriteOptions} can be. */
export const writeOptionNames: OptionNames<WriteOptions> = {
  basis: true,
  movedFrom: true,
  ttlSeconds: true,
  expiresMs: true,
  signal: true,
}

/** What {@link LockOptions} can be. */
export const lockOptionNames: OptionNames<LockOptions> = {
  renew: true,
  leaseSeconds: true,
  maxHoldSeconds: true,
  maxWaitMs: true,
  minRetryMs: true,
  maxRetryMs: true,
  signal: true,
}

/** What {@link DestroyByUserOptions} can be. */
export const destroyByUserOptionNames: OptionNames<DestroyByUserOptions> = {
  except: true,
  signal: true,
  deadlineMs: true,
}

/**
 * Whether what a caller passed as options, if anything, has no other among them than those that the call takes. (What they
 * hold is checked where it is used.)
 *
 * This is part of every call: it makes nothing, and looks at nothing where there are no options.
 */
export function areOptions<Options extends object>(
  options: Options | undefined,
  known: OptionNames<Options>,
): boolean {
  if (options === undefined) return true
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return false
  // Inherited ones count, too: an AbortSignal that is passed in place of { signal } has nothing else.
  for (const name in options) if (!(name in known)) return false
  return true
}

/**
 * Refuses what {@link areOptions} does not accept. What finds the right words is loaded for that.
 *
 * @throws {TypeError} `INVALID_OPTION`, with the name of an unknown option and of the one that was probably meant.
 */
export async function refuseOptions(options: unknown, known: object): Promise<never> {
  const { refusedOptions } = await import('./unknown-option.ts')
  throw refusedOptions(options, Object.keys(known))
}
