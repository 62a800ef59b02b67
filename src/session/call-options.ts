import type { SessionData } from '../types.ts'
import type { ExpiryOptions } from './expiry.ts'
import type { LockingOptions } from './locking-options.ts'
import type { SessionRecord } from './record.ts'

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
export interface DestroyByUserOptions<Data extends object = SessionData> extends CallOptions {
  /**
   * The session to keep, or several: their IDs or records.
   *
   * @default none
   */
  readonly except?: string | SessionRecord<Data> | readonly (string | SessionRecord<Data>)[] | undefined
}
