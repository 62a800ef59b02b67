import type { Item, SessionData } from '../types.ts'

/** A session in the terms that every layout shares. */
export interface StoredSession {
  /** Value of the item's partition key. */
  readonly key: string
  readonly data: SessionData
  /** Random mark of the write that this is; absent in layouts that have none. */
  readonly revision: string | undefined
  /** When the session began, epoch milliseconds; absent in layouts that do not say. */
  readonly createdMs: number | undefined
  /** Exact expiry, epoch milliseconds. */
  readonly expiresMs: number
}

/** A boolean expression of DynamoDB with its placeholders. Each condition of a layout has its own placeholders. */
export interface Condition {
  readonly expression: string
  readonly names: Readonly<Record<string, string>>
  readonly values: Item
}

/**
 * How sessions are written as items: the one place that knows the attributes of an item.
 */
export interface Layout {
  /** Name of the layout, for messages. */
  readonly name: string
  /** Name of the partition key attribute. */
  readonly partitionKey: string

  /** The partition key of a session ID. */
  keyOf(id: string): string

  /** The partition key of an item; `undefined` when it is not a text. */
  keyOfItem(item: Item): string | undefined

  /** The whole item of a session. */
  toItem(session: StoredSession): Item

  /**
   * When an item expires, epoch milliseconds.
   *
   * @throws {SessionCorruptError} when the item does not say.
   */
  expiryOf(item: Item): number

  /**
   * The session that an item holds, expired or not.
   *
   * @throws {SessionCorruptError} when the item is not a session of this layout.
   */
  fromItem(item: Item): StoredSession

  /** The attributes that a new expiry changes, and nothing else. */
  expiryAttributes(expiresMs: number): Item

  /** Holds for items that exist and have not expired. */
  liveAt(nowMs: number): Condition

  /** Holds for items of the same session, and not for one that took its place after it had been destroyed. */
  sameSessionAs(session: Pick<StoredSession, 'createdMs'>): Condition | undefined

  /** Holds for items that belong to this layout's namespace of the table; absent when all do. */
  namespace(): Condition | undefined
}

/** A condition that holds when both do; the first alone when there is no second. */
export function bothOf(first: Condition, second: Condition | undefined): Condition {
  if (second === undefined) return first
  return {
    expression: `(${first.expression}) AND (${second.expression})`,
    names: { ...first.names, ...second.names },
    values: { ...first.values, ...second.values },
  }
}
