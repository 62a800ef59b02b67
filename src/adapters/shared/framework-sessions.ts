import type { EventEmitter } from 'node:events'

import { DynamoDBSessionsError } from '../../errors.ts'
import { codeOf, isError, isObject, weakProperty } from '../../internal/core-objects.ts'
import type { RegenerateOptions, SessionRecord, WriteOptions } from '../../items/session-record.ts'
import type { SessionLock } from '../../locks/lease.ts'
import type { SessionStore } from '../../store/session-store.ts'
import type { OpenedStore } from './open-store.ts'

/** Callback of a store method, as Node and the session frameworks have them. */
export type Callback<Value> = (error?: unknown, value?: Value) => void

/** What a session was loaded or last saved as. */
export interface Origin<Data extends object> {
  /** The ID under which. */
  readonly id: string
  readonly record: SessionRecord<Data>
  /** The lock it was loaded under. */
  readonly lock?: SessionLock<Data> | undefined
}

/** What is known of one session object, or of one request. */
interface Tracked<Data extends object, Known> {
  /** The newest first; one for each ID. */
  origins: readonly Known[]
  predecessor?: SessionRecord<Data> | undefined
  isGone?: boolean
}

/** What stands for one load of a session: it holds nothing, and `JSON.stringify` leaves it out. */
const LOAD_MARK = { toJSON: () => undefined }

/**
 * The sessions that a framework loads and saves. It remembers what they were loaded or last saved as, so that a save can be
 * one of these (G2, G3).
 *
 * The holder of that knowledge is the session object, which frameworks pass to their store again; or the request, where a
 * framework passes that. It needs no cleaning up: what is known is gone with the holder.
 *
 * @typeParam Extra what an adapter remembers besides.
 */
export class FrameworkSessions<Data extends object, Extra extends object = object> {
  readonly store: SessionStore<Data>
  /** Closes the store, unless the application has passed it. */
  readonly close: () => Promise<void>
  readonly #markName: string | symbol | undefined
  readonly #tracked = weakProperty<Tracked<Data, Origin<Data> & Extra>>()

  /**
   * @param markName name of a property by which shallow copies of a session object carry what that was loaded as, for frameworks
   *   that copy what they load.
   */
  constructor({ store, close }: OpenedStore<Data>, markName?: string | symbol) {
    this.store = store
    this.close = close
    this.#markName = markName
  }

  /** Reads the session of an ID that a visitor presented. */
  async read(id: unknown): Promise<SessionRecord<Data> | undefined> {
    return typeof id === 'string' ? unlessNoId(this.store.read(id)) : undefined
  }

  /** What a session was loaded or last saved as, provided that it was under this ID. */
  originOf(holder: unknown, id: string): (Origin<Data> & Extra) | undefined {
    return this.#originsOf(holder).find(origin => origin.id === id)
  }

  /** What a session was loaded or last saved as, under whichever ID. */
  latestOf(holder: unknown): (Origin<Data> & Extra) | undefined {
    return this.#originsOf(holder)[0]
  }

  /** Remembers what a session was loaded or saved as. */
  remember(holder: object, origin: Origin<Data> & Extra): void {
    const tracked = this.#tracked.of(holder)
    if (tracked === undefined) this.#tracked.set(holder, { origins: [origin] })
    else tracked.origins = [origin, ...tracked.origins.filter(({ id }) => id !== origin.id)]
  }

  /** Remembers what a session was loaded as, for all shallow copies of the object too. */
  rememberCopies(loaded: object, origin: Origin<Data> & Extra): void {
    const mark = Object.create(LOAD_MARK) as object
    if (this.#markName !== undefined) Reflect.set(loaded, this.#markName, mark)
    this.remember(mark, origin)
  }

  /** Remembers that a session takes the place of another, under a new ID. */
  setPredecessor(holder: object, record: SessionRecord<Data> | undefined): void {
    this.#trackedBy(holder).predecessor = record
  }

  /** What a session takes the place of: what was set as that, or what it is a copy of. */
  predecessorOf(holder: unknown): SessionRecord<Data> | undefined {
    return this.#tracked.of(holder)?.predecessor ?? this.#tracked.of(this.#markOf(holder))?.origins[0]?.record
  }

  /** Remembers that a session has been destroyed, so that nothing may bring it back. */
  markGone(holder: object): void {
    this.#trackedBy(holder).isGone = true
  }

  /** Whether {@link markGone} was called. */
  isGone(holder: unknown): boolean {
    return this.#tracked.of(holder)?.isGone === true
  }

  /** What a save of a session goes out from: what it was loaded or last saved as, else what it takes the place of. */
  baseOf(
    holder: unknown,
    id: string,
    movedFrom: SessionRecord<Data> | undefined = this.predecessorOf(holder),
  ): Pick<WriteOptions<Data>, 'basis' | 'movedFrom'> {
    const basis = this.originOf(holder, id)?.record
    return basis === undefined ? { movedFrom } : { basis }
  }

  /**
   * Saves a session.
   *
   * @returns `undefined` when it is gone. It keeps its old origin then, so that saving it again does not create it either.
   */
  async save(
    holder: object,
    id: string,
    data: Data,
    options: WriteOptions<Data>,
    extra: Extra,
  ): Promise<SessionRecord<Data> | undefined> {
    const record = await this.store.write(id, data, options)
    if (record !== undefined) this.remember(holder, { ...extra, id, record: record.asWritten() })
    return record
  }

  /**
   * Saves a session that takes the place of another, and moves it there.
   *
   * @returns `undefined` when it is gone; nothing may bring it back then.
   */
  async regenerate(
    holder: object,
    id: string,
    from: SessionRecord<Data>,
    options: RegenerateOptions<Data>,
    extra: Extra,
  ): Promise<SessionRecord<Data> | undefined> {
    const record = await this.store.regenerate(from, id, options)
    if (record === undefined) this.markGone(holder)
    else this.remember(holder, { ...extra, id, record: record.asWritten() })
    return record
  }

  #originsOf(holder: unknown): readonly (Origin<Data> & Extra)[] {
    const own = this.#tracked.of(holder)?.origins ?? []
    if (this.#markName === undefined) return own
    return [...own, ...(this.#tracked.of(this.#markOf(holder))?.origins ?? [])]
  }

  #trackedBy(holder: object): Tracked<Data, Origin<Data> & Extra> {
    const tracked = this.#tracked.of(holder) ?? { origins: [] }
    this.#tracked.set(holder, tracked)
    return tracked
  }

  #markOf(holder: unknown): unknown {
    const isMarked = this.#markName !== undefined && isObject(holder)
    return isMarked ? Reflect.get(holder, this.#markName) : undefined
  }
}

/** What is found for an ID that a visitor presented. A cookie may hold anything: what cannot be an ID is the ID of no session. */
export async function unlessNoId<Found>(found: Promise<Found>): Promise<Found | undefined> {
  try {
    return await found
  } catch (error) {
    if (codeOf(error) === 'INVALID_SESSION_ID') return undefined
    throw error
  }
}

/**
 * Hands the outcome of a promise to a callback: exactly once, and never before the caller has returned. What the callback
 * throws leaves the promise chain: it is the application's uncaught exception, and no second call with an error.
 *
 * @param callback may be absent (`null` counts, too: that is how plain JavaScript leaves it out); a failure then
 *   goes to `onUnheard`.
 */
export function deliver<Value>(
  outcome: Promise<Value>,
  callback: Callback<Value> | null | undefined,
  onUnheard: (error: Error) => void,
): void {
  const succeed = (value: Value): void => {
    if (typeof callback !== 'function') return
    // Called right here, and not in the next tick, which would cost every call something.
    try {
      callback(null, value)
    } catch (thrown) {
      process.nextTick(() => {
        throw thrown
      })
    }
  }
  outcome.then(succeed, (reason: unknown) => {
    const error = toStoreError(reason)
    if (typeof callback === 'function') process.nextTick(callback, error)
    else process.nextTick(onUnheard, error)
  })
}

/**
 * A failure that no framework takes for something else (G6). Our own errors are none of these; functions of the application,
 * such as a credential provider, may fail with what a framework would send to the visitor (see {@link RESPONSE_PROPERTIES}),
 * with nothing at all, or with the `ENOENT` of a missing file, which express-session reads as "no session" and Koa as
 * "not found".
 */
export function toStoreError(reason: unknown): Error {
  if (isError(reason) && !isMisleading(reason)) return reason
  const why = isError(reason) ? `: ${reason.message}` : ', and what failed gave no error'
  return new DynamoDBSessionsError('STORE_FAILED', `the session store failed${why}`, { cause: reason })
}

/** Warns of a failure that nobody else is told of. */
export function warnOf(error: Error): void {
  try {
    process.emitWarning(error)
  } catch {
    // Node takes no error whose class is that of a `vm` context.
    process.emitWarning(error.message, error.name)
  }
}

/** Tells of a failure that nobody else is told of: as the event `error`, where that is listened for, else as a warning. */
export function emitOrWarn(store: EventEmitter, reason: unknown): void {
  const error = isError(reason) ? reason : new Error('the session store failed')
  if (store.listenerCount('error') > 0) store.emit('error', error)
  else warnOf(error)
}

/** Properties of an error of which Express, Fastify, Koa, Hono or Nest makes the response to the visitor. */
const RESPONSE_PROPERTIES = ['status', 'statusCode', 'headers', 'expose', 'getResponse']

function isMisleading(error: Error): boolean {
  return Reflect.get(error, 'code') === 'ENOENT' || RESPONSE_PROPERTIES.some(name => name in error)
}
