import type { AttributeValue, Item, SessionData } from '../types.ts'
import { LARGEST_SECONDS, numberOf } from './attributes.ts'
import type { UserIndex } from './user-index.ts'

/** A session in the terms that every layout shares. */
export interface StoredSession {
  /** Value of the item's partition key. */
  readonly key: string
  readonly data: SessionData
  /** `data` as the codec of the layout writes it; it stays as it is when the application changes `data`. */
  readonly text: string
  /** Random markers of this write and of the few before it, newest first; absent in layouts that have none. */
  readonly revision: string | undefined
  /** The attribute of the item that tells this version from others, as it is stored (`Layout.versionAttribute`). */
  readonly version: AttributeValue | undefined
  /** When the session began, epoch milliseconds; absent in layouts that do not say. */
  readonly createdMs: number | undefined
  /**
   * Random marker of the session's start, which tells it from every other session under the same ID. Absent in layouts
   * without one, and in sessions that were created by an older version of the package.
   */
  readonly birth?: string | undefined
  /** Exact expiry, epoch milliseconds. */
  readonly expiresMs: number
  /** Whose session it is; absent when nobody has signed in, and in layouts that do not say. */
  readonly user: string | undefined
}

/** What tells a session from another one that takes its ID later. */
export type SessionIdentity = Pick<StoredSession, 'birth' | 'createdMs'>

/**
 * A boolean expression of DynamoDB with its placeholders. Each condition of a layout has its own placeholders, and its names
 * are the same whenever the expression is: what is made of the two is kept.
 */
export interface Condition {
  readonly expression: string
  readonly names: Readonly<Record<string, string>>
  readonly values: Item
}

/** How a layout turns session data into text and back. Merging and the search for changes work on what it decodes. */
export interface SessionCodec {
  /**
   * Session data as text.
   *
   * @param basis what the session was read as: parts that have not changed may be taken from it.
   * @throws {TypeError} `INVALID_SESSION_DATA` for what the layout cannot carry.
   */
  encode(data: unknown, basis: string | undefined): string

  /**
   * Session data from text.
   *
   * @throws {SessionCorruptError} when the text is not what {@link encode} writes.
   */
  decode(text: string): SessionData

  /**
   * The same for comparing and merging: values that {@link decode} reads as the same although {@link encode} tells them
   * apart, such as an integer and a float of PHP, are different here.
   */
  decodeExactly(text: string): SessionData

  /** Whether two decoded values are the same; `undefined` stands for a key that is not there. */
  isSame(left: unknown, right: unknown): boolean

  /**
   * The parts of two different texts that have to be decoded to tell whether the data differ in more than the cookie.
   * Absent where that takes the whole texts.
   *
   * @returns two texts to decode and compare; `undefined` when the data do differ in more.
   */
  differingParts?(left: string, right: string): readonly [left: string, right: string] | undefined
}

/** Who holds the lock of an item. */
interface LockHolder {
  /** Random mark of the holder; absent in layouts whose locks have none. */
  readonly owner: string | undefined
  /** When the lease ends, epoch milliseconds; absent in layouts whose locks have no end. */
  readonly untilMs: number | undefined
}

/** How a layout writes down that a session is locked (G10). */
export interface LockProtocol {
  /** The attributes that hold the lock; a session without them is not locked. */
  readonly attributes: readonly string[]

  /** The attributes of a lock that is taken, or renewed. */
  taken(owner: string, untilMs: number): Item

  /** Holds for items that nobody has locked, whose lease has ended, or that this owner has locked already. */
  freeFor(owner: string, nowMs: number): Condition

  /** Holds for items that this owner has locked, and that nobody has locked since. */
  heldBy(owner: string): Condition

  /** Who has locked an item, whether or not the lease has ended; `undefined` when nobody has. */
  holderOf(item: Item): LockHolder | undefined

  /** How long a lock without an end has to be seen unchanged before it is taken over; absent when none ever is. */
  readonly staleAfterMs?: number | undefined

  /**
   * Holds for as long as an item and its lock are what they are here: whoever held the lock has neither written nor given
   * it back since. Two of them with the same values mean that nothing has happened in between.
   *
   * @returns `undefined` when the item is not locked, or its lock ends by itself.
   */
  takeOver?(item: Item): Condition | undefined
}

/**
 * How a layout keeps requests without effect that are carried out late: after they were given up, sent again, and others have
 * gone on from there.
 */
export interface LateRequestGuard {
  /** Holds for items of sessions that had started at a moment, and where there is no item. */
  startedBy(epochMs: number): Condition

  /** Holds for items of the session that an item is of, and where there is no item. */
  isStill(item: Item): Condition

  /** The attributes that say that a request which creates the session may still be carried out. */
  creationExpected(nowMs: number): Item

  /** Holds for items that do not say so, and where there is no item. */
  noCreationExpected(nowMs: number): Condition

  /** The opposite of {@link noCreationExpected}, of an item at hand. */
  isCreationExpected(item: Item, nowMs: number): boolean

  /**
   * What keeps the place of a session that was destroyed, for as long as a request that creates it may be carried out.
   *
   * @param hasReplicas whether other Regions may not know of that for longer.
   */
  gravestone(key: string, nowMs: number, hasReplicas: boolean): Item

  /** Whether an item is one, or the mark of a session that has moved. */
  isGravestone(item: Item): boolean
}

/** What an item says that keeps the place of a session which goes on under another key. */
export interface MoveMark {
  /** When the session was moved, epoch milliseconds. */
  readonly movedMs: number
  /** The key that it goes on under; absent when the one that took its place is another session. */
  readonly nextKey: string | undefined
}

/**
 * How a layout writes down that a session has moved to another key. To all readers of the table such an item has expired.
 */
export interface MoveMarks {
  /** What a gravestone of the session has besides. Only a session that has a birth can be followed. */
  attributes(session: SessionIdentity, nowMs: number, nextKey: string | undefined): Item

  /** What an item says of a move; `undefined` when it is no mark, or has had its time. */
  read(item: Item, nowMs: number): MoveMark | undefined

  /** Holds for items that lead where an item at hand does, which may be nowhere; of none: for items that lead nowhere. */
  leadsAs(item: Item | undefined): Condition

  /** Whether two items, marks or not, are of one session under different keys. */
  areOfOneSession(item: Item, other: Item): boolean
}

/**
 * How sessions are written as items: the one place that knows the attributes of an item.
 */
export interface Layout {
  /** Name of the layout, for messages. */
  readonly name: string
  /** Name of the partition key attribute. */
  readonly partitionKey: string
  readonly codec: SessionCodec
  /** Absent in layouts that have no locks. */
  readonly lock: LockProtocol | undefined
  /** Absent in layouts that cannot keep late requests out of a key. */
  readonly lateRequests?: LateRequestGuard | undefined
  /** Absent in layouts that nothing can be left in when a session moves: other software would take it for a session. */
  readonly moves?: MoveMarks | undefined
  /** Absent in layouts that do not write down whose session it is. */
  readonly userIndex: UserIndex | undefined
  /** Attributes that {@link toItem} may leave out, so that a save has to remove what an earlier one wrote. */
  readonly optionalAttributes: readonly string[]
  /**
   * The attribute that every write changes, by which a save notices what others have written (G2): a random revision,
   * or the data themselves. Absent where no single attribute does; then the last write wins.
   */
  readonly versionAttribute: string | undefined
  /** Whether a save replaces the whole item, because the session's own keys are attributes of it. */
  readonly replacesItems: boolean

  /**
   * What has to be done before an item is read, such as deriving an encryption key.
   *
   * @returns `undefined` when nothing has to be, which is nearly always.
   */
  prepareToRead(item: Item): Promise<void> | undefined

  /** The same before session data are written, as the text that the codec made of them. */
  prepareToWrite(text: string): Promise<void> | undefined

  /** The partition key of a session ID. */
  keyOf(id: string): string

  /** The session ID that a partition key is of; `undefined` where keys do not tell. */
  idOfKey(key: string): string | undefined

  /** The partition key of an item; `undefined` when it is not a text. */
  keyOfItem(item: Item): string | undefined

  /** The whole item of a session, without a lock. */
  toItem(session: StoredSession): Item

  /**
   * When an item expires, epoch milliseconds.
   *
   * @throws {SessionCorruptError} when the item does not say.
   */
  expiryOf(item: Item): number

  /** When the session of an item began, epoch milliseconds; `undefined` when the item does not say. */
  createdOf(item: Item): number | undefined

  /** The random markers of an item, as {@link StoredSession.revision}; `undefined` when it has none. */
  revisionOf(item: Item): string | undefined

  /** Whether an item is a leftover without data, which is no session. */
  hasNoData(item: Item): boolean

  /**
   * The session that an item holds, expired or not.
   *
   * @throws {SessionCorruptError} when the item is not a session of this layout.
   * @throws {SessionDecryptionError} when it is encrypted and cannot be decrypted.
   */
  fromItem(item: Item): StoredSession

  /** The attributes that a new expiry changes, and nothing else. */
  expiryAttributes(expiresMs: number): Item

  /** Holds for items that exist and have not expired. */
  liveAt(nowMs: number): Condition

  /**
   * Holds for items that say that they have expired. Items that do not say when they expire are neither this nor
   * {@link liveAt}.
   *
   * @param createdUntilMs sessions that began at that moment or earlier have expired, whatever expiry they say; absent
   *   when there is no such moment, and without effect in layouts that do not say when a session began.
   */
  expiredAt(nowMs: number, createdUntilMs?: number): Condition

  /** Holds for items of sessions that began after a moment, or do not say; absent in layouts that never say. */
  createdAfter(epochMs: number): Condition | undefined

  /**
   * Holds for items of the same session, not for one that took its ID after it had been destroyed, as far as the layout
   * can tell; for items of any session when none is given. With {@link liveAt} it never holds for a leftover without data.
   */
  sameSessionAs(session: SessionIdentity | undefined): Condition | undefined

  /** The same as {@link sameSessionAs}, of an item at hand. */
  isSameSession(item: Item, session: SessionIdentity): boolean

  /** Holds for items that belong to this layout's namespace of the table; absent when all do. */
  namespace(): Condition | undefined
}

/** A condition that holds when all do; those that are absent say nothing. */
export function allOf(first: Condition, ...others: readonly (Condition | undefined)[]): Condition {
  const all = [first, ...others.filter(other => other !== undefined)]
  return all.length === 1 ? first : joined(all, 'AND')
}

/** A condition that holds when one of them does. */
export function anyOf(...all: readonly Condition[]): Condition {
  return joined(all, 'OR')
}

function joined(all: readonly Condition[], operator: 'AND' | 'OR'): Condition {
  return {
    expression: all.map(({ expression }) => `(${expression})`).join(` ${operator} `),
    // Most often nobody needs them: see `ItemTable.update`.
    get names() {
      return Object.assign({}, ...all.map(({ names }) => names)) as Condition['names']
    },
    values: Object.assign({}, ...all.map(({ values }) => values)) as Item,
  }
}

/** Holds for items whose key starts with a prefix, and is so many characters longer; absent when every key does. */
export function keysWith(
  partitionKey: string,
  prefix: string,
  restLength: number | undefined,
): Condition | undefined {
  const parts: string[] = []
  const values: Record<string, AttributeValue> = {}
  if (prefix !== '') {
    parts.push('begins_with(#key, :prefix)')
    values[':prefix'] = { S: prefix }
  }
  if (restLength !== undefined) {
    parts.push('size(#key) = :keyLength')
    values[':keyLength'] = { N: String(prefix.length + restLength) }
  }
  return parts.length === 0
    ? undefined
    : { expression: parts.join(' AND '), names: { '#key': partitionKey }, values }
}

/** A time that is far from the largest number of seconds, in seconds as well as in milliseconds. */
const SOME_EXPIRY_MS = 2e12

/** The attribute with the expiry in seconds; `undefined` in layouts without one: time to live cannot act there. */
export function ttlAttributeOf(layout: Pick<Layout, 'expiryAttributes'>): string | undefined {
  const expiry = Object.entries(layout.expiryAttributes(SOME_EXPIRY_MS))
  return expiry.find(([, value]) => (numberOf(value) ?? Infinity) <= LARGEST_SECONDS)?.[0]
}
