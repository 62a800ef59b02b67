import { SessionCorruptError } from '../../errors.ts'
import { LATEST_MS } from '../../internal/date-range.ts'
import type { AttributeValue, Item } from '../../types.ts'
import { epochMsOf, LARGEST_SECONDS, numberOf } from '../attributes.ts'
import type { Condition } from '../layout.ts'

/** What is written. Reading goes by the size of the number, because older versions of some writers differ. */
export type ExpiryUnit = 's' | 'ms'

/** How other software writes down when a session expires. */
export interface ExpiryRule {
  /** Names of the attributes that hold it. */
  readonly attributes: readonly string[]

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
    attributes: names,
    expiryOf: item => {
      for (const name of names) {
        const number = numberOf(item[name])
        // A fraction in binary is a hair off the decimal one that is stored.
        if (number !== undefined) return Math.round(epochMsOf(number))
      }
      if (isOptional) return NEVER_MS
      throw new SessionCorruptError(
        `the stored item has no attribute "${names.join('" or "')}" of type N, so it does not say when it expires; it was ` +
          'left as it is',
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
