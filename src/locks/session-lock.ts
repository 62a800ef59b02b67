/// <reference lib="esnext.disposable" preserve="true" />

import type { SessionData } from '../types.ts'
import type { Lease } from './lease.ts'
import type { SessionRecord } from '../items/session-record.ts'

/**
 * A session that this process has locked, and read at that moment (G10).
 *
 * A `write`, `touch` or `destroy` with {@link record} ends the lock; whatever ends without one has to call
 * {@link release}, or leave that to `await using`. A holder that does neither blocks others until its lease ends.
 *
 * @example
 * ```ts
 * import { SessionStore } from 'dynamodb-sessions'
 *
 * const store = new SessionStore({ table: 'sessions', region: 'eu-west-1' })
 * const lock = await store.lock('an-unguessable-session-id')
 * if (lock !== undefined) {
 *   try {
 *     const { visits } = lock.record.data
 *     const counted = { ...lock.record.data, visits: Number(visits ?? 0) + 1 }
 *     await store.write('an-unguessable-session-id', counted, { basis: lock.record })
 *   } finally {
 *     await lock.release()
 *   }
 * }
 * ```
 */
export class SessionLock<Data extends object = SessionData> {
  /** The session as it was when it was locked. */
  readonly record: SessionRecord<Data>
  readonly #lease: Lease

  /** @internal */
  constructor(record: SessionRecord<Data>, lease: Lease) {
    this.record = record
    this.#lease = lease
  }

  /** Whether this process still believes to have the lock; DynamoDB decides when something is written. */
  get isHeld(): boolean {
    return this.#lease.isHeld
  }

  /**
   * Renews the lock in the background until it ends, for `maxHoldSeconds` at most. `lock` has done this already unless
   * it was told not to.
   *
   * @param isNeeded asked before each renewal; when it says no, the lock is given back instead.
   * @internal
   */
  keepAlive(isNeeded?: () => boolean): void {
    this.#lease.keepAlive(isNeeded)
  }

  /**
   * Gives the lock back. Does nothing when it has ended. Waits for a write that is under way with the lock.
   *
   * @throws when DynamoDB cannot be reached; the lock then ends with its lease.
   */
  release(): Promise<void> {
    return this.#lease.release()
  }

  /** The same as {@link release}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }
}
