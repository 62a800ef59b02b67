import { randomBytes } from 'node:crypto'

import { isFailedCondition, itemOfFailedCondition } from '../dynamodb/aws-error.ts'
import { DynamoDBSessionsError, SessionConflictError } from '../errors.ts'
import { numberOf } from '../layout/attributes.ts'
import { allOf } from '../layout/layout.ts'
import type { Item } from '../types.ts'
import { ASKS_FOR_ITEM, type ItemTable, type Outcome } from './item-table.ts'
import { absentAt, COUNT, type KeyValueLayout } from './key-value-layout.ts'

/** Increments of one counter that are sent together. */
interface Batch {
  /** How many there are. */
  size: number
  /** Whether more may still join. */
  isOpen: boolean
  readonly ttlMs: number | undefined
  readonly deadlineAtMs: number
  /** How far the counter has counted after all of them. */
  readonly counted: Promise<number>
}

const WRITER_BYTES = 6
const MOST_ATTEMPTS = 10

/**
 * Counters in the items of a table.
 *
 * `ADD` alone would count twice when an answer is lost and the request is sent again (G11). So every writer, which is one
 * of these objects, keeps in the item how far its requests have come (`seq-<writer>`) and how far the counter had counted
 * then (`at-<writer>`): a request that finds its own number there has been carried out already. Requests of one writer
 * for one counter take turns for that; increments that come meanwhile are sent together.
 */
export class KeyValueCounters {
  readonly #table: ItemTable
  readonly #layout: KeyValueLayout
  readonly #batches = new Map<string, Batch>()
  readonly #sequenceName: string
  readonly #placeName: string
  #sequence = 0

  constructor(table: ItemTable, layout: KeyValueLayout) {
    const writer = randomBytes(WRITER_BYTES).toString('base64url')
    this.#table = table
    this.#layout = layout
    this.#sequenceName = `seq-${writer}`
    this.#placeName = `at-${writer}`
  }

  /** Adds 1 to the counter of a partition key; see `KeyValues.increment`. */
  async increment(key: string, ttlMs: number | undefined): Promise<number> {
    const batch = this.#openBatch(key, ttlMs)
    const place = ++batch.size
    const counted = await batch.counted
    return counted - batch.size + place
  }

  /** The batch that is next to be sent. */
  #openBatch(key: string, ttlMs: number | undefined): Batch {
    const last = this.#batches.get(key)
    if (last?.isOpen === true) return last
    const batch: Batch = {
      size: 0,
      isOpen: true,
      ttlMs,
      deadlineAtMs: performance.now() + this.#table.client.deadlineMs,
      counted: Promise.resolve(last?.counted)
        .catch(() => undefined)
        .then(() => this.#send(key, batch)),
    }
    this.#batches.set(key, batch)
    return batch
  }

  async #send(key: string, batch: Batch): Promise<number> {
    batch.isOpen = false
    try {
      return await this.#table.clock.atRightTime(() => this.#add(key, batch))
    } finally {
      if (this.#batches.get(key) === batch) this.#batches.delete(key)
    }
  }

  async #add(key: string, batch: Batch): Promise<number> {
    const table = this.#table
    const sequence = ++this.#sequence
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
      const added = await this.#addToLive(key, batch, sequence)
      if (added !== undefined) return added
      const { happened, item } = await this.#begin(key, batch, sequence)
      if (happened) return batch.size
      const place = this.#ownPlace(item, sequence)
      if (place !== undefined) return place
      if (item !== undefined && table.isLive(item, table.clock.now())) requireCounter(item)
      // Somebody else has begun it in the meantime.
    }
    throw new SessionConflictError(
      `the counter began and expired again and again while it was incremented (attempts: ${MOST_ATTEMPTS}); it was not ` +
        'incremented',
      { attempts: MOST_ATTEMPTS },
    )
  }

  /** Adds to a counter that there is, in one request; `undefined` when there is none, as far as that tells. */
  async #addToLive(
    key: string,
    { size, deadlineAtMs }: Batch,
    sequence: number,
  ): Promise<number | undefined> {
    const table = this.#table
    const condition = allOf(table.liveAt(table.clock.now()), {
      expression: 'attribute_exists(#count) AND (attribute_not_exists(#sequence) OR #sequence < :sequence)',
      names: { '#count': COUNT, '#sequence': this.#sequenceName },
      values: { ':sequence': { N: String(sequence) } },
    })
    try {
      const { Attributes: item } = await table.client.send(
        'UpdateItem',
        {
          TableName: table.name,
          Key: table.itemKey(key),
          UpdateExpression: 'ADD #count :size SET #sequence = :sequence, #place = #count + :size',
          ConditionExpression: condition.expression,
          ExpressionAttributeNames: { ...condition.names, '#place': this.#placeName },
          ExpressionAttributeValues: { ...condition.values, ':size': { N: String(size) } },
          ReturnValues: 'ALL_NEW',
          ...ASKS_FOR_ITEM,
        },
        { deadlineAtMs },
      )
      return numberOf(item?.[COUNT])
    } catch (error) {
      if (!isFailedCondition(error)) throw error
      return this.#ownPlace(itemOfFailedCondition(error), sequence)
    }
  }

  /** Begins a counter where there is none. */
  async #begin(key: string, { size, ttlMs, deadlineAtMs }: Batch, sequence: number): Promise<Outcome> {
    const table = this.#table
    const nowMs = table.clock.now()
    const item: Item = {
      ...this.#layout.head(key, nowMs),
      [COUNT]: { N: String(size) },
      [this.#sequenceName]: { N: String(sequence) },
      [this.#placeName]: { N: String(size) },
      ...this.#layout.expiryAttributes(ttlMs === undefined ? undefined : Math.round(nowMs + ttlMs)),
    }
    return table.replace(key, item, absentAt(table.layout, nowMs), { deadlineAtMs })
  }

  /** How far the counter had counted after a request of this writer, if that was carried out. */
  #ownPlace(item: Item | undefined, sequence: number): number | undefined {
    return numberOf(item?.[this.#sequenceName]) === sequence ? numberOf(item?.[this.#placeName]) : undefined
  }
}

function requireCounter(item: Item): void {
  if (numberOf(item[COUNT]) !== undefined) return
  throw new DynamoDBSessionsError('NOT_A_COUNTER', 'the key holds a text and cannot be incremented')
}
