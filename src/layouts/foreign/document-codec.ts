import { SessionCorruptError } from '../../errors.ts'
import { isSameJson } from '../json.ts'
import type { SessionCodec } from '../layout.ts'
import type { AttributeValue, Item, SessionData } from '../../types.ts'
import { marshallDocument, unmarshallDocument, unmarshallValue } from './document.ts'

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
      return textOfDocument(basis === undefined ? document : withUnchanged(document, documentOfText(basis)))
    },
    decode: documentDataOf,
    decodeExactly: documentDataOf,
    isSame: isSameJson,
  }
}

/**
 * A document as text.
 *
 * @throws {SessionCorruptError} for one that is nested far deeper than DynamoDB takes.
 */
export function textOfDocument(document: object): string {
  try {
    return JSON.stringify(document)
  } catch (cause) {
    throw new SessionCorruptError('the stored session is nested too deep; it was left as it is', { cause })
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
  throw new SessionCorruptError('the stored session is no document; it was left as it is')
}

function documentDataOf(text: string): SessionData {
  return unmarshallDocument(documentOfText(text))
}

function withUnchanged(document: Item, stored: Item): Item {
  const entries = Object.entries(document).map(([key, value]): [string, AttributeValue] => {
    const before = Object.hasOwn(stored, key) ? stored[key] : undefined
    return [
      key,
      before !== undefined && isSameJson(unmarshallValue(value), unmarshallValue(before)) ? before : value,
    ]
  })
  return Object.fromEntries(entries)
}
