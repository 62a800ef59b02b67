import type { SendOptions } from '../aws/dynamodb/client-options.ts'
import { DynamoDBSessionsError, SessionConflictError } from '../errors.ts'
import { Deadline } from '../internal/deadline.ts'
import { randomText } from '../internal/random.ts'
import { allOf } from '../layouts/layout.ts'
import { numberOf } from '../layouts/attributes.ts'
import type { AttributeValue, Item } from '../types.ts'
import { writeConditionally } from '../items/conditional-write.ts'
import type { ItemTable, Outcome } from '../items/item-table.ts'
import { vacantAt } from '../items/lifecycle.ts'
import { COUNT, type KeyValueLayout } from './key-value-layout.ts'

/** Increments of one counter that are sent together. */
interface Batch {
  /** How many there are. */
  size: number
  /** Whether more may still join. */
  isOpen: boolean
  readonly ttlMs: number | undefined
  readonly deadline: Deadline
  /** How far the counter has counted after all of them. */
  readonly counted: Promise<number>
}

const WRITER_BYTES = 6

/** From how many marks on those are removed that are older than any call, and how many are left. */
const MANY_MARKS = 16
const FEW_MARKS = 8
const LONGEST_CALL_MS = 60_000
/** From how many on the oldest are removed, however young, and how many are left. */
const MOST_MARKS = 64
const LEFT_MARKS = 48
/** As many as fit into one request, for counters of older versions, which kept all of them. */
const MOST_REMOVED = 40

const SEQUENCE = 'seq-'
const PLACE = 'at-'
/** Attribute: the latest sequence of the marks that were removed, or that the counter began after. */
const REMOVED = 'removed'

/** Sequences below this are those of an older version, which counted from 1. */
const FIRST_TIME_MS = 1e12

/**
 * Counters in the items of a table.
 *
 * `ADD` alone would count twice when a response is lost and the request is sent again (G11). So every writer, which is one of
 * these objects, keeps a mark in the item: how far its requests have come (`seq-<writer>`) and how far the counter had counted
 * then (`at-<writer>`). A request that finds its own number there has been carried out already. Requests of one writer for one
 * counter take turns for that; increments that come meanwhile are sent together.
 *
 * The number of a request is its time. The marks of most writers are of no use any more: old ones are removed, and `removed`
 * says up to which number. A request with such a number changes nothing; it is made anew, unless it may have been carried out.
 */
export class KeyValueCounters {
  readonly #table: ItemTable
  readonly #layout: KeyValueLayout
  readonly #batches = new Map<string, Batch>()
  readonly #sequenceName: string
  readonly #placeName: string
  #sequence = 0

  constructor(table: ItemTable, layout: KeyValueLayout) {
    const writer = randomText(WRITER_BYTES)
    this.#table = table
    this.#layout = layout
    this.#sequenceName = SEQUENCE + writer
    this.#placeName = PLACE + writer
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
      deadline: new Deadline(this.#table.client.deadlineMs),
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
      return await this.#table.clock.retryAfterClockCorrection(() => this.#add(key, batch))
    } finally {
      if (this.#batches.get(key) === batch) this.#batches.delete(key)
    }
  }

  #add(key: string, batch: Batch): Promise<number> {
    const table = this.#table
    const isLive = (item: Item): boolean => table.isLive(item, table.clock.now())
    let sequence = this.#nextSequence(0)
    return writeConditionally<Item | undefined, number>(
      {
        trouble:
          'the counter began and expired again and again while it was incremented; it was not incremented',
        apply: async options => {
          let outcome = await this.#addToLive(key, batch.size, sequence, options)
          if (outcome.applied) {
            await Promise.allSettled([this.#removeMarks(key, outcome.item, options)])
            return { result: numberOf(outcome.item?.[COUNT]) ?? batch.size }
          }
          let place = this.#ownPlace(outcome.item, sequence)
          if (place === undefined && (outcome.item === undefined || !isLive(outcome.item))) {
            outcome = await this.#begin(key, batch, sequence, options)
            place = outcome.applied ? batch.size : this.#ownPlace(outcome.item, sequence)
          }
          return place === undefined ? { found: outcome.item } : { result: place }
        },
        resolve: (item, { doubts, number }) => {
          if (item === undefined) return undefined
          if (isLive(item)) requireCounter(item)
          const latest = Math.max(numberOf(item[REMOVED]) ?? 0, numberOf(item[this.#sequenceName]) ?? 0)
          if (latest < sequence) return undefined
          if (doubts > 0) {
            throw new SessionConflictError(
              'the counter may or may not have been incremented: a response was lost, and others have counted so often or so ' +
                'long since that the item does not tell any more',
              { attempts: number },
            )
          }
          sequence = this.#nextSequence(latest)
          return undefined
        },
      },
      { deadline: batch.deadline },
    )
  }

  /** A number for a request: later than all before it and, by clocks that are right, than older requests of others. */
  #nextSequence(after: number): number {
    this.#sequence = Math.max(this.#sequence + 1, after + 1, Math.floor(this.#table.clock.now()))
    return this.#sequence
  }

  /** Adds to a counter that there is. */
  #addToLive(key: string, size: number, sequence: number, options: SendOptions): Promise<Outcome> {
    const table = this.#table
    const condition = allOf(table.liveAt(table.clock.now()), {
      expression:
        'attribute_exists(#count) AND (attribute_not_exists(#sequence) OR #sequence < :sequence) AND ' +
        '(attribute_not_exists(#removed) OR #removed < :sequence)',
      names: { '#count': COUNT, '#sequence': this.#sequenceName, '#removed': REMOVED },
      values: { ':sequence': { N: String(sequence) } },
    })
    return table.updateByExpression(
      key,
      {
        UpdateExpression: 'ADD #count :size SET #sequence = :sequence, #place = #count + :size',
        ConditionExpression: condition.expression,
        ExpressionAttributeNames: { ...condition.names, '#place': this.#placeName },
        ExpressionAttributeValues: { ...condition.values, ':size': { N: String(size) } },
        ReturnValues: 'ALL_NEW',
      },
      options,
    )
  }

  /** Begins a counter where there is none. What was sent before that is not to count in it. */
  async #begin(
    key: string,
    { size, ttlMs }: Batch,
    sequence: number,
    options: SendOptions,
  ): Promise<Outcome> {
    const table = this.#table
    const nowMs = table.clock.now()
    const item: Item = {
      ...this.#layout.head(key, nowMs),
      [COUNT]: { N: String(size) },
      [this.#sequenceName]: { N: String(sequence) },
      [this.#placeName]: { N: String(size) },
      [REMOVED]: { N: String(sequence - 1) },
      ...this.#layout.expiryAttributes(ttlMs === undefined ? undefined : Math.round(nowMs + ttlMs)),
    }
    return table.replace(key, item, vacantAt(table, nowMs), options)
  }

  /** Removes marks of writers that are of no use any more, when there are many. Another increment does it when this fails. */
  async #removeMarks(key: string, item: Item | undefined, options: SendOptions): Promise<void> {
    const marks = superfluousMarks(item ?? {}, this.#table.clock.now())
    const last = marks.at(-1)
    if (last === undefined || item === undefined) return
    const removed = Math.max(last.sequence, numberOf(item[REMOVED]) ?? 0)
    const expressions = ['attribute_not_exists(#removed) OR #removed <= :removed']
    const names: Record<string, string> = { '#removed': REMOVED }
    const values: Record<string, AttributeValue> = { ':removed': { N: String(removed) } }
    for (const [index, { writer, sequence }] of marks.entries()) {
      expressions.push(`#mark${index} = :mark${index}`)
      names[`#mark${index}`] = SEQUENCE + writer
      values[`:mark${index}`] = { N: String(sequence) }
    }
    const condition = { expression: expressions.map(each => `(${each})`).join(' AND '), names, values }
    // The names of the condition are among these.
    const remove = marks.flatMap(({ writer }) => [SEQUENCE + writer, PLACE + writer])
    await this.#table.update(key, { set: { [REMOVED]: { N: String(removed) } }, remove, condition }, options)
  }

  /** How far the counter had counted after a request of this writer, if that was carried out. */
  #ownPlace(item: Item | undefined, sequence: number): number | undefined {
    return numberOf(item?.[this.#sequenceName]) === sequence ? numberOf(item?.[this.#placeName]) : undefined
  }
}

interface Mark {
  readonly writer: string
  readonly sequence: number
}

/** The marks to remove, the oldest first. */
function superfluousMarks(item: Item, nowMs: number): readonly Mark[] {
  const marks: Mark[] = []
  for (const name of Object.keys(item)) {
    const sequence = name.startsWith(SEQUENCE) ? numberOf(item[name]) : undefined
    if (sequence !== undefined) marks.push({ writer: name.slice(SEQUENCE.length), sequence })
  }
  marks.sort((left, right) => left.sequence - right.sequence)
  if (marks.length > MOST_MARKS) return marks.slice(0, Math.min(MOST_REMOVED, marks.length - LEFT_MARKS))
  if (marks.length <= MANY_MARKS) return []
  // How old those are that count from 1 is not known.
  const isOld = ({ sequence }: Mark): boolean =>
    sequence > FIRST_TIME_MS && sequence < nowMs - LONGEST_CALL_MS
  return marks.slice(0, marks.length - FEW_MARKS).filter(isOld)
}

function requireCounter(item: Item): void {
  if (numberOf(item[COUNT]) !== undefined) return
  throw new DynamoDBSessionsError('NOT_A_COUNTER', 'the key holds a string and cannot be incremented')
}
