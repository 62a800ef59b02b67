import { invalidArgument } from '../../errors.ts'
import { isUint8Array } from '../../internal/core-objects.ts'

/** What a value class calls itself in its `@php` property. */
export type PhpValueKind = 'float' | 'bytes' | 'array' | 'object' | 'reference'

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
    if (typeof value !== 'number') throw invalidArgument('INVALID_SESSION_DATA', 'a PhpFloat takes a number')
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
      throw invalidArgument('INVALID_SESSION_DATA', 'a PhpBytes takes a Uint8Array')
    }
    // Not slice(): a Buffer would go on sharing its memory.
    this.bytes = new Uint8Array(bytes)
  }

  /** For logs and comparisons; it cannot be written back. */
  toJSON(): { readonly '@php': PhpValueKind; readonly base64: string } {
    return { '@php': this['@php'], base64: base64Of(this.bytes) }
  }
}

/** @internal */
export function base64Of(bytes: Uint8Array): string {
  return btoa(latin1Of(bytes))
}

/**
 * Text with one character for each byte.
 *
 * @internal
 */
export function latin1Of(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}
