import type { SendOptions, TimedOptions } from '../aws/dynamodb/client-options.ts'
import { isSameJson } from '../layouts/json.ts'
import { allOf, type Condition, type StoredSession } from '../layouts/layout.ts'
import { birthAt, LATE_REQUESTS_MS } from '../layouts/native.ts'
import type { Item } from '../types.ts'
import { type ConditionalWrite, writeConditionally } from './conditional-write.ts'
import type { ItemTable } from './item-table.ts'
import { unwritten } from './save.ts'
import { isWriteOf, newMarker } from './session-record.ts'

/** A session that is to be created, or to take the place of what is stored. */
interface Creation {
  /** The session as its item has it. */
  readonly session: StoredSession
  readonly item: Item
}

/**
 * Makes a new session, and its item.
 *
 * @throws {SessionTooLargeError} when DynamoDB would not take it.
 */
export async function newSession(
  table: ItemTable,
  content: Pick<StoredSession, 'key' | 'data' | 'text' | 'createdMs' | 'expiresMs' | 'user'>,
): Promise<Creation> {
  const session = {
    ...content,
    revision: newMarker(),
    version: undefined,
    birth: birthAt(table.clock.now(), newMarker()),
  }
  const item = await table.itemOf(session)
  return { session: table.asStored(item, session), item }
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
export function createSession(
  table: ItemTable,
  { session, item: wanted }: Creation,
  doubtful: RecentKeys,
  timed: TimedOptions,
): Promise<StoredSession> {
  const { layout } = table
  const { key, revision } = session
  let item = wanted
  let condition: Condition | undefined = absent(table)
  const creation: ConditionalWrite<Item | undefined, StoredSession> = {
    trouble: 'others kept on writing the session while it was replaced; it was given up',
    apply: async attempt => {
      if (condition === undefined) {
        // No attribute of this layout tells one version of a session from another.
        await table.put(item, timed)
        return { result: session }
      }
      const { applied, item: found } = await table.replace(key, item, condition, attempt)
      if (applied) {
        if (attempt.doubts > 0) await expectLateCreation(table, session, timed)
        return { result: session }
      }
      if (found === undefined) return { found }
      const isSame = isSameJson(found, item)
      if (!isSame && (revision === undefined || !isWriteOf(revision, layout.revisionOf(found))))
        return { found }
      // Of the requests in doubt, one was carried out.
      if (attempt.doubts === 1) doubtful.delete(key)
      else await expectLateCreation(table, session, timed)
      return { result: isSame ? session : await table.open(found) }
    },
    resolve: found => {
      condition = found === undefined ? absent(table) : asFound(table, found)
      const nowMs = table.clock.now()
      const isLateOneExpected = found && layout.lateRequests?.isCreationExpected(found, nowMs)
      item =
        isLateOneExpected === true ? { ...wanted, ...layout.lateRequests?.creationExpected(nowMs) } : wanted
      return undefined
    },
  }
  return writeConditionally(creation, { ...timed, onDoubt: () => doubtful.add(key) })
}

/**
 * Has the item say that a request which creates it may still be carried out, so that whoever destroys it keeps that out. Nothing
 * depends on whether this succeeds while this process is the one that destroys it.
 */
async function expectLateCreation(
  table: ItemTable,
  session: StoredSession,
  options: TimedOptions,
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

/** Holds where there is no item, or one that has expired. */
export function vacantAt(table: ItemTable, nowMs: number): Condition {
  const expired = table.expiredAt(nowMs)
  return {
    expression: `attribute_not_exists(#vacantKey) OR (${expired.expression})`,
    names: { ...expired.names, '#vacantKey': table.layout.partitionKey },
    values: expired.values,
  }
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

/**
 * Deletes a session, whatever it is by now.
 *
 * It deletes only what had started when it was called: a copy of the request that DynamoDB carries out late leaves a session
 * alone that was created under the same ID since. Where a request that created the session may still be on its way, a
 * gravestone takes the place of the item for a while, so that the session does not come back. So does one in every Region where
 * the table has replicas, for a day.
 *
 * @param follow is told of a mark before that is replaced: what it leads to has to end first, so that whoever tries again after
 *   a failure finds it still.
 * @throws {SessionConflictError} when others kept on creating the session anew.
 */
export async function destroySession(
  table: ItemTable,
  key: string,
  doubtful: RecentKeys,
  timed: TimedOptions,
  follow?: FollowMark,
): Promise<void> {
  const buries = table.hasReplicas || doubtful.has(key)
  const destroy = (options: TimedOptions): Promise<void> =>
    destroyInRegion(table, { key, buries, follow }, options)
  await destroy(timed)
  await tellOtherRegions(table, timed, destroy)
}

/**
 * Does in each other Region what ends a session there, where that can be reached: until it hears by replication, a save there would
 * bring the session back. Nothing depends on whether this succeeds.
 */
export async function tellOtherRegions(
  table: ItemTable,
  timed: TimedOptions,
  tell: (options: TimedOptions) => Promise<unknown>,
): Promise<void> {
  const deadline = timed.deadline.within(OTHER_REGIONS_MS)
  await Promise.allSettled(table.client.otherRegions.map(region => tell({ ...timed, deadline, region })))
}

/** Destroys a session of which nobody knows more than its key, so that no other Region brings it back. */
export async function destroyEverywhere(table: ItemTable, key: string, options: SendOptions): Promise<void> {
  await table.clock.retryAfterClockCorrection(() =>
    destroySession(table, key, new RecentKeys(), table.timed(options)),
  )
}

/** Destroys what a mark leads to, if that concerns the caller. */
type FollowMark = (mark: Item) => Promise<void>

/** The longest time that the end of a session waits for other Regions. */
const OTHER_REGIONS_MS = 1000

/** What {@link destroyInRegion} destroys. */
interface Destruction {
  readonly key: string
  /** Whether a gravestone is needed, whatever is found. */
  readonly buries: boolean
  readonly follow: FollowMark | undefined
}

async function destroyInRegion(
  table: ItemTable,
  { key, buries: alwaysBuries, follow }: Destruction,
  timed: TimedOptions,
): Promise<void> {
  const { lateRequests, moves } = table.layout
  if (lateRequests === undefined) {
    await table.delete(key, timed)
    return
  }
  const nowMs = table.clock.now()
  let started = lateRequests.startedBy(nowMs)
  let buries = alwaysBuries
  // No mark is replaced that has not been followed.
  let followed = follow && moves?.leadsAs(undefined)
  const destruction: ConditionalWrite<Item, undefined> = {
    trouble: 'others kept on creating the session anew while it was destroyed; it was given up',
    apply: async () => {
      const { applied, item: found } = buries
        ? await table.replace(
            key,
            lateRequests.gravestone(key, nowMs, table.hasReplicas),
            allOf(started, followed),
            timed,
          )
        : await table.deleteIf(key, allOf(started, lateRequests.noCreationExpected(nowMs)), timed)
      return applied || found === undefined ? { result: undefined } : { found }
    },
    resolve: async found => {
      buries ||= lateRequests.isCreationExpected(found, nowMs)
      // By a clock that is ahead of this one it starts later. It is there now.
      started = lateRequests.isStill(found)
      if (follow === undefined) return undefined
      await follow(found)
      followed = moves?.leadsAs(found)
      return undefined
    },
  }
  await writeConditionally(destruction, timed)
}

const MOST_KEYS = 10_000

/**
 * Keys of sessions of which this process knows something that matters for as long as late requests may be carried out, such as that
 * it has tried to create them and does not know what has become of every request. AWS refuses a request whose signature is some
 * minutes old, so that nothing has to be remembered for long.
 */
export class RecentKeys {
  /** Until when, by `performance.now()`; the oldest first. */
  readonly #untilMs = new Map<string, number>()

  get isEmpty(): boolean {
    return this.#untilMs.size === 0
  }

  add(key: string): void {
    const nowMs = performance.now()
    this.#untilMs.delete(key)
    this.#untilMs.set(key, nowMs + LATE_REQUESTS_MS)
    for (const [oldest, untilMs] of this.#untilMs) {
      if (untilMs > nowMs && this.#untilMs.size <= MOST_KEYS) break
      this.#untilMs.delete(oldest)
    }
  }

  delete(key: string): void {
    this.#untilMs.delete(key)
  }

  has(key: string): boolean {
    return (this.#untilMs.get(key) ?? 0) > performance.now()
  }
}
