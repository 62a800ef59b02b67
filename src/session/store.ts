import type { DynamoDBClient } from '../dynamodb/client.ts'
import { callerMistake } from '../errors.ts'
import type { StoredSession } from '../layout/layout.ts'
import { type DataSeal, nativeLayout } from '../layout/native.ts'
import {
  type CompressionOptions,
  copiedEncryption,
  type EncryptionOptions,
  sealsWrites,
} from '../seal/seal-options.ts'
import { hashSessionId, SESSION_ID_HASH_LENGTH } from '../seal/session-id-hash.ts'
import type { Clock, SessionData } from '../types.ts'
import { openClient } from './connection.ts'
import { expiryAt, type ExpiryOptions, isTtl } from './expiry.ts'
import type { GarbageCollectionOptions, GarbageCollectionResult } from './garbage-collection.ts'
import { ItemTable } from './item-table.ts'
import type { Locks } from './locks.ts'
import { DEFAULT_LOCKING, isLocking, type LockingOptions } from './locking-options.ts'
import { isUnchanged } from './merge.ts'
import { readOptions } from './option-spec.ts'
import { asRead, SessionRecord, type Version, versionOf } from './record.ts'
import { type ConflictPolicy, newRevision, saveSession } from './save.ts'
import { SessionLock } from './session-lock.ts'
import {
  DEFAULT_PARTITION_KEY,
  DEFAULT_TABLE,
  DEFAULT_TTL_SECONDS,
  type SessionStoreOptions,
  storeOptionSpecs,
} from './store-options.ts'
import { touchSession } from './touch.ts'
import type { UserSession } from './user-sessions.ts'

/** Options that every call of {@link SessionStore} takes. */
export interface CallOptions {
  /**
   * Gives the call up at any moment; it then rejects with the signal's reason. A write that is given up may
   * still have happened.
   *
   * @default none
   */
  readonly signal?: AbortSignal | undefined
}

/** Options of {@link SessionStore.write}. */
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

/** Options of {@link SessionStore.touch}. */
export interface TouchOptions extends CallOptions, ExpiryOptions {}

/** Options of {@link SessionStore.lock}. What is absent is as the store's option `locking` says. */
export interface LockOptions extends CallOptions, LockingOptions {
  /**
   * Whether the lock is renewed in the background until it ends.
   *
   * @default true
   */
  readonly renew?: boolean | undefined
}

/** Options of {@link SessionStore.destroyByUser}. */
export interface DestroyByUserOptions<Data extends object = SessionData> extends CallOptions {
  /**
   * The session to keep, or several: their IDs or records.
   *
   * @default none
   */
  readonly except?: string | SessionRecord<Data> | readonly (string | SessionRecord<Data>)[] | undefined
}

const MAX_KEY_BYTES = 2048

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
 * call. An idle store does not keep the process alive.
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
  readonly #clock: Clock
  readonly #items: ItemTable
  readonly #ttlSeconds: number | ((data: Data) => number | undefined)
  readonly #touchAfterSeconds: number | undefined
  readonly #hasAbsoluteTimeout: boolean
  readonly #onConflict: ConflictPolicy<Data>
  readonly #userId: ((data: Data) => string | null | undefined) | undefined
  readonly #locking: boolean | LockingOptions
  #locks: Locks | undefined

  /**
   * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
   */
  constructor(options: SessionStoreOptions<Data> = {}) {
    const environment = process.env
    const checked = readOptions<SessionStoreOptions<Data>>(options, storeOptionSpecs<Data>(), environment)
    const { hashIds = true, encryption, compression, absoluteTimeoutSeconds } = checked
    this.#client = openClient(checked, environment)
    this.#clock = this.#client.clock
    this.#ttlSeconds = checked.ttlSeconds ?? DEFAULT_TTL_SECONDS
    this.#touchAfterSeconds = checked.touchAfterSeconds
    this.#hasAbsoluteTimeout = absoluteTimeoutSeconds !== undefined
    this.#onConflict = checked.onConflict ?? 'merge'
    this.#userId = checked.userId
    this.#locking = checked.locking ?? false
    this.#items = new ItemTable({
      client: this.#client,
      table: checked.table ?? DEFAULT_TABLE,
      consistentRead: checked.consistentRead ?? true,
      absoluteTimeoutMs: absoluteTimeoutSeconds === undefined ? undefined : absoluteTimeoutSeconds * 1000,
      layout: nativeLayout({
        partitionKey: checked.partitionKey ?? DEFAULT_PARTITION_KEY,
        prefix: checked.prefix ?? '',
        nameOf: hashIds ? hashSessionId : id => id,
        nameLength: hashIds ? SESSION_ID_HASH_LENGTH : undefined,
        sealsWrites: sealsWrites({ encryption, compression }),
        loadSeal: lazySeal(encryption, compression),
      }),
    })
  }

  /**
   * Whether adapters lock the sessions that they load: the option `locking`.
   *
   * @internal
   */
  get locksSessions(): boolean {
    return this.#locking !== false
  }

  /**
   * Reads a session. Reading does not extend its life, and does not wait for locks.
   *
   * @returns the session, or `undefined` when there is none or it has expired.
   * @throws {SessionCorruptError | SessionDecryptionError} when the item is not a session that can be read; it is left
   *   as it is. Failures of the network, of DynamoDB or of the credentials throw too (G6): `undefined` always means that
   *   there is no such session.
   */
  async read(id: string, { signal }: CallOptions = {}): Promise<SessionRecord<Data> | undefined> {
    const session = await this.#read(this.#keyOf(id), signal)
    return session && new SessionRecord<Data>(asRead(session))
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
   * @throws {LockLostError} when `basis` is from a lock that somebody else has taken since.
   * @throws {SessionTooLargeError} when the item would exceed 400 KB; nothing was sent.
   * @throws {TypeError} `INVALID_SESSION_DATA` when JSON cannot carry the data.
   */
  async write(
    id: string,
    data: Data,
    options?: WriteOptions<Data> & { basis?: undefined },
  ): Promise<SessionRecord<Data>>
  async write(id: string, data: Data, options: WriteOptions<Data>): Promise<SessionRecord<Data> | undefined>
  async write(
    id: string,
    data: Data,
    options: WriteOptions<Data> = {},
  ): Promise<SessionRecord<Data> | undefined> {
    const { basis, signal } = options
    const key = this.#keyOf(id)
    if (basis !== undefined && basis.key !== key) {
      throw callerMistake('INVALID_OPTION', 'the basis is the record of another session')
    }
    const version =
      basis === undefined
        ? await this.#create(key, data, options)
        : await this.#save(versionOf(basis), data, options, signal)
    return version && new SessionRecord<Data>(version)
  }

  /**
   * Moves the expiry of a session and changes nothing else. It neither creates a session nor revives one that has
   * expired or been destroyed (G4).
   *
   * @param target the session ID, or the record that the session was read or written as. A touch of a record is left out
   *   when it would change little (`touchAfterSeconds`), and keeps off another session that has taken the same ID since.
   * @returns whether there was something to touch; a touch that is left out says so, too.
   */
  async touch(target: string | SessionRecord<Data>, options: TouchOptions = {}): Promise<boolean> {
    const { signal } = options
    const key = this.#keyOfTarget(target)
    if (target instanceof SessionRecord) {
      const version = versionOf(target)
      const expiresMs = this.#expiryOf(options, target.data, version.session)
      return (await this.#touch(version, expiresMs, this.#touchAfterSeconds, signal)) !== undefined
    }
    if (this.#hasAbsoluteTimeout || this.#lifetimeDependsOnData(options)) {
      const session = await this.#read(key, signal)
      if (session === undefined) return false
      const expiresMs = this.#expiryOf(options, session.data as Data, session)
      return (await this.#touch(asRead(session), expiresMs, 0, signal)) !== undefined
    }
    const touch = { key, version: undefined, expiresMs: this.#expiryOf(options, undefined, undefined) }
    return (await touchSession(this.#items, { ...touch, touchAfterSeconds: 0 }, { signal })) !== undefined
  }

  /**
   * Deletes a session, locked or not. Deleting one that does not exist is no error.
   *
   * @param target the session ID, or a record of the session.
   */
  async destroy(target: string | SessionRecord<Data>, { signal }: CallOptions = {}): Promise<void> {
    const key = this.#keyOfTarget(target)
    await this.#items.delete(key, { signal })
    this.#locks?.forget(key)
  }

  /**
   * Reads a session and locks it: until it is saved, touched, destroyed or released, every other `lock` of it waits
   * (G10). `read` does not wait, and a write by somebody who has not locked it is merged, as ever (G2).
   *
   * @returns `undefined` when there is no such session; nothing was created.
   * @throws {SessionLockedError} when somebody else still has the lock after `maxWaitMs`.
   */
  async lock(id: string, options: LockOptions = {}): Promise<SessionLock<Data> | undefined> {
    const { signal, renew = true, ...terms } = options
    const key = this.#keyOf(id)
    if (!isLocking(terms)) {
      throw callerMistake('INVALID_OPTION', 'lock takes the options of "locking", signal and renew')
    }
    const settings = typeof this.#locking === 'object' ? this.#locking : {}
    const locks = await this.#openLocks()
    const locked = await locks.lock(key, {
      ...DEFAULT_LOCKING,
      ...defined(settings),
      ...defined(terms),
      signal,
    })
    if (locked === undefined) return undefined
    if (renew) locked.lease.keepAlive()
    const record = new SessionRecord<Data>(asRead(locked.session, locked.lease))
    return new SessionLock(record, locked.lease)
  }

  /**
   * The partition keys of the sessions that have not expired, as {@link SessionRecord.key} has them. Reads the
   * whole table, a page at a time.
   */
  async *keys(options: CallOptions = {}): AsyncGenerator<string, void, undefined> {
    const { listItems } = await import('./listing.ts')
    for await (const item of listItems(this.#items, true, options)) {
      const key = this.#items.layout.keyOfItem(item)
      if (key !== undefined) yield key
    }
  }

  /**
   * The sessions that have not expired. Reads the whole table, a page at a time; sessions that come and go
   * meanwhile may or may not be among them.
   *
   * @throws {SessionCorruptError | SessionDecryptionError} on reaching an item that is not a session that can be read.
   */
  async *records(options: CallOptions = {}): AsyncGenerator<SessionRecord<Data>, void, undefined> {
    const { listItems } = await import('./listing.ts')
    for await (const item of listItems(this.#items, false, options)) {
      yield new SessionRecord<Data>(asRead(await this.#items.open(item)))
    }
  }

  /** The number of sessions that have not expired. Reads the whole table. */
  async count(options: CallOptions = {}): Promise<number> {
    const { countItems } = await import('./listing.ts')
    return countItems(this.#items, options)
  }

  /** Deletes every session under this store's `prefix`, expired ones too. Reads the whole table. */
  async clear(options: CallOptions = {}): Promise<void> {
    const { deleteItems } = await import('./listing.ts')
    await deleteItems(this.#items, options)
  }

  /**
   * Deletes the sessions under this store's `prefix` that have expired, for engines and tables without time to live,
   * and for who does not want to wait for it (DynamoDB takes up to some days). Reads the whole table.
   *
   * A session that is extended while this runs survives.
   */
  async collectGarbage(options: GarbageCollectionOptions = {}): Promise<GarbageCollectionResult> {
    const { collectGarbage } = await import('./garbage-collection.ts')
    return collectGarbage(this.#items, options)
  }

  /**
   * The sessions of a user that have not expired, in no particular order. Needs the option `userId` when they are
   * written, and the index that `createTable` makes. The index follows a moment later: a session that has just been
   * written may be missing, and one that has just been destroyed may be there.
   */
  async *listByUser(userId: string, options: CallOptions = {}): AsyncGenerator<UserSession, void, undefined> {
    const { listByUser } = await import('./user-sessions.ts')
    yield* listByUser(this.#items, userId, options)
  }

  /**
   * Destroys the sessions of a user: "sign out everywhere". What a request has under way with one of them cannot bring
   * it back (G3). A session that is written for the first time at the same moment may escape.
   *
   * @returns how many were destroyed.
   */
  async destroyByUser(
    userId: string,
    { except = [], signal }: DestroyByUserOptions<Data> = {},
  ): Promise<number> {
    const { destroyByUser } = await import('./user-sessions.ts')
    const kept = Array.isArray(except) ? except : [except]
    return destroyByUser(this.#items, userId, {
      except: kept.map((target: string | SessionRecord<Data>) => this.#keyOfTarget(target)),
      signal,
    })
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

  async #read(key: string, signal: AbortSignal | undefined): Promise<StoredSession | undefined> {
    const items = this.#items
    const item =
      (await items.get(key, items.consistentRead, { signal })) ??
      (items.consistentRead ? undefined : await items.get(key, true, { signal }))
    if (item === undefined || !items.isLive(item, this.#clock.now())) return undefined
    return items.open(item)
  }

  async #create(key: string, data: Data, options: WriteOptions<Data>): Promise<Version> {
    const text = this.#items.layout.codec.encode(data, undefined)
    const createdMs = Math.floor(this.#clock.now() / 1000) * 1000
    const session: StoredSession = {
      key,
      data: data as SessionData,
      text,
      revision: newRevision(),
      createdMs,
      expiresMs: this.#expiryOf(options, data, { createdMs }),
      user: this.#userOf(data),
    }
    await this.#items.put(await this.#items.itemOf(session), { signal: options.signal })
    this.#locks?.forget(key)
    return { session, seenText: text, lease: undefined }
  }

  async #save(
    basis: Version,
    data: Data,
    options: WriteOptions<Data>,
    signal: AbortSignal | undefined,
  ): Promise<Version | undefined> {
    const { codec } = this.#items.layout
    const { session: stored } = basis
    // Who goes on with the record's own object has seen what a merge brought in; who goes on with another has not.
    const seenText = data === stored.data ? stored.text : basis.seenText
    const text = codec.encode(data, stored.text)
    const createdMs = stored.createdMs ?? Math.floor(this.#clock.now() / 1000) * 1000
    const expiresMs = this.#expiryOf(options, data, { createdMs })
    const user = this.#userOf(data)
    if (user === stored.user && this.#isUnchanged(text, seenText)) {
      const storedMs = await this.#touch(basis, expiresMs, this.#touchAfterSeconds, signal)
      if (storedMs === undefined) return undefined
      return { session: { ...stored, expiresMs: storedMs }, seenText, lease: undefined }
    }
    const session = { ...stored, data: data as SessionData, text, createdMs, expiresMs, user }
    const userOf = (merged: SessionData): string | undefined => this.#userOf(merged as Data)
    return saveSession(
      this.#items,
      {
        basis,
        session,
        seenText,
        onConflict: this.#onConflict as ConflictPolicy<never>,
        userOf,
        random: Math.random,
      },
      { signal },
    )
  }

  #isUnchanged(text: string, seenText: string): boolean {
    if (text === seenText) return true
    const { codec } = this.#items.layout
    return isUnchanged(codec.decode(text), codec.decode(seenText), (left, right) => codec.isSame(left, right))
  }

  #touch(
    version: Version,
    expiresMs: number,
    touchAfterSeconds: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<number | undefined> {
    const touch = { key: version.session.key, version, expiresMs, touchAfterSeconds }
    return touchSession(this.#items, touch, { signal })
  }

  async #openLocks(): Promise<Locks> {
    const { Locks } = await import('./locks.ts')
    this.#locks ??= new Locks(this.#items, Math.random)
    return this.#locks
  }

  /** The expiry that a write or touch is to give a session; never past its absolute timeout. */
  #expiryOf(
    wanted: ExpiryOptions,
    data: Data | undefined,
    session: { readonly createdMs: number | undefined } | undefined,
  ): number {
    const expiresMs = expiryAt(this.#clock.now(), wanted, () => this.#defaultTtlSeconds(data))
    return Math.min(expiresMs, this.#items.latestExpiryMs(session?.createdMs))
  }

  #lifetimeDependsOnData({ ttlSeconds, expiresMs }: ExpiryOptions): boolean {
    return typeof this.#ttlSeconds === 'function' && ttlSeconds === undefined && expiresMs === undefined
  }

  #defaultTtlSeconds(data: Data | undefined): number {
    const ttlSeconds =
      typeof this.#ttlSeconds === 'function' && data !== undefined ? this.#ttlSeconds(data) : this.#ttlSeconds
    return isTtl(ttlSeconds) ? ttlSeconds : DEFAULT_TTL_SECONDS
  }

  #userOf(data: Data): string | undefined {
    const user = this.#userId?.(data) ?? undefined
    if (user !== undefined && (typeof user !== 'string' || Buffer.byteLength(user) > MAX_KEY_BYTES)) {
      throw callerMistake(
        'INVALID_OPTION',
        `the function "userId" has to return a text of at most ${MAX_KEY_BYTES} bytes or nothing; it returned something else`,
      )
    }
    return user === '' ? undefined : user
  }

  #keyOfTarget(target: string | SessionRecord<Data>): string {
    return target instanceof SessionRecord ? target.key : this.#keyOf(target)
  }

  #keyOf(id: string): string {
    if (typeof id !== 'string' || id === '') {
      throw callerMistake('INVALID_SESSION_ID', 'a session ID has to be a text that is not empty')
    }
    const key = this.#items.layout.keyOf(id)
    if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
      throw callerMistake(
        'INVALID_SESSION_ID',
        `the session ID is too long: a key has at most ${MAX_KEY_BYTES} bytes`,
      )
    }
    return key
  }
}

/** Loads what compresses and encrypts when it is first needed, and keeps one for all: deriving keys is costly. */
function lazySeal(
  encryption: EncryptionOptions | undefined,
  compression: CompressionOptions | undefined,
): () => Promise<DataSeal> {
  const given = { encryption: encryption && copiedEncryption(encryption), compression }
  let seal: DataSeal | undefined
  return async () => {
    const { dataSeal } = await import('../seal/data-seal.ts')
    seal ??= dataSeal(given)
    return seal
  }
}

/** The settings that are not `undefined`, so that they can be laid over others. */
function defined<Settings extends object>(
  settings: Settings,
): { [Name in keyof Settings]: NonNullable<Settings[Name]> } {
  const entries = Object.entries(settings).filter(([, setting]) => setting !== undefined)
  return Object.fromEntries(entries) as { [Name in keyof Settings]: NonNullable<Settings[Name]> }
}
