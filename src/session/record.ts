import type { StoredSession } from '../layout/layout.ts'
import type { SessionData } from '../types.ts'

/**
 * A session as it was read or written: its data, and what a later save or touch has to know about it.
 *
 * Printing a record (`console.log`, `util.inspect`, `JSON.stringify`) shows none of its content (G9); the
 * properties do.
 *
 * @typeParam Data type of the session data. It is the application's word: what is read is not checked.
 */
export class SessionRecord<Data extends object = SessionData> {
  readonly #session: StoredSession

  /** @internal */
  constructor(session: StoredSession) {
    this.#session = session
  }

  /** The session data. The object is the caller's: it may be changed and handed to `write`. */
  get data(): Data {
    return this.#session.data as Data
  }

  /** Value of the item's partition key: the prefix and the hashed (or, with `hashIds: false`, the plain) session ID. */
  get key(): string {
    return this.#session.key
  }

  /** Random mark of the write that made the session what it is here. */
  get revision(): string | undefined {
    return this.#session.revision
  }

  /** When the session began: epoch milliseconds, to the second. */
  get createdMs(): number | undefined {
    return this.#session.createdMs
  }

  /** When the session expires: epoch milliseconds, as stored at the time of reading or writing. */
  get expiresMs(): number {
    return this.#session.expiresMs
  }
}
