import { invalidArgument, SessionCorruptError } from '../../errors.ts'
import type { AttributeValue, Item } from '../../types.ts'
import { textOf } from '../attributes.ts'
import {
  allOf,
  type Condition,
  type Layout,
  type SessionCodec,
  type SessionIdentity,
  type StoredSession,
} from '../layout.ts'
import type { ExpiryRule } from './expiry-rule.ts'

/** Where sessions of other software are in a table. */
export interface ForeignKeys {
  /** Name of the partition key attribute. */
  readonly partitionKey: string
  /** What every key starts with. */
  readonly prefix: string
}

/** What tells the layout of one software from that of another. */
export interface ForeignLayoutParts extends ForeignKeys {
  readonly name: string
  /** The attribute that holds the session data. */
  readonly dataAttribute: string
  /** Names of all other attributes that the layout writes. */
  readonly otherAttributes: readonly string[]
  readonly codec: SessionCodec
  readonly expiry: ExpiryRule

  /** The value of the data attribute. */
  dataOf(session: StoredSession): AttributeValue

  /**
   * The text, as the codec writes it, of a data attribute.
   *
   * @throws {SessionCorruptError} when it is not one.
   */
  textOf(value: AttributeValue, item: Item): string

  /** Attributes besides key, data and expiry. */
  others?(session: StoredSession): Item
  /** Those of them that may be left out. */
  readonly optionalAttributes?: readonly string[]

  /** The partition key of a session ID, in software that does more than to put the prefix before it. */
  keyOf?(id: string): string
  /** What every key starts with, when that is not the prefix. */
  readonly keyStart?: string
  /** Length of every session ID, when all have the same: it tells sessions from what else has the prefix. */
  readonly idLength?: number

  readonly lock?: Layout['lock']
  createdOf?(item: Item): number | undefined
  sameSessionAs?(session: SessionIdentity): Condition | undefined
}

/**
 * A layout of other software that keeps the session data in one attribute. Saves notice what others have written by the
 * data themselves, because there is no revision; leftovers without data are no sessions.
 *
 * @throws {TypeError} `INVALID_OPTION` when the partition key has the name of another attribute of the layout.
 */
export function foreignLayout(parts: ForeignLayoutParts): Layout {
  const { name, partitionKey, prefix, dataAttribute, codec, expiry } = parts
  checkPartitionKey(partitionKey, [dataAttribute, ...parts.otherAttributes])
  const createdOf = (item: Item): number | undefined => parts.createdOf?.(item)
  const keyOf = (id: string): string => parts.keyOf?.(id) ?? prefix + id
  const keyStart = parts.keyStart ?? prefix
  const { idLength } = parts
  const hasData: Condition = {
    expression: 'attribute_exists(#data)',
    names: { '#data': dataAttribute },
    values: {},
  }
  return {
    name,
    partitionKey,
    codec,
    lock: parts.lock,
    userIndex: undefined,
    optionalAttributes: parts.optionalAttributes ?? [],
    versionAttribute: dataAttribute,
    replacesItems: false,
    prepare: () => undefined,
    keyOf,
    idOfKey: key => {
      const id = key.startsWith(keyStart) ? key.slice(keyStart.length) : ''
      if (id === '' || keyOf(id) !== key) return undefined
      return idLength === undefined || id.length === idLength ? id : undefined
    },
    keyOfItem: item => textOf(item[partitionKey]),
    toItem: session => ({
      ...parts.others?.(session),
      [partitionKey]: { S: session.key },
      [dataAttribute]: parts.dataOf(session),
      ...expiry.attributesOf(session.expiresMs),
    }),
    expiryOf: item => expiry.expiryOf(item),
    createdOf,
    revisionOf: () => undefined,
    isHusk: item => item[dataAttribute] === undefined,
    fromItem: item => {
      const version = item[dataAttribute]
      if (version === undefined) throw noSession(dataAttribute)
      const text = parts.textOf(version, item)
      return {
        key: keyIn(item, partitionKey),
        text,
        data: codec.decode(text),
        revision: undefined,
        version,
        createdMs: createdOf(item),
        expiresMs: expiry.expiryOf(item),
        user: undefined,
      }
    },
    expiryAttributes: expiresMs => expiry.attributesOf(expiresMs),
    liveAt: nowMs => allOf(hasData, expiry.liveAt(nowMs)),
    expiredAt: nowMs => expiry.expiredAt(nowMs),
    createdAfter: () => undefined,
    sameSessionAs: session => session && parts.sameSessionAs?.(session),
    isSameSession: (item, { createdMs }) => createdMs === undefined || createdOf(item) === createdMs,
    namespace: () => keysWith(partitionKey, keyStart, idLength),
  }
}

/** The partition key of an item. */
export function keyIn(item: Item, partitionKey: string): string {
  const key = textOf(item[partitionKey])
  if (key === undefined) throw noSession(partitionKey)
  return key
}

/** Holds for items whose key starts with a text, and is as long as said; absent when every key is. */
export function keysWith(partitionKey: string, start: string, idLength?: number): Condition | undefined {
  const expressions: string[] = []
  const values: Record<string, AttributeValue> = {}
  if (start !== '') {
    expressions.push('begins_with(#key, :keyStart)')
    values[':keyStart'] = { S: start }
  }
  if (idLength !== undefined) {
    expressions.push('size(#key) = :keyLength')
    values[':keyLength'] = { N: String(start.length + idLength) }
  }
  return expressions.length === 0
    ? undefined
    : { expression: expressions.join(' AND '), names: { '#key': partitionKey }, values }
}

/** @throws {TypeError} `INVALID_OPTION` when the partition key is one of the attributes. */
export function checkPartitionKey(partitionKey: string, attributes: readonly string[]): void {
  if (!attributes.includes(partitionKey)) return
  throw invalidArgument(
    'INVALID_OPTION',
    `the option "partitionKey" cannot be "${partitionKey}", an attribute that holds something else of a session`,
  )
}

/** An item that is there and no session. */
export function noSession(attribute: string): SessionCorruptError {
  return new SessionCorruptError(
    `the stored item has no usable attribute "${attribute}", so it is no session of this layout; it was left as it is`,
  )
}
