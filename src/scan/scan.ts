import { isAwsError } from '../aws/dynamodb/wire-error.ts'
import type { SendOptions } from '../aws/dynamodb/client-options.ts'
import type { Input, Output } from '../aws/dynamodb/operations.ts'
import {
  DeadlineExceededError,
  SessionCorruptError,
  SessionDecryptionError,
  TableMismatchError,
} from '../errors.ts'
import { inBackground, offAbort, onAbort } from '../internal/timers.ts'
import { allOf, type Condition } from '../layouts/layout.ts'
import type { Item } from '../types.ts'
import type { BulkOptions, ListOptions } from '../options/call-options.ts'
import type { ItemTable } from '../items/item-table.ts'
import { destroyEverywhere } from '../items/lifecycle.ts'

type ScanInput = Input<'Scan'>
type ScanPage = Output<'Scan'>

/** As many as wait for little, and leave most of the connections to the requests of the application. */
export const DELETES_AT_ONCE = 8

/** The tables whose key has been looked at. */
const lookedAt = new WeakSet<ItemTable>()

/**
 * The items of this namespace's sessions that have not expired; with `keyOnly`, nothing but their partition key.
 *
 * Holds one page of the table at a time. A session is listed when it was alive as its page was read.
 */
export function listItems(
  table: ItemTable,
  keyOnly: boolean,
  options: SendOptions,
): AsyncGenerator<Item, void, undefined> {
  return itemsOf(pagesOfLive(table, keyOnly, options), options)
}

/**
 * The same, page by page.
 *
 * @param after the key to start after, whether or not it still exists; without it, from the start of the table.
 */
export function pagesOfLive(
  table: ItemTable,
  keyOnly: boolean,
  options: SendOptions,
  after?: string,
): AsyncGenerator<ScanPage, void, undefined> {
  const start = after === undefined ? {} : { ExclusiveStartKey: table.itemKey(after) }
  const input = (): ScanInput => {
    const all = { ...scanInput(table, liveSessions(table), table.consistentRead), ...start }
    return keyOnly ? projectKey(table, all) : all
  }
  return scanPages(table, input, options)
}

/** The items of some pages. */
export async function* itemsOf(
  pages: AsyncIterable<Pick<ScanPage, 'Items'>>,
  { signal }: SendOptions,
): AsyncGenerator<Item, void, undefined> {
  for await (const { Items: items = [] } of pages) {
    for (const item of items) {
      // A page is a thousand items and more, and whoever lists them may take long over each.
      signal?.throwIfAborted()
      yield item
    }
  }
}

/**
 * What an item is read as; `undefined` for one that cannot be read, when somebody is told of that.
 *
 * @throws {SessionCorruptError | SessionDecryptionError} when nobody is.
 */
export async function unlessUnreadable<Value>(
  { layout }: ItemTable,
  item: Item,
  { onError }: Pick<ListOptions, 'onError'>,
  read: () => Value | Promise<Value>,
): Promise<Value | undefined> {
  try {
    return await read()
  } catch (error) {
    const isAboutItem = error instanceof SessionCorruptError || error instanceof SessionDecryptionError
    if (!isAboutItem || onError === undefined) throw error
    onError(error, layout.keyOfItem(item))
    return undefined
  }
}

/** The number of sessions of this namespace that have not expired. Reads the whole table, and transfers only counts. */
export async function countItems(table: ItemTable, options: SendOptions): Promise<number> {
  const input = (): ScanInput => ({
    ...scanInput(table, liveSessions(table), table.consistentRead),
    Select: 'COUNT',
  })
  let count = 0
  for await (const page of scanPages(table, input, options)) count += page.Count ?? 0
  return count
}

/**
 * Deletes every item of this namespace, expired or not, a few at a time. The first failure ends it; what is deleted
 * by then stays deleted. Where the table has replicas, gravestones are left, as when sessions are destroyed.
 */
export async function deleteItems(table: ItemTable, options: SendOptions): Promise<void> {
  // Consistent whatever the reads are: after a clear nothing may be left that had been written before it.
  const input = (): ScanInput => projectKey(table, scanInput(table, table.layout.namespace(), true))
  for await (const { Items: keys = [] } of scanPages(table, input, options)) {
    await forEachAtOnce(keys, DELETES_AT_ONCE, async Key => {
      if (table.hasReplicas) await destroyEverywhere(table, table.layout.keyOfItem(Key) ?? '', options)
      else await table.client.send('DeleteItem', { TableName: table.name, Key }, options)
    })
  }
}

/** Input of a scan for the items that a condition holds for; for all items where it is absent. */
export function scanInput(
  table: ItemTable,
  filter: Condition | undefined,
  consistentRead: boolean,
): ScanInput {
  const input = { TableName: table.name, ConsistentRead: consistentRead }
  if (filter === undefined) return input
  return {
    ...input,
    FilterExpression: filter.expression,
    ExpressionAttributeNames: filter.names,
    ...(Object.keys(filter.values).length > 0 && { ExpressionAttributeValues: filter.values }),
  }
}

/** The same scan, for nothing but the partition keys. */
export function projectKey({ layout }: ItemTable, input: ScanInput): ScanInput {
  return {
    ...input,
    ProjectionExpression: '#projectedKey',
    ExpressionAttributeNames: { ...input.ExpressionAttributeNames, '#projectedKey': layout.partitionKey },
  }
}

/**
 * Scans page by page. That the table has the partition key of the layout is checked on the first: else every filter would find
 * nothing.
 *
 * @param input makes the input of a page, which may depend on what the time is.
 * @param send reads a page, for scans that have more to do for it than to send what `make` returns.
 * @throws {TableMismatchError} when the table has another partition key.
 */
export async function* scanPages(
  table: ItemTable,
  input: () => ScanInput,
  options: SendOptions,
  send: (make: () => ScanInput) => Promise<ScanPage> = make =>
    table.clock.retryAfterClockCorrection(() => table.client.send('Scan', make(), options)),
): AsyncGenerator<ScanPage, void, undefined> {
  let isFirst = true
  for await (const page of readPages(start => send(() => ({ ...input(), ...start })))) {
    if (isFirst) await checkTableKey(table, page, options)
    isFirst = false
    yield page
  }
}

/**
 * Reads page by page (DynamoDB reads up to 1 MB for one), and the next one when the last has been dealt with.
 *
 * @param read reads the page after `start`, which is part of the input of a `Scan` or a `Query`.
 */
export async function* readPages<Page extends { readonly LastEvaluatedKey?: Item | undefined }>(
  read: (start: { readonly ExclusiveStartKey?: Item }) => Promise<Page>,
): AsyncGenerator<Page, void, undefined> {
  let last: Item | undefined
  do {
    const page = await read(last === undefined ? {} : { ExclusiveStartKey: last })
    yield page
    last = page.LastEvaluatedKey
  } while (last !== undefined)
}

/**
 * Makes sure that the partition key of the layout is that of the table, where nothing shows it, because a filter has left
 * nothing or an index is asked: DynamoDB refuses to read what does not have the key of the table. Each table is asked once;
 * when it gives no answer, nothing is known, and that is no error.
 *
 * @throws {TableMismatchError} when the table has another key.
 */
export async function askForTableKey(table: ItemTable, options: SendOptions): Promise<void> {
  if (lookedAt.has(table)) return
  lookedAt.add(table)
  const { client, name: TableName } = table
  try {
    await client.send('GetItem', { TableName, Key: table.itemKey('no session has this key') }, options)
  } catch (error) {
    options.signal?.throwIfAborted()
    if (!isAwsError(error, 'ValidationException')) return
    lookedAt.delete(table)
    throw otherKey(table)
  }
}

/**
 * Does something with every value, with so many at the same time. The first failure ends it: nothing is begun after
 * it, and what is in flight is waited for.
 */
export async function forEachAtOnce<Value>(
  values: Iterable<Value> | AsyncIterable<Value>,
  atOnce: number,
  action: (value: Value) => Promise<void>,
): Promise<void> {
  const queue = Symbol.asyncIterator in values ? values[Symbol.asyncIterator]() : values[Symbol.iterator]()
  let failed = false
  const work = async (): Promise<void> => {
    try {
      for (;;) {
        const next = await queue.next()
        if (failed || next.done === true) return
        await action(next.value)
      }
    } catch (error) {
      failed = true
      throw error
    }
  }
  const workers = Array.from({ length: atOnce }, work)
  try {
    await Promise.all(workers)
  } finally {
    await Promise.allSettled(workers)
    await queue.return?.()
  }
}

function liveSessions(table: ItemTable): Condition {
  return allOf(table.liveAt(table.clock.now()), table.layout.namespace())
}

/**
 * Makes sure that the partition key of the layout is that of the table, from what a page of a scan shows of it. Reads and
 * writes of one session are refused by DynamoDB when it is not; a scan would find nothing, and say nothing.
 *
 * @throws {TableMismatchError} when the table has another key.
 */
async function checkTableKey(
  table: ItemTable,
  { Items: [item] = [], LastEvaluatedKey: last, ScannedCount: scanned = 0 }: ScanPage,
  options: SendOptions,
): Promise<void> {
  const shown = last ?? item
  if (shown !== undefined) requireTableKey(table, shown)
  else if (scanned > 0) await askForTableKey(table, options)
}

/**
 * Checks that an item has the partition key by which its session is to be found.
 *
 * @throws {TableMismatchError} when the table has another key.
 */
export function requireTableKey(table: ItemTable, item: Item): void {
  if (!Object.hasOwn(item, table.layout.partitionKey)) throw otherKey(table)
}

function otherKey({ name, layout: { partitionKey } }: ItemTable): TableMismatchError {
  const difference = `the key of table "${name}" is not ${partitionKey} (HASH, S)`
  return new TableMismatchError(
    `${difference}, so that its sessions cannot be found; name its partition key in the option "partitionKey"`,
    [difference],
  )
}

/**
 * Makes a call that takes many requests, with one signal for all of them: it is aborted when that of the caller is, and when
 * the time of the call is over.
 *
 * @throws {DeadlineExceededError} when the time is over.
 */
export async function inBulk<Result>(
  options: BulkOptions,
  act: (send: SendOptions) => Promise<Result>,
): Promise<Result> {
  const { send, end } = beginBulkCall(options)
  try {
    return await act(send)
  } finally {
    end()
  }
}

/** The same as {@link inBulk}, for a listing. */
export async function* listInBulk<Entry>(
  options: BulkOptions,
  list: (send: SendOptions) => AsyncIterable<Entry>,
): AsyncGenerator<Entry, void, undefined> {
  const { send, end } = beginBulkCall(options)
  try {
    yield* list(send)
  } finally {
    end()
  }
}

function beginBulkCall({ signal, deadlineMs }: BulkOptions): {
  readonly send: SendOptions
  readonly end: () => void
} {
  if (deadlineMs === undefined) return { send: { signal }, end: () => undefined }
  signal?.throwIfAborted()
  const controller = new AbortController()
  const abort = (): void => {
    controller.abort(signal?.reason)
  }
  if (signal !== undefined) onAbort(signal, abort)
  const timer = inBackground(
    setTimeout(() => {
      controller.abort(
        new DeadlineExceededError(`the call did not finish within ${deadlineMs} ms; completed work is kept`),
      )
    }, deadlineMs),
  )
  return {
    send: { signal: controller.signal },
    end: () => {
      clearTimeout(timer)
      if (signal !== undefined) offAbort(signal, abort)
    },
  }
}
