import { SessionCorruptError } from '../../errors.ts'
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
  return stored(() => jsonCodec.encode(unmarshallDocument(map), undefined))
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
  return stored(() => mapCodec.encode(parseSessionData(text), undefined))
}

/**
 * What is stored, written another way.
 *
 * @throws {SessionCorruptError} for what that way has nothing for: it is a mistake, but none of the caller.
 */
function stored(write: () => string): string {
  try {
    return write()
  } catch (cause) {
    if (cause instanceof SessionCorruptError) throw cause
    throw new SessionCorruptError(
      'the stored session cannot be read as data of this layout; see the cause; it was left as it is',
      { cause },
    )
  }
}

/** The content of a value of type M; `undefined` for anything else. */
export function mapIn(value: unknown): Item | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const content: unknown = Reflect.get(value, 'M')
  return typeof content === 'object' && content !== null && !Array.isArray(content)
    ? (content as Item)
    : undefined
}
