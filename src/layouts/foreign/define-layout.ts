import { SessionCorruptError } from '../../errors.ts'
import type { Item } from '../../types.ts'
import { textOf } from '../attributes.ts'
import {
  allOf,
  checkPartitionKey,
  type Condition,
  keysWith,
  type Layout,
  type LayoutName,
  type ForeignLayoutSettings,
  type SessionCodec,
  type SessionIdentity,
  type StoredSession,
} from '../layout.ts'
import type { ExpiryRule } from './expiry-rule.ts'

/** What tells the layout of one software from that of another. */
export interface LayoutRow {
  /** Name of the partition key attribute, unless an option says otherwise. */
  readonly partitionKey: string
  /**
   * What every key starts with, unless an option says otherwise.
   *
   * @default ''
   */
  readonly prefix?: string
  /**
   * The attribute that holds the session data; `undefined` when the keys of the session are attributes of the item.
   *
   * Saves notice what others have written by the data themselves, because there is no revision. Where they are not in one
   * attribute, the last write wins.
   */
  readonly dataAttribute: string | undefined
  /** Names of the attributes that the layout writes besides key, data and expiry. */
  readonly otherAttributes?: readonly string[]
  /** Those that {@link attributesOf} may leave out. */
  readonly optionalAttributes?: readonly string[]
  readonly expiry: ExpiryRule
  readonly codec: SessionCodec

  /** The attributes besides key and expiry. */
  attributesOf(session: StoredSession, id: string): Item

  /**
   * The text, as the codec writes it, of an item that has the data attribute.
   *
   * @throws {SessionCorruptError} when the data are not what the layout writes.
   */
  textOf(item: Item, id: string): string

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
 * A layout of other software. Leftovers without data are no sessions.
 *
 * @throws {TypeError} `INVALID_OPTION` when the partition key has the name of another attribute of the layout.
 */
export function defineLayout(name: LayoutName, row: LayoutRow, settings: ForeignLayoutSettings): Layout {
  const { dataAttribute, codec, expiry, keyStart: start } = row
  const { partitionKey = row.partitionKey, prefix = row.prefix ?? '' } = settings
  const keyStart = start ?? prefix
  checkPartitionKey(partitionKey, [dataAttribute, ...expiry.attributes, ...(row.otherAttributes ?? [])])
  const createdOf = (item: Item): number | undefined => row.createdOf?.(item)
  const keyOf = (id: string): string => row.keyOf?.(id) ?? prefix + id
  const hasData: Condition = {
    expression: 'attribute_exists(#data)',
    names: { '#data': dataAttribute ?? partitionKey },
    values: {},
  }
  return {
    name,
    partitionKey,
    codec,
    lock: row.lock,
    userIndex: undefined,
    optionalAttributes: row.optionalAttributes ?? [],
    versionAttribute: dataAttribute,
    replacesItems: dataAttribute === undefined,
    prepare: () => undefined,
    keyOf,
    idOfKey: key => {
      const id = key.startsWith(keyStart) ? key.slice(keyStart.length) : ''
      if (id === '' || keyOf(id) !== key) return undefined
      return row.idLength === undefined || id.length === row.idLength ? id : undefined
    },
    keyOfItem: item => textOf(item[partitionKey]),
    toItem: session => ({
      ...row.attributesOf(session, session.key.slice(prefix.length)),
      [partitionKey]: { S: session.key },
      ...expiry.attributesOf(session.expiresMs),
    }),
    expiryOf: expiry.expiryOf,
    createdOf,
    revisionOf: () => undefined,
    isHusk: item => dataAttribute !== undefined && item[dataAttribute] === undefined,
    fromItem: item => {
      const version = dataAttribute === undefined ? undefined : item[dataAttribute]
      if (dataAttribute !== undefined && version === undefined) throw noSession(dataAttribute)
      const key = textOf(item[partitionKey])
      if (key === undefined) throw noSession(partitionKey)
      const text = row.textOf(item, key.slice(prefix.length))
      return {
        key,
        text,
        data: codec.decode(text),
        revision: undefined,
        version,
        createdMs: createdOf(item),
        expiresMs: expiry.expiryOf(item),
        user: undefined,
      }
    },
    expiryAttributes: expiry.attributesOf,
    liveAt: nowMs => allOf(hasData, expiry.liveAt(nowMs)),
    expiredAt: expiry.expiredAt,
    createdAfter: () => undefined,
    sameSessionAs: session => session && row.sameSessionAs?.(session),
    isSameSession: (item, { createdMs }) =>
      row.createdOf === undefined || createdMs === undefined || createdOf(item) === createdMs,
    namespace: () => keysWith(partitionKey, keyStart, row.idLength),
  }
}

/** The error for an item that is there and no session. */
export function noSession(attribute: string): SessionCorruptError {
  return new SessionCorruptError(
    `the stored item has no usable attribute "${attribute}", so it is no session of this layout; it was left as it is`,
  )
}
