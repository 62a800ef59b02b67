import type { TimedOptions } from '../aws/dynamodb/client-options.ts'
import type { StoredSession } from '../layouts/layout.ts'
import type { Item } from '../types.ts'
import type { ItemTable } from './item-table.ts'
import type { SessionSnapshot } from './session-record.ts'

/** For how long a request that comes with the old session ID is taken for one that was sent before the move. */
const ARRIVING_MS = 60_000

/** What takes the place of a session that moves; `undefined` in layouts that have no marks. */
export function moveMark(
  { layout, hasReplicas }: ItemTable,
  session: StoredSession,
  nowMs: number,
  nextKey: string | undefined,
): Item | undefined {
  const { lateRequests, moves } = layout
  if (lateRequests === undefined || moves === undefined) return undefined
  return {
    ...lateRequests.gravestone(session.key, nowMs, hasReplicas),
    ...moves.attributes(session, nowMs, nextKey),
  }
}

/** The key that a session goes on under; `undefined` when it has ended, or the session that was read is another one. */
export async function successorOf(
  table: ItemTable,
  session: StoredSession,
  timed: TimedOptions,
): Promise<string | undefined> {
  if (table.layout.moves === undefined) return undefined
  const item = await table.get(session.key, true, timed)
  return item && nextKeyOf(table, item, session)
}

/** The key that a mark tells those who had read its session. */
export function nextKeyOf(table: ItemTable, item: Item, session: StoredSession): string | undefined {
  const { layout, clock } = table
  return layout.isSameSession(item, session) ? layout.moves?.read(item, clock.now())?.nextKey : undefined
}

/** Ends the lock of a session that is not under its key any more, unless it has gone along to another one. */
export function endLostLease(
  table: ItemTable,
  found: Item | undefined,
  { session, lease }: Pick<SessionSnapshot, 'session' | 'lease'>,
): void {
  if (found === undefined || nextKeyOf(table, found, session) === undefined) lease?.end()
}

/** Whether an item is the mark of a session that was moved so lately that requests with its old ID may still arrive. */
export function hasJustMoved({ layout, clock }: ItemTable, item: Item): boolean {
  const nowMs = clock.now()
  const mark = layout.moves?.read(item, nowMs)
  return mark !== undefined && nowMs - mark.movedMs < ARRIVING_MS
}
