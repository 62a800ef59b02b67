import type { TimedOptions } from '../aws/dynamodb/client-options.ts'
import { isAwsError } from '../aws/dynamodb/wire-error.ts'
import { invalidSessionId, SessionConflictError } from '../errors.ts'
import { isSameJson } from '../layouts/json.ts'
import { allOf, anyOf, type Condition, type StoredSession } from '../layouts/layout.ts'
import type { Item } from '../types.ts'
import { type Attempt, type ConditionalWrite, type Ended, writeConditionally } from './conditional-write.ts'
import { afterEarlierMerge, resolveConflict } from './merge.ts'
import { conditionInput, type ItemTable } from './item-table.ts'
import { endLostLease, moveMark, nextKeyOf } from './move-mark.ts'
import {
  absent,
  asFound,
  createSession,
  type RecentKeys,
  destroySession,
  newSession,
  tellOtherRegions,
  vacantAt,
} from './lifecycle.ts'
import {
  becameOf,
  isStillThere,
  lockLost,
  reportUnresolved,
  type Save,
  saveSession,
  unwritten,
} from './save.ts'
import { revisionAfter, savedSnapshot, type SessionSnapshot, snapshotOf } from './session-record.ts'
import { lacksTransactions, writeTogether } from './transaction.ts'

/** How often a session may have been moved on while requests that had read it were under way. */
const MOST_MOVES = 10

/** The tables whose server has turned out to have no transactions. */
const withoutTransactions = new WeakSet<ItemTable>()

/**
 * Moves a session to a new key, that of `move.session`: in one transaction, so that it is under one key at every moment. On
 * engines without transactions it is written under the new key first, which nobody knows before it has left the old one: a
 * process that ends in between loses nothing, and leaves an item that expires by itself.
 *
 * What others have written since the session was read is merged in, as by a save. Where the layout has marks, one is left under
 * the old key, and {@link successorOf} finds the session for requests that had read it before.
 *
 * A session that another request has moved already is not moved once more: a visitor may have been given its newer ID by now. What
 * this request has of it becomes a session of its own, and nothing of the one that has moved.
 *
 * @returns the version that is stored now; `undefined` when the session has been destroyed or has expired.
 * @throws {SessionConflictError} by `onConflict: 'reject'`, when others kept on writing, or when the new ID has a session.
 * @throws {LockLostError} when the session was read under a lock that somebody else has taken since.
 */
export async function moveSession(
  table: ItemTable,
  move: Save,
  doubtful: RecentKeys,
  timed: TimedOptions,
): Promise<SessionSnapshot | undefined> {
  if (move.basis.session.key === move.session.key) {
    throw invalidSessionId('the session ID to move the session to is the one that it has')
  }
  const attempts = new MoveAttempts(table, move, doubtful, timed)
  const ended = await attempts.resolve(await attempts.read(), { number: 1, doubts: 0 })
  const moved = ended === undefined ? await writeConditionally(attempts, timed) : ended.result
  if (moved !== undefined) await leaveOtherRegions(table, move.basis.session, moved.session.key, timed)
  return moved
}

/**
 * Ends a session whose place another one takes, and leaves a mark, so that requests which come with its ID a moment later do not
 * take the visitor for a new one. Nothing leads from there to the other session.
 */
export async function retireSession(
  table: ItemTable,
  { session }: SessionSnapshot,
  doubtful: RecentKeys,
  timed: TimedOptions,
): Promise<void> {
  const { layout } = table
  const nowMs = table.clock.now()
  const mark = moveMark(table, session, nowMs, undefined)
  if (mark !== undefined) {
    const condition = allOf(table.liveAt(nowMs), layout.sameSessionAs(session))
    const { applied, item } = await table.replace(session.key, mark, condition, timed)
    // The mark of an earlier move is as good, and may be sought.
    if (applied || (item && layout.moves?.read(item, nowMs) !== undefined)) {
      await leaveOtherRegions(table, session, undefined, timed)
      return
    }
  }
  await destroySession(table, session.key, doubtful, timed)
}

/**
 * Ends a session that has left its key in the other Regions, too, before they hear of it by replication: the old session ID must
 * not live on there (G3). Where the layout has marks, another session under that key is left alone.
 *
 * The session is not copied: that could be older than what the Region that it is in has made of it since, and replace it.
 *
 * @param nextKey where it goes on, if anyone may know.
 */
async function leaveOtherRegions(
  table: ItemTable,
  session: StoredSession,
  nextKey: string | undefined,
  timed: TimedOptions,
): Promise<void> {
  const { key } = session
  const { moves } = table.layout
  const mark = moveMark(table, session, table.clock.now(), nextKey)
  const same = table.layout.sameSessionAs(session)
  if (mark === undefined || moves === undefined || same === undefined) {
    await tellOtherRegions(table, timed, options => table.delete(key, options))
    return
  }
  // A mark that has arrived is as good.
  const condition = anyOf(absent(table), allOf(same, moves.leadsAs(undefined)))
  await tellOtherRegions(table, timed, options => table.replace(key, mark, condition, options))
}

/** What one attempt writes. */
interface Step {
  /** The session as it is under the new key, and its item. */
  readonly session: StoredSession
  readonly item: Item
  /** The version that it replaces. */
  readonly from: StoredSession
}

class MoveAttempts implements ConditionalWrite<Item | undefined, SessionSnapshot | undefined> {
  readonly trouble = 'others kept on writing the session while it was moved to a new ID; it was given up'
  readonly #table: ItemTable
  readonly #move: Save
  readonly #doubtful: RecentKeys
  readonly #timed: TimedOptions
  #from: StoredSession
  #ours: StoredSession
  #step: Step | undefined

  constructor(table: ItemTable, move: Save, doubtful: RecentKeys, timed: TimedOptions) {
    this.#table = table
    this.#move = move
    this.#doubtful = doubtful
    this.#timed = timed
    this.#from = move.basis.session
    this.#ours = afterEarlierMerge(table, move.basis, move.session, move.userOf)
  }

  async apply(): Promise<Ended<SessionSnapshot | undefined> | { readonly found: undefined }> {
    const { basis, session } = this.#move
    const step = this.#step
    if (step === undefined) return { found: undefined }
    const moving = this.#write(step)
    const isMoved = await (basis.lease === undefined ? moving : basis.lease.track(moving))
    if (!isMoved) return { found: undefined }
    basis.lease?.end()
    return { result: savedSnapshot(step.session, session.text) }
  }

  /** What is under the old key: all of it, because what others keep in the item moves along. */
  read(): Promise<Item | undefined> {
    return this.#table.get(this.#from.key, true, this.#timed)
  }

  async resolve(
    found: Item | undefined,
    attempt: Pick<Attempt, 'number' | 'doubts'>,
  ): Promise<Ended<SessionSnapshot | undefined> | undefined> {
    const [table, move] = [this.#table, this.#move]
    const { lease } = move.basis
    if (!isStillThere(table, found, this.#from)) {
      endLostLease(table, found, move.basis)
      return { result: found && (await this.#movedBefore(found)) }
    }
    if (lease?.isFenced === true && table.layout.lock?.holderOf(found)?.owner !== lease.owner) {
      lease.lose()
      throw lockLost(table.name, becameOf(attempt))
    }
    const theirs = await table.open(found)
    if (!isSameVersion(theirs, this.#from)) {
      if (move.onConflict === 'reject') {
        const message = 'somebody else has written the session since it was read; read it again'
        const error = new SessionConflictError(message, { attempts: attempt.number })
        reportUnresolved(table.name, move, 'rejected', error, attempt.number)
        throw error
      }
      const versions = { basis: this.#from.text, ours: this.#ours, theirs, attempt: attempt.number }
      this.#ours = await resolveConflict(table, move, versions)
    }
    this.#from = theirs
    await this.#prepare(found, theirs)
    return undefined
  }

  gaveUp(error: SessionConflictError): void {
    reportUnresolved(this.#table.name, this.#move, 'gave-up', error, error.attempts)
  }

  async #prepare(found: Item, from: StoredSession): Promise<void> {
    const { layout } = this.#table
    const session = { ...this.#ours, revision: revisionAfter(from.revision, this.#move.marker) }
    const item = await this.#table.itemOf(session)
    const ownLock = this.#move.basis.lease?.isFenced === true ? (layout.lock?.attributes ?? []) : []
    // What may come late is about the old key.
    const late = Object.keys(layout.lateRequests?.creationExpected(0) ?? {})
    const kept = layout.replacesItems
      ? {}
      : without(found, [...layout.optionalAttributes, ...ownLock, ...late])
    this.#step = { session: this.#table.asStored(item, session), item: { ...kept, ...item }, from }
  }

  /** @returns whether the session was as it had been found. */
  async #write(step: Step): Promise<boolean> {
    const table = this.#table
    if (withoutTransactions.has(table)) return this.#writeInTwoSteps(step)
    const { name: TableName, client } = table
    const { key } = step.from
    const nowMs = table.clock.now()
    const put = { TableName, Item: step.item, ...conditionInput(vacantAt(table, nowMs)) }
    const unchanged = { TableName, ...conditionInput(this.#unchanged(step, nowMs)) }
    const mark = this.#mark(step, nowMs)
    const removal =
      mark === undefined
        ? { Delete: { ...unchanged, Key: table.itemKey(key) } }
        : { Put: { ...unchanged, Item: mark } }
    try {
      const isMoved = await writeTogether(client, [{ Put: put }, removal], this.#timed)
      if (!isMoved) await this.#requireVacant(await table.get(step.session.key, true, this.#timed))
      return isMoved
    } catch (error) {
      // Global tables with strong consistency have no transactions. What is wrong with an item fails the two steps, too.
      if (!lacksTransactions(error) && !isAwsError(error, 'ValidationException')) throw error
      const isMoved = await this.#writeInTwoSteps(step)
      withoutTransactions.add(table)
      return isMoved
    }
  }

  async #writeInTwoSteps(step: Step): Promise<boolean> {
    const [table, timed] = [this.#table, this.#timed]
    const { session, item, from } = step
    const nowMs = table.clock.now()
    const vacant = vacantAt(table, nowMs)
    const { applied, item: there } = await table.replace(session.key, item, vacant, timed)
    if (!applied && there !== undefined) {
      // An earlier call has come as far as this, and no further.
      const isOwn = from.birth !== undefined && table.layout.isSameSession(there, from)
      if (!isOwn) await this.#requireVacant(there)
      await table.replace(session.key, item, asFound(table, there) ?? vacant, timed)
    }
    const mark = this.#mark(step, nowMs)
    const unchanged = this.#unchanged(step, nowMs)
    const left =
      mark === undefined
        ? await table.deleteIf(from.key, unchanged, timed)
        : await table.replace(from.key, mark, unchanged, timed)
    // The response to the first of two requests may have been lost. Nobody else has this key.
    const found = left.item && table.layout.moves?.read(left.item, nowMs)
    if (left.applied || found?.nextKey === session.key) return true
    await table.delete(session.key, timed)
    return false
  }

  #mark({ session, from }: Step, nowMs: number): Item | undefined {
    return moveMark(this.#table, from, nowMs, session.key)
  }

  #unchanged({ from }: Step, nowMs: number): Condition {
    const { layout } = this.#table
    const { lease } = this.#move.basis
    const fenced = lease?.isFenced === true ? layout.lock?.heldBy(lease.owner) : undefined
    return allOf(this.#table.liveAt(nowMs), unwritten(layout, from), fenced)
  }

  async #requireVacant(there: Item | undefined): Promise<void> {
    if (there === undefined || !this.#table.isLive(there, this.#table.clock.now())) return
    throw new SessionConflictError(
      'there is another session under the new session ID; move it to one that is new',
      {
        attempts: 1,
      },
    )
  }

  /** What becomes of a session that is not under its key any more: it has ended, or it was moved before. */
  async #movedBefore(found: Item): Promise<SessionSnapshot | undefined> {
    const [table, timed] = [this.#table, this.#timed]
    const ours = this.#ours
    const next = await this.#whereItIsNow(found)
    if (next === undefined) return undefined
    const nextKey = table.layout.keyOfItem(next)
    if (nextKey === ours.key) {
      // An earlier call with the same ID did it, and its caller did not learn of that.
      const basis = { ...snapshotOf(await table.open(next)), baseText: this.#from.text }
      return saveSession(table, { ...this.#move, basis, session: ours }, timed)
    }
    const there = await table.get(ours.key, true, timed)
    // One that an earlier call with the same ID has created is as good.
    const isOwn = (await table.openLive(there))?.text === ours.text
    if (!isOwn) await this.#requireVacant(there)
    const created = await createSession(table, await newSession(table, ours), this.#doubtful, timed)
    if ((await this.#whereItIsNow(next)) !== undefined) return savedSnapshot(created, ours.text)
    // It was destroyed meanwhile, and must not live on in this one (G3).
    await destroySession(table, created.key, this.#doubtful, timed)
    return undefined
  }

  async #whereItIsNow(found: Item): Promise<Item | undefined> {
    const [table, from] = [this.#table, this.#from]
    let key = table.layout.keyOfItem(found)
    for (let moves = 0; moves < MOST_MOVES && key !== undefined; moves++) {
      const item: Item | undefined = await table.get(key, true, this.#timed)
      if (item === undefined || isStillThere(table, item, from)) return item
      key = nextKeyOf(table, item, from)
    }
    return undefined
  }
}

function isSameVersion(left: StoredSession, right: StoredSession): boolean {
  return isSameJson(left.version, right.version) && left.text === right.text
}

function without(item: Item, names: readonly string[]): Item {
  return Object.fromEntries(Object.entries(item).filter(([name]) => !names.includes(name)))
}
