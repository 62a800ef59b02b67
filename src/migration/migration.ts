import type { SendOptions, TimedOptions } from '../aws/dynamodb/client-options.ts'
import { invalidOption, SessionConflictError } from '../errors.ts'
import { allOf, type Condition, type StoredSession } from '../layouts/layout.ts'
import type { Item, SessionData } from '../types.ts'
import { openLayout } from '../layouts/open-layout.ts'
import type { StoreOptions } from '../options/store-options.ts'
import { SessionConverter } from './session-converter.ts'
import type { RecentKeys } from '../items/lifecycle.ts'
import { ItemTable } from '../items/item-table.ts'
import { newOwner, remainingLockMs } from '../locks/lease.ts'
import type { FoundSession, LockSource } from '../locks/lock-manager.ts'
import {
  snapshotOf,
  savedSnapshot,
  type Origin,
  type SessionRecord,
  type SessionSnapshot,
  snapshotIn,
  isWriteOf,
  newMarker,
  revisionAfter,
} from '../items/session-record.ts'
import { resolveConflict } from '../items/merge.ts'
import { lockLost, reportUnresolved, type Save, saveSession, unwritten } from '../items/save.ts'
import { writeConditionally } from '../items/conditional-write.ts'
import { type Touch, touchSession } from '../items/touch.ts'
import { type Keys, MigrationTables } from './migration-tables.ts'

const MOVED_AWAY =
  'others have moved the session while it was locked, and its lock with it; the save was given up; read it again'

/** How a session is moved. */
interface Move {
  /** Of the write that it is. */
  readonly marker: string
  /** The attributes of a lock that it is to have in the target. */
  readonly lock?: Item
  /** Holds while it is free in the source. */
  readonly free?: Condition | undefined
}

/** What is done to a session that others may move meanwhile. */
interface Following<Result> {
  /** @returns `undefined` when the session is not as it was. */
  readonly apply: () => Promise<Result | undefined>
  /** Takes note of where it is now; a result when there is nothing to be done any more. */
  readonly follow: (
    found: FoundSession,
    attempt: number,
  ) => Result | undefined | void | Promise<Result | undefined>
  readonly gaveUp?: (error: SessionConflictError) => void
}

/**
 * Opens what moves sessions to a table, for a store with these options.
 *
 * @throws {TypeError} `INVALID_OPTION` when the options do not say from where.
 */
export async function openMigration<Data extends object>(
  target: ItemTable,
  { migrateFrom, table, encryption }: StoreOptions<Data>,
): Promise<Migration> {
  if (migrateFrom === undefined) throw invalidOption('the option "migrateFrom" is missing')
  const given = typeof migrateFrom === 'string' ? { layout: migrateFrom } : migrateFrom
  // What is in the same table is under the same key attribute, whatever its software takes by default.
  const { partitionKey = given.table === undefined ? target.layout.partitionKey : undefined } = given
  const source = { ...given, table: given.table ?? table, partitionKey, encryption }
  return new Migration(target, new ItemTable(target.client, await openLayout(source), source))
}

/**
 * Moves sessions from where they used to be: another layout, another prefix or another table.
 *
 * A session that is not in the target, where the store keeps its sessions, is read from the source; its first save moves
 * it, in one transaction, so that at every moment it is in one place. It works in both directions at the same time:
 * processes that move sessions forth and processes that move them back can serve the same visitors, which is what a rolling
 * deployment and its rollback are. So a session that is not where it was is followed, and there is none only when it is in
 * neither place at one moment.
 *
 * @throws {DynamoDBSessionsError} `TRANSACTIONS_UNSUPPORTED` from its methods, on engines without transactions.
 */
export class Migration {
  readonly #target: ItemTable
  readonly #source: ItemTable
  readonly #tables: MigrationTables
  readonly #converter: SessionConverter

  /**
   * @throws {TypeError} `INVALID_OPTION` when both places are the same.
   */
  constructor(target: ItemTable, source: ItemTable) {
    if (target.name === source.name && target.layout.keyOf('-') === source.layout.keyOf('-')) {
      throw invalidOption(
        'the option "migrateFrom" names the place where this store keeps sessions itself: the keys are the same; give this ' +
          'store another "prefix" or table',
      )
    }
    this.#target = target
    this.#source = source
    this.#tables = new MigrationTables(target, source)
    this.#converter = new SessionConverter(target, source)
  }

  /** Where sessions are moved from. */
  get source(): ItemTable {
    return this.#source
  }

  /** What the version of a session in the target has to know to be followed when others move it. */
  originOf(id: string): Origin {
    return { key: this.#source.layout.keyOf(id), session: undefined }
  }

  /** The version of a session in the target, or else in the source; `session` is what was found in the target. */
  async read(
    id: string,
    session: StoredSession | undefined,
    options: SendOptions,
  ): Promise<SessionSnapshot | undefined> {
    const keys = this.#keysOf(id)
    if (session !== undefined) return this.#snapshotOf({ place: 'target', session }, keys)
    const found =
      (await this.#tables.lookIn('source', keys.source, options)) ??
      // It may have been moved to the target, or to and fro, between the two looks.
      (await this.#tables.find(keys, this.#target.timed(options)))
    return found && this.#snapshotOf(found, keys)
  }

  /**
   * The text of session data that are to be saved over a version.
   *
   * @throws {TypeError} `INVALID_SESSION_DATA` for what the layout of the target cannot carry.
   */
  encode(basis: SessionSnapshot, data: unknown): string {
    return this.#converter.encode(basis, data)
  }

  /** The data of a session in the source, in a new object. */
  sourceData({ text }: StoredSession): SessionData {
    return this.#source.layout.codec.decode(text)
  }

  /**
   * Creates or replaces a session in the target, and deletes the one in the source. DynamoDB carries out a transaction once, however often it is
   * sent; of one that failed, nobody knows whether it still will.
   */
  async create(id: string, item: Item, doubtful: RecentKeys, options: SendOptions): Promise<void> {
    const keys = this.#keysOf(id)
    let isInDoubt = false
    const onDoubt = (): void => {
      isInDoubt = true
    }
    try {
      await this.#tables.put(item, keys, { ...this.#target.timed(options), onDoubt })
    } catch (error) {
      if (isInDoubt) doubtful.add(keys.target)
      throw error
    }
  }

  /**
   * Saves a session where it belongs, and moves it when it is not there.
   *
   * @returns the version that is stored now; `undefined` when the session has been destroyed or has expired.
   * @throws {LockLostError} when it was read under a lock and others have moved it, which takes its lock away.
   */
  async save(target: ItemTable, save: Save, options: TimedOptions): Promise<SessionSnapshot | undefined> {
    const keys = this.#keysOfVersion(save.basis)
    if (keys === undefined) return saveSession(target, save, options)
    const saved = await this.#saveWhereItIs(target, save, keys, this.#target.timed(options))
    const origin = { key: keys.source, session: undefined }
    return saved && { ...savedSnapshot(saved.session, save.session.text), origin }
  }

  /** Touches a session where it is. */
  async touch(target: ItemTable, touch: Touch, options: TimedOptions): Promise<number | undefined> {
    const known = touch.snapshot
    const keys = known && this.#keysOfVersion(known)
    if (known === undefined || keys === undefined) return touchSession(target, touch, options)
    const timed = this.#target.timed(options)
    const from = known.origin?.session
    let table = from === undefined ? target : this.#source
    let next = from === undefined ? touch : { ...touch, key: keys.source, snapshot: snapshotOf(from) }
    return this.#whereItIs(keys, known.session, timed, {
      apply: () => touchSession(table, next, timed),
      follow: ({ place, session }) => {
        table = place === 'target' ? target : this.#source
        next = { ...touch, key: keys[place], snapshot: snapshotOf(session) }
      },
    })
  }

  /** Deletes a session in both places at once; `key` is the one in the target. */
  async destroy<Data extends object>(
    target: string | SessionRecord<Data>,
    key: string,
    doubtful: RecentKeys,
    options: SendOptions,
  ): Promise<void> {
    const keys = typeof target === 'string' ? this.#keysOf(target) : this.#keysOfVersion(snapshotIn(target))
    if (keys === undefined) await this.#target.delete(key, options)
    else await this.#tables.delete(keys, doubtful.has(key), this.#target.timed(options))
  }

  /** What has to be known to lock a session that may be in the source. */
  lockSource(id: string, signal: AbortSignal | undefined): LockSource {
    const keys = this.#keysOf(id)
    return {
      protocol: this.#source.layout.lock,
      find: async () => {
        const options = this.#target.timed({ signal })
        return (
          (await this.#tables.lookIn('source', keys.source, options)) ??
          (await this.#tables.find(keys, options))
        )
      },
      move: async ({ session: from }, lock, free) => {
        const converted = this.#converter.convert(from, keys.target)
        return this.#moveItem(
          converted,
          from,
          { marker: newMarker(), lock, free },
          this.#target.timed({ signal }),
        )
      },
    }
  }

  /**
   * Moves a session as it is, unless the target has it already, which then is the newer one, or another request has locked it.
   *
   * @returns what became of it; `undefined` when it was gone.
   */
  async moveOne(id: string, options: SendOptions): Promise<'moved' | 'target' | 'locked' | undefined> {
    const keys = this.#keysOf(id)
    const timed = this.#target.timed(options)
    const { clock } = this.#target
    const { lock: protocol } = this.#source.layout
    let found =
      (await this.#tables.lookIn('target', keys.target, timed)) ??
      (await this.#tables.lookIn('source', keys.source, timed)) ??
      (await this.#tables.find(keys, timed))
    return this.#whereItIs<'moved' | 'target' | 'locked'>(keys, undefined, timed, {
      apply: async () => {
        if (found === undefined) return undefined
        const { place, item, session: from } = found
        if (place === 'target') return 'target'
        if (protocol !== undefined && remainingLockMs(item, protocol, clock) !== 0) return 'locked'
        const free = protocol?.freeFor(newOwner(), clock.serverNow().earliestMs)
        const converted = this.#converter.convert(from, keys.target)
        const move = () => this.#moveItem(converted, from, { marker: newMarker(), free }, timed)
        return (await clock.retryAfterClockCorrection(move)) && 'moved'
      },
      follow: current => {
        found = current
      },
    })
  }

  #saveWhereItIs(
    table: ItemTable,
    save: Save,
    keys: Keys,
    timed: TimedOptions,
  ): Promise<SessionSnapshot | undefined> {
    const { session: known, lease } = save.basis
    const isFenced = lease?.isFenced === true
    // What is saved over is what the application has seen at first, and what others have made of it after that.
    let next = save
    return this.#whereItIs(keys, known, timed, {
      apply: () => {
        const from = next.basis.origin?.session
        return from === undefined
          ? saveSession(table, next, timed)
          : this.#move(next.session, from, save.marker, timed)
      },
      follow: async (found, attempt) => {
        const basis = this.#snapshotOf(found, keys)
        // Others have moved on what this very write has stored (G11).
        if (isWriteOf(save.marker, found.session.revision)) return basis
        if (isFenced) throw lockLost(this.#target.name, MOVED_AWAY)
        next = { ...save, basis, session: await this.#rebased(table, save, next, basis.session, attempt) }
        return undefined
      },
      gaveUp: error => reportUnresolved(this.#target.name, save, 'gave-up', error),
    })
  }

  /**
   * Does something to a session where it is, and follows it when others move it.
   *
   * @param known what it was; when that is absent, any session under the ID will do.
   * @returns `undefined` when it has been destroyed or has expired.
   * @throws {SessionConflictError} when it was not found as it was too often.
   */
  #whereItIs<Result>(
    keys: Keys,
    known: StoredSession | undefined,
    timed: TimedOptions,
    { apply, follow, gaveUp }: Following<Result>,
  ): Promise<Result | undefined> {
    return writeConditionally<FoundSession | undefined, Result | undefined>(
      {
        trouble: 'others kept on writing or moving the session; it was given up',
        apply: async () => {
          const result = await apply()
          return result === undefined ? { found: undefined } : { result }
        },
        read: () => this.#tables.find(keys, timed),
        resolve: async (found, { number }) => {
          if (found === undefined || (known && !this.#isSameSession(known, found.session))) {
            return { result: undefined }
          }
          const result = await follow(found, number)
          return result === undefined ? undefined : { result }
        },
        ...(gaveUp && { gaveUp }),
      },
      timed,
    )
  }

  /** What is to be written now that the session has turned out to be somewhere else, or another than it was. */
  async #rebased(
    table: ItemTable,
    save: Save,
    { session: ours, basis: { baseText: seen } }: Save,
    theirs: StoredSession,
    attempt: number,
  ): Promise<StoredSession> {
    if (save.onConflict === 'overwrite' || this.#isSame(theirs.text, seen)) {
      return { ...ours, birth: theirs.birth, createdMs: theirs.createdMs ?? ours.createdMs }
    }
    if (save.onConflict === 'reject') {
      const message = 'somebody else has written the session since it was read; read it again'
      const error = new SessionConflictError(message, { attempts: attempt })
      reportUnresolved(this.#target.name, save, 'rejected', error)
      throw error
    }
    this.#converter.assertConvertible(theirs)
    return resolveConflict(table, save, { basis: seen, ours, theirs })
  }

  /**
   * Whether what was found is the session that was known, and not one that took its place after it had been destroyed.
   * That cannot be told where one of the layouts does not say when a session began: on its way back it begins anew.
   */
  #isSameSession(
    { birth, createdMs: before }: StoredSession,
    { birth: birthNow, createdMs: now }: StoredSession,
  ): boolean {
    // A layout in between may have had no place for it.
    if (birth !== undefined && birthNow !== undefined) return birth === birthNow
    if (before === undefined || now === undefined || isSameSecond(before, now)) return true
    return [this.#target, this.#source].some(
      ({ layout }) => layout.sameSessionAs({ createdMs: 0 }) === undefined,
    )
  }

  async #move(
    session: StoredSession,
    from: StoredSession,
    marker: string,
    options: TimedOptions,
  ): Promise<SessionSnapshot | undefined> {
    const item = await this.#moveItem(session, from, { marker }, options)
    return item && snapshotOf(this.#target.asStored(item, session))
  }

  /** @returns the item in the target; `undefined` when the session was not moved. */
  async #moveItem(
    session: StoredSession,
    from: StoredSession,
    { marker, lock, free }: Move,
    options: TimedOptions,
  ): Promise<Item | undefined> {
    this.#converter.assertConvertible(session)
    const revision = revisionAfter(from.revision, marker)
    const item = { ...(await this.#target.itemOf({ ...session, revision })), ...lock }
    const unseen = unwritten(this.#source.layout, from)
    const unchanged = unseen === undefined ? free : allOf(unseen, free)
    return (await this.#tables.move(item, from.key, unchanged, options)) ? item : undefined
  }

  #snapshotOf(
    { place, session }: Pick<FoundSession, 'place' | 'session'>,
    { target, source }: Keys,
  ): SessionSnapshot {
    return place === 'target'
      ? { ...snapshotOf(session), origin: { key: source, session: undefined } }
      : { ...snapshotOf(this.#converter.convert(session, target)), origin: { key: source, session } }
  }

  #keysOf(id: string): Keys {
    return { target: this.#target.layout.keyOf(id), source: this.#source.layout.keyOf(id) }
  }

  /** `undefined` for a version that comes from a listing, where the key does not tell the session ID. */
  #keysOfVersion({ origin, session: { key } }: SessionSnapshot): Keys | undefined {
    if (origin !== undefined) return { target: key, source: origin.key }
    const id = this.#target.layout.idOfKey(key)
    return id === undefined ? undefined : { target: key, source: this.#source.layout.keyOf(id) }
  }

  #isSame(left: string, right: string): boolean {
    const { codec } = this.#target.layout
    return left === right || codec.isSame(codec.decodeExactly(left), codec.decodeExactly(right))
  }
}

/** Layouts say with different precision when a session began; none with less. */
function isSameSecond(leftMs: number, rightMs: number): boolean {
  return Math.floor(leftMs / 1000) === Math.floor(rightMs / 1000)
}
