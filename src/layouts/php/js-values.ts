import { invalidArgument } from '../../errors.ts'
import { isBinary, isMapOrSet, isUint8Array } from '../../internal/core-objects.ts'
import { PhpObject, PhpReference } from './opaque.ts'
import { PhpArray, phpKey } from './php-array.ts'
import type { PhpKey } from './php-array.ts'
import { isMarked, PhpBytes, PhpFloat } from './values.ts'

/** A JavaScript value in the terms of PHP; arrays one level deep. */
export type PhpValue =
  null | boolean | number | bigint | string | PhpFloat | Uint8Array | PhpObject | PhpReference | PhpElements

/** An array, with what is behind the `toJSON` of its elements. */
export interface PhpElements {
  /** The JavaScript value that it was. */
  readonly container: object
  readonly elements: readonly (readonly [PhpKey, unknown])[]
}

const BOXED: ReadonlySet<string> = new Set(['[object Number]', '[object String]', '[object Boolean]'])

/**
 * What is to be written for a JavaScript value, as `JSON.stringify` sees it: `toJSON` is called, boxed values are
 * taken out of their box. `undefined` for what JSON leaves out.
 *
 * @param key the name or index under which the value is found.
 * @internal
 */
export function unwrap(value: unknown, key: string): unknown {
  let written: unknown = value
  if (typeof value === 'object' && value !== null && !isOwnClass(value)) {
    const toJSON: unknown = Reflect.get(value, 'toJSON')
    if (typeof toJSON === 'function') written = Reflect.apply(toJSON, value, [key])
  }
  if (typeof written === 'object' && written !== null && BOXED.has(Object.prototype.toString.call(written))) {
    return written.valueOf()
  }
  return typeof written === 'function' || typeof written === 'symbol' ? undefined : written
}

/**
 * A value that {@link unwrap} has made, in the terms of PHP.
 *
 * @throws {TypeError} `INVALID_SESSION_DATA` for what PHP has nothing for.
 * @internal
 */
export function phpValue(value: unknown): PhpValue {
  if (isPrimitive(value)) return value
  if (typeof value !== 'object' || value === null) return null
  if (value instanceof PhpBytes) return value.bytes
  if (
    isUint8Array(value) ||
    value instanceof PhpFloat ||
    value instanceof PhpObject ||
    value instanceof PhpReference
  ) {
    return value
  }
  return { container: value, elements: elementsOf(value) }
}

/** Whether a value is an array in PHP. */
export function isElements(value: PhpValue): value is PhpElements {
  return typeof value === 'object' && value !== null && 'elements' in value
}

function isPrimitive(value: unknown): value is boolean | number | bigint | string {
  return ['boolean', 'number', 'bigint', 'string'].includes(typeof value)
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
    const element = unwrap(Reflect.get(container, key), key)
    if (element !== undefined) elements.push([phpKey(key), element])
  }
  return elements
}

function isOwnClass(value: object): boolean {
  // A Buffer has a toJSON, which would make a PHP array of it.
  return (
    isUint8Array(value) ||
    value instanceof PhpArray ||
    value instanceof PhpBytes ||
    value instanceof PhpFloat ||
    value instanceof PhpObject ||
    value instanceof PhpReference
  )
}

function refuseOthers(container: object): void {
  if (isMapOrSet(container)) {
    throw invalidArgument(
      'INVALID_SESSION_DATA',
      'a Map or Set cannot be written for PHP; use a PhpArray, an object or an array',
    )
  }
  if (isBinary(container)) {
    throw invalidArgument('INVALID_SESSION_DATA', 'of binary data, only a Uint8Array can be written for PHP')
  }
  if (isMarked(container)) {
    throw invalidArgument(
      'INVALID_SESSION_DATA',
      'the session data has a copy of a PhpObject, PhpArray, PhpBytes or PhpFloat that is not one any more; ' +
        'JSON and structured clones lose the class',
    )
  }
}
