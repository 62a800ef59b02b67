import type { SendOptions } from '../aws/dynamodb/client-options.ts'
import type { Input } from '../aws/dynamodb/operations.ts'
import { isAwsError, isFailedCondition, itemOfFailedCondition } from '../aws/dynamodb/wire-error.ts'
import { invalidArgument, invalidOption, SessionCorruptError, TableMismatchError } from '../errors.ts'
import { withinDateRange } from '../internal/core-objects.ts'
import { sleep } from '../internal/timers.ts'
import type { Item } from '../types.ts'
import type { BulkOptions, ListOptions } from '../options/call-options.ts'
import { ASKS_FOR_ITEM, type ItemTable } from '../items/item-table.ts'
import { destroyEverywhere } from '../items/lifecycle.ts'
import {
  DELETES_AT_ONCE,
  forEachAtOnce,
  inBulk,
  itemsOf,
  listInBulk,
  readPages,
  requireTableKey,
  unlessUnreadable,
} from './scan.ts'
import { addIndexCommand, isUserId, type UserIndex } from '../layouts/user-index.ts'

/** A session of a user, as the index has it. */
export interface UserSession {
  /** Value of the item's partition key, the same as `SessionRecord.key`. */
  readonly key: string
  /** When the session began: epoch milliseconds, to the second. */
  readonly createdMs: number | undefined
  /** When the session expires: epoch milliseconds. The newest touch may be missing. */
  readonly expiresMs: number
}

/** Options of {@link destroyByUser}. */
export interface DestroyByUserOptions extends BulkOptions {
  /** Keys of the sessions to leave alone. */
  readonly except?: Iterable<string> | undefined
}

interface UserQuery {
  readonly table: ItemTable
  readonly index: UserIndex
  readonly userId: string
  readonly options: SendOptions
}

/** A {@link UserQuery} whose sessions are being destroyed. */
interface Destruction extends UserQuery {
  /** Keys of the sessions that are left alone. */
  readonly kept: readonly string[]
  /** Those, those that have been destroyed, and where marks of moves have led to. */
  readonly handled: Set<string>
}

/**
 * How long to wait before looking again, until that has found nothing new to the end of the list. Indexes are usually
 * less than this behind.
 */
const SETTLING_PAUSES_MS: readonly number[] = [100, 200]

/** Somebody who keeps signing in must not keep a sign-out going for ever. */
const MAX_ROUNDS = 20

/**
 * The sessions of a user that have not expired, in no order, a page of the index at a time.
 *
 * The index follows the table within moments: a session that began or ended just now may be missing or still there.
 * Sessions that were last written by a store without `userId` are not in it.
 *
 * @throws {TypeError} `INVALID_OPTION` for a user ID that cannot be one, and in layouts without users.
 * @throws {TableMismatchError} when the table has no such index, or it is still being built.
 */
export async function* listByUser(
  table: ItemTable,
  userId: string,
  options: ListOptions = {},
): AsyncGenerator<UserSession, void, undefined> {
  const query = queryOf(table, userId, {})
  for await (const item of listInBulk(options, send => entriesOf({ ...query, options: send }))) {
    requireProjection(query, item)
    const session = await unlessUnreadable(table, item, options, () => liveSessionOf(table, item))
    if (session !== undefined) yield session
  }
}

/** The same session by the clock of this machine, as the times of a record are. */
export function localTimes({ clock }: ItemTable, { key, createdMs, expiresMs }: UserSession): UserSession {
  const local = (epochMs: number): number => withinDateRange(epochMs - clock.offsetMs)
  return { key, createdMs: createdMs && local(createdMs), expiresMs: local(expiresMs) }
}

export function liveSessionOf(table: ItemTable, item: Item): UserSession | undefined {
  const key = table.layout.keyOfItem(item)
  if (key === undefined || !table.isLive(item, table.clock.now())) return undefined
  return { key, createdMs: table.layout.createdOf(item), expiresMs: table.expiryOf(item) }
}

/**
 * Deletes the sessions of a user: "sign out everywhere".
 *
 * Each deletion is by the key of the session and on the condition that it still belongs to the user. Requests that have
 * loaded a session by then do not bring it back (G3). A session that is given a new ID meanwhile is followed there, and so is one
 * that is to be left alone. Because the index follows the table within moments, it is asked
 * again until, for a while, it has nothing new. What can escape is a session that the user signs in to at the same
 * moment or later, one that an index which is further behind does not show yet, and one that was last written by a
 * store without `userId`.
 *
 * A failure in between leaves the rest undone; calling again does it.
 *
 * @returns how many sessions were ended by this call. Sessions that had expired do not count, nor do those that somebody
 *   else ended first. When the answer to a deletion is lost and the session is gone at the next attempt, it counts.
 * @throws the same as {@link listByUser}.
 */
export async function destroyByUser(
  table: ItemTable,
  userId: string,
  { except = [], ...options }: DestroyByUserOptions = {},
): Promise<number> {
  const kept = [...except]
  return inBulk(options, send =>
    destroyAll({ ...queryOf(table, userId, send), kept, handled: new Set(kept) }),
  )
}

/** Deletes what the index has, until it has nothing new for a while. */
async function destroyAll(destruction: Destruction): Promise<number> {
  const { handled, options } = destruction
  let destroyed = 0
  let pauses = 0
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const handledBefore = handled.size
    destroyed += await destroyNewEntries(destruction)
    pauses = handled.size === handledBefore ? pauses + 1 : 0
    const pauseMs = SETTLING_PAUSES_MS[pauses]
    if (pauseMs === undefined) break
    await sleep(pauseMs, options.signal)
  }
  return destroyed
}

/** Deletes what the index has and `handled` does not, and adds it there. */
async function destroyNewEntries(destruction: Destruction): Promise<number> {
  const { table, handled } = destruction
  let destroyed = 0
  let following: Promise<readonly Item[]> | undefined
  await forEachAtOnce(entriesOf(destruction), DELETES_AT_ONCE, async item => {
    const key = table.layout.keyOfItem(item)
    if (key === undefined || handled.has(key)) return
    const keptItems = await (following ??= followKept(destruction))
    if (await isMovingOne(destruction, keptItems, key)) handled.add(key)
    else if (await destroyUnlessHandled(destruction, key, item)) destroyed++
  })
  return destroyed
}

/** Adds to `handled` where the sessions that are left alone have gone, and returns their items. */
async function followKept({ table, kept, handled, options }: Destruction): Promise<readonly Item[]> {
  const items: Item[] = []
  if (table.layout.moves === undefined) return items
  for (const first of kept) {
    let key: string | undefined = first
    while (key !== undefined) {
      handled.add(key)
      const item = await table.get(key, true, options)
      if (item !== undefined) items.push(item)
      const next = nextKeyIn(table, item)
      key = next !== undefined && handled.has(next) ? undefined : next
    }
  }
  return items
}

/**
 * Whether a session is one of those that are left alone, on its way to a new ID: without transactions it is stored under that before
 * anything under its old ID says so.
 */
async function isMovingOne(
  { table, handled, options }: Destruction,
  keptItems: readonly Item[],
  key: string,
): Promise<boolean> {
  const { moves } = table.layout
  if (moves === undefined || keptItems.length === 0 || handled.has(key)) return false
  const item = await table.get(key, true, options)
  return item !== undefined && keptItems.some(kept => moves.areOfOneSession(item, kept))
}

/** The key that a session goes on under, if an item is the mark of its move. */
function nextKeyIn({ layout, clock }: ItemTable, item: Item | undefined): string | undefined {
  return item && layout.moves?.read(item, clock.now())?.nextKey
}

/**
 * Whether this ended a session that was alive. The index may be behind, so that the deleted item itself tells.
 *
 * @param entry what the index has of it; absent where a mark has led to it.
 */
async function destroyUnlessHandled(destruction: Destruction, key: string, entry?: Item): Promise<boolean> {
  const { table, index, userId, options, handled } = destruction
  if (handled.has(key)) return false
  handled.add(key)
  const nowMs = table.clock.now()
  try {
    const input = {
      TableName: table.name,
      Key: table.itemKey(key),
      ConditionExpression: '#user = :user',
      ExpressionAttributeNames: { '#user': index.attribute },
      ExpressionAttributeValues: { ':user': { S: userId } },
      ReturnValues: 'ALL_OLD',
      ...ASKS_FOR_ITEM,
    } as const
    const { Attributes: deleted } = await table.clock.retryAfterClockCorrection(() =>
      table.client.send('DeleteItem', input, options),
    )
    // Other Regions are told, too, and a gravestone keeps its place.
    if (table.hasReplicas) await destroyEverywhere(table, key, options)
    return deleted !== undefined && wasLive(table, deleted, nowMs)
  } catch (error) {
    if (!isFailedCondition(error)) throw error
    const found = itemOfFailedCondition(error) ?? (await table.get(key, true, options))
    // It was given a new ID since the index saw it, which the index may not show yet.
    const nextKey = nextKeyIn(table, found)
    if (nextKey !== undefined) return destroyUnlessHandled(destruction, nextKey)
    const isOwnDeletion = error.attempts > 1 && found === undefined
    return isOwnDeletion && (entry === undefined || wasLive(table, entry, nowMs))
  }
}

export function wasLive(table: ItemTable, item: Item, nowMs: number): boolean {
  try {
    return table.isLive(item, nowMs)
  } catch (error) {
    if (error instanceof SessionCorruptError) return false
    throw error
  }
}

function queryOf(table: ItemTable, userId: string, options: SendOptions): UserQuery {
  const { userIndex: index, name } = table.layout
  if (index === undefined) {
    throw invalidOption(`the layout "${name}" does not write down whose session it is`)
  }
  if (!isUserId(userId)) {
    throw invalidArgument('a user ID must be a string of 1 to 2048 bytes')
  }
  return { table, index, userId, options }
}

/** What the index has of the user's sessions in this namespace, expired or not. */
async function* entriesOf({
  table,
  index,
  userId,
  options,
}: UserQuery): AsyncGenerator<Item, void, undefined> {
  const namespace = table.layout.namespace()
  const input: Input<'Query'> = {
    TableName: table.name,
    IndexName: index.name,
    KeyConditionExpression: '#user = :user',
    ExpressionAttributeNames: { ...namespace?.names, '#user': index.attribute },
    ExpressionAttributeValues: { ...namespace?.values, ':user': { S: userId } },
    ...(namespace !== undefined && { FilterExpression: namespace.expression }),
  }
  const pages = readPages(start =>
    table.clock.retryAfterClockCorrection(() => table.client.send('Query', { ...input, ...start }, options)),
  )
  try {
    for await (const item of itemsOf(pages, options)) {
      requireTableKey(table, item)
      yield item
    }
  } catch (error) {
    throw indexProblem(error, table, index) ?? error
  }
}

/** What to say when it is the index that is not there; DynamoDB has no code of its own for that. */
function indexProblem(error: unknown, { name: table }: ItemTable, index: UserIndex): Error | undefined {
  if (!isAwsError(error, 'ValidationException')) return undefined
  if (error.message.includes('backfilling')) {
    const difference = `the index "${index.name}" is still being built`
    return new TableMismatchError(
      `the sessions of a user cannot be found in table "${table}" yet: ${difference}; try again later`,
      [difference],
    )
  }
  if (!error.message.includes('specified index')) return undefined
  const difference = `there is no index "${index.name}"`
  return new TableMismatchError(
    `the sessions of a user cannot be found in table "${table}": ${difference}; createTable makes it in new tables, and ` +
      `this adds it (with ProvisionedThroughput in it where the table has that): ${addIndexCommand(table)}`,
    [difference],
  )
}

/** An index that somebody made by hand may lack what tells whether a session is alive. */
function requireProjection({ table, index }: UserQuery, item: Item): void {
  if (index.projected.some(attribute => attribute in item)) return
  const difference = `the index "${index.name}" does not have the attributes ${index.projected.join(', ')}`
  throw new TableMismatchError(
    `the sessions of a user cannot be listed from table "${table.name}": ${difference}; delete the index and add it again: ` +
      addIndexCommand(table.name),
    [difference],
  )
}
