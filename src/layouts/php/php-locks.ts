import type { AttributeValue } from '../../types.ts'
import { numberOf, numberTextOf } from '../attributes.ts'
import type { Condition, LockProtocol } from '../layout.ts'

/** What a {@link phpLocks} has to know of the items. */
export interface PhpLocksOptions {
  readonly dataAttribute: string
  readonly ttlAttribute: string
  /** A lock of PHP that has been seen unchanged for this long has been left behind; 0 when none ever is. */
  readonly staleAfterMs: number
}

const LOCK = 'lock'
const UNTIL = 'lockUntil'
/** What PHP writes; it looks at nothing but whether the attribute is there. */
const LOCK_OF_PHP = '1'

/** The attributes of a lock. */
export const LOCK_ATTRIBUTES: readonly string[] = [LOCK, UNTIL]

/**
 * The locks of the AWS SDK for PHP, which are the existence of `lock`.
 *
 * Where PHP writes 1, this writes the holder as a large number, so that a holder whose lock was taken, by PHP or by
 * another process like this one, cannot write (fencing); and the end of the lease beside it, which PHP neither heeds nor
 * removes. It counts only together with such a number.
 */
export function phpLocks({
  dataAttribute,
  ttlAttribute,
  staleAfterMs,
}: PhpLocksOptions): LockProtocol & Required<Pick<LockProtocol, 'takeOver'>> {
  return {
    attributes: LOCK_ATTRIBUTES,
    taken: (owner, untilMs) => ({
      [LOCK]: { N: numberOfOwner(owner) },
      [UNTIL]: { N: String(Math.round(untilMs)) },
    }),
    freeFor: (owner, nowMs) => ({
      expression:
        'attribute_not_exists(#lock) OR #lock = :lockOwner OR (#lock <> :lockOfPhp AND #lockUntil <= :lockNow)',
      names: { '#lock': LOCK, '#lockUntil': UNTIL },
      values: {
        ':lockOwner': { N: numberOfOwner(owner) },
        ':lockOfPhp': { N: LOCK_OF_PHP },
        ':lockNow': { N: String(nowMs) },
      },
    }),
    heldBy: owner => ({
      expression: '#lock = :lockOwner',
      names: { '#lock': LOCK },
      values: { ':lockOwner': { N: numberOfOwner(owner) } },
    }),
    holderOf: item => {
      if (item[LOCK] === undefined) return undefined
      const owner = ownerOf(item[LOCK])
      return { owner, untilMs: owner === undefined ? undefined : numberOf(item[UNTIL]) }
    },
    staleAfterMs: staleAfterMs === 0 ? undefined : staleAfterMs,
    takeOver: item => {
      const lock = item[LOCK]
      if (lock === undefined || ownerOf(lock) !== undefined) return undefined
      return unchanged({ lock, data: item[dataAttribute], expires: item[ttlAttribute] }, [
        ['lock', LOCK],
        ['data', dataAttribute],
        ['expires', ttlAttribute],
      ])
    },
  }
}

function unchanged(
  seen: Readonly<Record<string, AttributeValue | undefined>>,
  attributes: readonly (readonly [string, string])[],
): Condition {
  const names: Record<string, string> = {}
  const values: Record<string, AttributeValue> = {}
  const parts = attributes.map(([part, attribute]) => {
    names[`#${part}Seen`] = attribute
    const value = seen[part]
    if (value === undefined) return `attribute_not_exists(#${part}Seen)`
    values[`:${part}Seen`] = value
    return `#${part}Seen = :${part}Seen`
  })
  return { expression: parts.join(' AND '), names, values }
}

/** The bytes of the owner's base64url behind a byte that is 1: a number above PHP's, and of no more than 38 digits. */
function numberOfOwner(owner: string): string {
  return BigInt(`0x01${Buffer.from(owner, 'base64url').toString('hex')}`).toString()
}

function ownerOf(lock: AttributeValue): string | undefined {
  const text = numberTextOf(lock) ?? ''
  const digits = /^\d{3,38}$/.test(text) ? text : ''
  const hex = digits === '' ? '' : BigInt(digits).toString(16)
  // The byte that is 1 has one hexadecimal digit, and all others have two.
  return /^1(?:[0-9a-f]{2})+$/.test(hex) ? Buffer.from(hex.slice(1), 'hex').toString('base64url') : undefined
}
