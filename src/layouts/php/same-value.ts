import { invalidArgument } from '../../errors.ts'
import { isUint8Array } from '../../internal/core-objects.ts'
import { isElements, phpValue, unwrap } from './js-values.ts'
import type { PhpElements, PhpValue } from './js-values.ts'
import { DEEPEST } from './limits.ts'
import { PhpObject, PhpReference } from './opaque.ts'
import { keyIdentity } from './php-array.ts'
import { encodeUtf8 } from './utf8.ts'
import { PhpFloat } from './values.ts'

/** Small values are compared without taking notes. */
const PAIRS_WITHOUT_NOTES = 200

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
  return new Comparison().areSame(unwrap(left, ''), unwrap(right, ''), 1)
}

class Comparison {
  #pairs = 0
  /** Pairs that have been met: comparing them again would take for ever where arrays are shared, or in each other. */
  readonly #notes = new Map<object, Set<object>>()

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
    if (depth > DEEPEST) throw invalidArgument('INVALID_SESSION_DATA', 'the session data is nested too deep')
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
    const met = this.#notes.get(left)
    if (met === undefined) this.#notes.set(left, new Set([right]))
    else if (met.has(right)) return true
    else met.add(right)
    return false
  }
}

type Leaf = Exclude<PhpValue, PhpElements>

function areSameLeaves(left: Leaf, right: Leaf): boolean {
  if (isNumeric(left)) return isNumeric(right) && areSameNumbers(left, right)
  if (left instanceof PhpObject) return right instanceof PhpObject && areSameObjects(left, right)
  if (left instanceof PhpReference) return right instanceof PhpReference && areSameReferences(left, right)
  if (isText(left)) return isText(right) && areSameTexts(left, right)
  return left === right
}

function isNumeric(value: Leaf): value is number | bigint | PhpFloat {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof PhpFloat
}

function isText(value: Leaf): value is string | Uint8Array {
  return typeof value === 'string' || isUint8Array(value)
}

function areSameNumbers(left: number | bigint | PhpFloat, right: number | bigint | PhpFloat): boolean {
  const leftInteger = integerOf(left)
  const rightInteger = integerOf(right)
  if (leftInteger !== undefined || rightInteger !== undefined) return leftInteger === rightInteger
  return Object.is(Number(left), Number(right))
}

/** The integer as which a number is written; `undefined` for what is written as a float. */
function integerOf(value: number | bigint | PhpFloat): bigint | undefined {
  if (typeof value === 'bigint') return value
  return typeof value === 'number' && isPhpInteger(value) ? BigInt(value) : undefined
}

/**
 * Whether a number is written as an integer of PHP.
 *
 * @internal
 */
export function isPhpInteger(value: number): boolean {
  return Number.isSafeInteger(value) && !Object.is(value, -0)
}

function areSameTexts(left: string | Uint8Array, right: string | Uint8Array): boolean {
  if (typeof left === 'string' && typeof right === 'string') return left === right
  return areSameBytes(
    typeof left === 'string' ? encodeUtf8(left) : left,
    typeof right === 'string' ? encodeUtf8(right) : right,
  )
}

function areSameObjects(left: PhpObject, right: PhpObject): boolean {
  if (PhpObject.nodeOf(left) === PhpObject.nodeOf(right)) return true
  return left.className === right.className && areSameBytes(left.serialized, right.serialized)
}

function areSameReferences(left: PhpReference, right: PhpReference): boolean {
  const ours = PhpReference.nodeOf(left)
  const theirs = PhpReference.nodeOf(right)
  if (ours === theirs) return true
  // Numbers change with what is before them; how far around the place an array is does not.
  if (ours.levelsUp > 0 || theirs.levelsUp > 0) return ours.levelsUp === theirs.levelsUp
  return ours.letter === theirs.letter && ours.slot === theirs.slot
}

/** @internal */
export function areSameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}
