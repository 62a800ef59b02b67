import { corrupt, invalidSessionData } from '../../errors.ts'
import { isJsonObject, isObject, isUint8Array, toJsonValue } from '../../internal/core-objects.ts'
import type { AttributeValue, Item } from '../../types.ts'

/** How deep lists and maps may nest in an attribute, as DynamoDB counts. */
const DEEPEST = 31

const LARGEST_MAGNITUDE = 9.99e125
const SMALLEST_MAGNITUDE = 1e-130

/**
 * The attributes of an object, key by key, as `JSON.stringify` sees it: `toJSON` is called; `undefined` and functions are
 * left out; NaN is null. Of binary data, a `Uint8Array` can be written, which JSON has nothing for.
 *
 * @param depth of the object: 1 when it is the value of an attribute, 0 when its keys are attributes.
 * @throws {TypeError} `INVALID_SESSION_DATA` for what DynamoDB cannot hold: an empty key, a BigInt, a cycle, lists and maps
 *   nested too deep, a number out of range.
 */
export function marshallDocument(data: unknown, depth: number): Item {
  const object = toJsonValue(data, '', isUint8Array)
  if (!isJsonObject(object) || isUint8Array(object)) {
    throw invalidSessionData('session data must be an object')
  }
  return mapOf(object, depth)
}

/**
 * The JavaScript value of an attribute. Sets become arrays, binary values a `Buffer`.
 *
 * @throws {SessionCorruptError} when it is not an attribute value.
 */
export function unmarshallValue(attribute: unknown, depth = 0): unknown {
  if (isObject(attribute) && depth <= DEEPEST) {
    const [entry, another] = Object.entries(attribute) as [string, unknown][]
    const value = entry === undefined || another !== undefined ? undefined : contentOf(...entry, depth)
    if (value !== undefined) return value
  }
  throw corrupt(
    'the stored session has an attribute of an unknown type, or one nested deeper than DynamoDB takes',
  )
}

/**
 * The JavaScript object that a document is.
 *
 * @throws {SessionCorruptError} when something in it is not an attribute value.
 */
export function unmarshallDocument(document: object, depth = 0): Record<string, unknown> {
  // A key may be called "__proto__": fromEntries treats it as any other.
  return Object.fromEntries(
    Object.entries(document).map(([key, value]) => [key, unmarshallValue(value, depth)]),
  )
}

function contentOf(type: string, content: unknown, depth: number): unknown {
  switch (type) {
    case 'S':
      return typeof content === 'string' ? content : undefined
    case 'N':
      return typeof content === 'string' ? Number(content) : undefined
    case 'B':
      return typeof content === 'string' ? Buffer.from(content, 'base64') : undefined
    case 'BOOL':
      return typeof content === 'boolean' ? content : undefined
    case 'NULL':
      return null
    case 'M':
      return isObject(content) ? unmarshallDocument(content, depth + 1) : undefined
    case 'L':
      return Array.isArray(content) ? content.map(element => unmarshallValue(element, depth + 1)) : undefined
    case 'SS':
    case 'NS':
    case 'BS':
      return Array.isArray(content)
        ? content.map((element: unknown) => contentOf(type.slice(0, 1), element, depth))
        : undefined
    default:
      return undefined
  }
}

function mapOf(object: object, depth: number): Item {
  checkDepth(depth)
  const entries: [string, AttributeValue][] = []
  for (const key of Object.keys(object)) {
    const value = toJsonValue(Reflect.get(object, key), key, isUint8Array)
    if (value === undefined) continue
    if (key === '') {
      throw invalidSessionData('the session data have an empty key, which DynamoDB refuses')
    }
    entries.push([wellFormed(key), attributeOf(value, depth + 1)])
  }
  return Object.fromEntries(entries)
}

function attributeOf(value: unknown, depth: number): AttributeValue {
  if (typeof value === 'string') return { S: wellFormed(value) }
  if (typeof value === 'number') return Number.isFinite(value) ? { N: decimalText(value) } : { NULL: true }
  if (typeof value === 'boolean') return { BOOL: value }
  if (typeof value === 'bigint') {
    throw invalidSessionData('the session data have a BigInt, which would be read as a number')
  }
  if (typeof value !== 'object' || value === null) return { NULL: true }
  if (isUint8Array(value)) {
    return { B: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') }
  }
  if (!Array.isArray(value)) return { M: mapOf(value, depth) }
  checkDepth(depth)
  return {
    L: Array.from(value, (element: unknown, index) =>
      attributeOf(toJsonValue(element, String(index), isUint8Array), depth + 1),
    ),
  }
}

function checkDepth(depth: number): void {
  if (depth > DEEPEST) {
    throw invalidSessionData(
      `the session data contain themselves, or lists and objects nested deeper than the ${DEEPEST} levels that DynamoDB takes`,
    )
  }
}

/** DynamoDB's strings are UTF-8, which has no bytes for half a surrogate pair. */
function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8')
}

/**
 * A number as DynamoDB returns it: decimal digits without an exponent, so that what was written and what is read are
 * the same text.
 *
 * @throws {TypeError} `INVALID_SESSION_DATA` for numbers outside DynamoDB's range.
 */
export function decimalText(number: number): string {
  const magnitude = Math.abs(number)
  if (magnitude === 0) return '0'
  if (magnitude > LARGEST_MAGNITUDE || magnitude < SMALLEST_MAGNITUDE) {
    throw invalidSessionData(
      'the session data have a number that is too large or too close to zero for DynamoDB',
    )
  }
  const [mantissa = '', exponent] = String(magnitude).split('e')
  const sign = number < 0 ? '-' : ''
  if (exponent === undefined) return sign + mantissa
  const [whole = '', fraction = ''] = mantissa.split('.')
  const digits = whole + fraction
  const pointAt = whole.length + Number(exponent)
  if (pointAt <= 0) return `${sign}0.${'0'.repeat(-pointAt)}${digits}`
  // An exponent is written from 1e21 on, which is more digits than a number has.
  return sign + digits.padEnd(pointAt, '0')
}
