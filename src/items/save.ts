import type { TimedOptions } from '../aws/dynamodb/client-options.ts'
import { DeadlineExceededError, LockLostError, SessionConflictError } from '../errors.ts'
import { conflictTraces, lockTraces } from '../internal/diagnostics.ts'
import { KeyedMutex, type Turn } from '../internal/keyed-calls.ts'
import { isSameJson } from '../layouts/json.ts'
import {
  allOf,
  type Condition,
  type Layout,
  type SessionIdentity,
  type StoredSession,
} from '../layouts/layout.ts'
import type { Item } from '../types.ts'
import { type Attempt, type ConditionalWrite, type Ended, writeConditionally } from './conditional-write.ts'
import { afterEarlierMerge, type ConflictTerms, policyOf, resolveConflict } from './merge.ts'
import type { ItemTable, Outcome } from './item-table.ts'
import { endLostLease } from './move-mark.ts'
import { isWriteOf, markerOf, revisionAfter, savedSnapshot, type SessionSnapshot } from './session-record.ts'

/** A save of a session that was read or written before. */
export interface Save extends ConflictTerms {
  readonly basis: SessionSnapshot
  /** What tells this write from all others, at each of its attempts. */
  readonly marker: string
  /** The session as it is to be; its revision is chosen for each attempt. */
  readonly session: StoredSession
}

/**
 * Saves a session if it still exists (G3) and, where the layout has revisions, nobody has written it since (G2);
 * otherwise it is merged and tried again, a bounded number of times and within the deadline of one call.
 *
 * @returns the version that is stored now; `undefined` when the session has been destroyed or has expired.
 * @throws {SessionConflictError} by `onConflict: 'reject'`, or when others kept on writing.
 * @throws {LockLostError} when the session was read under a lock that somebody else has taken since.
 */
export async function saveSession(
  table: ItemTable,
  save: Save,
  timed: TimedOptions,
): Promise<SessionSnapshot | undefined> {
  const attempts = new SaveAttempts(table, save, timed)
  const { underWay } = savesOf(table)
  const { key } = save.session
  const earlier = underWay.get(key) ?? 0
  underWay.set(key, earlier + 1)
  try {
    const ended = earlier < MOST_FIRST_ATTEMPTS ? undefined : await attempts.waitBehind()
    return ended === undefined ? await writeConditionally(attempts, timed) : ended.result
  } finally {
    attempts.endTurn()
    const others = (underWay.get(key) ?? 1) - 1
    if (others === 0) underWay.delete(key)
    else underWay.set(key, others)
  }
}

/**
 * How many saves of one session are tried at once. All but one would be refused: with many, they would take the connections
 * of the store for long. With a few, one that is stuck does not hold up the others.
 */
const MOST_FIRST_ATTEMPTS = 8

/** How many saves are written at once, and how much text they have in all: merging them keeps the process from other work. */
const MOST_AT_ONCE = 50
const MOST_CHARACTERS_AT_ONCE = 1_000_000

/** What a save leaves for the next of its store. */
interface StoredItem {
  /** The item as the save stored it, or as others did since. */
  readonly item: Item
  /** Instant of `performance.now()` at which the save was sent: the item is newer than all that was read before. */
  readonly sentAtMs: number
}

/** The saves of one store. */
interface Saves {
  /** Where saves that have met a conflict wait for their turn, or for one to take them along; each leaves what it wrote. */
  readonly inTurn: KeyedMutex<StoredItem, SaveAttempts>
  /** How many saves of a session are under way, by its key. */
  readonly underWay: Map<string, number>
}

const savesByTable = new WeakMap<ItemTable, Saves>()

function savesOf(table: ItemTable): Saves {
  const known = savesByTable.get(table)
  if (known !== undefined) return known
  const saves = { inTurn: new KeyedMutex<StoredItem, SaveAttempts>(), underWay: new Map<string, number>() }
  savesByTable.set(table, saves)
  return saves
}

/** How a save ended that another one wrote along with its own. */
type EndedAlong = Ended<SessionSnapshot | undefined> | { readonly error: unknown }

/** What one write stores. */
interface Written {
  readonly session: StoredSession
  readonly item: Item
}

/**
 * A save, from its first attempt to the last.
 *
 * Saves of one store that were refused take turns, and the one whose turn it is writes those that wait along with its own: each
 * is merged with what the one before it would have stored, and the last result is written. That is what they would have stored
 * one after the other.
 */
class SaveAttempts implements ConditionalWrite<Item | undefined, SessionSnapshot | undefined> {
  readonly #table: ItemTable
  readonly #save: Save
  readonly #timed: TimedOptions
  readonly trouble = 'others kept on writing the session while it was saved; the save was given up'
  #basis: StoredSession
  #ours: StoredSession
  /** The turn of the save among those of its store that try again; it has none before its first conflict. */
  #turn: Turn<StoredItem, SaveAttempts> | undefined
  /** The session as this save has stored it, for the next one. */
  #stored: StoredItem | undefined
  /** The markers of the writes by which other saves have tried to store this one. */
  readonly #takers = new Set<string>()
  /** The saves that are in the last attempt of this one. */
  readonly #along = new Set<SaveAttempts>()
  /** How it ended, when another save has stored it. */
  #endedAlong: EndedAlong | undefined

  constructor(table: ItemTable, save: Save, timed: TimedOptions) {
    this.#table = table
    this.#save = save
    this.#timed = timed
    this.#basis = save.basis.session
    this.#ours = afterEarlierMerge(table, save.basis, save.session, save.userOf)
  }

  /**
   * Waits behind the other saves of the session before the first attempt.
   *
   * @returns how it ended, if another save has taken this one along.
   */
  async waitBehind(): Promise<Ended<SessionSnapshot | undefined> | undefined> {
    if (!this.#goesAlong) return undefined
    const found = await this.read(undefined)
    return found === undefined && this.#endedAlong === undefined
      ? undefined
      : this.resolve(found, { number: 1 })
  }

  async apply(
    attempt: Attempt,
  ): Promise<Ended<SessionSnapshot | undefined> | { readonly found: Item | undefined }> {
    const [table, save] = [this.#table, this.#save]
    const { lease } = save.basis
    const revision = revisionAfter(this.#basis.revision, save.marker)
    const ours = await this.#written({ ...this.#ours, revision })
    const { written, along } = await this.#withCompanions(ours, Math.max(attempt.number - 1, 1))
    const sentAtMs = performance.now()
    const attempted = this.#writeOver(written.item, attempt)
    const { applied, item: found } = await (lease === undefined ? attempted : lease.track(attempted))
    if (applied) {
      const result = save.onConflict === 'overwrite' ? ours.session : written.session
      return this.#end(result, { item: written.item, sentAtMs }, along)
    }
    const stored = found && { item: found, sentAtMs }
    const own = await this.#ownWrite(written.session, found, attempt.doubts > 0)
    if (own !== undefined) return this.#end(own, stored, along)
    if (this.#isStoredIn(found)) return this.#end(await table.open(found), stored)
    if (!isStillThere(table, found, this.#basis)) return this.#endGone(found)
    if (lease?.isFenced === true && table.layout.lock?.holderOf(found)?.owner !== lease.owner) {
      lease.lose()
      throw lockLost(table.name, becameOf(attempt))
    }
    if (save.onConflict !== 'reject' || this.#isOlder(found)) return { found }
    const message = 'somebody else has written the session since it was read; read it again'
    const error = new SessionConflictError(message, { attempts: attempt.number })
    reportUnresolved(table.name, save, 'rejected', error, attempt.number)
    throw error
  }

  /**
   * What the refused write has found, or the save before this one has stored since; after a pause, both are likely to be old.
   *
   * What may be older than the basis is not merged: what others have changed since would be taken for what they undid.
   */
  async read(found: Item | undefined): Promise<Item | undefined> {
    const { signal, deadline } = this.#timed
    const { key } = this.#basis
    if (this.#turn !== undefined) return this.#table.get(key, true, { signal, deadline })
    const foundAtMs = performance.now()
    const companion = this.#goesAlong ? this : undefined
    // A save that was taken along by one that failed has to wait again.
    while (this.#turn === undefined && this.#endedAlong === undefined && !deadline.isExpired()) {
      const timeoutMs = deadline.remainingMs
      this.#turn = await savesOf(this.#table).inTurn.acquire(key, { timeoutMs, signal, companion })
    }
    if (this.#turn === undefined && this.#endedAlong === undefined) throw this.#waitedTooLong()
    const handed = this.#turn?.handed
    if (handed === undefined) return found
    const isNewer = handed.sentAtMs > foundAtMs || this.#wentOnFrom(found, handed.item)
    return isNewer ? handed.item : this.#table.get(key, true, { signal, deadline })
  }

  async resolve(
    found: Item | undefined,
    { number: attempt }: Pick<Attempt, 'number'>,
  ): Promise<Ended<SessionSnapshot | undefined> | undefined> {
    if (this.#endedAlong !== undefined) {
      if ('error' in this.#endedAlong) throw this.#endedAlong.error
      return this.#endedAlong
    }
    if (!isStillThere(this.#table, found, this.#basis)) return this.#endGone(found)
    const theirs = await this.#table.open(found)
    if (this.#isStoredIn(found)) {
      const handed = this.#turn?.handed
      return this.#end(theirs, handed?.item === found ? handed : undefined)
    }
    if (this.#isOlder(found)) {
      // Merged, what it lacks would be taken for what others have removed.
      this.#basis = { ...this.#basis, version: theirs.version }
      return undefined
    }
    const versions = { basis: this.#basis.text, ours: this.#ours, theirs, attempt }
    this.#ours = await resolveConflict(this.#table, this.#save, versions)
    this.#basis = theirs
    return undefined
  }

  /** Nothing is sent any more, but a save that has taken this one along may be under way. */
  #waitedTooLong(): DeadlineExceededError {
    const { limitMs } = this.#timed.deadline
    const doubt = this.#takers.size > 0 ? '; one of those may have stored it along with its own' : ''
    return new DeadlineExceededError(
      `the save did not succeed within ${Math.round(limitMs)} ms: it waited behind other saves of the session${doubt}`,
    )
  }

  gaveUp(error: SessionConflictError): void {
    reportUnresolved(this.#table.name, this.#save, 'gave-up', error, error.attempts)
  }

  endTurn(): void {
    this.#turn?.release(this.#stored)
  }

  /** Whether others may write this save along with theirs: it depends on no lock, and on no code of the application that waits. */
  get #goesAlong(): boolean {
    const { basis, onConflict } = this.#save
    return basis.lease === undefined && (onConflict === 'merge' || onConflict === 'overwrite')
  }

  async #written(session: StoredSession): Promise<Written> {
    const item = await this.#table.itemOf(session)
    return { item, session: this.#table.asStored(item, session) }
  }

  /**
   * Adds what waits behind this save.
   *
   * @returns what is to be written, and the saves that have been taken along; with how they end, those that are not in it.
   */
  async #withCompanions(
    ours: Written,
    attempt: number,
  ): Promise<{
    readonly written: Written
    readonly along: ReadonlyMap<SaveAttempts, EndedAlong | undefined>
  }> {
    const along = new Map<SaveAttempts, EndedAlong | undefined>()
    const { marker } = this.#save
    // The attempt before this one was refused, and this one need not come as far.
    for (const companion of this.#along) companion.#takers.delete(marker)
    this.#along.clear()
    let written = ours
    let characters = 0
    for (const companion of this.#goesAlong ? (this.#turn?.takeAlong() ?? []) : []) {
      try {
        const added = await companion.#addedTo(written, attempt)
        along.set(companion, companion.#endOfItsOwn(added))
        if (added !== undefined) {
          companion.#takers.add(marker)
          this.#along.add(companion)
          written = added
        }
      } catch (error) {
        along.set(companion, { error })
      }
      characters += written.session.text.length
      if (along.size === MOST_AT_ONCE - 1 || characters > MOST_CHARACTERS_AT_ONCE) break
    }
    return { written, along }
  }

  /** What this save makes of what another one is about to write; `undefined` when that is not its session any more. */
  async #addedTo(written: Written, attempt: number): Promise<Written | undefined> {
    const { session: theirs, item } = written
    if (!isStillThere(this.#table, item, this.#basis)) return undefined
    if (this.#isStoredIn(item)) return written
    const versions = { basis: this.#basis.text, ours: this.#ours, theirs, attempt }
    const ours = await resolveConflict(this.#table, this.#save, versions)
    return this.#written({ ...ours, revision: theirs.revision })
  }

  /** How this save ends, if not by what is stored in the end: it is gone, or it has stored what others overwrite at once. */
  #endOfItsOwn(added: Written | undefined): EndedAlong | undefined {
    if (added === undefined) return { result: undefined }
    if (this.#save.onConflict !== 'overwrite') return undefined
    return { result: this.#snapshotOf(copyOf(this.#table, added.session)) }
  }

  #writeOver(item: Item, options: TimedOptions): Promise<Outcome> {
    const [table, basis] = [this.#table, this.#basis]
    const { layout } = table
    const { lease } = this.#save.basis
    // A save after the lock was given back is one without a lock: it merges, whoever has the lock now.
    const fenced = lease?.isFenced === true ? lease : undefined
    const condition = allOf(
      table.liveAt(table.clock.now()),
      unwritten(layout, basis),
      fenced && layout.lock?.heldBy(fenced.owner),
    )
    if (layout.replacesItems) return table.replace(basis.key, item, condition, options)
    const { [layout.partitionKey]: _, ...set } = item
    const unset = layout.optionalAttributes.filter(name => !Object.hasOwn(set, name))
    const remove = fenced === undefined ? unset : [...unset, ...(layout.lock?.attributes ?? [])]
    return table.update(basis.key, { set, remove, condition }, options)
  }

  /**
   * The session as it is stored, if this very save has made it so: its response was lost, and it was sent again (G11). Others
   * may have gone on from there: a revision remembers a few writes. Where the data themselves are the version, others may have
   * written the same, which is no write of ours unless one of ours is in doubt.
   */
  #ownWrite(
    session: StoredSession,
    found: Item | undefined,
    isInDoubt: boolean,
  ): StoredSession | Promise<StoredSession> | undefined {
    if (found === undefined) return undefined
    const { layout } = this.#table
    const { versionAttribute: attribute } = layout
    const { version } = session
    const isSameVersion =
      version !== undefined && attribute !== undefined && isSameJson(found[attribute], version)
    if (isInDoubt && isSameVersion) return session
    return isWriteOf(this.#save.marker, layout.revisionOf(found)) ? this.#table.open(found) : undefined
  }

  /** Whether an item is known to be newer than another: a revision remembers a few writes before it. */
  #wentOnFrom(earlier: Item | undefined, item: Item): boolean {
    const { layout } = this.#table
    const revision = earlier && layout.revisionOf(earlier)
    return revision !== undefined && isWriteOf(markerOf(revision), layout.revisionOf(item))
  }

  /**
   * Whether an item is known to be older than the basis, which went on from there: it is of another Region, which has not got
   * the basis yet. Then this save replaces it, which has all that is in it.
   */
  #isOlder(found: Item): boolean {
    const revision = this.#table.layout.revisionOf(found)
    return revision !== undefined && isWriteOf(markerOf(revision), this.#basis.revision)
  }

  /** Whether a save that took this one along, and then failed, has stored it nevertheless. */
  #isStoredIn(found: Item | undefined): found is Item {
    if (found === undefined || this.#takers.size === 0) return false
    const revision = this.#table.layout.revisionOf(found)
    return [...this.#takers].some(marker => isWriteOf(marker, revision))
  }

  /** Ends this save, and those that were stored along with it, by what is stored now. */
  #end(
    stored: StoredSession,
    left: StoredItem | undefined,
    along: ReadonlyMap<SaveAttempts, EndedAlong | undefined> = new Map(),
  ): Ended<SessionSnapshot> {
    this.#stored = left
    this.#save.basis.lease?.end()
    for (const [companion, ended] of along) {
      companion.#endedAlong = ended ?? { result: companion.#snapshotOf(copyOf(this.#table, stored)) }
    }
    return { result: this.#snapshotOf(along.size === 0 ? stored : copyOf(this.#table, stored)) }
  }

  #snapshotOf(stored: StoredSession): SessionSnapshot {
    return savedSnapshot(stored, this.#save.session.text)
  }

  #endGone(found: Item | undefined): Ended<undefined> {
    endLostLease(this.#table, found, this.#save.basis)
    return { result: undefined }
  }
}

/** A session with data of its own, for one of several callers, each of which may change what it gets. */
function copyOf({ layout: { codec } }: ItemTable, session: StoredSession): StoredSession {
  return { ...session, data: codec.decode(session.text) }
}

/** Holds while nobody else has written the session, as far as the layout can tell. */
export function unwritten(
  layout: Layout,
  basis: SessionIdentity & Pick<StoredSession, 'version'>,
): Condition | undefined {
  const { versionAttribute } = layout
  if (versionAttribute === undefined) return layout.sameSessionAs(basis)
  const names = { '#version': versionAttribute }
  const { version } = basis
  if (version === undefined) return { expression: 'attribute_not_exists(#version)', names, values: {} }
  return { expression: '#version = :version', names, values: { ':version': version } }
}

/** Whether an item is the session that a save goes out from, neither destroyed nor expired (G3), whoever wrote it. */
export function isStillThere(
  table: ItemTable,
  item: Item | undefined,
  session: SessionIdentity,
): item is Item {
  if (item === undefined || !table.isLive(item, table.clock.now())) return false
  return table.layout.isSameSession(item, session)
}

/** Reports a conflict that ends a save, of which attempt if that is known. */
export function reportUnresolved(
  table: string,
  save: ConflictTerms,
  outcome: 'rejected' | 'gave-up',
  error: SessionConflictError,
  attempt?: number,
): void {
  if (!conflictTraces.channels.hasSubscribers) return
  const trace = { table, policy: policyOf(save), outcome }
  conflictTraces.failAtOnce(attempt === undefined ? trace : { ...trace, attempt }, error)
}

/** Reports a lock that was lost, and makes the error to throw for it. */
export function lockLost(table: string, message: string): LockLostError {
  const error = new LockLostError(message)
  if (lockTraces.channels.hasSubscribers) {
    lockTraces.failAtOnce({ table, attempts: 0, outcome: 'lost' }, error)
  }
  return error
}

/** A layout without revisions cannot tell a write of ours, which ended the lock, from that of another request. */
export function becameOf({ doubts }: Pick<Attempt, 'doubts'>): string {
  const became =
    doubts > 0
      ? 'a response to the save was lost, so it may have been stored before that'
      : 'the save was given up'
  return (
    `the lock of the session ended and another request has written or locked the session since; ${became}; ` +
    'read the session again, and lock it for longer (leaseSeconds, maxHoldSeconds)'
  )
}
