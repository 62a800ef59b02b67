import { invalidArgument } from '../../errors.ts'
import type { PhpLimits } from './limits.ts'
import type { ArrayNode, PhpNode, PhpSource } from './node.ts'
import { integerKey } from './numbers.ts'
import { PhpParser } from './parser.ts'
import { PhpFormatError } from './php-format-error.ts'
import { parseOne } from './unserialize.ts'
import { decodeUtf8, encodeUtf8, isWellFormed } from './utf8.ts'
import { PhpBytes } from './values.ts'

/** How PHP writes a session: its setting `session.serialize_handler`. */
export type PhpSerializer = 'php' | 'php_serialize' | 'php_binary'

/** One variable of a session as PHP wrote it. */
export interface SessionVariable {
  /** `undefined` when the name is not UTF-8: no key of a JavaScript object can be it. */
  readonly name: string | undefined
  /** What is written before the value, from this offset on. */
  readonly start: number
  readonly value: PhpNode
}

/** A session as PHP wrote it. */
export interface ParsedSession {
  readonly variables: readonly SessionVariable[]
  /** The array around the variables, with `php_serialize`. */
  readonly root: ArrayNode | undefined
  readonly source: PhpSource | undefined
}

const BAR = 0x7c
/** `php_binary` has seven bits for the length of a name; the eighth has had a meaning once, and is ignored by PHP 8. */
const LONGEST_BINARY_NAME = 127

/**
 * Takes a session apart.
 *
 * @throws {PhpFormatError} when that cannot be.
 * @internal
 */
export function parseSession(
  bytes: Uint8Array,
  serializer: PhpSerializer,
  limits: Required<PhpLimits>,
): ParsedSession {
  // A session that PHP has opened and not written to is stored like this, whatever the serializer.
  if (bytes.length === 0) return { variables: [], root: undefined, source: undefined }
  if (serializer === 'php_serialize') return parseArray(bytes, limits)
  const nameIn = serializer === 'php' ? nameBeforeBar : nameBehindLength
  const parser = new PhpParser(bytes, limits)
  const variables: SessionVariable[] = []
  while (!parser.isAtEnd) {
    const start = parser.position
    const name = nameIn(bytes, start)
    parser.skipTo(name.valueStart)
    variables.push({ name: decodeUtf8(bytes, name.start, name.end), start, value: parser.value() })
  }
  parser.keepBytes()
  return { variables, root: undefined, source: parser.source }
}

/**
 * What is written before the value of a variable with `php` and `php_binary`.
 *
 * @throws {TypeError} `INVALID_SESSION_DATA` when PHP could not read the name, or would lose the variable.
 * @internal
 */
export function namePrefix(name: string, serializer: 'php' | 'php_binary'): Uint8Array {
  if (integerKey(name) !== undefined) {
    throw unusableName(`PHP leaves variables with a number for a name out of sessions`, serializer)
  }
  if (!isWellFormed(name)) {
    throw unusableName('UTF-8 has no bytes for half a surrogate pair', serializer)
  }
  const text = encodeUtf8(name)
  if (serializer === 'php') {
    if (text.includes(BAR)) {
      throw unusableName('PHP refuses to write a session that has "|" in a name', serializer)
    }
    return encodeUtf8(`${name}|`)
  }
  if (text.length > LONGEST_BINARY_NAME) {
    throw unusableName(`names have at most ${LONGEST_BINARY_NAME} bytes`, serializer)
  }
  const prefix = new Uint8Array(text.length + 1)
  prefix[0] = text.length
  prefix.set(text, 1)
  return prefix
}

interface NamePlace {
  readonly start: number
  readonly end: number
  readonly valueStart: number
}

function nameBeforeBar(bytes: Uint8Array, start: number): NamePlace {
  const end = bytes.indexOf(BAR, start)
  if (end === -1) throw new PhpFormatError('a name and "|" have to be here', start)
  return { start, end, valueStart: end + 1 }
}

function nameBehindLength(bytes: Uint8Array, start: number): NamePlace {
  const length = (bytes[start] ?? 0) & LONGEST_BINARY_NAME
  const end = start + 1 + length
  if (end >= bytes.length) throw new PhpFormatError('a name is cut short', start)
  return { start: start + 1, end, valueStart: end }
}

function parseArray(bytes: Uint8Array, limits: Required<PhpLimits>): ParsedSession {
  const root = parseOne(bytes, limits)
  if (root.kind !== 'array') throw new PhpFormatError('a session has to be an array', 0)
  const variables = root.entries.map(({ key, start, value }) => ({
    name: key instanceof PhpBytes ? undefined : String(key),
    start,
    value,
  }))
  return { variables, root, source: root.source }
}

function unusableName(problem: string, serializer: PhpSerializer): TypeError {
  return invalidArgument(
    'INVALID_SESSION_DATA',
    `a session variable has a name that PHP's serialize_handler ${serializer} cannot carry: ${problem}`,
  )
}
