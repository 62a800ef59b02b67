/// <reference lib="esnext.disposable" preserve="true" />

import type { DynamoDBClient } from '../aws/dynamodb/client.ts'
import type { SessionData } from '../types.ts'
import {
  areOptions,
  bulkOptionNames,
  type BulkOptions,
  type CallOptions,
  callOptionNames,
  type DestroyByUserOptions,
  destroyByUserOptionNames,
  listOptionNames,
  type ListOptions,
  type LockOptions,
  lockOptionNames,
  type OptionNames,
  refuseOptions,
  type TouchOptions,
  touchOptionNames,
  type WriteOptions,
  writeOptionNames,
} from '../options/call-options.ts'
import { openClient } from './open-client.ts'
import type { GarbageCollectionOptions, GarbageCollectionResult } from '../scan/garbage-collection.ts'
import type { LayoutName } from '../layouts/layout.ts'
import { isNative, openNativeLayout } from '../layouts/open-layout.ts'
import { sessionsOf, type StoreSettings } from './native-sessions.ts'
import { checkStoreLayout } from '../options/option-layouts.ts'
import { readOptions } from '../options/option.ts'
import { asRead, SessionRecord } from '../items/session-record.ts'
import type { SessionLock } from '../locks/session-lock.ts'
import type { Sessions } from './sessions.ts'
import { type SessionStoreOptions, storeOptionSpecs } from '../options/store-options.ts'
import type { UserSession } from '../scan/user-sessions.ts'
import { processEnvironment } from '../internal/process-environment.ts'

const NO_OPTIONS = {}

/**
 * Sessions in a DynamoDB table.
 *
 * Guarantees, by the names that the documentation explains: a write that resolved is stored (G1), parallel writes of
 * one session do not lose each other's changes (G2), a destroyed session is not brought back by a late save or touch
 * (G3, G4), a session is absent from the millisecond in which it expires (G5), a failed read is never an empty session
 * (G6), every call settles within `deadlineMs` (G7), locks end by themselves and are fenced (G10), and a write whose
 * answer was lost is recognised (G11).
 *
 * Constructing a store opens nothing; problems with the region, the credentials or the table show at the first
 * call. An idle store does not keep the process alive. Options that a call does not take fail it with a `TypeError`
 * (`INVALID_OPTION`).
 *
 * @example
 * ```ts
 * import { SessionStore } from 'dynamodb-sessions'
 *
 * const store = new SessionStore({ table: 'sessions', region: 'eu-west-1' })
 * const record = await store.write('an-unguessable-session-id', { cart: ['apple'] })
 * await store.write('an-unguessable-session-id', { cart: ['apple', 'pear'] }, { basis: record })
 * console.log((await store.read('an-unguessable-session-id'))?.data)
 * await store.close()
 * ```
 *
 * @typeParam Data type of the session data; what is read is not checked against it.
 */
export class SessionStore<Data extends object = SessionData> {
  readonly #client: DynamoDBClient
  readonly #options: StoreSettings<Data>
  /** Absent until a layout is loaded that is not the native one, or a second one to move sessions from. */
  #sessions: Sessions<Data> | undefined
  #opening: Promise<Sessions<Data>> | undefined

  /**
   * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
   */
  constructor(options?: SessionStoreOptions<Data>)
  /**
   * @param settings options that have been checked.
   * @param client what reaches DynamoDB, by settings of its own; closing the store closes it.
   * @internal
   */
  constructor(settings: StoreSettings<Data>, client: DynamoDBClient)
  constructor(options: SessionStoreOptions<Data> = {}, client?: DynamoDBClient) {
    this.#options = client === undefined ? readStoreOptions(options, processEnvironment()) : options
    this.#client = client ?? openClient(this.#options, processEnvironment())
    if (isNative(this.#options)) {
      const layout = openNativeLayout(this.#options)
      if (this.#options.migrateFrom === undefined) {
        this.#sessions = sessionsOf(this.#client, this.#options, layout)
      }
    }
  }

  /**
   * Whether adapters lock the sessions that they load: the option `locking`.
   *
   * @internal
   */
  get locksSessions(): boolean {
    return (this.#options.locking ?? false) !== false
  }

  /**
   * Whether sessions may hold values that are more than JSON, such as the integers of PHP.
   *
   * @internal
   */
  get holdsPhpValues(): boolean {
    const { migrateFrom } = this.#options
    const source = typeof migrateFrom === 'object' ? migrateFrom.layout : migrateFrom
    return [this.layoutName, source].some(layout => layout === 'php' || layout === 'laravel')
  }

  /**
   * How sessions are written as items: the option `layout`.
   *
   * @internal
   */
  get layoutName(): LayoutName {
    return this.#options.layout ?? 'native'
  }

  /**
   * The data of a record as the application got them, in a new object: without what it has made of them since.
   *
   * @internal
   */
  async dataAsRead(record: SessionRecord<Data>): Promise<Data> {
    return (await this.#ready()).dataAsRead(record)
  }

  /**
   * The session ID that a partition key is of; `undefined` where keys do not tell, as with `hashIds`.
   *
   * @internal
   */
  async idOfKey(key: string): Promise<string | undefined> {
    return (await this.#ready()).items.layout.idOfKey(key)
  }

  /**
   * Reads a session. Reading does not extend its life, and does not wait for locks.
   *
   * @returns the session, or `undefined` when there is none or it has expired.
   * @throws {SessionCorruptError | SessionDecryptionError} when the item is not a session that can be read; it is left
   *   as it is. Failures of the network, of DynamoDB or of the credentials throw too (G6): `undefined` always means that
   *   there is no such session.
   */
  read(id: string, options?: CallOptions): Promise<SessionRecord<Data> | undefined> {
    return this.#with(options, callOptionNames, (sessions, taken) => sessions.read(id, taken))
  }

  /**
   * Creates or replaces a session; with `basis`, saves a session that was read or written before.
   *
   * With `basis`, data that have not changed are not written again: that is a touch.
   *
   * @param data any object that JSON can carry; it is stored as `JSON.stringify` writes it.
   * @returns the session as it is stored now, to be the `basis` of the next write. With `basis`: `undefined` when
   *   the session has been destroyed or has expired since, in which case nothing was written.
   * @throws {SessionConflictError} with `basis`, by `onConflict: 'reject'`, or when others kept on writing.
   * @throws {LockLostError} when `basis` is from a lock whose lease has ended and that another process has taken
   *   since. After `release()` the record is the basis of a save without a lock, which merges.
   * @throws {SessionTooLargeError} when the item would exceed 400 KB; nothing was sent.
   * @throws {TypeError} `INVALID_SESSION_DATA` when JSON cannot carry the data.
   */
  write(
    id: string,
    data: Data,
    options?: WriteOptions<Data> & { basis?: undefined },
  ): Promise<SessionRecord<Data>>
  write(id: string, data: Data, options: WriteOptions<Data>): Promise<SessionRecord<Data> | undefined>
  write(id: string, data: Data, options?: WriteOptions<Data>): Promise<SessionRecord<Data> | undefined> {
    return this.#with(options, writeOptionNames, (sessions, taken) => sessions.write(id, data, taken))
  }

  /**
   * Moves the expiry of a session and changes nothing else. It neither creates a session nor revives one that has
   * expired or been destroyed (G4).
   *
   * @param target the session ID, or the record that the session was read or written as. A touch of a record is left out
   *   when it would change little (`touchAfterSeconds`), and keeps off another session that has taken the same ID since.
   * @returns whether there was something to touch; a touch that is left out says so, too.
   */
  touch(target: string | SessionRecord<Data>, options?: TouchOptions): Promise<boolean> {
    return this.#with(options, touchOptionNames, (sessions, taken) => sessions.touch(target, taken))
  }

  /**
   * Deletes a session, locked or not. Deleting one that does not exist is no error.
   *
   * @param target the session ID, or a record of the session.
   */
  destroy(target: string | SessionRecord<Data>, options?: CallOptions): Promise<void> {
    return this.#with(options, callOptionNames, (sessions, taken) => sessions.destroy(target, taken))
  }

  /**
   * Reads a session and locks it: until it is saved, touched, destroyed or released, every other `lock` of it waits
   * (G10). `read` does not wait, and a write by somebody who has not locked it is merged, as ever (G2).
   *
   * @returns `undefined` when there is no such session; nothing was created.
   * @throws {SessionLockedError} when somebody else still has the lock after `maxWaitMs`.
   */
  lock(id: string, options?: LockOptions): Promise<SessionLock<Data> | undefined> {
    return this.#with(options, lockOptionNames, (sessions, taken) => sessions.lock(id, taken))
  }

  /**
   * The partition keys of the sessions that have not expired, as {@link SessionRecord.key} has them: not session IDs, but the
   * `prefix` and what is stored in their place. Reads the whole table, a page at a time.
   */
  async *keys(options: BulkOptions = {}): AsyncGenerator<string, void, undefined> {
    if (!areOptions(options, bulkOptionNames)) await refuseOptions(options, bulkOptionNames)
    const [{ items }, { listInBulk, listItems }] = await Promise.all([
      this.#ready(),
      import('../scan/scan.ts'),
    ])
    for await (const item of listInBulk(options, send => listItems(items, true, send))) {
      const key = items.layout.keyOfItem(item)
      if (key !== undefined) yield key
    }
  }

  /**
   * The sessions that have not expired. Reads the whole table, a page at a time; sessions that come and go
   * meanwhile may or may not be among them.
   *
   * @throws {SessionCorruptError | SessionDecryptionError} on reaching an item that is not a session that can be read,
   *   unless `onError` is told of it instead.
   */
  async *records(options: ListOptions = {}): AsyncGenerator<SessionRecord<Data>, void, undefined> {
    if (!areOptions(options, listOptionNames)) await refuseOptions(options, listOptionNames)
    const [{ items }, { listInBulk, listItems, unlessUnreadable }] = await Promise.all([
      this.#ready(),
      import('../scan/scan.ts'),
    ])
    for await (const item of listInBulk(options, send => listItems(items, false, send))) {
      const session = await unlessUnreadable(items, item, options, () => items.open(item))
      if (session !== undefined) yield new SessionRecord<Data>(asRead(session), items.clock.offsetMs)
    }
  }

  /** The number of sessions that have not expired. Reads the whole table. */
  async count(options: BulkOptions = {}): Promise<number> {
    if (!areOptions(options, bulkOptionNames)) await refuseOptions(options, bulkOptionNames)
    const [{ items }, { countItems, inBulk }] = await Promise.all([this.#ready(), import('../scan/scan.ts')])
    return inBulk(options, send => countItems(items, send))
  }

  /** Deletes every session under this store's `prefix`, expired ones too. Reads the whole table. */
  async clear(options: BulkOptions = {}): Promise<void> {
    if (!areOptions(options, bulkOptionNames)) await refuseOptions(options, bulkOptionNames)
    const [{ items }, { deleteItems, inBulk }] = await Promise.all([this.#ready(), import('../scan/scan.ts')])
    await inBulk(options, send => deleteItems(items, send))
  }

  /**
   * Deletes the sessions under this store's `prefix` that have expired, for engines and tables without time to live,
   * and for who does not want to wait for it (DynamoDB takes up to some days). Reads the whole table.
   *
   * A session that is extended while this runs survives.
   */
  async collectGarbage(options: GarbageCollectionOptions = {}): Promise<GarbageCollectionResult> {
    const [{ items }, { collectGarbage }] = await Promise.all([
      this.#ready(),
      import('../scan/garbage-collection.ts'),
    ])
    return collectGarbage(items, options)
  }

  /**
   * The sessions of a user that have not expired, in no particular order. Needs the option `userId` when they are
   * written, and the index that `createTable` makes. The index follows a moment later: a session that has just been
   * written may be missing, and one that has just been destroyed may be there.
   *
   * @throws {SessionCorruptError} on reaching an entry that does not say when it expires, unless `onError` is told of it
   *   instead.
   */
  async *listByUser(userId: string, options: ListOptions = {}): AsyncGenerator<UserSession, void, undefined> {
    if (!areOptions(options, listOptionNames)) await refuseOptions(options, listOptionNames)
    const [{ items }, { listByUser, localTimes }] = await Promise.all([
      this.#ready(),
      import('../scan/user-sessions.ts'),
    ])
    for await (const session of listByUser(items, userId, options)) yield localTimes(items, session)
  }

  /**
   * Destroys the sessions of a user: "sign out everywhere". What a request has under way with one of them cannot bring
   * it back (G3). A session that is written for the first time at the same moment may escape.
   *
   * @returns how many were destroyed.
   */
  async destroyByUser(userId: string, options: DestroyByUserOptions<Data> = {}): Promise<number> {
    if (!areOptions(options, destroyByUserOptionNames)) {
      await refuseOptions(options, destroyByUserOptionNames)
    }
    const { except, ...others } = options
    const [sessions, { destroyByUser }] = await Promise.all([
      this.#ready(),
      import('../scan/user-sessions.ts'),
    ])
    return destroyByUser(sessions.items, userId, { ...others, except: sessions.keysOf(except) })
  }

  /** Gives back the locks, lets calls under way finish, refuses new ones and closes the connections. */
  async close(): Promise<void> {
    await this.#sessions?.releaseLocks()
    await this.#client.close()
  }

  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Not an async function: those cost every call two promises more. */
  #with<Options extends object, Result>(
    options: Options | undefined,
    known: OptionNames<Options>,
    call: (sessions: Sessions<Data>, options: Partial<Options>) => Promise<Result>,
  ): Promise<Result> {
    if (!areOptions(options, known)) return refuseOptions(options, known)
    const taken = options ?? NO_OPTIONS
    const sessions = this.#sessions
    return sessions === undefined ? this.#open().then(opened => call(opened, taken)) : call(sessions, taken)
  }

  #ready(): Sessions<Data> | Promise<Sessions<Data>> {
    return this.#sessions ?? this.#open()
  }

  /** Loads the layout when it is first needed; calls that come at the same time share that, and a failure is not kept. */
  #open(): Promise<Sessions<Data>> {
    this.#opening ??= this.#openOnce().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #openOnce(): Promise<Sessions<Data>> {
    const { openSessions } = await import('./open-sessions.ts')
    this.#sessions ??= await openSessions(this.#client, this.#options)
    return this.#sessions
  }
}

/**
 * Checks the options of a store and completes them from the environment.
 *
 * @internal
 */
export function readStoreOptions<Data extends object>(
  given: SessionStoreOptions<Data>,
  environment: Readonly<Record<string, string | undefined>>,
): StoreSettings<Data> {
  const options = readOptions<SessionStoreOptions<Data>>(given, storeOptionSpecs<Data>(), environment)
  checkStoreLayout(options, given)
  return options
}
