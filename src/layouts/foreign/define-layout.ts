import { corrupt, type SessionCorruptError } from '../../errors.ts'
import { LATEST_MS } from '../../internal/core-objects.ts'
import type { AttributeValue, Item } from '../../types.ts'
import {
  allOf,
  type Condition,
  keysWith,
  type Layout,
  type SessionCodec,
  type SessionIdentity,
  type StoredSession,
} from '../layout.ts'
import { epochMsOf, LARGEST_SECONDS, numberOf, textOf } from '../attributes.ts'
import type { LayoutOptions, LayoutName } from '../layout-settings.ts'

/** What is written. Reading goes by the size of the number, because older versions of some writers differ. */
type ExpiryUnit = 's' | 'ms'

/** How other software writes down when a session expires. */
interface ExpiryRule {
  /**
   * When an item expires, epoch milliseconds.
   *
   * @throws {SessionCorruptError} when the item does not say, and has to.
   */
  readonly expiryOf: (item: Item) => number

  /** The attributes of an expiry. Seconds are whole, and rounded up. */
  readonly attributesOf: (expiresMs: number) => Item

  /** Holds for items that have not expired. */
  readonly liveAt: (nowMs: number) => Condition

  /** Holds for items that say that they have expired. */
  readonly expiredAt: (nowMs: number) => Condition
}

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
 */
export function defineLayout(name: LayoutName, row: LayoutRow, settings: LayoutOptions): Layout {
  const { dataAttribute, codec, expiry, keyStart: start } = row
  const { partitionKey = row.partitionKey, prefix = row.prefix ?? '' } = settings
  const keyStart = start ?? prefix
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
    prepareToRead: () => undefined,
    prepareToWrite: () => undefined,
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
    hasNoData: item => dataAttribute !== undefined && item[dataAttribute] === undefined,
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

/** The expiry of sessions that never end. */
export const NEVER_MS: number = LATEST_MS

/**
 * An expiry in attributes of type N, of which the first that an item has counts: seconds, with a fraction allowed, or
 * milliseconds when the number is above 10^11.
 *
 * @param units of the attributes, in the order in which they are looked at.
 * @param isOptional whether sessions without any of them never expire; otherwise such items are no sessions.
 */
export function expiryIn(units: Readonly<Record<string, ExpiryUnit>>, isOptional = false): ExpiryRule {
  const names = Object.keys(units)
  return {
    expiryOf: item => {
      for (const name of names) {
        const number = numberOf(item[name])
        // A fraction in binary is a hair off the decimal one that is stored.
        if (number !== undefined) return Math.round(epochMsOf(number))
      }
      if (isOptional) return NEVER_MS
      throw corrupt(
        `the stored item has no attribute "${names.join('" or "')}" of type N, so it does not say when it expires`,
      )
    },
    attributesOf: expiresMs =>
      Object.fromEntries(
        Object.entries(units).map(([name, unit]) => [name, { N: expiryText(expiresMs, unit) }]),
      ),
    liveAt: nowMs => firstNumber(names, nowMs, true, isOptional),
    expiredAt: nowMs => firstNumber(names, nowMs, false, false),
  }
}

/** The error for an item that is there and no session. */
export function noSession(attribute: string): SessionCorruptError {
  return corrupt(`the stored item has no usable attribute "${attribute}", so it is no session of this layout`)
}

function expiryText(expiresMs: number, unit: ExpiryUnit): string {
  // More seconds would be read as milliseconds.
  return String(unit === 'ms' ? expiresMs : Math.min(Math.ceil(expiresMs / 1000), LARGEST_SECONDS))
}

/**
 * The same rule as `expiryOf`, in DynamoDB's words. Comparisons hold for numbers alone.
 *
 * It is flat, because parsers of expressions exist that take a long time over parentheses in one another.
 */
function firstNumber(
  names: readonly string[],
  nowMs: number,
  isLive: boolean,
  isOptional: boolean,
): Condition {
  // Two conditions of one request must not share placeholders.
  const mark = isLive ? 'Live' : 'Over'
  const [seconds, ms, most, type] = [`:seconds${mark}`, `:ms${mark}`, `:most${mark}`, `:number${mark}`]
  const placeholders: Record<string, string> = {}
  const values: Record<string, AttributeValue> = {
    [seconds]: { N: String(nowMs / 1000) },
    [ms]: { N: String(nowMs) },
    [most]: { N: String(LARGEST_SECONDS) },
  }
  const alternatives: string[] = []
  let others = ''
  for (const [index, name] of names.entries()) {
    const attribute = `#expiry${mark}${index}`
    placeholders[attribute] = name
    const comparisons = isLive
      ? [`${attribute} > ${ms}`, `${attribute} > ${seconds} AND ${attribute} <= ${most}`]
      : [`${attribute} <= ${seconds}`, `${attribute} > ${most} AND ${attribute} <= ${ms}`]
    alternatives.push(...comparisons.map(comparison => others + comparison))
    others += `NOT attribute_type(${attribute}, ${type}) AND `
  }
  if (isOptional) alternatives.push(others.slice(0, -' AND '.length))
  if (isOptional || names.length > 1) values[type] = { S: 'N' }
  return { expression: alternatives.join(' OR '), names: placeholders, values }
}
