import { randomBytes } from 'node:crypto'

import type { DynamoDBClient } from '../dynamodb/client.ts'
import { itemSizeBytes, MAX_ITEM_BYTES } from '../dynamodb/item-size.ts'
import { callerMistake, ConnectionError, SessionTooLargeError } from '../errors.ts'
import { bothOf, type Condition, type Layout, type StoredSession } from '../layout/layout.ts'
import { nativeLayout } from '../layout/native.ts'
import { hashSessionId, SESSION_ID_HASH_LENGTH } from '../seal/session-id-hash.ts'
import type { Clock, Item, SessionData } from '../types.ts'
import { openClient } from './connection.ts'
import { expiryAt, type ExpiryOptions, isTtl } from './expiry.ts'
import { conditionalSetInput, conditionInput, happened } from './expressions.ts'
import { countItems, deleteItems, type ListedTable, listItems } from './listing.ts'
import { readOptions } from './option-spec.ts'
import { SessionRecord } from './record.ts'
import {
  DEFAULT_PARTITION_KEY,
  DEFAULT_TABLE,
  DEFAULT_TTL_SECONDS,
  type SessionStoreOptions,
  storeOptionSpecs,
} from './store-options.ts'

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
   * still exists and has not expired: a session that was destroyed meanwhile stays destroyed (G3).
   *
   * @default none: the session is created, or replaced whatever it is
   */
  readonly basis?: SessionRecord<Data> | undefined
}

/** Options of {@link SessionStore.touch}. */
export interface TouchOptions extends CallOptions, ExpiryOptions {}

const REVISION_BYTES = 9
const MAX_KEY_BYTES = 2048

/**
 * Sessions in a DynamoDB table.
 *
 * Guarantees, by the names that the documentation explains: a write that resolved is stored (G1), a destroyed
 * session is not brought back by a late save or touch (G3, G4), a session is absent from the millisecond in which
 * it expires (G5), a failed read is never an empty session (G6), and every call settles within `deadlineMs` (G7).
 * Parallel writes of one session do not merge: the last one wins.
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
  readonly #layout: Layout
  readonly #table: string
  readonly #consistentRead: boolean
  readonly #ttlSeconds: number | ((data: Data) => number | undefined)

  /**
   * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values.
   */
  constructor(options: SessionStoreOptions<Data> = {}) {
    const environment = process.env
    const checked = readOptions<SessionStoreOptions<Data>>(options, storeOptionSpecs<Data>(), environment)
    const hashIds = checked.hashIds ?? true
    this.#client = openClient(checked, environment)
    this.#clock = this.#client.clock
    this.#table = checked.table ?? DEFAULT_TABLE
    this.#consistentRead = checked.consistentRead ?? true
    this.#ttlSeconds = checked.ttlSeconds ?? DEFAULT_TTL_SECONDS
    this.#layout = nativeLayout({
      partitionKey: checked.partitionKey ?? DEFAULT_PARTITION_KEY,
      prefix: checked.prefix ?? '',
      nameOf: hashIds ? hashSessionId : id => id,
      nameLength: hashIds ? SESSION_ID_HASH_LENGTH : undefined,
    })
  }

  /**
   * Reads a session. Reading does not extend its life.
   *
   * @returns the session, or `undefined` when there is none or it has expired.
   * @throws {SessionCorruptError} when the item is not a session; it is left as it is. Failures of the network, of
   *   DynamoDB or of the credentials throw too (G6): `undefined` always means that there is no such session.
   */
  async read(id: string, { signal }: CallOptions = {}): Promise<SessionRecord<Data> | undefined> {
    const key = this.#keyOf(id)
    const item =
      (await this.#getItem(key, this.#consistentRead, signal)) ??
      (this.#consistentRead ? undefined : await this.#getItem(key, true, signal))
    if (item === undefined || this.#layout.expiryOf(item) <= this.#clock.now()) return undefined
    return new SessionRecord<Data>(this.#layout.fromItem(item))
  }

  /**
   * Creates or replaces a session; with `basis`, saves a session that was read or written before.
   *
   * @param data any object that JSON can carry; it is stored as `JSON.stringify` writes it.
   * @returns the session as it is stored now, to be the `basis` of the next write. With `basis`: `undefined` when
   *   the session has been destroyed or has expired since, in which case nothing was written.
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
    const nowMs = this.#clock.now()
    const session: StoredSession = {
      key,
      data: data as SessionData,
      revision: randomBytes(REVISION_BYTES).toString('base64url'),
      createdMs: basis?.createdMs ?? Math.floor(nowMs / 1000) * 1000,
      expiresMs: expiryAt(nowMs, options, () => this.#defaultTtlSeconds(data)),
    }
    const item = this.#layout.toItem(session)
    const sizeBytes = itemSizeBytes(item)
    if (sizeBytes > MAX_ITEM_BYTES) throw new SessionTooLargeError(sizeBytes, MAX_ITEM_BYTES)
    const condition = basis === undefined ? undefined : conditionInput(this.#stillThere(nowMs, basis))
    const put = this.#client.send('PutItem', { TableName: this.#table, Item: item, ...condition }, { signal })
    return (await happened(put)) ? new SessionRecord<Data>(session) : undefined
  }

  /**
   * Moves the expiry of a session and changes nothing else. It neither creates a session nor revives one that has
   * expired or been destroyed (G4).
   *
   * @param target the session ID, or the record that the session was read or written as; a record also keeps the
   *   touch from another session that has taken the same ID since.
   * @returns whether there was something to touch.
   */
  async touch(target: string | SessionRecord<Data>, options: TouchOptions = {}): Promise<boolean> {
    const { signal } = options
    if (typeof target === 'string' && this.#lifetimeDependsOnData(options)) {
      const found = await this.read(target, { signal })
      return found !== undefined && this.touch(found, options)
    }
    const record = target instanceof SessionRecord ? target : undefined
    const key = this.#keyOfTarget(target)
    const nowMs = this.#clock.now()
    const expiresMs = expiryAt(nowMs, options, () => this.#defaultTtlSeconds(record?.data))
    const update = conditionalSetInput(
      this.#layout.expiryAttributes(expiresMs),
      this.#stillThere(nowMs, record),
    )
    return happened(
      this.#client.send(
        'UpdateItem',
        { TableName: this.#table, Key: this.#itemKey(key), ...update },
        { signal },
      ),
    )
  }

  /**
   * Deletes a session. Deleting one that does not exist is no error.
   *
   * @param target the session ID, or a record of the session.
   */
  async destroy(target: string | SessionRecord<Data>, { signal }: CallOptions = {}): Promise<void> {
    const key = this.#keyOfTarget(target)
    await this.#client.send('DeleteItem', { TableName: this.#table, Key: this.#itemKey(key) }, { signal })
  }

  /**
   * The partition keys of the sessions that have not expired, as {@link SessionRecord.key} has them. Reads the
   * whole table, a page at a time.
   */
  async *keys({ signal }: CallOptions = {}): AsyncGenerator<string, void, undefined> {
    for await (const item of listItems(this.#listed(), this.#clock.now(), true, { signal })) {
      const key = this.#layout.keyOfItem(item)
      if (key !== undefined) yield key
    }
  }

  /**
   * The sessions that have not expired. Reads the whole table, a page at a time; sessions that come and go
   * meanwhile may or may not be among them.
   *
   * @throws {SessionCorruptError} on reaching an item that is not a session.
   */
  async *records({ signal }: CallOptions = {}): AsyncGenerator<SessionRecord<Data>, void, undefined> {
    for await (const item of listItems(this.#listed(), this.#clock.now(), false, { signal })) {
      yield new SessionRecord<Data>(this.#layout.fromItem(item))
    }
  }

  /** The number of sessions that have not expired. Reads the whole table. */
  count({ signal }: CallOptions = {}): Promise<number> {
    return countItems(this.#listed(), this.#clock.now(), { signal })
  }

  /** Deletes every session under this store's `prefix`, expired ones too. Reads the whole table. */
  clear({ signal }: CallOptions = {}): Promise<void> {
    return deleteItems(this.#listed(), { signal })
  }

  /** Lets calls under way finish, refuses new ones and closes the connections. */
  close(): Promise<void> {
    return this.#client.close()
  }

  /** The same as {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #getItem(
    key: string,
    consistent: boolean,
    signal: AbortSignal | undefined,
  ): Promise<Item | undefined> {
    const { Item: item } = await this.#client.send(
      'GetItem',
      { TableName: this.#table, Key: this.#itemKey(key), ConsistentRead: consistent },
      { signal },
    )
    if (item !== undefined && this.#layout.keyOfItem(item) !== key) {
      throw new ConnectionError(
        'INVALID_RESPONSE',
        'DynamoDB was asked for one item and answered with another',
        {
          retryable: true,
        },
      )
    }
    return item
  }

  #stillThere(nowMs: number, record: SessionRecord<Data> | undefined): Condition {
    return bothOf(this.#layout.liveAt(nowMs), record && this.#layout.sameSessionAs(record))
  }

  #lifetimeDependsOnData({ ttlSeconds, expiresMs }: ExpiryOptions): boolean {
    return typeof this.#ttlSeconds === 'function' && ttlSeconds === undefined && expiresMs === undefined
  }

  #defaultTtlSeconds(data: Data | undefined): number {
    const ttlSeconds =
      typeof this.#ttlSeconds === 'function' && data !== undefined ? this.#ttlSeconds(data) : this.#ttlSeconds
    return isTtl(ttlSeconds) ? ttlSeconds : DEFAULT_TTL_SECONDS
  }

  #keyOfTarget(target: string | SessionRecord<Data>): string {
    return target instanceof SessionRecord ? target.key : this.#keyOf(target)
  }

  #keyOf(id: string): string {
    if (typeof id !== 'string' || id === '') {
      throw callerMistake('INVALID_SESSION_ID', 'a session ID has to be a text that is not empty')
    }
    const key = this.#layout.keyOf(id)
    if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
      throw callerMistake(
        'INVALID_SESSION_ID',
        `the session ID is too long: a key has at most ${MAX_KEY_BYTES} bytes`,
      )
    }
    return key
  }

  #itemKey(key: string): Item {
    return { [this.#layout.partitionKey]: { S: key } }
  }

  #listed(): ListedTable {
    return {
      client: this.#client,
      table: this.#table,
      layout: this.#layout,
      consistentRead: this.#consistentRead,
    }
  }
}
