import type { SendOptions, TimedOptions } from '../aws/dynamodb/client.ts'
import { LockLostError, SessionConflictError } from '../errors.ts'
import type { ConflictTrace } from '../diagnostics.ts'
import { conflictTraces, type Draft, lockTraces } from '../internal/diagnostics.ts'
import { isSameJson } from '../layouts/json.ts'
import {
  allOf,
  type Condition,
  type Layout,
  type SessionIdentity,
  type StoredSession,
} from '../layouts/layout.ts'
import type { ConflictPolicy, SessionConflict } from '../options/store-options.ts'
import type { Item, SessionData } from '../types.ts'
import { type ConditionalWrite, type Ended, writeConditionally } from './conditional-write.ts'
import type { ItemTable, Outcome, StoredItem } from './item-table.ts'
import type { Turn } from '../internal/keyed-mutex.ts'
import { type Merged, mergeSessionData } from './merge.ts'
import { isWriteOf, markerOf, revisionAfter, savedSnapshot, type SessionSnapshot } from './session-record.ts'

/** A save of a session that was read or written before. */
export interface Save {
  readonly basis: SessionSnapshot
  /** What tells this write from all others, at each of its attempts. */
  readonly marker: string
  /** The session as it is to be; its revision is chosen for each attempt. */
  readonly session: StoredSession
  readonly onConflict: ConflictPolicy<never>
  /** Whose session some data make it, of one that is somebody's now. */
  readonly userOf: (data: SessionData, current: string | undefined) => string | undefined
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
  try {
    return await writeConditionally(attempts, timed)
  } finally {
    attempts.endTurn()
  }
}

class SaveAttempts implements ConditionalWrite<Item | undefined, SessionSnapshot | undefined> {
  readonly #table: ItemTable
  readonly #save: Save
  readonly #options: SendOptions & TimedOptions
  #basis: StoredSession
  #ours: StoredSession
  #isInDoubt = false
  /** The turn of the save among those of its store that try again; it has none before its first conflict. */
  #turn: Turn<StoredItem> | undefined
  /** The session as this save has stored it. */
  #stored: StoredItem | undefined

  constructor(table: ItemTable, save: Save, { signal, deadline }: TimedOptions) {
    this.#table = table
    this.#save = save
    const onDoubt = (): void => {
      this.#isInDoubt = true
    }
    this.#options = { signal, deadline, onDoubt }
    this.#basis = save.basis.session
    this.#ours = afterEarlierMerge(table, save)
  }

  async apply(
    attempt: number,
  ): Promise<Ended<SessionSnapshot | undefined> | { readonly found: Item | undefined }> {
    const [table, save] = [this.#table, this.#save]
    const { lease } = save.basis
    const revision = revisionAfter(this.#basis.revision, save.marker)
    const item = await table.itemOf({ ...this.#ours, revision })
    const session = table.asStored(item, this.#ours)
    const sentAtMs = performance.now()
    const attempted = this.#writeOver(item)
    const { applied, item: found } = await (lease === undefined ? attempted : lease.track(attempted))
    const own = applied ? session : await this.#ownWrite(session, found)
    if (own !== undefined) {
      const stored = applied ? item : found
      this.#stored = stored && { item: stored, sentAtMs }
      lease?.end()
      return { result: savedSnapshot(own, save.session.text) }
    }
    if (!isStillThere(table, found, this.#basis)) return this.#endGone()
    if (lease?.isFenced === true && table.layout.lock?.holderOf(found)?.owner !== lease.owner) {
      lease.lose()
      throw lockLost(table, this.#isInDoubt)
    }
    if (save.onConflict !== 'reject') return { found }
    const message = 'somebody else has written the session since it was read; read it again'
    throw unresolved(table, save, 'rejected', new SessionConflictError(message, { attempts: attempt }))
  }

  /**
   * What the refused write has found, or the save before this one has stored since; after a pause, both are likely to be old.
   *
   * What may be older than the basis is not merged: what others have changed since would be taken for what they undid.
   */
  async read(found: Item | undefined): Promise<Item | undefined> {
    const { signal, deadline } = this.#options
    const { key } = this.#basis
    if (this.#turn === undefined) {
      const foundAtMs = performance.now()
      this.#turn = await this.#table.savesInTurn.acquire(key, { timeoutMs: deadline.remainingMs, signal })
      const handed = this.#turn?.handed
      if (handed === undefined) return found
      if (handed.sentAtMs > foundAtMs || this.#wentOnFrom(found, handed.item)) return handed.item
    }
    return this.#table.get(key, true, { signal, deadline })
  }

  async resolve(found: Item | undefined, attempt: number): Promise<Ended<undefined> | undefined> {
    if (!isStillThere(this.#table, found, this.#basis)) return this.#endGone()
    const theirs = await this.#table.open(found)
    const versions = { basis: this.#basis.text, ours: this.#ours, theirs, attempt }
    this.#ours = await resolveConflict(this.#table, this.#save, versions)
    this.#basis = theirs
    return undefined
  }

  gaveUp(attempts: number): SessionConflictError {
    const message = `others kept on writing the session while it was saved (attempts: ${attempts}); the save was given up`
    return unresolved(this.#table, this.#save, 'gave-up', new SessionConflictError(message, { attempts }))
  }

  endTurn(): void {
    this.#turn?.release(this.#stored)
  }

  #writeOver(item: Item): Promise<Outcome> {
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
    if (layout.replacesItems) return table.replace(basis.key, item, condition, this.#options)
    const { [layout.partitionKey]: _, ...set } = item
    const unset = layout.optionalAttributes.filter(name => !Object.hasOwn(set, name))
    const remove = fenced === undefined ? unset : [...unset, ...(layout.lock?.attributes ?? [])]
    return table.update(basis.key, { set, remove, condition }, this.#options)
  }

  /**
   * The session as it is stored, if this very save has made it so: its response was lost, and it was sent again (G11). Others
   * may have gone on from there: a revision remembers a few writes. Where the data themselves are the version, others may have
   * written the same, which is no write of ours unless one of ours is in doubt.
   */
  #ownWrite(
    session: StoredSession,
    found: Item | undefined,
  ): StoredSession | Promise<StoredSession> | undefined {
    if (found === undefined) return undefined
    const { layout } = this.#table
    const { versionAttribute: attribute } = layout
    const { version } = session
    const isSameVersion =
      version !== undefined && attribute !== undefined && isSameJson(found[attribute], version)
    if (this.#isInDoubt && isSameVersion) return session
    return isWriteOf(this.#save.marker, layout.revisionOf(found)) ? this.#table.open(found) : undefined
  }

  /** Whether an item is known to be newer than another: a revision remembers a few writes before it. */
  #wentOnFrom(earlier: Item | undefined, item: Item): boolean {
    const { layout } = this.#table
    const revision = earlier && layout.revisionOf(earlier)
    return revision !== undefined && isWriteOf(markerOf(revision), layout.revisionOf(item))
  }

  #endGone(): Ended<undefined> {
    this.#save.basis.lease?.end()
    return { result: undefined }
  }
}

/** What a save writes at first: after one that merged, what others wrote then is merged in before anything is sent. */
function afterEarlierMerge(
  table: ItemTable,
  { basis: { session: stored, baseText }, session, userOf }: Save,
): StoredSession {
  if (baseText === stored.text) return session
  const { text } = merge(table, baseText, session.text, stored.text)
  return withText(table, session, stored, text, userOf)
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
function isStillThere(table: ItemTable, item: Item | undefined, session: SessionIdentity): item is Item {
  if (item === undefined || !table.isLive(item, table.clock.now())) return false
  return table.layout.isSameSession(item, session)
}

/** Versions of one session that have to become one again. */
interface Versions {
  readonly basis: string
  readonly ours: StoredSession
  readonly theirs: StoredSession
  /** Which attempt of a save met `theirs`, for traces. */
  readonly attempt?: number
}

/** What is to be written instead, when somebody else has written the session. */
export async function resolveConflict(
  table: ItemTable,
  save: Save,
  versions: Versions,
): Promise<StoredSession> {
  const { ours, theirs } = versions
  if (save.onConflict === 'overwrite') return { ...ours, birth: theirs.birth, createdMs: theirs.createdMs }
  if (!conflictTraces.isObserved) return resolve(table, save, versions)
  const trace: Draft<ConflictTrace> = { table: table.name, policy: policyOf(save) }
  if (versions.attempt !== undefined) trace.attempt = versions.attempt
  return conflictTraces.observe(trace, () => resolve(table, save, versions, trace), {
    conclude: result => {
      const outcome = trace.policy === 'resolver' ? 'resolved' : 'merged'
      trace.outcome = 'value' in result ? outcome : 'failed'
    },
  })
}

async function resolve(
  table: ItemTable,
  { onConflict, userOf }: Save,
  { basis, ours, theirs }: Versions,
  trace?: Draft<ConflictTrace>,
): Promise<StoredSession> {
  const merged = merge(table, basis, ours.text, theirs.text)
  if (trace !== undefined) trace.conflictingKeys = merged.conflictingKeys.length
  if (typeof onConflict !== 'function') return withText(table, ours, theirs, merged.text, userOf)
  const { codec } = table.layout
  const data: SessionData = await onConflict({
    basis: codec.decode(basis),
    ours: codec.decode(ours.text),
    theirs: codec.decode(theirs.text),
    merged: codec.decode(merged.text),
    conflictingKeys: merged.conflictingKeys,
  } as SessionConflict<never>)
  return withText(table, ours, theirs, codec.encode(data, merged.text), userOf)
}

/** Reports a conflict that ends a save, whose error it returns. */
function unresolved(
  { name: table }: ItemTable,
  save: Save,
  outcome: 'rejected' | 'gave-up',
  error: SessionConflictError,
): SessionConflictError {
  if (conflictTraces.isObserved) {
    const { attempts: attempt } = error
    conflictTraces.failAtOnce({ table, attempt, policy: policyOf(save), outcome }, error)
  }
  return error
}

/**
 * Reports a lock that was lost, and makes the error to throw for it. A layout without revisions cannot tell a write of ours,
 * which ended the lock, from that of another request.
 */
function lockLost({ name: table }: ItemTable, isInDoubt: boolean): LockLostError {
  const became = isInDoubt
    ? 'a response to the save was lost, so it may have been stored before that'
    : 'the save was given up'
  const error = new LockLostError(
    `the lock of the session ended and another request has written or locked the session since; ${became}; ` +
      'read the session again, and lock it for longer (leaseSeconds, maxHoldSeconds)',
  )
  if (lockTraces.isObserved) lockTraces.failAtOnce({ table, attempts: 0, outcome: 'lost' }, error)
  return error
}

function policyOf({ onConflict }: Save): ConflictTrace['policy'] {
  return typeof onConflict === 'function' ? 'resolver' : onConflict
}

/** Two versions as one, as text: what the application is to see is decoded from that. */
function merge(
  { layout: { codec } }: ItemTable,
  basis: string,
  ours: string,
  theirs: string,
): Pick<Merged, 'conflictingKeys'> & { readonly text: string } {
  const divergence = {
    basis: codec.decodeExactly(basis),
    ours: codec.decodeExactly(ours),
    theirs: codec.decodeExactly(theirs),
  }
  const { data, conflictingKeys } = mergeSessionData(divergence, (left, right) => codec.isSame(left, right))
  return { text: codec.encode(data, theirs), conflictingKeys }
}

function withText(
  { layout: { codec } }: ItemTable,
  ours: StoredSession,
  theirs: StoredSession,
  text: string,
  userOf: Save['userOf'],
): StoredSession {
  const data = codec.decode(text)
  return {
    ...ours,
    data,
    text,
    expiresMs: Math.max(ours.expiresMs, theirs.expiresMs),
    createdMs: theirs.createdMs ?? ours.createdMs,
    birth: theirs.birth,
    user: userOf(data, theirs.user),
  }
}
