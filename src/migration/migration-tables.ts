import { randomUUID } from 'node:crypto'

import { cancellationCodesOf, isAwsError, isFailedCondition } from '../aws/dynamodb/aws-error.ts'
import type { SendOptions, TimedOptions } from '../aws/dynamodb/client.ts'
import type { Input } from '../aws/dynamodb/operations.ts'
import { SessionConflictError } from '../errors.ts'
import { backoffMs } from '../internal/backoff.ts'
import { sleep } from '../internal/timers.ts'
import { allOf, type Condition, type StoredSession } from '../layouts/layout.ts'
import type { Item } from '../types.ts'
import { absent, asFound } from '../items/create.ts'
import { type ConditionInput, conditionInput, type ItemTable } from '../items/item-table.ts'
import { MOST_ATTEMPTS, pauseAfter } from '../items/save.ts'

/** The keys of one session: where it belongs, and where it used to be. */
export interface Keys {
  readonly here: string
  readonly there: string
}

/** Where a session is, and what it is there. */
export interface Found {
  readonly place: 'here' | 'there'
  readonly item: Item
  readonly session: StoredSession
}

type TransactItem = Input<'TransactWriteItems'>['TransactItems'][number]

const TRANSACTION_PAUSES = { baseMs: 10, capMs: 320 }

/** For a request whose answer does not matter, only whether there is one. */
const ANY_KEY = '-'

/**
 * The two places that a session can be in, and what has to be about both of them at one moment: to look, to move, to
 * create and to delete. Each is one transaction, so that whatever others do comes before or after it.
 *
 * Engines without transactions, which are stand-ins for tests, get the same in single steps, in an order in which a session
 * that moves in one direction is neither overlooked nor left behind.
 */
export class TwoPlaces {
  readonly here: ItemTable
  readonly there: ItemTable

  constructor(here: ItemTable, there: ItemTable) {
    this.here = here
    this.there = there
  }

  /** Looks in one place alone. That the session is not there does not tell that there is none: it may move meanwhile. */
  async lookIn(place: Found['place'], key: string, options: SendOptions): Promise<Found | undefined> {
    const table = this[place]
    return this.#opened(place, await table.get(key, true, options))
  }

  /** Where a session is; when it is in neither place, then there is none: both are looked at in the same moment. */
  async find(keys: Keys, options: TimedOptions): Promise<Found | undefined> {
    let items: readonly (Item | undefined)[]
    try {
      items = await this.#snapshot(keys, options)
    } catch (error) {
      if (!isAwsError(error, 'UnknownOperationException')) throw error
      return this.#findInSteps(keys, options)
    }
    const [here, there] = items
    return (await this.#opened('here', here)) ?? this.#opened('there', there)
  }

  /**
   * Puts an item here and deletes the one there, both or neither.
   *
   * @param unchanged holds while the item there is the one that is to be moved.
   * @returns whether it was done; `false` when there is a session here, or the one there is not as it is thought to be.
   */
  async move(
    item: Item,
    keyThere: string,
    unchanged: Condition | undefined,
    options: TimedOptions,
  ): Promise<boolean> {
    const { here, there } = this
    const nowMs = here.clock.now()
    const vacant = conditionInput(vacantAt(here, nowMs))
    const asItWas = allOf(there.liveAt(nowMs), unchanged)
    const removal = { ...itemIn(there, keyThere), ...conditionInput(asItWas) }
    try {
      await this.#write(
        [{ Put: { TableName: here.name, Item: item, ...vacant } }, { Delete: removal }],
        options,
      )
      return true
    } catch (error) {
      if (cancellationCodesOf(error).includes('ConditionalCheckFailed')) return false
      if (!isAwsError(error, 'UnknownOperationException')) throw error
      return this.#moveInSteps(item, keyThere, asItWas, options)
    }
  }

  /**
   * Creates or replaces an item here, and deletes the one there. Both are as they were found, so that a request that was given
   * up and is carried out late changes nothing that was written since.
   */
  async put(item: Item, keyThere: string, options: TimedOptions): Promise<void> {
    const { here, there } = this
    const keyHere = here.layout.keyOfItem(item) ?? ''
    const write = (foundHere?: Item, foundThere?: Item): readonly TransactItem[] => {
      const nowMs = here.clock.now()
      const isLateOneExpected = foundHere && here.layout.lateRequests?.isCreationExpected(foundHere, nowMs)
      const late = isLateOneExpected === true ? here.layout.lateRequests?.creationExpected(nowMs) : undefined
      const put = { TableName: here.name, Item: { ...item, ...late }, ...ifAsFound(here, foundHere) }
      return [{ Put: put }, { Delete: { ...itemIn(there, keyThere), ...ifAsFound(there, foundThere) } }]
    }
    try {
      await this.#writeAsFound({ here: keyHere, there: keyThere }, write, options)
    } catch (error) {
      if (!isAwsError(error, 'UnknownOperationException')) throw error
      // In this order, because others may move what is here at once.
      await there.delete(keyThere, options)
      await here.put(item, options)
    }
  }

  /**
   * Deletes the items in both places, of sessions that had started when it was called: a request that is carried out late
   * leaves newer ones alone. Where a request that creates the session may still be on its way, a gravestone takes its place.
   *
   * @param isCreationDoubtful whether this process knows of such a request to here.
   */
  async delete(keys: Keys, isCreationDoubtful: boolean, options: TimedOptions): Promise<void> {
    const { here, there } = this
    const remove = (foundHere?: Item, foundThere?: Item): readonly TransactItem[] => [
      destruction(here, keys.here, nowMs, foundHere, isCreationDoubtful),
      destruction(there, keys.there, nowMs, foundThere, false),
    ]
    let nowMs = here.clock.now()
    try {
      await here.clock.retryAfterClockCorrection(() => {
        nowMs = here.clock.now()
        return this.#writeAsFound(keys, remove, options)
      })
    } catch (error) {
      if (!isAwsError(error, 'UnknownOperationException')) throw error
      await here.delete(keys.here, options)
      await there.delete(keys.there, options)
      // It may have been moved here between the two.
      await here.delete(keys.here, options)
    }
  }

  /** Writes in both places what depends on what is there; at first on there being nothing that stands in the way. */
  async #writeAsFound(
    keys: Keys,
    actions: (foundHere?: Item, foundThere?: Item) => readonly TransactItem[],
    options: TimedOptions,
  ): Promise<void> {
    let found: readonly (Item | undefined)[] = []
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#write(actions(...found), options)
        return
      } catch (error) {
        if (!cancellationCodesOf(error).includes('ConditionalCheckFailed')) throw error
      }
      const pauseMs = pauseAfter(attempt, Math.random)
      if (attempt === MOST_ATTEMPTS || options.deadline.isExpired(pauseMs)) {
        throw new SessionConflictError(
          `others kept on writing or moving the session while it was replaced or destroyed (attempts: ${attempt}); it was given up`,
          { attempts: attempt },
        )
      }
      await sleep(pauseMs, options.signal)
      found = await this.#snapshot(keys, options)
    }
  }

  async #snapshot(keys: Keys, options: TimedOptions): Promise<readonly (Item | undefined)[]> {
    const { here, there } = this
    const { client, clock } = here
    const TransactItems = [{ Get: itemIn(here, keys.here) }, { Get: itemIn(there, keys.there) }]
    const ask = () => client.send('TransactGetItems', { TransactItems }, options)
    const { Responses: answers = [] } = await clock.retryAfterClockCorrection(() =>
      this.#transact(ask, options),
    )
    return answers.map(answer => answer.Item)
  }

  async #write(TransactItems: readonly TransactItem[], options: TimedOptions): Promise<void> {
    const { client } = this.here
    // What is sent again because its answer was lost is not done again (G11).
    const input = { ClientRequestToken: randomUUID(), TransactItems }
    await this.#transact(() => client.send('TransactWriteItems', input, options), options)
  }

  /** @throws {TableNotFoundError} when one of the tables is missing: transactions do not tell which. */
  async #transact<Value>(transaction: () => Promise<Value>, options: TimedOptions): Promise<Value> {
    try {
      return await withoutConflict(transaction, options)
    } catch (error) {
      if (isAwsError(error, 'ResourceNotFoundException')) {
        for (const table of [this.here, this.there]) await table.get(ANY_KEY, true, options)
      }
      throw error
    }
  }

  async #opened(place: Found['place'], item: Item | undefined): Promise<Found | undefined> {
    const table = this[place]
    if (item === undefined || !table.isLive(item, table.clock.now())) return undefined
    return { place, item, session: await table.open(item) }
  }

  async #findInSteps(keys: Keys, options: TimedOptions): Promise<Found | undefined> {
    return (
      (await this.lookIn('here', keys.here, options)) ??
      (await this.lookIn('there', keys.there, options)) ??
      this.lookIn('here', keys.here, options)
    )
  }

  async #moveInSteps(
    item: Item,
    keyThere: string,
    asItWas: Condition,
    options: TimedOptions,
  ): Promise<boolean> {
    const { here, there } = this
    const key = here.layout.keyOfItem(item) ?? ''
    const vacant = vacantAt(here, here.clock.now())
    if (!(await here.replace(key, item, vacant, options)).happened) return false
    try {
      const input = { ...itemIn(there, keyThere), ...conditionInput(asItWas) }
      await there.client.send('DeleteItem', input, options)
      return true
    } catch (error) {
      await here.delete(key, options)
      if (isFailedCondition(error)) return false
      throw error
    }
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

/** The deletion of what has started by a moment, or else is what was found; see {@link TwoPlaces.delete}. */
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
  const buries = isCreationDoubtful || (found !== undefined && lateRequests.isCreationExpected(found, nowMs))
  if (buries) {
    const Item = lateRequests.gravestone(key, nowMs)
    return { Put: { TableName: table.name, Item, ...conditionInput(started) } }
  }
  const condition = allOf(started, lateRequests.noCreationExpected(nowMs))
  return { Delete: { ...itemIn(table, key), ...conditionInput(condition) } }
}

/** Holds where there is no session: no item, or one that has expired. */
function vacantAt(table: ItemTable, nowMs: number): Condition {
  const expired = table.expiredAt(nowMs)
  return {
    expression: `attribute_not_exists(#vacantKey) OR (${expired.expression})`,
    names: { ...expired.names, '#vacantKey': table.layout.partitionKey },
    values: expired.values,
  }
}

/**
 * Does a transaction again for as long as others are under way on its items and there is time: each of them takes some
 * milliseconds.
 */
async function withoutConflict<Value>(
  transaction: () => Promise<Value>,
  { signal, deadline }: TimedOptions,
): Promise<Value> {
  for (let retry = 0; ; retry++) {
    try {
      return await transaction()
    } catch (error) {
      const isConflict = isRetryableCancellation(error)
      const pauseMs = backoffMs(retry, TRANSACTION_PAUSES)
      if (!isConflict || deadline.isExpired(pauseMs)) throw error
      await sleep(pauseMs, signal)
    }
  }
}

/** Cancelled for a conflict with other transactions; the client has done what can be done about a lack of capacity. */
function isRetryableCancellation(error: unknown): boolean {
  const codes = cancellationCodesOf(error)
  return (
    codes.includes('TransactionConflict') &&
    codes.every(code => code === 'None' || code === 'TransactionConflict')
  )
}
