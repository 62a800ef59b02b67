import type { SendOptions, TimedOptions } from '../aws/dynamodb/client.ts'
import { SessionConflictError } from '../errors.ts'
import { sleep } from '../internal/timers.ts'
import { isSameJson } from '../layouts/json.ts'
import { allOf, type Condition, type StoredSession } from '../layouts/layout.ts'
import type { Item, Random } from '../types.ts'
import type { DoubtfulCreations } from './doubtful-creations.ts'
import type { ItemTable } from './item-table.ts'
import { isWriteOf } from './revision.ts'
import { MOST_ATTEMPTS, pauseAfter, unwritten } from './save.ts'

/** A session that is to be created, or to take the place of what is stored. */
export interface Creation {
  readonly session: StoredSession
  readonly item: Item
  /** What tells this write from all others, at each of its attempts. */
  readonly marker: string
  readonly doubtful: DoubtfulCreations
  readonly random: Random
}

/**
 * Creates a session, or replaces whatever is stored under its key.
 *
 * A new session ID takes one request. It requires that there is no item, and one that replaces an item requires the item
 * that was seen: a copy of the request that DynamoDB carries out late, after its response was lost and it was sent again,
 * finds what has been written since, and changes nothing.
 *
 * @returns the session as it is stored, others may have gone on from there.
 * @throws {SessionConflictError} when others kept on writing the session.
 */
export async function createSession(
  table: ItemTable,
  { session, item: wanted, marker, doubtful, random }: Creation,
  options: TimedOptions,
): Promise<StoredSession> {
  const { layout } = table
  const { key } = session
  let item = wanted
  let condition: Condition | undefined = absent(table)
  let inDoubt = 0
  const onDoubt = (): void => {
    inDoubt++
    doubtful.add(key)
  }
  for (let attempt = 1; ; attempt++) {
    if (condition === undefined) {
      // No attribute of this layout tells one version of a session from another.
      await table.put(item, options)
      return session
    }
    const { happened, item: found } = await table.replace(key, item, condition, { ...options, onDoubt })
    if (happened) {
      if (inDoubt > 0) await expectLateCreation(table, session, options)
      return session
    }
    if (found !== undefined && (isSameJson(found, item) || isWriteOf(marker, layout.revisionOf(found)))) {
      // Of the requests in doubt, one was carried out.
      if (inDoubt === 1) doubtful.delete(key)
      else await expectLateCreation(table, session, options)
      return isSameJson(found, item) ? session : table.open(found)
    }
    const pauseMs = pauseAfter(attempt, random)
    if (attempt === MOST_ATTEMPTS || options.deadline.isExpired(pauseMs)) {
      throw new SessionConflictError(
        `others kept on writing the session while it was replaced (attempts: ${attempt}); it was given up`,
        { attempts: attempt },
      )
    }
    await sleep(pauseMs, options.signal)
    condition = found === undefined ? absent(table) : asFound(table, found)
    const nowMs = table.clock.now()
    const isLateOneExpected = found && layout.lateRequests?.isCreationExpected(found, nowMs)
    item =
      isLateOneExpected === true ? { ...wanted, ...layout.lateRequests?.creationExpected(nowMs) } : wanted
  }
}

/**
 * Has the item say that a request which creates it may still be carried out, so that whoever destroys it keeps that out. Nothing
 * depends on whether this succeeds while this process is the one that destroys it.
 */
async function expectLateCreation(
  table: ItemTable,
  session: StoredSession,
  options: SendOptions,
): Promise<void> {
  const { layout } = table
  const { lateRequests } = layout
  const condition = layout.sameSessionAs(session)
  if (lateRequests === undefined || condition === undefined) return
  const set = lateRequests.creationExpected(table.clock.now())
  await Promise.allSettled([table.update(session.key, { set, remove: [], condition }, options)])
}

/** Holds where there is no item. */
export function absent({ layout: { partitionKey } }: ItemTable): Condition {
  return { expression: 'attribute_not_exists(#itemKey)', names: { '#itemKey': partitionKey }, values: {} }
}

/** Holds while what is stored is what was found, whatever that is; `undefined` where the layout cannot tell. */
export function asFound({ layout }: ItemTable, found: Item): Condition | undefined {
  const { partitionKey, versionAttribute } = layout
  if (versionAttribute === undefined) return undefined
  const isThere = {
    expression: 'attribute_exists(#itemKey)',
    names: { '#itemKey': partitionKey },
    values: {},
  }
  return allOf(isThere, unwritten(layout, { version: found[versionAttribute], createdMs: undefined }))
}
