import { invalidOption } from '../errors.ts'
import {
  bulkRows,
  type BulkOptions,
  type CallOptions,
  type ExpiryOptions,
  touchRows,
} from '../options/call-options.ts'
import type { OptionRows } from '../internal/option.ts'
import { isObject, withinDateRange } from '../internal/core-objects.ts'
import { randomText } from '../internal/random.ts'
import type { StoredSession } from '../layouts/layout.ts'
import type { SessionData } from '../types.ts'

/** This process's claim to the lock of one session, as far as a write depends on it (G10). */
export interface LockClaim {
  /** Random marker of the holder, which the item has while the lock is held. */
  readonly owner: string

  /** Whether this process still believes to have the lock. */
  readonly isHeld: boolean

  /** Whether a save of what was read under the lock must find this owner in the item. */
  readonly isFenced: boolean

  /** Has a release of the lock wait for a write that ends it by itself. */
  track<Value>(write: Promise<Value>): Promise<Value>

  /** Is told that a write has given the lock back. */
  end(): void

  /** Is told that another process has the lock, or may have. */
  lose(): void
}

/**
 * One version of a session: what is stored, and what a later save or touch has to know about how the application
 * came by it.
 */
export interface SessionSnapshot {
  readonly session: StoredSession
  /**
   * What the application has seen of this version, as text: the base of the next merge. It is what is stored, unless the
   * application goes on with what it wrote ({@link SessionRecord.asWritten}).
   */
  readonly baseText: string
  /** What the application wrote, as text, when that is not all that is stored: a merge added changes of others. */
  readonly writtenText?: string | undefined
  /** The lock that the session was read under. */
  readonly lease: LockClaim | undefined
  /** Where the session was before, in a store with `migrateFrom`. */
  readonly origin?: Origin | undefined
  /** The key that the session goes on under, as a save has found; `session` is what this request has of it. */
  readonly movedTo?: string | undefined
}

/** The place that a session is moved from. */
export interface Origin {
  /** Its key there. */
  readonly key: string
  /** The session as it was read there; absent when it was not there any more. */
  readonly session: StoredSession | undefined
}

const MARKER_BYTES = 9
const MARKER_LENGTH = 12

/** How many earlier writes a revision remembers, and how many characters of the marker of each. */
const REMEMBERED = 4
const REMEMBERED_LENGTH = 8

let readSnapshot: (record: SessionRecord<never>) => SessionSnapshot

/**
 * A session as it was read or written: its data, and what a later save or touch has to know about it.
 *
 * Printing a record (`console.log`, `util.inspect`, `JSON.stringify`) shows none of its content (G9); the
 * properties do.
 *
 * @typeParam Data type of the session data. It is the application's word: what is read is not checked.
 */
export class SessionRecord<Data extends object = SessionData> {
  static {
    readSnapshot = record => record.#snapshot
  }

  readonly #snapshot: SessionSnapshot
  readonly #clockOffsetMs: number

  /**
   * @param clockOffsetMs how far the clock that `snapshot` goes by is ahead of the machine's.
   * @internal
   */
  constructor(snapshot: SessionSnapshot, clockOffsetMs: number) {
    this.#snapshot = snapshot
    this.#clockOffsetMs = clockOffsetMs
  }

  /**
   * The session data. The object is the caller's: it may be changed and handed to `write`. After a write that merged
   * the changes of others in, it is a new object that has them.
   */
  get data(): Data {
    return this.#snapshot.session.data as Data
  }

  /**
   * The same record, to be the `basis` of a caller that goes on with the data that it wrote, and so has not seen what a
   * merge brought in: a framework's own session object, for example. Keys of others that its data lack are kept then. With the
   * record itself as `basis`, they are deleted.
   */
  asWritten(): SessionRecord<Data> {
    const { writtenText, ...snapshot } = this.#snapshot
    if (writtenText === undefined) return this
    return new SessionRecord<Data>({ ...snapshot, baseText: writtenText }, this.#clockOffsetMs)
  }

  /** Value of the item's partition key: the prefix and the hashed (or, with `hashIds: false`, the plain) session ID. */
  get key(): string {
    return this.#snapshot.session.key
  }

  /**
   * Whether another request has given the session a new ID since this one read it (`SessionStore.regenerate`), as a save has
   * found. What is saved with this record reaches the session all the same, but its ID must not be sent to the visitor any more.
   */
  get hasMoved(): boolean {
    return this.#snapshot.movedTo !== undefined
  }

  /** What tells the write that made the session what it is here from every other: an opaque string. */
  get revision(): string | undefined {
    return this.#snapshot.session.revision
  }

  /** When the session began: epoch milliseconds by the clock of this machine, to the second. */
  get createdMs(): number | undefined {
    const { createdMs } = this.#snapshot.session
    return createdMs === undefined ? undefined : withinDateRange(createdMs - this.#clockOffsetMs)
  }

  /**
   * When the session expires: epoch milliseconds by the clock of this machine, as stored at the time of reading or writing.
   *
   * Where AWS has told that this clock is wrong, what is stored is right, and is put here as this clock will show it then,
   * so that it can be compared with `Date.now()`.
   */
  get expiresMs(): number {
    return withinDateRange(this.#snapshot.session.expiresMs - this.#clockOffsetMs)
  }

  /** Whose session it is, as `userId` said when it was written. */
  get userId(): string | undefined {
    return this.#snapshot.session.user
  }
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

/** Options of `SessionStore.regenerate`. */
export interface RegenerateOptions<Data extends object = SessionData> extends CallOptions, ExpiryOptions {
  /**
   * The session data from then on.
   *
   * @default those of the record, with what the caller has changed in them
   */
  readonly data?: Data | undefined
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

/**
 * The rows of {@link WriteOptions}.
 *
 * @internal
 */
export const writeRows: OptionRows<WriteOptions> = {
  basis: { takes: 'the record of a session that was read', accepts: isRecord },
  movedFrom: {
    takes: 'the record of another session',
    accepts: isRecord,
  },
  ...touchRows,
}

/**
 * The rows of {@link RegenerateOptions}.
 *
 * @internal
 */
export const regenerateRows: OptionRows<RegenerateOptions> = {
  data: { takes: 'an object of session data', accepts: isObject },
  ...touchRows,
}

/**
 * The rows of {@link DestroyByUserOptions}.
 *
 * @internal
 */
export const destroyByUserRows: OptionRows<DestroyByUserOptions> = {
  except: {
    takes: 'the ID or the record of a session, or an array of them',
    accepts: value => typeof value === 'string' || isRecord(value) || Array.isArray(value),
  },
  ...bulkRows,
}

/**
 * Refuses records that a write cannot go out from.
 *
 * @param key of the session that is written.
 * @throws {TypeError} `INVALID_OPTION`.
 * @internal
 */
export function requireRecords<Data extends object>(
  { basis, movedFrom }: WriteOptions<Data>,
  key: string,
): void {
  if (basis !== undefined && basis.key !== key) {
    throw invalidOption('the basis is the record of another session')
  }
  if (basis !== undefined && movedFrom !== undefined) {
    throw invalidOption(
      'the options "basis" and "movedFrom" exclude each other: the one saves a session, the other begins one',
    )
  }
}

/**
 * What a record is about.
 *
 * @internal
 */
export function snapshotIn<Data extends object>(record: SessionRecord<Data>): SessionSnapshot {
  return readSnapshot(record as unknown as SessionRecord<never>)
}

/**
 * The version of a session that has just been read.
 *
 * @internal
 */
export function snapshotOf(session: StoredSession, lease?: LockClaim): SessionSnapshot {
  return { session, baseText: session.text, lease }
}

/**
 * The version of a session that has just been written, whether or not changes of others are in it.
 *
 * @param writtenText what the application wrote, as text.
 * @internal
 */
export function savedSnapshot(session: StoredSession, writtenText: string): SessionSnapshot {
  const snapshot = snapshotOf(session)
  return writtenText === session.text ? snapshot : { ...snapshot, writtenText }
}

/**
 * A random marker for one write: what tells it from every other write of the session. All attempts of a write share it, so
 * that any of them can be recognised.
 */
export function newMarker(): string {
  return randomText(MARKER_BYTES)
}

/**
 * The revision of a write: its marker, followed by the first characters of those of the writes before it. A writer whose
 * response was lost finds its own write there, although others have written since (G11).
 *
 * @param previous the revision that it replaces, also one of an older version of the package, which is a marker alone.
 */
export function revisionAfter(previous: string | undefined, marker: string): string {
  if (previous === undefined) return marker
  const earlier = previous.slice(MARKER_LENGTH, MARKER_LENGTH + (REMEMBERED - 1) * REMEMBERED_LENGTH)
  return marker + previous.slice(0, REMEMBERED_LENGTH) + earlier
}

/** The marker of the write that made a revision: all that it has to hold. */
export function markerOf(revision: string): string {
  return revision.slice(0, MARKER_LENGTH)
}

/** Whether a write, or one that the revision remembers, is the one with a marker. */
export function isWriteOf(marker: string, revision: string | undefined): boolean {
  if (revision === undefined || revision.startsWith(marker)) return revision !== undefined
  const start = marker.slice(0, REMEMBERED_LENGTH)
  for (let index = MARKER_LENGTH; index < revision.length; index += REMEMBERED_LENGTH) {
    if (revision.startsWith(start, index)) return true
  }
  return false
}

function isRecord(value: unknown): boolean {
  return value instanceof SessionRecord
}
