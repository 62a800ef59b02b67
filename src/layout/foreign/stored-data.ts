import type { AttributeValue, Item } from '../../types.ts'
import { textOf } from '../attributes.ts'
import { jsonCodec, parseSessionData } from '../json.ts'
import { unmarshallDocument } from './document.ts'
import { documentCodec, textOfDocument } from './document-codec.ts'
import { noSession } from './foreign-layout.ts'

/** The document codec of data that are the value of one attribute. */
export const mapCodec: ReturnType<typeof documentCodec> = documentCodec(1)

/**
 * The JSON text of an attribute that should be JSON of type S; a map is read as well.
 *
 * @throws {SessionCorruptError} when it is neither.
 */
export function jsonTextOf(value: AttributeValue, attribute: string): string {
  const text = textOf(value)
  if (text !== undefined) return text
  const map = mapIn(value)
  if (map === undefined) throw noSession(attribute)
  return jsonCodec.encode(unmarshallDocument(map), undefined)
}

/**
 * The document text of an attribute that should be a map; JSON of type S is read as well.
 *
 * @throws {SessionCorruptError} when it is neither.
 */
export function documentTextOf(value: AttributeValue, attribute: string): string {
  const map = mapIn(value)
  if (map !== undefined) return textOfDocument(map)
  const text = textOf(value)
  if (text === undefined) throw noSession(attribute)
  return mapCodec.encode(parseSessionData(text), undefined)
}

/** The content of a value of type M; `undefined` for anything else. */
export function mapIn(value: unknown): Item | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const content: unknown = Reflect.get(value, 'M')
  return typeof content === 'object' && content !== null && !Array.isArray(content)
    ? (content as Item)
    : undefined
}
