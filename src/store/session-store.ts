/// <reference lib="esnext.disposable" preserve="true" />

import type { SendOptions } from '../aws/dynamodb/client-options.ts'
import type { DynamoDBClient } from '../aws/dynamodb/client.ts'
import type { DynamoDBHealth } from '../aws/dynamodb/regions.ts'
import { invalidOption } from '../errors.ts'
import { moveTraces } from '../internal/diagnostics.ts'
import { processEnvironment } from '../internal/process-environment.ts'
import { ItemTable } from '../items/item-table.ts'
import {
  type DestroyByUserOptions,
  destroyByUserRows,
  type RegenerateOptions,
  regenerateRows,
  requireRecords,
  SessionRecord,
  type SessionSnapshot,
  snapshotIn,
  snapshotOf,
  type WriteOptions,
  writeRows,
} from '../items/session-record.ts'
import { hasJustMoved } from '../items/move-mark.ts'
import { touchSession } from '../items/touch.ts'
import { nativeLayout } from '../layouts/native.ts'
import { checkAttributes, isNative, openLayout } from '../layouts/open-layout.ts'
import type { LockManager } from '../locks/lock-manager.ts'
import { SessionLock } from '../locks/lease.ts'
import {
  bulkRows,
  type BulkOptions,
  type CallOptions,
  callRows,
  type GarbageCollectionOptions,
  type ListOptions,
  listRows,
  type LockOptions,
  lockRows,
  type TouchOptions,
  touchRows,
} from '../options/call-options.ts'
import { lockTerms } from '../options/locking-options.ts'
import type { LayoutName } from '../layouts/layout-settings.ts'
import { type RowsOf, validateCallOptions } from '../internal/option.ts'
import { readStoreOptions, type SessionStoreOptions, type StoreOptions } from '../options/store-options.ts'
import type { GarbageCollectionResult } from '../scan/garbage-collection.ts'
import type { UserSession } from '../scan/user-sessions.ts'
import type { SessionData } from '../types.ts'
import { openClient } from './open-client.ts'
import { listed, SessionTerms } from './session-terms.ts'
import { SessionWrites } from './session-writes.ts'

/**
 * Sessions in a DynamoDB table.
 *
 * Guarantees, which docs/guarantees.md explains: a write that resolved is stored, parallel writes of
 * one session do not lose each other's changes, a destroyed session is not brought back by a late save or touch,
 * a session is absent from the millisecond in which it expires, a failed read is never an empty session,
 * every call settles within `deadlineMs`, locks end by themselves and are fenced, and a write whose
 * answer was lost is recognised.
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
  readonly #options: StoreOptions<Data>
  readonly #terms: SessionTerms<Data>
  readonly #writes: SessionWrites<Data>
  /** Absent until a layout is loaded that is not the native one, or a second one to move sessions from. */
  #table: ItemTable | undefined
  #opening: Promise<ItemTable> | undefined
  #locks: LockManager | undefined

  /**
   * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
   */
  constructor(options?: SessionStoreOptions<Data>)
  /**
   * @param settings options that have been checked.
   * @param client what reaches DynamoDB, by settings of its own; closing the store closes it.
   * @internal
   */
  constructor(settings: StoreOptions<Data>, client: DynamoDBClient)
  constructor(options: StoreOptions<Data> = {}, client?: DynamoDBClient) {
    this.#options = client === undefined ? readStoreOptions(options, processEnvironment()) : options
    this.#terms = new SessionTerms(this.#options)
    this.#writes = new SessionWrites(this.#options, this.#terms)
    this.#client = client ?? openClient(this.#options, processEnvironment())
    const { migrateFrom } = this.#options
    checkAttributes(this.#options)
    if (typeof migrateFrom === 'object') checkAttributes(migrateFrom)
    if (isNative(this.#options) && migrateFrom === undefined) {
      this.#table = new ItemTable(this.#client, nativeLayout(this.#options), this.#options)
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
   * Whether a session that was given a new ID can be told from one that was destroyed.
   *
   * @internal
   */
  get tellsMoves(): boolean {
    return this.layoutName === 'native'
  }

  /**
   * The data of a record as the application got them, in a new object: without what it has made of them since.
   *
   * @internal
   */
  async dataAsRead(record: SessionRecord<Data>): Promise<Data> {
    const { layout } = await this.itemTable()
    const { baseText, origin } = snapshotIn(record)
    const source = origin?.session && this.#writes.migration?.sourceData(origin.session)
    return (source ?? layout.codec.decode(baseText)) as Data
  }

  /**
   * The items of the store, once its layout is loaded. Calls that come at the same time share that, and a failure is not kept.
   *
   * @internal
   */
  itemTable(): ItemTable | Promise<ItemTable> {
    if (this.#table !== undefined) return this.#table
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  /**
   * The session ID that a partition key is of; `undefined` where keys do not tell, as with `hashIds`.
   *
   * @internal
   */
  async idOfKey(key: string): Promise<string | undefined> {
    return (await this.itemTable()).layout.idOfKey(key)
  }

  /**
   * Reads a session. Reading does not extend its life, and does not wait for locks.
   *
   * @returns the session, or `undefined` when there is none or it has expired.
   * @throws {SessionCorruptError | SessionDecryptionError} when the item is not a session that can be read; it is left
   *   as it is. Failures of the network, of DynamoDB or of the credentials throw too: `undefined` always means that
   *   there is no such session.
   */
  read(id: string, options?: CallOptions): Promise<SessionRecord<Data> | undefined> {
    return this.#with(options, callRows, (table, taken) => this.#read(table, id, taken))
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
    return this.#with(options, writeRows, async (table, taken) => {
      const { basis, movedFrom } = taken
      const timed = table.timed(taken)
      requireRecords({ basis, movedFrom }, table.keyOf(id))
      const snapshot = await table.clock.retryAfterClockCorrection(() =>
        basis === undefined
          ? this.#writes.create(table, id, data, taken, timed)
          : this.#writes.save(table, snapshotIn(basis), data, taken, timed),
      )
      if (basis === undefined) this.#locks?.forget(table.keyOf(id))
      return snapshot && this.#record(table, snapshot)
    })
  }

  /**
   * Gives a session a new ID and saves it, in one step: call it when a visitor signs in or gains rights, so that an ID that
   * somebody has planted or seen before is worth nothing. The old ID ends only together with the new one arriving; where the
   * server has no transactions, the new one comes first.
   *
   * What others have saved since the record was read is merged in, as by `write`. When the session began
   * (`absoluteTimeoutSeconds`), whose it is and further attributes of the item stay. What a request that had read the session
   * before saves afterwards reaches it under its new ID; nothing is stored under the old one.
   *
   * A session that another request has moved already is not moved again. What the record has becomes a session of its own.
   *
   * @param record the session as it was read or last written.
   * @param newId an ID that is new, and that nobody can guess. After a failure, call again with the same one.
   * @returns the session under its new ID; `undefined` when it has been destroyed or has expired since it was read.
   * @throws {SessionConflictError} by `onConflict: 'reject'`, when others kept on writing, or when `newId` has a session.
   * @throws {LockLostError | SessionTooLargeError | TypeError} as `write` does.
   */
  regenerate(
    record: SessionRecord<Data>,
    newId: string,
    options?: RegenerateOptions<Data>,
  ): Promise<SessionRecord<Data> | undefined> {
    return this.#with(options, regenerateRows, async (table, { data = record.data, ...taken }) => {
      const writes = this.#writes
      const snapshot = await writes.regenerate(
        table,
        snapshotIn(record),
        table.keyOf(newId),
        data,
        taken,
        table.timed(taken),
      )
      return snapshot && this.#record(table, { ...snapshot, origin: writes.migration?.originOf(newId) })
    })
  }

  /**
   * Ends a session whose place another one takes that begins under a new ID: {@link destroy}, but that requests which come with
   * the old ID a moment later are known to.
   *
   * @internal
   */
  retire(record: SessionRecord<Data>): Promise<void> {
    return this.#with({}, callRows, async table => {
      await this.#writes.retire(table, record, table.timed({}))
      this.#locks?.forget(record.key)
    })
  }

  /**
   * Whether this process has given the session of an ID another one lately. Never true before the layout is loaded.
   *
   * @internal
   */
  hasMoved(id: string): boolean {
    return this.#table !== undefined && this.#writes.hasMoved(this.#table, id)
  }

  /**
   * {@link read}, for the ID that a request came with.
   *
   * @param onMoved is called when there is none because the session has just been given a new ID: the visitor has that one by
   *   now, or is about to get it, and a cookie in the response to this request would take it away again.
   * @internal
   */
  readArriving(
    id: string,
    options: CallOptions | undefined,
    onMoved: () => void,
  ): Promise<SessionRecord<Data> | undefined> {
    return this.#with(options, callRows, (table, taken) => this.#read(table, id, taken, onMoved))
  }

  /**
   * Moves the expiry of a session and changes nothing else. It neither creates a session nor revives one that has
   * expired or been destroyed.
   *
   * @param target the session ID, or the record that the session was read or written as. A touch of a record is left out
   *   when it would change little (`touchAfterSeconds`), and keeps off another session that has taken the same ID since.
   * @returns whether there was something to touch; a touch that is left out says so, too.
   */
  touch(target: string | SessionRecord<Data>, options?: TouchOptions): Promise<boolean> {
    return this.#with(options, touchRows, async (table, taken) => {
      const timed = table.timed(taken)
      const { ttlSeconds, absoluteTimeoutSeconds, touchAfterSeconds } = this.#options
      const isDefault = taken.expiresMs === undefined && taken.ttlSeconds === undefined
      // The expiry may depend on more than the ID; then the session is read first.
      const needsRecord =
        absoluteTimeoutSeconds !== undefined ||
        this.#writes.migration !== undefined ||
        (isDefault && typeof ttlSeconds === 'function')
      const touched = await table.clock.retryAfterClockCorrection(async () => {
        const isRecord = target instanceof SessionRecord
        if (!isRecord && !needsRecord) {
          const [key, snapshot] = [table.keyOf(target), undefined]
          const expiresMs = this.#terms.expiryOf(table, taken, undefined, undefined)
          return touchSession(table, { key, snapshot, expiresMs, isDefault, touchAfterSeconds: 0 }, timed)
        }
        const record = isRecord ? target : await this.#read(table, target, timed)
        if (record === undefined) return undefined
        const snapshot = snapshotIn(record)
        const { key, createdMs } = snapshot.session
        const expiresMs = this.#terms.expiryOf(table, taken, record.data, createdMs)
        const least = isRecord ? touchAfterSeconds : 0
        return this.#writes.moveExpiry(table, { key, snapshot, expiresMs, touchAfterSeconds: least }, timed)
      })
      return touched !== undefined
    })
  }

  /**
   * Deletes a session, locked or not. Deleting one that does not exist is no error.
   *
   * @param target the session ID, or a record of the session.
   */
  destroy(target: string | SessionRecord<Data>, options?: CallOptions): Promise<void> {
    return this.#with(options, callRows, async (table, taken) => {
      await this.#writes.destroy(table, target, table.timed(taken))
      this.#locks?.forget(table.keyOfTarget(target))
    })
  }

  /**
   * Reads a session and locks it: until it is saved, touched, destroyed or released, every other `lock` of it waits.
   * `read` does not wait, and a write by a request that has not locked it is merged, as ever.
   *
   * @returns `undefined` when there is no such session; nothing was created.
   * @throws {SessionLockedError} when another request still has the lock after `maxWaitMs`.
   */
  lock(id: string, options?: LockOptions): Promise<SessionLock<Data> | undefined> {
    return this.#with(options, lockRows, async (table, { signal, renew = true, ...settings }) => {
      const key = table.keyOf(id)
      const terms = lockTerms(this.#options.locking, settings, renew)
      const { LockManager } = await import('../locks/lock-manager.ts')
      this.#locks ??= new LockManager(table, Math.random)
      const migration = this.#writes.migration
      const locked = await this.#locks.lock(key, { ...terms, signal }, migration?.lockSource(id, signal))
      if (locked === undefined) return undefined
      const { session, lease } = locked
      if (renew) lease.keepAlive()
      const snapshot = { ...snapshotOf(session, lease), origin: migration?.originOf(id) }
      return new SessionLock(this.#record(table, snapshot), lease)
    })
  }

  /**
   * The partition keys of the sessions that have not expired, as {@link SessionRecord.key} has them: not session IDs, but the
   * `prefix` and what is stored in their place. Reads the whole table, a page at a time.
   */
  async *keys(options: BulkOptions = {}): AsyncGenerator<string, void, undefined> {
    validateCallOptions(options, bulkRows)
    const table = await this.itemTable()
    const { listInBulk, listItems } = await import('../scan/scan.ts')
    for await (const item of listInBulk(options, send => listItems(table, true, send))) {
      const key = table.layout.keyOfItem(item)
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
    validateCallOptions(options, listRows)
    const table = await this.itemTable()
    const { listInBulk, listItems, unlessUnreadable } = await import('../scan/scan.ts')
    for await (const item of listInBulk(options, send => listItems(table, false, send))) {
      const session = await unlessUnreadable(table, item, options, () => table.open(item))
      if (session !== undefined) yield this.#record(table, snapshotOf(session))
    }
  }

  /** The number of sessions that have not expired. Reads the whole table. */
  async count(options: BulkOptions = {}): Promise<number> {
    validateCallOptions(options, bulkRows)
    const table = await this.itemTable()
    const { countItems, inBulk } = await import('../scan/scan.ts')
    return inBulk(options, send => countItems(table, send))
  }

  /** Deletes every session under this store's `prefix`, expired ones too. Reads the whole table. */
  async clear(options: BulkOptions = {}): Promise<void> {
    validateCallOptions(options, bulkRows)
    const table = await this.itemTable()
    const { deleteItems, inBulk } = await import('../scan/scan.ts')
    await inBulk(options, send => deleteItems(table, send))
  }

  /**
   * Deletes the sessions under this store's `prefix` that have expired, for engines and tables without time to live,
   * and for who does not want to wait for it (DynamoDB takes up to some days). Reads the whole table.
   *
   * A session that is extended while this runs survives.
   */
  async collectGarbage(options: GarbageCollectionOptions = {}): Promise<GarbageCollectionResult> {
    const table = await this.itemTable()
    const { collectGarbage } = await import('../scan/garbage-collection.ts')
    return collectGarbage(table, options)
  }

  /**
   * The sessions of a user that have not expired, in no particular order. Needs the option `userId` when they are
   * written, and the index that `createTable` makes. The index follows a moment later: a session that has just been
   * written may be missing, and one that has just been destroyed may be there.
   *
   * @throws {SessionCorruptError} on reaching an entry that does not say when it expires, unless `onError` is told of it
   *   instead.
   * @throws {TypeError} `INVALID_OPTION` without the option `userId`.
   */
  async *listByUser(userId: string, options: ListOptions = {}): AsyncGenerator<UserSession, void, undefined> {
    validateCallOptions(options, listRows)
    this.#requireUsers('listByUser')
    const table = await this.itemTable()
    const { listByUser, localTimes } = await import('../scan/user-sessions.ts')
    for await (const session of listByUser(table, userId, options)) yield localTimes(table, session)
  }

  /**
   * Destroys the sessions of a user: "sign out everywhere". What a request has under way with one of them cannot bring
   * it back. A session that is written for the first time at the same moment may escape.
   *
   * @returns how many were destroyed.
   * @throws {TypeError} `INVALID_OPTION` without the option `userId`: no session would be found.
   */
  async destroyByUser(userId: string, options: DestroyByUserOptions<Data> = {}): Promise<number> {
    validateCallOptions(options, destroyByUserRows)
    this.#requireUsers('destroyByUser')
    const { except, ...others } = options
    const kept = listed(except)
    const table = await this.itemTable()
    const { destroyByUser } = await import('../scan/user-sessions.ts')
    const keys = kept.map(target => table.keyOfTarget(target))
    return destroyByUser(table, userId, { ...others, except: keys })
  }

  /**
   * Checks at start what would otherwise show at the first request: region, credentials, the permission to read, whether the
   * table is there and has the key of the layout. Call it before the application listens.
   *
   * It reads one key that no session has (`GetItem`, which the application may do), and changes nothing. Sessions can be kept
   * without the rest, so that this is a process warning, as far as the credentials may see it: time to live that is off or on
   * another attribute (`dynamodb:DescribeTimeToLive`), and with `userId` a missing index (`dynamodb:Query` on it). What they
   * may not see is not checked; `npx dynamodb-sessions doctor` checks all of it, writes included. The table of `migrateFrom` and
   * those in other Regions are not looked at.
   *
   * @throws {TableNotFoundError} when there is no such table; the message has the command that creates it.
   * @throws {TableMismatchError} when the table has another key.
   * @throws {AccessDeniedError | CredentialsError | ConfigurationError | TransportError | DeadlineExceededError} what the first
   *   call of the application would fail with. It settles within `deadlineMs`, as every call does.
   */
  ready(options?: CallOptions): Promise<void> {
    return this.#with(options, callRows, async (table, taken) => {
      const { requireReady } = await import('../items/readiness.ts')
      await requireReady(table, table.timed(taken), this.#options.userId !== undefined)
    })
  }

  /**
   * How DynamoDB does, by what this store has seen of it: without a request, and without session data. For the health
   * endpoint of an application; `JSON.stringify` takes it.
   */
  health(): DynamoDBHealth {
    return this.#client.health()
  }

  /** Gives back the locks, lets calls under way finish, refuses new ones and closes the connections. */
  async close(): Promise<void> {
    await this.#locks?.releaseAll()
    await this.#client.close()
  }

  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Not an async function: those cost every call two promises more. */
  #with<Options extends object, Result>(
    options: Options | undefined,
    rows: RowsOf<Options>,
    call: (table: ItemTable, options: Partial<Options>) => Promise<Result>,
  ): Promise<Result> {
    try {
      if (options !== undefined) validateCallOptions(options, rows)
    } catch (error) {
      return Promise.reject(error)
    }
    const taken = options ?? {}
    const table = this.itemTable()
    return table instanceof ItemTable ? call(table, taken) : table.then(opened => call(opened, taken))
  }

  /** "Sign out everywhere" must not find nothing, and say nothing, because no session says whose it is. */
  #requireUsers(method: string): void {
    if (this.#options.userId !== undefined || !isNative(this.#options)) return
    throw invalidOption(
      `${method} needs the option "userId", the function of the session data that returns whose session it is: without it, ` +
        'sessions are written without a user, and none is found',
    )
  }

  async #open(): Promise<ItemTable> {
    const layout = await openLayout(this.#options)
    const table = new ItemTable(this.#client, layout, this.#options)
    if (this.#options.migrateFrom !== undefined) {
      const { openMigration } = await import('../migration/migration.ts')
      this.#writes.migration ??= await openMigration(table, this.#options)
    }
    return (this.#table ??= table)
  }

  async #read(
    table: ItemTable,
    id: string,
    options: SendOptions,
    onMoved?: () => void,
  ): Promise<SessionRecord<Data> | undefined> {
    const key = table.keyOf(id)
    const migration = this.#writes.migration
    const timed = migration === undefined ? options : table.timed(options)
    const item = await table.find(key, timed)
    const session = await table.openLive(item)
    if (session === undefined && item !== undefined && onMoved !== undefined && hasJustMoved(table, item)) {
      if (moveTraces.channels.hasSubscribers) moveTraces.tellAtOnce({ table: table.name, outcome: 'late' })
      onMoved()
      return undefined
    }
    const snapshot =
      migration === undefined ? session && snapshotOf(session) : await migration.read(id, session, timed)
    return snapshot && this.#record(table, snapshot)
  }

  #record(table: ItemTable, snapshot: SessionSnapshot): SessionRecord<Data> {
    return new SessionRecord<Data>(snapshot, table.clock.offsetMs)
  }
}
