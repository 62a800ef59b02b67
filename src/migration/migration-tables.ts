import { isAwsError } from '../aws/dynamodb/wire-error.ts'
import type { SendOptions, TimedOptions } from '../aws/dynamodb/client-options.ts'
import { DynamoDBSessionsError } from '../errors.ts'
import { absent, asFound, vacantAt } from '../items/lifecycle.ts'
import { type ConditionInput, conditionInput, type ItemTable } from '../items/item-table.ts'
import { writeConditionally } from '../items/conditional-write.ts'
import { lacksTransactions, transact, type TransactItem, writeTogether } from '../items/transaction.ts'
import { allOf, type Condition } from '../layouts/layout.ts'
import type { FoundSession } from '../locks/lock-manager.ts'
import type { Item } from '../types.ts'

/** The keys of one session: where it belongs, and where it used to be. */
export interface Keys {
  readonly target: string
  readonly source: string
}

/** For a request whose response does not matter, only whether there is one. */
const ANY_KEY = '-'

/**
 * The two places that a session can be in, and what has to be about both of them at one moment: to look, to move, to
 * create and to delete. Each is one transaction, so that whatever others do comes before or after it.
 *
 * @throws {DynamoDBSessionsError} `TRANSACTIONS_UNSUPPORTED` from every method that needs one, on engines without them.
 */
export class MigrationTables {
  readonly target: ItemTable
  readonly source: ItemTable

  constructor(target: ItemTable, source: ItemTable) {
    this.target = target
    this.source = source
  }

  /** Looks in one place alone. A session that is not there may be moving, so this does not tell that there is none. */
  async lookIn(
    place: FoundSession['place'],
    key: string,
    options: SendOptions,
  ): Promise<FoundSession | undefined> {
    return this.#opened(place, await this[place].get(key, true, options))
  }

  /** Where a session is; there is none when it is in neither place: both are looked at in the same moment. */
  async find(keys: Keys, options: TimedOptions): Promise<FoundSession | undefined> {
    const [target, source] = await this.#snapshot(keys, options)
    return (await this.#opened('target', target)) ?? this.#opened('source', source)
  }

  /**
   * Puts an item into the target and deletes the one in the source, both or neither.
   *
   * @param unchanged holds while the item in the source is the one that is to be moved.
   * @returns whether it was done; `false` when the target has a session, or the source has another than is thought.
   */
  async move(
    item: Item,
    sourceKey: string,
    unchanged: Condition | undefined,
    options: TimedOptions,
  ): Promise<boolean> {
    const { target, source } = this
    const nowMs = target.clock.now()
    const put = { TableName: target.name, Item: item, ...conditionInput(vacantAt(target, nowMs)) }
    const removal = conditionInput(allOf(source.liveAt(nowMs), unchanged))
    return this.#write([{ Put: put }, { Delete: { ...itemIn(source, sourceKey), ...removal } }], options)
  }

  /**
   * Creates or replaces an item in the target, and deletes the one in the source. Both are as they were found, so that a
   * request that was given up and is carried out late changes nothing that was written since.
   */
  async put(item: Item, keys: Keys, options: TimedOptions): Promise<void> {
    const { target, source } = this
    const { lateRequests } = target.layout
    await this.#writeAsFound(
      keys,
      (inTarget, inSource) => {
        const nowMs = target.clock.now()
        const isLateOneExpected = inTarget && lateRequests?.isCreationExpected(inTarget, nowMs)
        const late = isLateOneExpected === true ? lateRequests?.creationExpected(nowMs) : undefined
        const put = { TableName: target.name, Item: { ...item, ...late }, ...ifAsFound(target, inTarget) }
        return [{ Put: put }, { Delete: { ...itemIn(source, keys.source), ...ifAsFound(source, inSource) } }]
      },
      options,
    )
  }

  /**
   * Deletes the items in both places, of sessions that had started when it was called: a request that is carried out late
   * leaves newer ones alone. Where a request that creates the session may still be on its way, a gravestone takes its place.
   *
   * @param isCreationDoubtful whether this process knows of such a request to the target.
   */
  async delete(keys: Keys, isCreationDoubtful: boolean, options: TimedOptions): Promise<void> {
    const { target, source } = this
    await target.clock.retryAfterClockCorrection(() => {
      const nowMs = target.clock.now()
      return this.#writeAsFound(
        keys,
        (inTarget, inSource) => [
          destruction(target, keys.target, nowMs, inTarget, isCreationDoubtful),
          destruction(source, keys.source, nowMs, inSource, false),
        ],
        options,
      )
    })
  }

  /** Writes in both places what depends on what is there; at first on there being nothing that stands in the way. */
  #writeAsFound(
    keys: Keys,
    actions: (inTarget?: Item, inSource?: Item) => readonly TransactItem[],
    options: TimedOptions,
  ): Promise<void> {
    let found: readonly (Item | undefined)[] = []
    return writeConditionally<undefined, void>(
      {
        trouble:
          'others kept on writing or moving the session while it was replaced or destroyed; it was given up',
        apply: async attempt => {
          const isWritten = await this.#write(actions(...found), attempt)
          return isWritten ? { result: undefined } : { found: undefined }
        },
        resolve: async () => {
          found = await this.#snapshot(keys, options)
          return undefined
        },
      },
      options,
    )
  }

  async #snapshot(keys: Keys, options: TimedOptions): Promise<readonly (Item | undefined)[]> {
    const { target, source } = this
    const { client, clock } = target
    const TransactItems = [{ Get: itemIn(target, keys.target) }, { Get: itemIn(source, keys.source) }]
    const read = () => client.send('TransactGetItems', { TransactItems }, options)
    const { Responses: responses = [] } = await clock.retryAfterClockCorrection(() =>
      this.#explained(() => transact(read, options), options),
    )
    return responses.map(({ Item: item }) => item)
  }

  #write(items: readonly TransactItem[], options: TimedOptions): Promise<boolean> {
    return this.#explained(() => writeTogether(this.target.client, items, options), options)
  }

  /** @throws {TableNotFoundError} when one of the tables is missing: transactions do not tell which. */
  async #explained<Value>(transaction: () => Promise<Value>, options: TimedOptions): Promise<Value> {
    try {
      return await transaction()
    } catch (error) {
      if (lacksTransactions(error)) throw withoutTransactions(error)
      if (isAwsError(error, 'ResourceNotFoundException')) {
        for (const table of [this.target, this.source]) await table.get(ANY_KEY, true, options)
      }
      throw error
    }
  }

  async #opened(place: FoundSession['place'], item: Item | undefined): Promise<FoundSession | undefined> {
    const table = this[place]
    if (item === undefined || !table.isLive(item, table.clock.now())) return undefined
    return { place, item, session: await table.open(item) }
  }
}

function itemIn(table: ItemTable, key: string): { readonly TableName: string; readonly Key: Item } {
  return { TableName: table.name, Key: table.itemKey(key) }
}

/** The condition that a place is as it was found; none where the layout cannot tell. */
function ifAsFound(table: ItemTable, found: Item | undefined): Partial<ConditionInput> {
  const condition = found === undefined ? absent(table) : asFound(table, found)
  return condition === undefined ? {} : conditionInput(condition)
}

/** The deletion of what has started by a moment, or else is what was found; see {@link MigrationTables.delete}. */
function destruction(
  table: ItemTable,
  key: string,
  nowMs: number,
  found: Item | undefined,
  isCreationDoubtful: boolean,
): TransactItem {
  const { lateRequests } = table.layout
  if (lateRequests === undefined) return { Delete: itemIn(table, key) }
  const started = found === undefined ? lateRequests.startedBy(nowMs) : lateRequests.isStill(found)
  if (isCreationDoubtful || (found !== undefined && lateRequests.isCreationExpected(found, nowMs))) {
    const Item = lateRequests.gravestone(key, nowMs, false)
    return { Put: { TableName: table.name, Item, ...conditionInput(started) } }
  }
  const condition = allOf(started, lateRequests.noCreationExpected(nowMs))
  return { Delete: { ...itemIn(table, key), ...conditionInput(condition) } }
}

function withoutTransactions(cause: unknown): DynamoDBSessionsError {
  return new DynamoDBSessionsError(
    'TRANSACTIONS_UNSUPPORTED',
    'the option "migrateFrom" needs transactions, which this DynamoDB-compatible server does not have; move the sessions on ' +
      'one that has them, such as DynamoDB itself or DynamoDB Local, or leave "migrateFrom" out',
    { cause },
  )
}
