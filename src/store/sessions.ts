import { invalidArgument } from '../errors.ts'
import type { SendOptions, TimedOptions } from '../aws/dynamodb/client.ts'
import { Deadline } from '../internal/deadline.ts'
import type { StoredSession } from '../layouts/layout.ts'
import { birthAt } from '../layouts/native.ts'
import type { Item, SessionData } from '../types.ts'
import { createSession } from '../items/create.ts'
import { destroySession } from '../items/destroy.ts'
import { DoubtfulCreations } from '../items/doubtful-creations.ts'
import type {
  DestroyByUserOptions,
  LockOptions,
  TouchOptions,
  WriteOptions,
} from '../options/call-options.ts'
import { expiryAt, type ExpiryOptions, isTtl } from '../items/expiry.ts'
import type { ItemTable } from '../items/item-table.ts'
import type { LockManager } from '../locks/lock-manager.ts'
import {
  isLocking,
  lockingContradiction,
  type LockingOptions,
  lockingSpec,
  lockingTerms,
} from '../options/locking-options.ts'
import { isUnchangedText } from '../items/merge.ts'
import type { Migration } from '../migration/migration.ts'
import {
  asRead,
  asSaved,
  requireRecords,
  SessionRecord,
  type Version,
  versionOf,
} from '../items/session-record.ts'
import { newMarker } from '../items/revision.ts'
import { type ConflictPolicy, saveSession } from '../items/save.ts'
import { SessionLock } from '../locks/session-lock.ts'
import { DEFAULT_TTL_SECONDS } from '../options/store-options.ts'
import { touchSession } from '../items/touch.ts'
import { isUserId } from '../layouts/user-index.ts'

/** What {@link Sessions} is made of: options of a store, checked and with their defaults. */
export interface SessionsOptions<Data extends object> {
  readonly items: ItemTable
  /** Where sessions used to be; absent when they do not move. */
  readonly migration: Migration | undefined
  readonly ttlSeconds: number | ((data: Data) => number | undefined)
  readonly touchAfterSeconds: number | undefined
  readonly hasAbsoluteTimeout: boolean
  readonly onConflict: ConflictPolicy<Data>
  readonly userId: ((data: Data) => string | null | undefined) | undefined
  readonly locking: LockingOptions
}

const MAX_KEY_BYTES = 2048

/** The sessions of one table in one layout: what `SessionStore` does once its layout is loaded. */
export class Sessions<Data extends object> {
  readonly items: ItemTable
  readonly #options: SessionsOptions<Data>
  readonly #doubtfulCreations = new DoubtfulCreations()
  #locks: LockManager | undefined

  constructor(options: SessionsOptions<Data>) {
    this.items = options.items
    this.#options = options
  }

  async read(id: string, options: SendOptions): Promise<SessionRecord<Data> | undefined> {
    const { migration } = this.#options
    const key = this.#keyOf(id)
    if (migration === undefined) {
      // Not by way of #read, whose promise would be one more for every session that is read.
      const session = await this.#openLive(await this.#itemOf(key, options))
      return session && this.#record(asRead(session))
    }
    const { signal, deadline } = options
    const oneDeadline = deadline === undefined ? this.#oneDeadline(signal) : options
    return this.#recordOf(await migration.read(id, await this.#read(key, oneDeadline), oneDeadline))
  }

  async write(id: string, data: Data, options: WriteOptions<Data>): Promise<SessionRecord<Data> | undefined> {
    const { basis, movedFrom, signal } = options
    const key = this.#keyOf(id)
    const { clock } = this.items
    const oneDeadline = this.#oneDeadline(signal)
    requireRecords({ basis, movedFrom }, key)
    const saved = await clock.retryAfterClockCorrection(() =>
      basis === undefined
        ? this.#create(id, key, data, options, oneDeadline)
        : this.#save(versionOf(basis), data, options, oneDeadline),
    )
    return this.#recordOf(saved)
  }

  async touch(target: string | SessionRecord<Data>, options: TouchOptions): Promise<boolean> {
    const oneDeadline = this.#oneDeadline(options.signal)
    const move = (): Promise<number | undefined> => this.#moveExpiry(target, options, oneDeadline)
    return (await this.items.clock.retryAfterClockCorrection(move)) !== undefined
  }

  async destroy(target: string | SessionRecord<Data>, options: SendOptions): Promise<void> {
    const key = this.keyOfTarget(target)
    const { migration } = this.#options
    const oneDeadline = this.#oneDeadline(options.signal)
    const destroy = (): Promise<void> => destroySession(this.items, key, this.#doubtfulCreations, oneDeadline)
    await (migration === undefined
      ? this.items.clock.retryAfterClockCorrection(destroy)
      : migration.destroy(target, key, this.#doubtfulCreations, oneDeadline))
    this.#locks?.forget(key)
  }

  async lock(id: string, options: LockOptions): Promise<SessionLock<Data> | undefined> {
    const { signal, renew = true, ...terms } = options
    const key = this.#keyOf(id)
    if (typeof renew !== 'boolean') {
      throw invalidArgument('INVALID_OPTION', 'the option "renew" takes true or false')
    }
    if (!isLocking(terms)) {
      throw invalidArgument(
        'INVALID_OPTION',
        `a setting of the lock has a wrong value; the option "locking" takes ${lockingSpec.takes}`,
      )
    }
    if (!renew && terms.maxHoldSeconds !== undefined) {
      throw invalidArgument(
        'INVALID_OPTION',
        'the option "maxHoldSeconds" has no effect with the option "renew" set to false: the lock ends with its lease; leave ' +
          'it out',
      )
    }
    const { locking, migration } = this.#options
    const given = { ...defined(locking), ...defined(terms) }
    const contradiction = lockingContradiction(given)
    if (contradiction !== undefined) {
      const problem = `the lock, as "locking" and this call have it, ${contradiction}`
      throw invalidArgument('INVALID_OPTION', problem)
    }
    const locks = await this.#openLocks()
    const settled = { ...lockingTerms(given), signal }
    const locked = await locks.lock(key, settled, migration?.lockSource(id, signal))
    if (locked === undefined) return undefined
    if (renew) locked.lease.keepAlive()
    const version = { ...asRead(locked.session, locked.lease), origin: migration?.originOf(id) }
    return new SessionLock(this.#record(version), locked.lease)
  }

  /** The data of a record as the application got them, in a new object. */
  dataAsRead(record: SessionRecord<Data>): Data {
    const { seenText, origin } = versionOf(record)
    const { migration } = this.#options
    const data =
      migration !== undefined && origin?.session !== undefined
        ? migration.sourceData(origin.session)
        : this.items.layout.codec.decode(seenText)
    return data as Data
  }

  /** The keys of sessions that somebody named, by ID or by record. */
  keysOf(targets: DestroyByUserOptions<Data>['except']): string[] {
    if (targets === undefined) return []
    const all = typeof targets === 'string' || targets instanceof SessionRecord ? [targets] : targets
    const isList: boolean = Array.isArray(all)
    if (!isList) {
      throw invalidArgument(
        'INVALID_OPTION',
        'the option "except" takes the ID or the record of a session, or an array of them',
      )
    }
    return all.map(target => this.keyOfTarget(target))
  }

  /** Gives back the locks that this process has. */
  async releaseLocks(): Promise<void> {
    await this.#locks?.releaseAll()
  }

  keyOfTarget(target: string | SessionRecord<Data>): string {
    return target instanceof SessionRecord ? target.key : this.#keyOf(target)
  }

  #recordOf(version: Version | undefined): SessionRecord<Data> | undefined {
    return version && this.#record(version)
  }

  #record(version: Version): SessionRecord<Data> {
    return new SessionRecord<Data>(version, this.items.clock.offsetMs)
  }

  /** Lets everything that one call takes share one deadline (G7). */
  #oneDeadline(signal: AbortSignal | undefined): TimedOptions {
    return { signal, deadline: new Deadline(this.items.client.deadlineMs) }
  }

  async #read(key: string, options: SendOptions): Promise<StoredSession | undefined> {
    return this.#openLive(await this.#itemOf(key, options))
  }

  #itemOf(key: string, options: SendOptions): Promise<Item | undefined> {
    return this.items.consistentRead ? this.items.get(key, true, options) : this.#itemInTwoReads(key, options)
  }

  /** What an eventually consistent read does not find may still be there. */
  async #itemInTwoReads(key: string, { signal, deadline }: SendOptions): Promise<Item | undefined> {
    const options = deadline === undefined ? this.#oneDeadline(signal) : { signal, deadline }
    return (await this.items.get(key, false, options)) ?? this.items.get(key, true, options)
  }

  #openLive(item: Item | undefined): StoredSession | Promise<StoredSession> | undefined {
    const { items } = this
    return item !== undefined && items.isLive(item, items.clock.now()) ? items.open(item) : undefined
  }

  async #create(
    id: string,
    key: string,
    data: Data,
    wanted: WriteOptions<Data>,
    options: TimedOptions,
  ): Promise<Version> {
    const { items } = this
    const { movedFrom } = wanted
    const text = items.layout.codec.encode(data, movedFrom && versionOf(movedFrom).session.text)
    const createdMs = this.#wholeSecond()
    const marker = newMarker()
    const session: StoredSession = {
      key,
      data: data as SessionData,
      text,
      revision: marker,
      version: undefined,
      createdMs,
      birth: birthAt(items.clock.now(), newMarker()),
      expiresMs: this.#expiryOf(wanted, data, { createdMs }),
      user: this.#userOf(data, undefined),
    }
    const item = await items.itemOf(session)
    const created = items.versionIn(item, session)
    const { migration } = this.#options
    if (migration !== undefined) {
      await migration.create(id, item, this.#doubtfulCreations, options)
      this.#locks?.forget(key)
      return { ...asRead(created), origin: migration.originOf(id) }
    }
    const creation = {
      session: created,
      item,
      marker,
      doubtful: this.#doubtfulCreations,
      random: Math.random,
    }
    const stored = await createSession(items, creation, options)
    this.#locks?.forget(key)
    return asSaved(stored, text)
  }

  async #save(
    basis: Version,
    data: Data,
    wanted: ExpiryOptions,
    options: SendOptions,
  ): Promise<Version | undefined> {
    const { touchAfterSeconds, onConflict, migration } = this.#options
    const { session: stored } = basis
    const { codec } = this.items.layout
    const text = migration === undefined ? codec.encode(data, stored.text) : migration.encode(basis, data)
    const createdMs = stored.createdMs ?? this.#wholeSecond()
    const expiresMs = this.#expiryOf(wanted, data, { createdMs })
    const user = this.#userOf(data, stored.user)
    if (user === stored.user && isUnchangedText(codec, text, basis.seenText)) {
      const storedMs = await this.#touch(basis, expiresMs, touchAfterSeconds, options)
      if (storedMs === undefined) return undefined
      // The application may have changed the object that it got, and saved another one.
      const current = basis.seenText === stored.text ? (data as SessionData) : codec.decode(stored.text)
      return {
        ...asSaved({ ...stored, data: current, expiresMs: storedMs }, basis.seenText),
        origin: basis.origin,
      }
    }
    const save = {
      basis,
      marker: newMarker(),
      session: { ...stored, data: data as SessionData, text, createdMs, expiresMs, user },
      onConflict: onConflict as ConflictPolicy<never>,
      userOf: (merged: SessionData, current: string | undefined) => this.#userOf(merged as Data, current),
      random: Math.random,
    }
    return migration === undefined
      ? saveSession(this.items, save, options)
      : migration.save(this.items, save, options)
  }

  /** When the session expires now; `undefined` when there was nothing to touch. */
  #moveExpiry(
    target: string | SessionRecord<Data>,
    options: TouchOptions,
    oneDeadline: SendOptions,
  ): Promise<number | undefined> {
    const { touchAfterSeconds, hasAbsoluteTimeout, migration } = this.#options
    if (target instanceof SessionRecord) {
      const version = versionOf(target)
      const expiresMs = this.#expiryOf(options, target.data, version.session)
      return this.#touch(version, expiresMs, touchAfterSeconds, oneDeadline)
    }
    const key = this.#keyOf(target)
    if (hasAbsoluteTimeout || migration !== undefined || this.#lifetimeDependsOnData(options)) {
      return this.#readAndTouch(target, options, oneDeadline)
    }
    const expiresMs = this.#expiryOf(options, undefined, undefined)
    const isDefault = options.expiresMs === undefined && options.ttlSeconds === undefined
    const touch = { key, version: undefined, expiresMs, isDefault, touchAfterSeconds: 0 }
    return touchSession(this.items, touch, oneDeadline)
  }

  async #readAndTouch(
    id: string,
    options: TouchOptions,
    oneDeadline: SendOptions,
  ): Promise<number | undefined> {
    const record = await this.read(id, oneDeadline)
    if (record === undefined) return undefined
    const version = versionOf(record)
    const expiresMs = this.#expiryOf(options, record.data, version.session)
    return this.#touch(version, expiresMs, 0, oneDeadline)
  }

  #touch(
    version: Version,
    expiresMs: number,
    touchAfterSeconds: number | undefined,
    options: SendOptions,
  ): Promise<number | undefined> {
    const touch = { key: version.session.key, version, expiresMs, touchAfterSeconds }
    const { migration } = this.#options
    return migration === undefined
      ? touchSession(this.items, touch, options)
      : migration.touch(this.items, touch, options)
  }

  async #openLocks(): Promise<LockManager> {
    const { LockManager } = await import('../locks/lock-manager.ts')
    this.#locks ??= new LockManager(this.items, Math.random)
    return this.#locks
  }

  /** The expiry that a write or touch is to give a session; never past its absolute timeout. */
  #expiryOf(
    wanted: ExpiryOptions,
    data: Data | undefined,
    session: { readonly createdMs: number | undefined } | undefined,
  ): number {
    const expiresMs = expiryAt(this.items.clock, wanted, () => this.#defaultTtlSeconds(data))
    return Math.min(expiresMs, this.items.latestExpiryMs(session?.createdMs))
  }

  #lifetimeDependsOnData({ ttlSeconds, expiresMs }: ExpiryOptions): boolean {
    return (
      typeof this.#options.ttlSeconds === 'function' && ttlSeconds === undefined && expiresMs === undefined
    )
  }

  #defaultTtlSeconds(data: Data | undefined): number {
    const { ttlSeconds: given } = this.#options
    const ttlSeconds = typeof given === 'function' && data !== undefined ? given(data) : given
    return isTtl(ttlSeconds) ? ttlSeconds : DEFAULT_TTL_SECONDS
  }

  /** Whose session some data make it; a store that does not know leaves that as it is. */
  #userOf(data: Data, current: string | undefined): string | undefined {
    const { userId } = this.#options
    if (userId === undefined) return current
    const user: unknown = userId(data) ?? ''
    if (user === '') return undefined
    if (isUserId(user)) return user
    throw invalidArgument(
      'INVALID_OPTION',
      'the function "userId" has to return a text of at most 2048 bytes, or nothing; it returned something else',
    )
  }

  #wholeSecond(): number {
    return Math.floor(this.items.clock.now() / 1000) * 1000
  }

  #keyOf(id: string): string {
    if (typeof id !== 'string' || id === '') {
      throw invalidArgument('INVALID_SESSION_ID', 'a session ID has to be a text that is not empty')
    }
    const key = this.items.layout.keyOf(id)
    if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
      throw invalidArgument(
        'INVALID_SESSION_ID',
        `the session ID is too long: a key has at most ${MAX_KEY_BYTES} bytes`,
      )
    }
    return key
  }
}

/** The settings that are not `undefined`, so that they can be laid over others. */
function defined<Settings extends object>(
  settings: Settings,
): { [Name in keyof Settings]: NonNullable<Settings[Name]> } {
  const entries = Object.entries(settings).filter(([, setting]) => setting !== undefined)
  return Object.fromEntries(entries) as { [Name in keyof Settings]: NonNullable<Settings[Name]> }
}
