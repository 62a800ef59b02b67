import type { SessionData } from 'express-session'

import { isAbortSignal } from '../../internal/core-objects.ts'
import { unlessAborted } from '../../internal/timers.ts'
import { DynamoDBError, DynamoDBSessionsError, TableNotFoundError } from '../../errors.ts'
import type {
  BulkOptions,
  CallOptions,
  DestroyByUserOptions,
  ListOptions,
  LockOptions,
  TouchOptions,
  WriteOptions,
} from '../../options/call-options.ts'
import type {
  GarbageCollectionOptions,
  GarbageCollectionResult,
} from '../../options/garbage-collection-options.ts'
import type { SessionRecord } from '../../items/session-record.ts'
import type { SessionLock } from '../../locks/session-lock.ts'
import { SessionStore } from '../../store/session-store.ts'
import type { SessionStoreOptions } from '../../options/store-options.ts'
import type { UserSession } from '../../scan/user-sessions.ts'

type Data = SessionData
type Store = SessionStore<Data>

/** What a {@link DeferredSessionStore} does about its table. */
export interface TableKeeper {
  /** Whether the table is known to be there. If not, a call that does not find it has it created. */
  isTableKnown(): boolean
  /** Is told that it is. */
  found(): void
  /** Creates it. Calls that come at the same time share one creation. */
  create(): Promise<void>
}

/**
 * A session store whose options are not known before its first call, because a client of the AWS SDK has to be asked for
 * some of them; and whose table may have to be created first.
 *
 * Finding the options is shared by calls that come at the same time, and done again after a failure.
 */
export class DeferredSessionStore extends SessionStore<Data> {
  /** Without one, a missing table is an error. */
  keeper: TableKeeper | undefined
  readonly #findOptions: () => Promise<SessionStoreOptions<Data>>
  #store: Store | undefined
  #opening: Promise<Store> | undefined
  #isClosed = false

  /**
   * @param options the options that are known: they are checked at once.
   * @param findOptions finds all of them.
   */
  constructor(options: SessionStoreOptions<Data>, findOptions: () => Promise<SessionStoreOptions<Data>>) {
    super(options)
    this.#findOptions = findOptions
  }

  override dataAsRead(record: SessionRecord<Data>): Promise<Data> {
    return this.#use(store => store.dataAsRead(record))
  }

  override idOfKey(key: string): Promise<string | undefined> {
    return this.#use(store => store.idOfKey(key))
  }

  override read(id: string, options?: CallOptions): Promise<SessionRecord<Data> | undefined> {
    return this.#use(store => store.read(id, options), options)
  }

  override write(
    id: string,
    data: Data,
    options?: WriteOptions<Data> & { basis?: undefined },
  ): Promise<SessionRecord<Data>>
  override write(
    id: string,
    data: Data,
    options: WriteOptions<Data>,
  ): Promise<SessionRecord<Data> | undefined>
  override write(
    id: string,
    data: Data,
    options: WriteOptions<Data> = {},
  ): Promise<SessionRecord<Data> | undefined> {
    return this.#use(store => store.write(id, data, options), options)
  }

  override touch(target: string | SessionRecord<Data>, options?: TouchOptions): Promise<boolean> {
    return this.#use(store => store.touch(target, options), options)
  }

  override destroy(target: string | SessionRecord<Data>, options?: CallOptions): Promise<void> {
    return this.#use(store => store.destroy(target, options), options)
  }

  override lock(id: string, options?: LockOptions): Promise<SessionLock<Data> | undefined> {
    return this.#use(store => store.lock(id, options), options)
  }

  override async *keys(options?: BulkOptions): AsyncGenerator<string, void, undefined> {
    yield* this.#list(store => store.keys(options), options)
  }

  override async *records(options?: ListOptions): AsyncGenerator<SessionRecord<Data>, void, undefined> {
    yield* this.#list(store => store.records(options), options)
  }

  override count(options?: BulkOptions): Promise<number> {
    return this.#use(store => store.count(options), options)
  }

  override clear(options?: BulkOptions): Promise<void> {
    return this.#use(store => store.clear(options), options)
  }

  override collectGarbage(options?: GarbageCollectionOptions): Promise<GarbageCollectionResult> {
    return this.#use(store => store.collectGarbage(options), options)
  }

  override async *listByUser(
    userId: string,
    options?: ListOptions,
  ): AsyncGenerator<UserSession, void, undefined> {
    yield* this.#list(store => store.listByUser(userId, options), options)
  }

  override destroyByUser(userId: string, options?: DestroyByUserOptions<Data>): Promise<number> {
    return this.#use(store => store.destroyByUser(userId, options), options)
  }

  override async close(): Promise<void> {
    this.#isClosed = true
    // A store that could not be opened has nothing to close.
    const store = this.#store ?? (await this.#opening?.catch(() => undefined))
    await store?.close()
    await super.close()
  }

  /**
   * Makes a call, and makes it again when the table had to be created first. What calls share goes on when one is given up.
   */
  async #use<Result>(call: (store: Store) => Promise<Result>, options: CallOptions = {}): Promise<Result> {
    // One that is none is told by the call itself.
    const signal = isAbortSignal(options.signal) ? options.signal : undefined
    const { keeper } = this
    const mayCreate = keeper?.isTableKnown() === false
    try {
      const result = await call(this.#store ?? (await unlessAborted(this.#open(), signal)))
      if (mayCreate) keeper.found()
      return result
    } catch (error) {
      if (!mayCreate || !(error instanceof TableNotFoundError)) throw withNameOfSdk(error)
    }
    try {
      // Another call may have done so while this one was under way.
      if (!keeper.isTableKnown()) await unlessAborted(keeper.create(), signal)
      return await call(await unlessAborted(this.#open(), signal))
    } catch (error) {
      throw withNameOfSdk(error)
    }
  }

  /** Lists something; in a table that has just been created there is nothing. */
  async *#list<Entry>(
    list: (store: Store) => AsyncGenerator<Entry, void, undefined>,
    options: CallOptions | undefined,
  ): AsyncGenerator<Entry, void, undefined> {
    const first = await this.#use(async store => {
      const entries = list(store)
      return { entries, result: await entries.next() }
    }, options)
    if (first.result.done === true) return
    try {
      yield first.result.value
      yield* first.entries
    } finally {
      await first.entries.return()
    }
  }

  #open(): Promise<Store> {
    this.#opening ??= this.#openOnce().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #openOnce(): Promise<Store> {
    if (this.#isClosed) {
      throw new DynamoDBSessionsError('STORE_CLOSED', 'the store has been closed and takes no more calls')
    }
    this.#store ??= new SessionStore<Data>(await this.#findOptions())
    return this.#store
  }
}

/**
 * Gives an answer of DynamoDB the `name` that it has in the AWS SDK, which is what users of connect-dynamodb branch on;
 * `code` stays as it is.
 */
export function withNameOfSdk(error: unknown): unknown {
  if (error instanceof DynamoDBError && error.awsCode !== 'Unknown') {
    Object.defineProperty(error, 'name', { value: error.awsCode, configurable: true, writable: true })
  }
  return error
}
