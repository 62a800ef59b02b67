import { invalidSessionData } from '../../errors.ts'
import { isBinary, isMapOrSet, isObject, isUint8Array, toJsonValue } from '../../internal/core-objects.ts'
import { areSameLinks, DEEPEST } from './node.ts'
import { areSameObjects } from './node-writer.ts'
import { PhpObject, PhpReference } from './node-reader.ts'
import {
  byteText,
  encodeUtf8,
  isMarked,
  isPhpInteger,
  keyIdentity,
  PhpArray,
  PhpBytes,
  PhpFloat,
  type PhpKey,
  phpKey,
} from './values.ts'

/** A value that PHP writes by itself, without what is elsewhere in a session. */
type PhpScalar = null | boolean | number | bigint | string | PhpFloat | Uint8Array

/** A value that is no array. */
type PhpLeaf = PhpScalar | PhpObject | PhpReference

/** A JavaScript value in the terms of PHP; arrays one level deep. */
type PhpValue = PhpLeaf | PhpElements

/** An array, with what is behind the `toJSON` of its elements. */
export interface PhpElements {
  /** The JavaScript value that it was. */
  readonly container: object
  readonly elements: readonly (readonly [PhpKey, unknown])[]
}

/** Small values are compared without taking notes. */
const PAIRS_WITHOUT_NOTES = 200

/**
 * What is to be written for a JavaScript value, as `JSON.stringify` sees it: `toJSON` is called, boxed values are
 * taken out of their box. `undefined` for what JSON leaves out.
 *
 * @param key the name or index under which the value is found.
 * @internal
 */
export function unwrap(value: unknown, key: string): unknown {
  return toJsonValue(
    value,
    key,
    object => isOwnLeaf(object) || object instanceof PhpArray || object instanceof PhpBytes,
  )
}

/**
 * A value that {@link unwrap} has made, in the terms of PHP.
 *
 * @throws {TypeError} `INVALID_SESSION_DATA` for what PHP has nothing for.
 * @internal
 */
export function phpValue(value: unknown): PhpValue {
  if (!isObject(value)) return (value ?? null) as PhpScalar
  if (value instanceof PhpBytes) return value.bytes
  if (isOwnLeaf(value)) return value
  return { container: value, elements: elementsOf(value) }
}

/** Whether a value is an array in PHP. */
export function isElements(value: PhpValue): value is PhpElements {
  return isObject(value) && 'elements' in value
}

/**
 * What PHP writes for a value, one character for each byte.
 *
 * @internal
 */
export function scalarText(value: PhpScalar): string {
  if (value === null) return 'N;'
  if (typeof value === 'boolean') return value ? 'b:1;' : 'b:0;'
  if (typeof value === 'bigint') return `i:${value};`
  if (typeof value === 'number' && isPhpInteger(value)) return `i:${value};`
  if (typeof value === 'number' || value instanceof PhpFloat) return `d:${formatPhpFloat(Number(value))};`
  const bytes = typeof value === 'string' ? encodeUtf8(value) : byteText(value)
  return `s:${bytes.length}:"${bytes}";`
}

/**
 * A float as PHP 7.1 and later write it with `serialize_precision` -1: the shortest digits that read back as the same
 * float, in scientific notation below 1.0E-4 and from 1.0E+17.
 *
 * @internal
 */
export function formatPhpFloat(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  if (Number.isNaN(value)) return 'NAN'
  const magnitude = Math.abs(value)
  if (magnitude === Infinity) return value > 0 ? 'INF' : '-INF'
  if (magnitude >= 1e-4 && magnitude < 1e17) return String(value)
  const [mantissa = '', exponent = ''] = value.toExponential().split('e')
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${exponent}`
}

/**
 * Whether two values are the same in PHP: whether they would be written as the same bytes, wherever back references
 * lead.
 *
 * So the order of keys counts, as it does in PHP; a `Date` is the text that `toJSON` makes of it; `[]` and `{}` are both
 * the empty array; `5` and `5n` are the same integer, `5` and `new PhpFloat(5)` are not the same. `undefined`, for a key
 * that is not there, is the same as itself alone. References between PHP arrays do not count: arrays are the same when
 * they hold the same.
 *
 * @throws {TypeError} `INVALID_SESSION_DATA` for what cannot be written, where that has to be looked at.
 */
export function isSamePhpValue(left: unknown, right: unknown): boolean {
  return new PhpComparison().areSame(unwrap(left, ''), unwrap(right, ''), 1)
}

/** One comparison, in which what was met counts as the same until a difference shows. */
class PhpComparison {
  /** Pairs that have been met: comparing them again would take for ever where arrays are shared, or in each other. */
  readonly #met = new Map<object, Set<object>>()
  #pairs = 0

  areSame(left: unknown, right: unknown, depth: number): boolean {
    if (Object.is(left, right)) return true
    if (left === undefined || right === undefined) return false
    const ours = phpValue(left)
    const theirs = phpValue(right)
    if (isElements(ours)) return isElements(theirs) && this.#haveSame(ours, theirs, depth)
    return !isElements(theirs) && areSameLeaves(ours, theirs)
  }

  #haveSame(left: PhpElements, right: PhpElements, depth: number): boolean {
    if (left.elements.length !== right.elements.length) return false
    if (this.#wereMet(left.container, right.container)) return true
    if (depth > DEEPEST) throw invalidSessionData('the session data is nested too deep')
    return left.elements.every(([key, value], index) => {
      const other = right.elements[index]
      return (
        other !== undefined &&
        keyIdentity(key) === keyIdentity(other[0]) &&
        this.areSame(value, other[1], depth + 1)
      )
    })
  }

  #wereMet(left: object, right: object): boolean {
    this.#pairs += 1
    if (this.#pairs <= PAIRS_WITHOUT_NOTES) return false
    const rights = this.#met.get(left)
    if (rights === undefined) this.#met.set(left, new Set([right]))
    else if (rights.size === rights.add(right).size) return true
    return false
  }
}

function elementsOf(container: object): (readonly [PhpKey, unknown])[] {
  if (Array.isArray(container)) {
    return Array.from(container, (element: unknown, index) => [index, unwrap(element, String(index)) ?? null])
  }
  const elements: (readonly [PhpKey, unknown])[] = []
  if (container instanceof PhpArray) {
    for (const [key, value] of container) {
      const element = unwrap(value, key instanceof PhpBytes ? '' : String(key))
      if (element !== undefined) elements.push([key, element])
    }
    return elements
  }
  refuseOthers(container)
  for (const key of Object.keys(container)) {
    const element = unwrap((container as Record<string, unknown>)[key], key)
    if (element !== undefined) elements.push([phpKey(key), element])
  }
  return elements
}

/** Whether a value is written as it is. A Buffer has a toJSON, which would make a PHP array of it. */
function isOwnLeaf(value: object): value is Uint8Array | PhpFloat | PhpObject | PhpReference {
  return (
    isUint8Array(value) ||
    value instanceof PhpFloat ||
    value instanceof PhpObject ||
    value instanceof PhpReference
  )
}

function refuseOthers(container: object): void {
  if (isMapOrSet(container)) {
    throw invalidSessionData('a Map or Set cannot be written for PHP; use a PhpArray, an object or an array')
  }
  if (isBinary(container)) {
    throw invalidSessionData('of binary data, only a Uint8Array can be written for PHP')
  }
  if (isMarked(container)) {
    throw invalidSessionData(
      'the session data has a copy of a PhpObject, PhpArray, PhpBytes or PhpFloat that is not one any more; ' +
        'JSON and structured clones lose the class',
    )
  }
}

/**
 * Whether two values that are no arrays are the same in PHP.
 *
 * @internal
 */
export function areSameLeaves(left: PhpLeaf, right: PhpLeaf): boolean {
  if (left instanceof PhpObject) {
    return right instanceof PhpObject && areSameObjects(PhpObject.nodeOf(left), PhpObject.nodeOf(right))
  }
  if (left instanceof PhpReference) {
    return (
      right instanceof PhpReference && areSameLinks(PhpReference.nodeOf(left), PhpReference.nodeOf(right))
    )
  }
  if (right instanceof PhpObject || right instanceof PhpReference) return false
  // Of two strings, all but the same have other bytes.
  if (typeof left === 'string' && typeof right === 'string') return left === right
  return scalarText(left) === scalarText(right)
}
