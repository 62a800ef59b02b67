import { isUtf8 } from 'node:buffer'

import { invalidSessionData, SessionCorruptError } from '../../errors.ts'
import { isUint8Array } from '../../internal/core-objects.ts'

/*
 * Serialised PHP is handled as text with one character for each byte, which `byteText` and `bytesOf` convert: it can be cut,
 * searched and compared as any other.
 */

/** The bytes are not what PHP's `serialize()`, or the session handler that was asked for, writes. */
export class PhpFormatError extends SessionCorruptError {
  static {
    this.prototype.name = 'PhpFormatError'
  }

  /** Where in the bytes, counted from 0, reading had to stop. */
  readonly byteOffset: number

  constructor(problem: string, byteOffset: number) {
    super(`PHP session data is malformed at byte ${byteOffset}: ${problem}; it was left as it is`)
    this.byteOffset = byteOffset
  }
}

/** What a value class calls itself in its `@php` property. */
export type PhpValueKind = 'float' | 'bytes' | 'array' | 'object' | 'reference'

const SMALLEST_INTEGER = -(2n ** 63n)
const LARGEST_INTEGER = 2n ** 63n - 1n
const CANONICAL_INTEGER = /^(?:0|-?[1-9]\d{0,18})$/

const KINDS: ReadonlySet<unknown> = new Set<PhpValueKind>(['float', 'bytes', 'array', 'object', 'reference'])

/**
 * Whether something calls itself one of the value classes. What does and is not an instance is a copy that lost its
 * class, by JSON or a structured clone, and must not be taken for an array.
 *
 * @internal
 */
export function isMarked(value: object): boolean {
  return Object.hasOwn(value, '@php') && KINDS.has(Reflect.get(value, '@php'))
}

/**
 * A number that is a float in PHP even when it has no fraction.
 *
 * JavaScript numbers without a fraction are written as PHP integers; `new PhpFloat(1)` is written as `d:1;`. Reading
 * never makes one: floats are read as numbers.
 */
export class PhpFloat {
  /** Tells the class from a copy that lost it. */
  readonly '@php': PhpValueKind = 'float'
  readonly value: number

  /** @throws {TypeError} `INVALID_SESSION_DATA` when `value` is not a number. */
  constructor(value: number) {
    if (typeof value !== 'number') throw invalidSessionData('a PhpFloat takes a number')
    this.value = value
  }

  valueOf(): number {
    return this.value
  }

  toJSON(): number {
    return this.value
  }
}

/**
 * A PHP string that is not valid UTF-8, byte for byte.
 *
 * Reading makes one of every such string; strings that are valid UTF-8 are read as JavaScript strings. It is written
 * as the PHP string with these bytes.
 */
export class PhpBytes {
  /** Tells the class from a copy that lost it. */
  readonly '@php': PhpValueKind = 'bytes'
  readonly bytes: Uint8Array

  /**
   * @param bytes are copied.
   * @throws {TypeError} `INVALID_SESSION_DATA` when `bytes` is not a `Uint8Array`.
   */
  constructor(bytes: Uint8Array) {
    if (!isUint8Array(bytes)) {
      throw invalidSessionData('a PhpBytes takes a Uint8Array')
    }
    // Not slice(): a Buffer would go on sharing its memory.
    this.bytes = new Uint8Array(bytes)
  }

  /** For logs and comparisons; it cannot be written back. */
  toJSON(): { readonly '@php': PhpValueKind; readonly base64: string } {
    return { '@php': this['@php'], base64: Buffer.from(this.bytes).toString('base64') }
  }
}

/**
 * A key of a PHP array: an integer (a BigInt where a number is not exact), a text, or bytes that are not UTF-8. Texts
 * that PHP takes for integers, such as `'5'`, are integers.
 */
export type PhpKey = number | bigint | string | PhpBytes

/**
 * A PHP array that neither a JavaScript array nor a plain object can hold: one whose integer keys are not in
 * ascending order before all others, or with keys that are not UTF-8.
 *
 * Keeps the order in which keys were first set, as PHP does. Keys are those of PHP: `'5'` and `5` are the same one.
 */
export class PhpArray implements Iterable<[PhpKey, unknown]> {
  /** Tells the class from a copy that lost it. */
  readonly '@php': PhpValueKind = 'array'
  readonly #entries = new Map<number | bigint | string, [PhpKey, unknown]>()

  /** @throws {TypeError} `INVALID_SESSION_DATA` when a key is none that PHP has. */
  constructor(entries: Iterable<readonly [PhpKey, unknown]> = []) {
    for (const [key, value] of entries) this.set(key, value)
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: PhpKey): unknown {
    return this.#entries.get(keyIdentity(phpKey(key)))?.[1]
  }

  has(key: PhpKey): boolean {
    return this.#entries.has(keyIdentity(phpKey(key)))
  }

  /** @throws {TypeError} `INVALID_SESSION_DATA` when `key` is none that PHP has. */
  set(key: PhpKey, value: unknown): this {
    const normalKey = phpKey(key)
    const identity = keyIdentity(normalKey)
    const entry = this.#entries.get(identity)
    if (entry === undefined) this.#entries.set(identity, [normalKey, value])
    else entry[1] = value
    return this
  }

  /** Whether there was something to delete. */
  delete(key: PhpKey): boolean {
    return this.#entries.delete(keyIdentity(phpKey(key)))
  }

  *entries(): IterableIterator<[PhpKey, unknown]> {
    for (const [key, value] of this.#entries.values()) yield [key, value]
  }

  [Symbol.iterator](): IterableIterator<[PhpKey, unknown]> {
    return this.entries()
  }

  /** For logs and comparisons; it cannot be written back. */
  toJSON(): { readonly '@php': PhpValueKind; readonly entries: readonly (readonly [unknown, unknown])[] } {
    const entries = Array.from(
      this,
      ([key, value]) => [typeof key === 'bigint' ? key.toString() : key, value] as const,
    )
    return { '@php': this['@php'], entries }
  }
}

/**
 * What a key is in PHP: texts and BigInts that are integers to PHP, as numbers where that is exact.
 *
 * @internal
 */
export function phpKey(key: PhpKey): PhpKey {
  if (typeof key === 'string') return integerKey(key) ?? key
  if (typeof key === 'number' && Number.isSafeInteger(key)) return key === 0 ? 0 : key
  if (typeof key === 'bigint' && isInt64(key)) return fromInt64(key)
  if (key instanceof PhpBytes) return key
  throw invalidSessionData('a key of a PHP array must be a string, a 64-bit integer or PhpBytes')
}

/**
 * Something that is the same, in the sense of `Map`, for keys that are the same in PHP.
 *
 * @param key as {@link phpKey} makes it.
 * @internal
 */
export function keyIdentity(key: PhpKey): number | bigint | string {
  // No key that is a text starts with half a surrogate pair.
  return key instanceof PhpBytes ? `\uD800${byteText(key.bytes)}` : key
}

/**
 * A PHP integer as JavaScript holds it: a number where that is exact, a BigInt beyond.
 *
 * @internal
 */
export function fromInt64(value: bigint): number | bigint {
  const asNumber = Number(value)
  return Number.isSafeInteger(asNumber) ? asNumber : value
}

/**
 * Whether PHP's integers, which have 64 bits, can hold the value.
 *
 * @internal
 */
export function isInt64(value: bigint): boolean {
  return value >= SMALLEST_INTEGER && value <= LARGEST_INTEGER
}

/**
 * Whether a number is written as an integer of PHP.
 *
 * @internal
 */
export function isPhpInteger(value: number): boolean {
  return Number.isSafeInteger(value) && !Object.is(value, -0)
}

/**
 * The integer that PHP makes of a text used as an array key; `undefined` for keys that stay text.
 *
 * @internal
 */
export function integerKey(text: string): number | bigint | undefined {
  // Nearly all keys are words, which the first character tells.
  const first = text.charCodeAt(0)
  if (!(first <= 0x39 && (first >= 0x30 || first === 0x2d)) || !CANONICAL_INTEGER.test(text)) return undefined
  const short = Number(text)
  if (Number.isSafeInteger(short)) return short
  const long = BigInt(text)
  return isInt64(long) ? fromInt64(long) : undefined
}

/**
 * Bytes as text with one character for each.
 *
 * @internal
 */
export function byteText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/**
 * The reverse of {@link byteText}.
 *
 * @internal
 */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'))
}

/**
 * Whether a text is the same in UTF-8, with one byte for each character.
 *
 * @internal
 */
export function isAscii(text: string): boolean {
  return !/[\u0080-\uFFFF]/.test(text)
}

/**
 * The UTF-8 of a text, as text with one character for each byte. Halves of surrogate pairs become U+FFFD.
 *
 * @internal
 */
export function encodeUtf8(text: string): string {
  return isAscii(text) ? text : Buffer.from(text).toString('latin1')
}

/**
 * The reverse of {@link encodeUtf8}; `undefined` for what is not UTF-8.
 *
 * @internal
 */
export function decodeUtf8(text: string): string | undefined {
  if (isAscii(text)) return text
  const bytes = Buffer.from(text, 'latin1')
  return isUtf8(bytes) ? bytes.toString() : undefined
}

/**
 * Whether a text has no halves of surrogate pairs, so that UTF-8 can hold it.
 *
 * @internal
 */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}
