import { invalidArgument } from '../errors.ts'
import { withinDateRange } from '../internal/date-range.ts'
import type { StoredSession } from '../layouts/layout.ts'
import type { SessionData } from '../types.ts'
import type { Lease } from '../locks/lease.ts'

/**
 * One version of a session: what is stored, and what a later save or touch has to know about how the application
 * came by it.
 */
export interface Version {
  readonly session: StoredSession
  /**
   * What the application has seen of this version, as text: the base of the next merge. It is what is stored, unless the
   * application goes on with what it wrote ({@link SessionRecord.asWritten}).
   */
  readonly seenText: string
  /** What the application wrote, as text, when that is not all that is stored: a merge added changes of others. */
  readonly writtenText?: string | undefined
  /** The lock that the session was read under. */
  readonly lease: Lease | undefined
  /** Where the session was before, in a store with `migrateFrom`. */
  readonly origin?: Origin | undefined
}

/** The place that a session is moved from. */
export interface Origin {
  /** Its key there. */
  readonly key: string
  /** The session as it was read there; absent when it was not there any more. */
  readonly session: StoredSession | undefined
}

let readVersion: (record: SessionRecord<never>) => Version

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
    readVersion = record => record.#version
  }

  readonly #version: Version
  readonly #clockOffsetMs: number

  /**
   * @param clockOffsetMs how far the clock that `version` goes by is ahead of the machine's.
   * @internal
   */
  constructor(version: Version, clockOffsetMs: number) {
    this.#version = version
    this.#clockOffsetMs = clockOffsetMs
  }

  /**
   * The session data. The object is the caller's: it may be changed and handed to `write`. After a write that merged
   * the changes of others in, it is a new object that has them.
   */
  get data(): Data {
    return this.#version.session.data as Data
  }

  /**
   * The same record, to be the `basis` of a caller that goes on with the data that it wrote, and so has not seen what a
   * merge brought in: a framework's own session object, for example. Keys of others that its data lack are kept then. With the
   * record itself as `basis`, they are deleted.
   */
  asWritten(): SessionRecord<Data> {
    const { writtenText, ...version } = this.#version
    if (writtenText === undefined) return this
    return new SessionRecord<Data>({ ...version, seenText: writtenText }, this.#clockOffsetMs)
  }

  /** Value of the item's partition key: the prefix and the hashed (or, with `hashIds: false`, the plain) session ID. */
  get key(): string {
    return this.#version.session.key
  }

  /** What tells the write that made the session what it is here from every other: an opaque string. */
  get revision(): string | undefined {
    return this.#version.session.revision
  }

  /** When the session began: epoch milliseconds by the clock of this machine, to the second. */
  get createdMs(): number | undefined {
    const { createdMs } = this.#version.session
    return createdMs === undefined ? undefined : withinDateRange(createdMs - this.#clockOffsetMs)
  }

  /**
   * When the session expires: epoch milliseconds by the clock of this machine, as stored at the time of reading or writing.
   *
   * Where AWS has told that this clock is wrong, what is stored is right, and is put here as this clock will show it then,
   * so that it can be compared with `Date.now()`.
   */
  get expiresMs(): number {
    return withinDateRange(this.#version.session.expiresMs - this.#clockOffsetMs)
  }

  /** Whose session it is, as `userId` said when it was written. */
  get userId(): string | undefined {
    return this.#version.session.user
  }
}

/**
 * Refuses records that a write cannot go out from.
 *
 * @param key of the session that is written.
 * @throws {TypeError} `INVALID_OPTION`.
 * @internal
 */
export function requireRecords(
  { basis, movedFrom }: Readonly<Record<'basis' | 'movedFrom', unknown>>,
  key: string,
): void {
  if (basis !== undefined && !(basis instanceof SessionRecord)) {
    throw invalidArgument('INVALID_OPTION', 'the option "basis" takes the record of a session that was read')
  }
  if (basis !== undefined && basis.key !== key) {
    throw invalidArgument('INVALID_OPTION', 'the basis is the record of another session')
  }
  if (movedFrom === undefined) return
  if (!(movedFrom instanceof SessionRecord)) {
    throw invalidArgument('INVALID_OPTION', 'the option "movedFrom" takes the record of another session')
  }
  if (basis !== undefined) {
    throw invalidArgument(
      'INVALID_OPTION',
      'the options "basis" and "movedFrom" exclude each other: the one saves a session, the other begins one',
    )
  }
}

/**
 * What a record is about.
 *
 * @internal
 */
export function versionOf<Data extends object>(record: SessionRecord<Data>): Version {
  return readVersion(record as unknown as SessionRecord<never>)
}

/**
 * The version of a session that has just been read.
 *
 * @internal
 */
export function asRead(session: StoredSession, lease?: Lease): Version {
  return { session, seenText: session.text, lease }
}

/**
 * The version of a session that has just been written, whether or not changes of others are in it.
 *
 * @param writtenText what the application wrote, as text.
 * @internal
 */
export function asSaved(session: StoredSession, writtenText: string): Version {
  const version = asRead(session)
  return writtenText === session.text ? version : { ...version, writtenText }
}
