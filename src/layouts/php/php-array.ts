import { invalidArgument } from '../../errors.ts'
import { fromInt64, integerKey, isInt64 } from './numbers.ts'
import { latin1Of, PhpBytes } from './values.ts'
import type { PhpValueKind } from './values.ts'

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
  throw invalidArgument(
    'INVALID_SESSION_DATA',
    'a key of a PHP array has to be a text, a 64-bit integer or PhpBytes',
  )
}

/**
 * Something that is the same, in the sense of `Map`, for keys that are the same in PHP.
 *
 * @param key as {@link phpKey} makes it.
 * @internal
 */
export function keyIdentity(key: PhpKey): number | bigint | string {
  // No key that is a text starts with half a surrogate pair.
  return key instanceof PhpBytes ? `\uD800${latin1Of(key.bytes)}` : key
}
