import type { SendOptions, TimedOptions } from '../aws/dynamodb/client-options.ts'
import type { DynamoDBClient } from '../aws/dynamodb/client.ts'
import { itemSizeBytes, MAX_ITEM_BYTES, surelyFits } from '../aws/dynamodb/item-size.ts'
import type { ExpressionInput, TableInput } from '../aws/dynamodb/operations.ts'
import type { ServerClock } from '../aws/http/server-clock.ts'
import { isFailedCondition, itemOfFailedCondition } from '../aws/dynamodb/wire-error.ts'
import { invalidSessionId, SessionTooLargeError } from '../errors.ts'
import { Deadline } from '../internal/deadline.ts'
import { allOf, type Condition, type Layout, type StoredSession } from '../layouts/layout.ts'
import type { AttributeValue, Item } from '../types.ts'
import { tableRow } from '../options/store-options.ts'
import { markerOf, SessionRecord } from './session-record.ts'

/** Options of a store that are about its table. */
interface ItemTableSettings {
  readonly table?: string | undefined
  readonly consistentRead?: boolean | undefined
  readonly absoluteTimeoutSeconds?: number | undefined
}

/** A change of an existing item. */
export interface ItemUpdate {
  readonly set: Item
  readonly remove: readonly string[]
  /** What has to hold. It has to be false for an item that does not exist, because an update would create it. */
  readonly condition: Condition
  /**
   * Whether the outcome has all of the item as it is then.
   *
   * @default false
   */
  readonly returnsItem?: boolean
}

const MAX_KEY_BYTES = 2048

/** The outcome of a conditional write. */
export type Outcome =
  | { readonly applied: true; readonly item: Item | undefined }
  /** The condition did not hold for `item`; `undefined` means that there is none. */
  | { readonly applied: false; readonly item: Item | undefined }

/** The part of a request that a {@link Condition} is. */
export type ConditionInput = Required<
  Pick<ExpressionInput, 'ConditionExpression' | 'ExpressionAttributeNames'>
> &
  Pick<ExpressionInput, 'ExpressionAttributeValues'>

/** The part of an update that is the same for every session, and the beginning of its JSON. */
interface Template extends Pick<ItemUpdate, 'remove' | 'returnsItem'> {
  /** The attributes that are set, and what stands for their values. */
  readonly names: readonly string[]
  readonly placeholders: readonly string[]
  readonly input: TableInput & ExpressionInput & { readonly UpdateExpression: string }
  readonly json: string
}

/** There are a few for each layout; counters make more, of those of others that they remove. */
const MOST_TEMPLATES = 50

/**
 * The items of one table in one layout: the few requests that everything about sessions is made of, with the rules
 * that hold for all of them.
 */
export class ItemTable {
  readonly client: DynamoDBClient
  readonly name: string
  readonly layout: Layout
  readonly consistentRead: boolean
  readonly #absoluteTimeoutMs: number | undefined
  readonly #templates: Template[] = []

  constructor(
    client: DynamoDBClient,
    layout: Layout,
    { table = tableRow.default, consistentRead = true, absoluteTimeoutSeconds }: ItemTableSettings,
  ) {
    this.client = client
    this.name = table
    this.layout = layout
    this.consistentRead = consistentRead
    this.#absoluteTimeoutMs = absoluteTimeoutSeconds === undefined ? undefined : absoluteTimeoutSeconds * 1000
  }

  /** Whether the table has replicas in other Regions, which calls may go to. */
  get hasReplicas(): boolean {
    return this.client.hasFailover
  }

  get clock(): ServerClock {
    return this.client.clock
  }

  /**
   * The key of a session.
   *
   * @throws {TypeError} `INVALID_SESSION_ID` for what can be no session ID.
   */
  keyOf(id: string): string {
    if (typeof id !== 'string' || id === '') {
      throw invalidSessionId('a session ID must be a non-empty string')
    }
    const key = this.layout.keyOf(id)
    if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
      throw invalidSessionId(`the session ID is too long: a key has at most ${MAX_KEY_BYTES} bytes`)
    }
    return key
  }

  /** The key of a session that is named by its ID or by a record of it. */
  keyOfTarget<Data extends object>(target: string | SessionRecord<Data>): string {
    return target instanceof SessionRecord ? target.key : this.keyOf(target)
  }

  /** Lets everything that one call takes share one deadline (G7). */
  timed({ signal, deadline = new Deadline(this.client.deadlineMs) }: SendOptions): TimedOptions {
    return { signal, deadline }
  }

  /** The key of an item, as requests name it. */
  itemKey(key: string): Item {
    return { [this.layout.partitionKey]: { S: key } }
  }

  /** When a session that began at a moment expires at the latest. */
  latestExpiryMs(createdMs: number | undefined): number {
    return createdMs === undefined || this.#absoluteTimeoutMs === undefined
      ? Infinity
      : createdMs + this.#absoluteTimeoutMs
  }

  /**
   * Holds for items that exist and have not expired, by the idle or by the absolute timeout.
   *
   * @param expiresAfterMs when the idle timeout has to be later than that, and not only than now.
   */
  liveAt(nowMs: number, expiresAfterMs: number = nowMs): Condition {
    const live = this.layout.liveAt(expiresAfterMs)
    return this.#absoluteTimeoutMs === undefined
      ? live
      : allOf(live, this.layout.createdAfter(nowMs - this.#absoluteTimeoutMs))
  }

  /** Holds for items that say that they have expired, by the idle or by the absolute timeout. */
  expiredAt(nowMs: number): Condition {
    const timeoutMs = this.#absoluteTimeoutMs
    return this.layout.expiredAt(nowMs, timeoutMs === undefined ? undefined : nowMs - timeoutMs)
  }

  /** The same as {@link liveAt}, of an item at hand. */
  isLive(item: Item, nowMs: number): boolean {
    return !this.layout.hasNoData(item) && this.expiryOf(item) > nowMs
  }

  /** When an item expires, by the idle or by the absolute timeout. */
  expiryOf(item: Item): number {
    const { layout } = this
    return Math.min(layout.expiryOf(item), this.latestExpiryMs(layout.createdOf(item)))
  }

  /**
   * The session that an item holds, with its expiry as it counts here; a promise where the layout has to be prepared for
   * it first.
   *
   * @throws {SessionCorruptError | SessionDecryptionError} when the item cannot be read.
   */
  open(item: Item): StoredSession | Promise<StoredSession> {
    const pending = this.layout.prepareToRead(item)
    return pending === undefined ? this.#sessionIn(item) : pending.then(() => this.#sessionIn(item))
  }

  /** The session that an item holds; `undefined` when it has expired, or there is none. See {@link open}. */
  openLive(item: Item | undefined): StoredSession | Promise<StoredSession> | undefined {
    return item !== undefined && this.isLive(item, this.clock.now()) ? this.open(item) : undefined
  }

  /**
   * The item of a session as it is to be written; a promise where the layout has to be prepared for it first.
   *
   * @throws {SessionTooLargeError} when DynamoDB would not take it.
   */
  itemOf(session: StoredSession): Item | Promise<Item> {
    const pending = this.layout.prepareToWrite(session.text)
    return pending === undefined ? this.#itemFor(session) : pending.then(() => this.#itemFor(session))
  }

  /** A session as it is in the item that was made of it: a layout may carry less, or less exactly. */
  asStored(item: Item, session: StoredSession): StoredSession {
    const { layout } = this
    return {
      ...session,
      version: layout.versionAttribute === undefined ? undefined : item[layout.versionAttribute],
      revision: layout.revisionOf(item),
      createdMs: layout.createdOf(item),
      expiresMs: layout.expiryOf(item),
    }
  }

  /** Reads one item, expired or not. */
  async get(key: string, consistent: boolean, options: SendOptions): Promise<Item | undefined> {
    const input = { TableName: this.name, Key: this.itemKey(key), ConsistentRead: consistent }
    const { Item: item } = await this.client.send('GetItem', input, options)
    return item
  }

  /** Reads one item as the store's reads do. What an eventually consistent read does not find is looked for once more. */
  find(key: string, options: SendOptions): Promise<Item | undefined> {
    return this.consistentRead ? this.get(key, true, options) : this.#findInTwoReads(key, this.timed(options))
  }

  /** Creates or replaces an item. */
  async put(item: Item, options: SendOptions): Promise<void> {
    await this.client.send('PutItem', { TableName: this.name, Item: item }, options)
  }

  /** Changes an item when a condition holds. Names, expressions and their JSON are made once. */
  update(key: string, update: ItemUpdate, options: SendOptions): Promise<Outcome> {
    const { set, condition } = update
    const names = Object.keys(set)
    const made = this.#templates.find(template => isTemplateOf(template, update, names))
    const { input, json, placeholders } = made ?? this.#addTemplate(update, names)
    // Not by spreading, which takes several times as long for more than one object.
    const values: Record<string, AttributeValue | undefined> = Object.assign({}, condition.values)
    for (const [index, name] of names.entries()) values[placeholders[index] ?? ''] = set[name]
    const varying = { Key: this.itemKey(key), ExpressionAttributeValues: values as Item }
    const { signal, deadline, onDoubt } = options
    const send = { signal, deadline, onDoubt, json: json + JSON.stringify(varying).slice(1) }
    return this.#conditionally(
      key,
      this.client.send('UpdateItem', Object.assign({}, input, varying), send),
      options,
    )
  }

  /** Changes an item by an expression, when a condition holds. */
  updateByExpression(
    key: string,
    input: ConditionInput & { readonly UpdateExpression: string; readonly ReturnValues: 'ALL_NEW' },
    options: SendOptions,
  ): Promise<Outcome> {
    const whole = { TableName: this.name, Key: this.itemKey(key), ...input, ...ASKS_FOR_ITEM }
    return this.#conditionally(key, this.client.send('UpdateItem', whole, options), options)
  }

  /** Replaces an item when a condition holds. */
  replace(key: string, item: Item, condition: Condition, options: SendOptions): Promise<Outcome> {
    const input = { TableName: this.name, Item: item, ...conditionInput(condition), ...ASKS_FOR_ITEM }
    const send = { ...options, key: this.itemKey(key) }
    return this.#conditionally(key, this.client.send('PutItem', input, send), options)
  }

  /** Deletes an item when a condition holds. */
  deleteIf(key: string, condition: Condition, options: SendOptions): Promise<Outcome> {
    const input = {
      TableName: this.name,
      Key: this.itemKey(key),
      ...conditionInput(condition),
      ...ASKS_FOR_ITEM,
    }
    return this.#conditionally(key, this.client.send('DeleteItem', input, options), options)
  }

  /** Deletes an item, whatever it holds. */
  async delete(key: string, options: SendOptions): Promise<void> {
    await this.client.send('DeleteItem', { TableName: this.name, Key: this.itemKey(key) }, options)
  }

  async #findInTwoReads(key: string, options: SendOptions): Promise<Item | undefined> {
    return (await this.get(key, false, options)) ?? this.get(key, true, options)
  }

  #sessionIn(item: Item): StoredSession {
    const session = this.layout.fromItem(item)
    const latestMs = this.latestExpiryMs(session.createdMs)
    return session.expiresMs > latestMs ? { ...session, expiresMs: latestMs } : session
  }

  #itemFor(session: StoredSession): Item {
    const item = this.layout.toItem(session)
    if (surelyFits(item)) return item
    const sizeBytes = itemSizeBytes(item)
    if (sizeBytes <= MAX_ITEM_BYTES) return item
    const { revision } = session
    const shortest = revision && markerOf(revision)
    // What a session may hold does not depend on how often it was written.
    if (shortest !== revision) return this.#itemFor({ ...session, revision: shortest })
    throw new SessionTooLargeError(sizeBytes, MAX_ITEM_BYTES)
  }

  #addTemplate({ remove, condition, returnsItem = false }: ItemUpdate, names: readonly string[]): Template {
    const attributes = Object.fromEntries([...names, ...remove].map((name, index) => [`#a${index}`, name]))
    const sets = names.map((_, index) => `#a${index} = :a${index}`).join(', ')
    const removes = remove.map((_, index) => `#a${names.length + index}`).join(', ')
    const clauses = [sets && `SET ${sets}`, removes && `REMOVE ${removes}`]
    const input = {
      TableName: this.name,
      UpdateExpression: clauses.filter(clause => clause !== '').join(' '),
      ConditionExpression: condition.expression,
      ExpressionAttributeNames: { ...condition.names, ...attributes },
      ...(returnsItem && { ReturnValues: 'ALL_NEW' as const }),
      ...ASKS_FOR_ITEM,
    }
    const json = `${JSON.stringify(input).slice(0, -1)},`
    const placeholders = names.map((_, index) => `:a${index}`)
    const template = { names, placeholders, remove, returnsItem, input, json }
    this.#templates.unshift(template)
    if (this.#templates.length > MOST_TEMPLATES) this.#templates.pop()
    return template
  }

  async #conditionally(
    key: string,
    write: Promise<{ readonly Attributes?: Item }>,
    options: SendOptions,
  ): Promise<Outcome> {
    try {
      const { Attributes: item } = await write
      return { applied: true, item }
    } catch (error) {
      if (!isFailedCondition(error)) throw error
      // Engines that do not know ReturnValuesOnConditionCheckFailure, and DynamoDB for an absent item, return none.
      return { applied: false, item: itemOfFailedCondition(error) ?? (await this.get(key, true, options)) }
    }
  }
}

function isTemplateOf(
  { names, remove, returnsItem, input }: Template,
  update: ItemUpdate,
  set: readonly string[],
): boolean {
  return (
    input.ConditionExpression === update.condition.expression &&
    isSameList(names, set) &&
    isSameList(remove, update.remove) &&
    returnsItem === (update.returnsItem ?? false)
  )
}

function isSameList(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name, index) => name === right[index])
}

/** How a request says what it takes for granted. */
export function conditionInput({ expression, names, values }: Condition): ConditionInput {
  return {
    ConditionExpression: expression,
    ExpressionAttributeNames: names,
    // DynamoDB refuses an empty object here.
    ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
  }
}

/** Has DynamoDB send along the item that does not meet a condition. */
export const ASKS_FOR_ITEM = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const
