import { corrupt, SessionCorruptError } from '../../errors.ts'
import type { AttributeValue, Item, SessionData } from '../../types.ts'
import { COLON, COMMA, findInStructure, isSameJson, parseSessionData, stringifySessionData } from '../json.ts'
import { mapOf, type SessionCodec, textOf } from '../layout.ts'
import { noSession } from './define-layout.ts'
import { marshallDocument, unmarshallDocument, unmarshallValue } from './document.ts'

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
  if (typeof document === 'object' && document !== null) return document as Item
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
