import type { TimedOptions } from '../aws/dynamodb/client-options.ts'
import type { MoveTrace } from '../diagnostics.ts'
import { type Draft, moveTraces } from '../internal/diagnostics.ts'
import type { ItemTable } from '../items/item-table.ts'
import { createSession, destroySession, RecentKeys, newSession } from '../items/lifecycle.ts'
import { isUnchangedText } from '../items/merge.ts'
import { nextKeyOf, successorOf } from '../items/move-mark.ts'
import { type Save, saveSession } from '../items/save.ts'
import {
  newMarker,
  savedSnapshot,
  SessionRecord,
  type SessionSnapshot,
  snapshotIn,
  snapshotOf,
  type WriteOptions,
} from '../items/session-record.ts'
import { type Touch, touchSession } from '../items/touch.ts'
import type { Migration } from '../migration/migration.ts'
import type { ExpiryOptions } from '../options/call-options.ts'
import { type ConflictPolicy, type StoreOptions, storeRows } from '../options/store-options.ts'
import type { Item, SessionData } from '../types.ts'
import { type SessionTerms, wholeSecond } from './session-terms.ts'

/** What writes the sessions of one store: begins, saves, moves and ends them, wherever they are. */
export class SessionWrites<Data extends object> {
  readonly #options: StoreOptions<Data>
  readonly #terms: SessionTerms<Data>
  /** Of sessions that a request may still create which this process has given up. */
  readonly #doubtful = new RecentKeys()
  /** Of sessions that this process has given another ID. */
  readonly #moved = new RecentKeys()
  /** Present in a store with `migrateFrom`, once that is open. */
  migration: Migration | undefined

  constructor(options: StoreOptions<Data>, terms: SessionTerms<Data>) {
    this.#options = options
    this.#terms = terms
  }

  /** Creates a session, or replaces what is under its ID. */
  async create(
    table: ItemTable,
    id: string,
    data: Data,
    options: WriteOptions<Data>,
    timed: TimedOptions,
  ): Promise<SessionSnapshot> {
    const { movedFrom } = options
    const key = table.keyOf(id)
    const text = table.layout.codec.encode(data, movedFrom && snapshotIn(movedFrom).session.text)
    const createdMs = wholeSecond(table.clock)
    const expiresMs = this.#terms.expiryOf(table, options, data, createdMs)
    const user = this.#terms.userOf(data, undefined)
    const content = { key, data: data as SessionData, text, createdMs, expiresMs, user }
    const creation = await newSession(table, content)
    const { migration } = this
    this.#moved.delete(key)
    if (migration === undefined) {
      return savedSnapshot(await createSession(table, creation, this.#doubtful, timed), text)
    }
    await migration.create(id, creation.item, this.#doubtful, timed)
    return { ...snapshotOf(creation.session), origin: migration.originOf(id) }
  }

  /** Saves a session under the key at which it was read, or under that at which it goes on since. */
  async save(
    table: ItemTable,
    basis: SessionSnapshot,
    data: Data,
    wanted: ExpiryOptions,
    timed: TimedOptions,
  ): Promise<SessionSnapshot | undefined> {
    const { session, movedTo } = basis
    // One for all keys: a save that was merged into what moved is recognised there (G11).
    const marker = newMarker()
    // A touch that would change little is left out, and would not find out.
    const known =
      movedTo ?? (this.#moved.has(session.key) ? await successorOf(table, session, timed) : undefined)
    const saved =
      known === undefined ? await this.#saveThere(table, basis, data, wanted, timed, marker) : undefined
    if (saved !== undefined) return saved
    const key = known ?? (await successorOf(table, session, timed))
    return key === undefined ? undefined : this.#saveMoved(table, basis, key, data, wanted, timed, marker)
  }

  /**
   * Moves a session to a new key. In a store with `migrateFrom` it comes from where it was before first, or where others have
   * moved it back to.
   */
  async regenerate(
    table: ItemTable,
    basis: SessionSnapshot,
    newKey: string,
    data: Data,
    wanted: ExpiryOptions,
    timed: TimedOptions,
  ): Promise<SessionSnapshot | undefined> {
    const { moveSession } = await import('../items/move.ts')
    const saveOf = (from: SessionSnapshot, key: string, content: Data): Save => ({
      ...this.#saveOf(table, from, key, content, wanted),
      marker: newMarker(),
    })
    const move = (from: SessionSnapshot, content: Data): Promise<SessionSnapshot | undefined> =>
      table.clock.retryAfterClockCorrection(() =>
        moveSession(table, saveOf(from, newKey, content), this.#doubtful, timed),
      )
    const act = async (): Promise<SessionSnapshot | undefined> => {
      const { migration } = this
      let moved = basis.origin?.session === undefined ? await move(basis, data) : undefined
      if (moved === undefined && migration !== undefined) {
        // Saved without changes, too: a touch would leave it where it was. What others have saved is in the data then.
        const saved = await migration.save(table, saveOf(basis, basis.session.key, data), timed)
        moved = saved && (await move(saved, saved.session.data as Data))
      }
      if (moved !== undefined) this.#moved.add(basis.session.key)
      return moved
    }
    if (!moveTraces.channels.hasSubscribers) return act()
    const trace: Draft<MoveTrace> = { table: table.name }
    return moveTraces.observe(trace, act, {
      conclude: result => {
        if ('error' in result) trace.outcome = 'failed'
        else trace.outcome = result.value === undefined ? 'gone' : 'moved'
      },
    })
  }

  /** Whether this process has given the session of an ID another one lately. */
  hasMoved(table: ItemTable, id: string): boolean {
    return !this.#moved.isEmpty && this.#moved.has(table.keyOf(id))
  }

  /** Ends a session, and leaves a mark where that is possible. */
  async retire(table: ItemTable, record: SessionRecord<Data>, timed: TimedOptions): Promise<void> {
    if (this.migration === undefined) {
      const { retireSession } = await import('../items/move.ts')
      await table.clock.retryAfterClockCorrection(() =>
        retireSession(table, snapshotIn(record), this.#doubtful, timed),
      )
    } else await this.destroy(table, record, timed)
    this.#moved.add(record.key)
  }

  /** @returns when the session expires now, in epoch milliseconds; `undefined` when there was nothing to touch. */
  moveExpiry(table: ItemTable, touch: Touch, timed: TimedOptions): Promise<number | undefined> {
    const { migration } = this
    return migration === undefined ? touchSession(table, touch, timed) : migration.touch(table, touch, timed)
  }

  /** Ends a session. Where a record names it, also under the key at which it goes on since that was read. */
  async destroy(table: ItemTable, target: string | SessionRecord<Data>, timed: TimedOptions): Promise<void> {
    const key = table.keyOfTarget(target)
    const known = target instanceof SessionRecord ? snapshotIn(target) : undefined
    const { migration } = this
    // The old key comes last: who tries again after a failure finds from there what is left.
    if (known?.movedTo !== undefined) await this.#destroyAt(table, known.movedTo, known, timed)
    if (migration === undefined) {
      await this.#destroyAt(table, key, known, timed)
      return
    }
    const next = known && (await successorOf(table, known.session, timed))
    if (next !== undefined) await this.#destroyAt(table, next, known, timed)
    await migration.destroy(target, key, this.#doubtful, timed)
  }

  #destroyAt(
    table: ItemTable,
    key: string,
    known: SessionSnapshot | undefined,
    timed: TimedOptions,
  ): Promise<void> {
    const follow = async (mark: Item): Promise<void> => {
      const next = known && nextKeyOf(table, mark, known.session)
      if (next !== undefined) await this.#destroyAt(table, next, known, timed)
    }
    return table.clock.retryAfterClockCorrection(() =>
      destroySession(table, key, this.#doubtful, timed, known && follow),
    )
  }

  /** Saves what a request changes that had read the session before another one moved it to a key. */
  async #saveMoved(
    table: ItemTable,
    basis: SessionSnapshot,
    movedTo: string,
    data: Data,
    wanted: ExpiryOptions,
    timed: TimedOptions,
    marker: string,
  ): Promise<SessionSnapshot | undefined> {
    const { session: known, baseText, lease } = basis
    const { codec } = table.layout
    const text = codec.encode(data, known.text)
    let key: string | undefined = movedTo
    const isNeeded = lease?.isHeld === true || !isUnchangedText(codec, text, baseText)
    // To overwrite the session would undo the sign-in that moved it.
    if (this.#onConflict !== 'overwrite' && isNeeded) {
      for (;;) {
        const there = { ...basis, session: { ...known, key }, origin: undefined }
        if ((await this.#saveThere(table, there, data, wanted, timed, marker)) !== undefined) break
        key = await successorOf(table, there.session, timed)
        if (key === undefined) return undefined
      }
    }
    if (moveTraces.channels.hasSubscribers) moveTraces.tellAtOnce({ table: table.name, outcome: 'followed' })
    // What the session holds besides is not for a request that came with the old ID.
    return { ...basis, session: { ...known, data: data as SessionData, text }, baseText: text, movedTo: key }
  }

  /** Saves a session under the key that its basis has. */
  async #saveThere(
    table: ItemTable,
    basis: SessionSnapshot,
    data: Data,
    wanted: ExpiryOptions,
    timed: TimedOptions,
    marker: string,
  ): Promise<SessionSnapshot | undefined> {
    const { session: stored, baseText, origin } = basis
    const { codec } = table.layout
    const save = { ...this.#saveOf(table, basis, stored.key, data, wanted), marker }
    const { text, expiresMs, user } = save.session
    if (user === stored.user && isUnchangedText(codec, text, baseText)) {
      const { touchAfterSeconds } = this.#options
      const touch = { key: stored.key, snapshot: basis, expiresMs, touchAfterSeconds }
      const storedMs = await this.moveExpiry(table, touch, timed)
      if (storedMs === undefined) return undefined
      // The application may have changed the object that it got, and saved another one.
      const current = baseText === stored.text ? (data as SessionData) : codec.decode(stored.text)
      return { ...savedSnapshot({ ...stored, data: current, expiresMs: storedMs }, baseText), origin }
    }
    const { migration } = this
    return migration === undefined ? saveSession(table, save, timed) : migration.save(table, save, timed)
  }

  /** @param key that the session is to be under. */
  #saveOf(
    table: ItemTable,
    basis: SessionSnapshot,
    key: string,
    data: Data,
    wanted: ExpiryOptions,
  ): Omit<Save, 'marker'> {
    const { migration } = this
    const { session: stored } = basis
    const text =
      migration === undefined ? table.layout.codec.encode(data, stored.text) : migration.encode(basis, data)
    const createdMs = stored.createdMs ?? wholeSecond(table.clock)
    const expiresMs = this.#terms.expiryOf(table, wanted, data, createdMs)
    const user = this.#terms.userOf(data, stored.user)
    return {
      basis,
      session: { ...stored, key, data: data as SessionData, text, createdMs, expiresMs, user },
      onConflict: this.#onConflict,
      userOf: (merged, current) => this.#terms.userOf(merged as Data, current),
    }
  }

  get #onConflict(): ConflictPolicy<never> {
    return (this.#options.onConflict ?? storeRows.onConflict.default) as ConflictPolicy<never>
  }
}
