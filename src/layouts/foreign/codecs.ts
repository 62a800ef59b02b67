import { corrupt, invalidSessionData, SessionCorruptError } from '../../errors.ts'
import type { AttributeValue, Item, SessionData } from '../../types.ts'
import { COLON, COMMA, findInStructure, isSameJson, parseSessionData, stringifySessionData } from '../json.ts'
import type { SessionCodec } from '../layout.ts'
import { mapOf, textOf } from '../attributes.ts'
import { noSession } from './define-layout.ts'
import { isJsonObject, isObject, isUint8Array, toJsonValue } from '../../internal/core-objects.ts'

/**
 * JSON of software with other numbers than JavaScript: integers beyond 2^53, or `1.0` that is not `1`. Keys that have not
 * changed are written as they are stored.
 */
export const sourceJsonCodec: SessionCodec = {
  encode: (data, basis) => {
    const text = stringifySessionData(data)
    if (basis === undefined) return text
    const members = withUnchanged(sourcesIn(text), sourcesIn(basis), source => JSON.parse(source))
    return `{${members.map(([key, source]) => `${JSON.stringify(key)}:${source}`).join(',')}}`
  },
  decode: parseSessionData,
  decodeExactly: parseSessionData,
  isSame: isSameJson,
}

/**
 * Session data as a DynamoDB document, which as text is JSON of attribute values. Keys that have not changed are written
 * as they are stored, with types that JSON does not have.
 *
 * @param depth of the data: 1 when they are the value of an attribute, 0 when their keys are attributes.
 */
export function documentCodec(depth: 0 | 1): SessionCodec {
  return {
    encode: (data, basis) => {
      const document = marshallDocument(data, depth)
      if (basis === undefined) return textOfDocument(document)
      const stored = new Map(Object.entries(documentOfText(basis)))
      const entries = withUnchanged(Object.entries(document), stored, unmarshallValue)
      return textOfDocument(Object.fromEntries(entries))
    },
    decode: dataOfDocument,
    decodeExactly: dataOfDocument,
    isSame: isSameJson,
  }
}

/** The document codec of data that are the value of one attribute. */
export const mapCodec: SessionCodec = documentCodec(1)

/**
 * A document as text.
 *
 * @throws {SessionCorruptError} for one that is nested far deeper than DynamoDB takes.
 */
export function textOfDocument(document: object): string {
  try {
    return JSON.stringify(document)
  } catch (cause) {
    throw corrupt('the stored session is nested too deep', { cause })
  }
}

/**
 * The document that a text is.
 *
 * @throws {SessionCorruptError} when it is none.
 */
export function documentOfText(text: string): Item {
  const document: unknown = JSON.parse(text)
  if (isObject(document)) return document as Item
  throw corrupt('the stored session is no document')
}

/**
 * The JSON text of an attribute that should be JSON of type S; a map is read as well.
 *
 * @throws {SessionCorruptError} when it is neither.
 */
export function jsonTextIn(item: Item, attribute: string): string {
  const text = textOf(item[attribute])
  if (text !== undefined) return text
  const map = mapOf(item[attribute])
  if (map === undefined) throw noSession(attribute)
  return rewritten(() => stringifySessionData(unmarshallDocument(map)))
}

/**
 * The document text of an attribute that should be a map; JSON of type S is read as well.
 *
 * @throws {SessionCorruptError} when it is neither.
 */
export function documentTextIn(item: Item, attribute: string): string {
  const map = mapOf(item[attribute])
  if (map !== undefined) return textOfDocument(map)
  const text = textOf(item[attribute])
  if (text === undefined) throw noSession(attribute)
  return rewritten(() => mapCodec.encode(parseSessionData(text), undefined))
}

function dataOfDocument(text: string): SessionData {
  return unmarshallDocument(documentOfText(text))
}

/** Entries of an object, with what is stored in the place of every value that is read as the same. */
function withUnchanged<Value extends string | AttributeValue>(
  entries: Iterable<readonly [key: string, value: Value]>,
  stored: ReadonlyMap<string, Value>,
  read: (value: Value) => unknown,
): (readonly [key: string, value: Value])[] {
  return Array.from(entries, ([key, value]) => {
    const before = stored.get(key)
    return [key, before !== undefined && isSameJson(read(value), read(before)) ? before : value] as const
  })
}

/**
 * What is stored, written another way.
 *
 * @throws {SessionCorruptError} for what that way has nothing for: it is a mistake, but none of the caller.
 */
function rewritten(write: () => string): string {
  try {
    return write()
  } catch (cause) {
    if (cause instanceof SessionCorruptError) throw cause
    throw corrupt('the stored session cannot be read as data of this layout; see the cause', { cause })
  }
}

/** The texts of the values in the text of a JSON object, by key. Of a key that is there twice, the last counts. */
function sourcesIn(text: string): Map<string, string> {
  const sources = new Map<string, string>()
  let key: string | undefined
  let start = text.indexOf('{') + 1
  findInStructure(text, 0, (depth, index, character) => {
    if (key === undefined && depth === 1 && character === COLON) {
      key = String(JSON.parse(text.slice(start, index)))
      start = index + 1
    } else if (key !== undefined && (depth === 0 || (depth === 1 && character === COMMA))) {
      sources.set(key, text.slice(start, index).trim())
      key = undefined
      start = index + 1
    }
    return false
  })
  return sources
}

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
  return marshallMap(object, depth)
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

function marshallMap(object: object, depth: number): Item {
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
  if (!isObject(value)) return { NULL: true }
  if (isUint8Array(value)) {
    return { B: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') }
  }
  if (!Array.isArray(value)) return { M: marshallMap(value, depth) }
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
