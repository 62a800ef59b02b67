import type { SendOptions } from '../dynamodb/client.ts'
import { allOf, type StoredSession } from '../layout/layout.ts'
import { type ItemTable, type ItemUpdate, type Outcome } from './item-table.ts'
import type { Lease } from './lease.ts'
import type { Version } from './record.ts'

/** What a touch is about. */
export interface Touch {
  readonly key: string
  /** The version of the session that is known; absent when only the key is. */
  readonly version: Version | undefined
  /** The expiry that is wanted. */
  readonly expiresMs: number
  /** A touch that would move the expiry by less is left out; `undefined`: what {@link touchAfterMs} says. */
  readonly touchAfterSeconds: number | undefined
}

const SKIPPED_SHARE = 0.05
const SKIPPED_AT_MOST_MS = 3_600_000
const SHORTEST_LIFETIME_WITH_SKIPPING_MS = 600_000

/**
 * Moves the expiry of a session that exists (G4), and unlocks it when it was read under a lock.
 *
 * @returns when the session expires now, in epoch milliseconds: as it did before, for a touch that is left out because it
 *   would change little. `undefined` when there was nothing to touch.
 */
export async function touchSession(
  table: ItemTable,
  touch: Touch,
  options: SendOptions,
): Promise<number | undefined> {
  const { version } = touch
  const { layout } = table
  // What will be stored, which may be rounded up to seconds, as what is stored was.
  const nextMs = layout.expiryOf(layout.expiryAttributes(touch.expiresMs))
  const lease = version?.lease?.isHeld === true ? version.lease : undefined
  if (lease === undefined) {
    const stored = version?.session
    if (stored !== undefined && isTooLittle(table, stored, nextMs, touch)) return stored.expiresMs
    return hasMoved(await moveExpiry(table, touch, undefined, options), nextMs, table) ? nextMs : undefined
  }
  const outcome = await lease.track(moveExpiry(table, touch, lease, options))
  if (outcome.happened) lease.end()
  else lease.lose()
  // Whoever has the lock now must keep it; the expiry may still be moved.
  return hasMoved(outcome, nextMs, table) ? nextMs : touchSession(table, touch, options)
}

/** How much a touch has to move the expiry to be worth a write, when nothing else says. */
export function touchAfterMs(lifetimeMs: number): number {
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
  { key, version, expiresMs }: Touch,
  lease: Lease | undefined,
  options: SendOptions,
): Promise<Outcome> {
  const { layout } = table
  const unlock = lease === undefined ? undefined : layout.lock
  const update: ItemUpdate = {
    set: layout.expiryAttributes(expiresMs),
    remove: unlock?.attributes ?? [],
    condition: allOf(
      table.liveAt(table.clock.now()),
      // What is only known by its key may be a leftover that is no session.
      layout.sameSessionAs(version?.session ?? { createdMs: undefined }),
      lease && unlock?.heldBy(lease.owner),
    ),
  }
  return table.update(key, update, options)
}

/** A touch that let the session expire at once may find, when its answer was lost, that it has expired (G11). */
function hasMoved({ happened, item }: Outcome, expiresMs: number, { layout, clock }: ItemTable): boolean {
  return happened || (item !== undefined && expiresMs <= clock.now() && layout.expiryOf(item) === expiresMs)
}
