import type { TimedOptions } from '../aws/dynamodb/client-options.ts'
import { allOf, type StoredSession } from '../layouts/layout.ts'
import type { Item } from '../types.ts'
import { LATEST_MS } from '../internal/core-objects.ts'
import { type Attempt, type Ended, writeConditionally } from './conditional-write.ts'
import type { ItemTable, ItemUpdate, Outcome } from './item-table.ts'
import { nextKeyOf } from './move-mark.ts'
import type { LockClaim, SessionSnapshot } from './session-record.ts'

/** What a touch is about. */
export interface Touch {
  readonly key: string
  /** The version of the session that is known; absent when only the key is. */
  readonly snapshot: SessionSnapshot | undefined
  /** The expiry that is wanted. */
  readonly expiresMs: number
  /** Whether the caller named no expiry: then an extension by another request, a moment later, is as good. */
  readonly isDefault?: boolean
  /** A touch that would move the expiry by less is left out; `undefined`: what {@link touchAfterMs} says. */
  readonly touchAfterSeconds: number | undefined
}

const NEGLIGIBLE_MS = 1000
const SKIPPED_SHARE = 0.05
const SKIPPED_AT_MOST_MS = 3_600_000
const SHORTEST_LIFETIME_WITH_SKIPPING_MS = 600_000

/**
 * Moves the expiry of a session that exists (G4), and unlocks it when it was read under a lock.
 *
 * A copy of the request that DynamoDB carries out late does not undo a later one: an extension requires that the expiry is no
 * later than the new one, anything else that it is still the one that was seen.
 *
 * @returns when the session expires now, in epoch milliseconds: as it did before, for a touch that is left out because it
 *   would change little, or because others have extended the session further. `undefined` when there was nothing to touch.
 * @throws {SessionConflictError} when others kept on moving the expiry.
 */
export async function touchSession(
  table: ItemTable,
  touch: Touch,
  timed: TimedOptions,
): Promise<number | undefined> {
  const { snapshot } = touch
  const { layout } = table
  // What will be stored, which may be rounded up to seconds, as what is stored was.
  let nextMs = layout.expiryOf(layout.expiryAttributes(touch.expiresMs))
  let lease = snapshot?.lease?.isHeld === true ? snapshot.lease : undefined
  const known = snapshot?.session
  if (lease === undefined && known !== undefined && isTooLittle(table, known, nextMs, touch)) {
    return known.expiresMs
  }
  const isExtension = known !== undefined && known.expiresMs <= nextMs
  let from = known === undefined || isExtension ? upTo(nextMs) : exactly(known.expiresMs)
  const move = async (
    attempt: Attempt,
  ): Promise<Ended<number | undefined> | { readonly found: undefined }> => {
    const moving = moveExpiry(table, { ...touch, expiresMs: nextMs }, from, lease, attempt)
    const outcome = await (lease === undefined ? moving : lease.track(moving))
    if (hasMoved(outcome, nextMs, table)) {
      lease?.end()
      return { result: nextMs }
    }
    const { item } = outcome
    // A lock goes along with a session that is given a new ID.
    if (item && known && nextKeyOf(table, item, known) !== undefined) return { result: undefined }
    if (lease !== undefined && (item === undefined || layout.lock?.holderOf(item)?.owner !== lease.owner)) {
      // Whoever has the lock now must keep it; the expiry may still be moved.
      lease.lose()
      lease = undefined
      return { found: undefined }
    }
    const foundMs = item && expiryIfTouchable(table, item, known)
    if (foundMs === undefined || isWithin(from, foundMs)) {
      lease?.lose()
      return { result: undefined }
    }
    const isGoodEnough = isExtension || foundMs === nextMs || isAsGood(touch, foundMs - nextMs)
    if (lease === undefined && isGoodEnough) return { result: foundMs }
    // The lock is still to be given back.
    if (isExtension) nextMs = foundMs
    from = exactly(foundMs)
    return { found: undefined }
  }
  const trouble = 'others kept on moving the expiry of the session while it was touched; it was given up'
  return writeConditionally({ apply: move, trouble }, timed)
}

function isAsGood({ isDefault, snapshot }: Touch, laterByMs: number): boolean {
  return isDefault === true && snapshot === undefined && laterByMs >= 0 && laterByMs < NEGLIGIBLE_MS
}

/** Between which moments the expiry has to be, for a touch to move it. */
interface ExpiryRange {
  readonly afterMs: number
  readonly untilMs: number
}

function upTo(untilMs: number): ExpiryRange {
  return { afterMs: -Infinity, untilMs }
}

/** The expiry that was seen, which may be a fraction of a millisecond off what is stored. */
function exactly(expiresMs: number): ExpiryRange {
  return { afterMs: expiresMs - 1, untilMs: expiresMs + 1 }
}

function isWithin({ afterMs, untilMs }: ExpiryRange, expiresMs: number): boolean {
  return expiresMs > afterMs && expiresMs <= untilMs
}

/** When an item expires, if it is the session that is to be touched, and has not expired. */
function expiryIfTouchable(
  { layout, clock }: ItemTable,
  item: Item,
  known: StoredSession | undefined,
): number | undefined {
  if (layout.hasNoData(item) || (known !== undefined && !layout.isSameSession(item, known))) return undefined
  const expiresMs = layout.expiryOf(item)
  return expiresMs > clock.now() ? expiresMs : undefined
}

/** How much a touch has to move the expiry to be worth a write, when nothing else says. */
function touchAfterMs(lifetimeMs: number): number {
  if (lifetimeMs < SHORTEST_LIFETIME_WITH_SKIPPING_MS) return 0
  return Math.min(lifetimeMs * SKIPPED_SHARE, SKIPPED_AT_MOST_MS)
}

function isTooLittle(
  { clock }: ItemTable,
  { expiresMs: storedMs }: StoredSession,
  nextMs: number,
  { touchAfterSeconds }: Touch,
): boolean {
  const nowMs = clock.now()
  const atLeastMs = touchAfterSeconds === undefined ? touchAfterMs(nextMs - nowMs) : touchAfterSeconds * 1000
  const byMs = nextMs - storedMs
  // An expiry that comes earlier is always written: the application shortens the session on purpose.
  return byMs >= 0 && byMs < atLeastMs && storedMs > nowMs
}

function moveExpiry(
  table: ItemTable,
  { key, snapshot, expiresMs }: Touch,
  { afterMs, untilMs }: ExpiryRange,
  lease: LockClaim | undefined,
  options: TimedOptions,
): Promise<Outcome> {
  const { layout } = table
  const unlock = lease === undefined ? undefined : layout.lock
  const nowMs = table.clock.now()
  const update: ItemUpdate = {
    set: layout.expiryAttributes(expiresMs),
    remove: unlock?.attributes ?? [],
    condition: allOf(
      table.liveAt(nowMs, Math.max(nowMs, afterMs)),
      // What never expires does not say so in a number.
      untilMs < LATEST_MS ? layout.expiredAt(untilMs) : undefined,
      // What is only known by its key may be a leftover that is no session.
      layout.sameSessionAs(snapshot?.session),
      lease && unlock?.heldBy(lease.owner),
    ),
  }
  return table.update(key, update, options)
}

/** A touch that let the session expire at once may find, when its answer was lost, that it has expired (G11). */
function hasMoved({ applied, item }: Outcome, expiresMs: number, { layout, clock }: ItemTable): boolean {
  return applied || (item !== undefined && expiresMs <= clock.now() && layout.expiryOf(item) === expiresMs)
}
