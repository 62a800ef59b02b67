import { invalidOption, invalidSessionData } from '../../errors.ts'
import { isJsonObject } from '../../internal/core-objects.ts'
import type { SessionData } from '../../types.ts'
import type { SessionCodec } from '../layout.ts'
import { isSamePhpValue, unwrap } from './js-values.ts'
import { type ArrayNode, limitsOf, type PhpLimits, type PhpNode, type PhpSource } from './node.ts'
import { type EmptyArray, NodeReader, setOwn } from './node-reader.ts'
import { parseOne, PhpParser } from './parser.ts'
import { emptyArrayOf, ValueWriter } from './serialize.ts'
import {
  bytesOf,
  byteText,
  decodeUtf8,
  encodeUtf8,
  integerKey,
  isWellFormed,
  PhpBytes,
  PhpFormatError,
  phpKey,
} from './values.ts'

/** How PHP writes a session: its setting `session.serialize_handler`. */
export type PhpSerializer = 'php' | 'php_serialize' | 'php_binary'

/** Options of {@link phpSessionCodec}. */
export interface PhpCodecOptions extends PhpLimits {
  /**
   * PHP's setting `session.serialize_handler`.
   *
   * @default 'php'
   */
  readonly serializer?: PhpSerializer | undefined
  /**
   * What the empty PHP array becomes, of which PHP does not say whether it is a list: `[]` or `{}`. Both are written
   * as the same empty array.
   *
   * @default 'list'
   */
  readonly emptyArray?: EmptyArray | undefined
}

/** Turns PHP sessions into session data and back. `docs/php-serialisation.md` says what becomes of which value. */
export interface PhpSessionCodec {
  /**
   * Session data from the bytes of a session; the top level is a plain object with the names of the session variables.
   *
   * Variables whose names are not UTF-8 are left out.
   *
   * @throws {PhpFormatError} when the bytes are not a session of this serializer, or break a limit.
   */
  decode(bytes: Uint8Array): SessionData

  /**
   * The same with a {@link PhpFloat} for every float that JavaScript could not tell from an integer, for comparing what
   * two versions of a session would be written as.
   *
   * @throws {PhpFormatError} when the bytes are not a session of this serializer, or break a limit.
   */
  decodeExactly(bytes: Uint8Array): SessionData

  /**
   * The bytes of session data.
   *
   * @param basis what the session was read as. What is the same as in there (`isSamePhpValue`) is written as it
   *   is there, byte for byte, and in its order: floats stay floats, objects and references stay what they are.
   *   Numbers of back references follow when something before them changes. Variables with names that are not UTF-8
   *   are kept.
   * @throws {TypeError} `INVALID_SESSION_DATA` for what PHP cannot carry: a name that the serializer cannot write, a
   *   `Map`, a value that contains itself, more than a limit allows, back references that cannot be renumbered.
   * @throws {PhpFormatError} when `basis` is not a session of this serializer.
   */
  encode(data: SessionData, basis?: Uint8Array): Uint8Array
}

const SERIALIZERS: readonly unknown[] = ['php', 'php_serialize', 'php_binary'] satisfies PhpSerializer[]
/** `php_binary` has seven bits for the length of a name; the eighth has had a meaning once, and is ignored by PHP 8. */
const LONGEST_BINARY_NAME = 127

/**
 * Makes a codec for the sessions of PHP, in one of PHP's three formats.
 *
 * @throws {TypeError} `INVALID_OPTION` when an option is not what it can be.
 */
export function phpSessionCodec(options: PhpCodecOptions = {}): PhpSessionCodec {
  const codec = phpTextCodec(options)
  return {
    decode: bytes => codec.decode(byteText(bytes)),
    decodeExactly: bytes => codec.decodeExactly(byteText(bytes)),
    encode: (data, basis) => bytesOf(codec.encode(data, basis && byteText(basis))),
  }
}

/**
 * The same with text that has one character for each byte.
 *
 * @internal
 */
export function phpTextCodec(options: PhpCodecOptions): SessionCodec {
  const { serializer = 'php' } = options
  if (!SERIALIZERS.includes(serializer)) {
    throw invalidOption('the option "serializer" must be "php", "php_serialize" or "php_binary"')
  }
  const limits = limitsOf(options)
  const emptyArray = emptyArrayOf(options)
  const decode = (text: string, keepsFloats: boolean): SessionData => {
    const { variables } = parseSession(text, serializer, limits)
    const reader = new NodeReader(emptyArray, keepsFloats)
    const data: SessionData = {}
    for (const { name, value } of variables) {
      if (name !== undefined) setOwn(data, name, reader.read(value))
    }
    return data
  }
  return {
    decode: text => decode(text, false),
    decodeExactly: text => decode(text, true),
    encode: (data, basis) => {
      const values = valuesOf(data)
      const session = parseSession(basis ?? '', serializer, limits)
      const writer = new ValueWriter(limits, session.source)
      if (basis !== undefined && areUnchanged(values, session, writer)) return basis
      writeSession(values, session, serializer, writer)
      return writer.text
    },
    isSame: isSamePhpValue,
  }
}

/** One variable of a session as PHP wrote it. */
interface SessionVariable {
  /** `undefined` when the name is not UTF-8: no key of a JavaScript object can be it. */
  readonly name: string | undefined
  /** What is written before the value, from this offset on. */
  readonly start: number
  readonly value: PhpNode
}

/** A session as PHP wrote it. */
interface ParsedSession {
  readonly variables: readonly SessionVariable[]
  /** The array around the variables, with `php_serialize`. */
  readonly root: ArrayNode | undefined
  readonly source: PhpSource | undefined
}

/** What is to be written for each key of session data. */
type Values = ReadonlyMap<string, unknown>

function valuesOf(data: unknown): Values {
  const written = unwrap(data, '')
  if (!isJsonObject(written)) {
    throw invalidSessionData('session data must be an object')
  }
  const values = new Map<string, unknown>()
  for (const key of Object.keys(written)) {
    const value = unwrap(Reflect.get(written, key), key)
    if (value !== undefined) values.set(key, value)
  }
  return values
}

function areUnchanged(values: Values, { variables }: ParsedSession, writer: ValueWriter): boolean {
  const old = [...lastOfEachName(variables)]
  return (
    values.size === old.length &&
    old.every(([name, { value }]) => values.has(name) && writer.isUnchanged(values.get(name), value))
  )
}

function writeSession(
  values: Values,
  { variables, root }: ParsedSession,
  serializer: PhpSerializer,
  writer: ValueWriter,
): void {
  const old = lastOfEachName(variables)
  const kept = variables.filter(
    variable =>
      variable.name === undefined || (values.has(variable.name) && old.get(variable.name) === variable),
  )
  const added = [...values].filter(([name]) => !old.has(name))
  if (serializer === 'php_serialize') {
    const slot = writer.takeSlot()
    if (root !== undefined) writer.markRewritten(root, slot)
    writer.openArray(kept.length + added.length)
  }
  const depth = serializer === 'php_serialize' ? 2 : 1
  for (const { name, start, value } of kept) {
    writer.subject = subjectOf(name)
    writer.put(value.source.text.slice(start, value.start))
    if (name === undefined) writer.writeVariable(value, depth)
    else writer.write(values.get(name), value, depth)
  }
  for (const [name, value] of added) {
    writer.subject = subjectOf(name)
    if (serializer === 'php_serialize') writer.key(phpKey(name))
    else writer.put(namePrefix(name, serializer))
    writer.write(value, undefined, depth)
  }
  if (serializer === 'php_serialize') writer.put('}')
}

/** PHP takes the last when a name is there twice, which it never writes itself. */
function lastOfEachName(variables: readonly SessionVariable[]): Map<string, SessionVariable> {
  const last = new Map<string, SessionVariable>()
  for (const variable of variables) {
    if (variable.name !== undefined) last.set(variable.name, variable)
  }
  return last
}

function subjectOf(name: string | undefined): string {
  return name === undefined ? 'a session variable' : `the session variable ${JSON.stringify(name)}`
}

/**
 * Takes a session apart.
 *
 * @throws {PhpFormatError} when that cannot be.
 */
function parseSession(text: string, serializer: PhpSerializer, limits: Required<PhpLimits>): ParsedSession {
  // A session that PHP has opened and not written to is stored like this, whatever the serializer.
  if (text === '') return { variables: [], root: undefined, source: undefined }
  if (serializer === 'php_serialize') return parseArray(text, limits)
  const parser = new PhpParser(text, limits)
  const variables: SessionVariable[] = []
  while (!parser.isAtEnd) {
    const start = parser.position
    const name = serializer === 'php' ? nameBeforeBar(text, start) : nameBehindLength(text, start)
    parser.position += name.length + 1
    variables.push({ name: decodeUtf8(name), start, value: parser.value() })
  }
  return { variables, root: undefined, source: parser.source }
}

/**
 * What is written before the value of a variable with `php` and `php_binary`.
 *
 * @throws {TypeError} `INVALID_SESSION_DATA` when PHP could not read the name, or would lose the variable.
 */
function namePrefix(name: string, serializer: 'php' | 'php_binary'): string {
  if (integerKey(name) !== undefined) {
    throw unusableName(`PHP leaves variables with a number for a name out of sessions`, serializer)
  }
  if (!isWellFormed(name)) {
    throw unusableName('UTF-8 has no bytes for half a surrogate pair', serializer)
  }
  const text = encodeUtf8(name)
  if (serializer === 'php') {
    if (!text.includes('|')) return `${text}|`
    throw unusableName('PHP refuses to write a session that has "|" in a name', serializer)
  }
  if (text.length > LONGEST_BINARY_NAME) {
    throw unusableName(`names have at most ${LONGEST_BINARY_NAME} bytes`, serializer)
  }
  return String.fromCharCode(text.length) + text
}

function nameBeforeBar(text: string, start: number): string {
  const end = text.indexOf('|', start)
  if (end === -1) throw new PhpFormatError('a name and "|" have to be here', start)
  return text.slice(start, end)
}

function nameBehindLength(text: string, start: number): string {
  const end = start + 1 + (text.charCodeAt(start) & LONGEST_BINARY_NAME)
  if (end >= text.length) throw new PhpFormatError('a name is cut short', start)
  return text.slice(start + 1, end)
}

function parseArray(text: string, limits: Required<PhpLimits>): ParsedSession {
  const root = parseOne(text, limits)
  if (root.kind !== 'array') throw new PhpFormatError('a session has to be an array', 0)
  const variables = root.entries.map(({ key, start, value }) => ({
    name: key instanceof PhpBytes ? undefined : String(key),
    start,
    value,
  }))
  return { variables, root, source: root.source }
}

function unusableName(problem: string, serializer: PhpSerializer): TypeError {
  return invalidSessionData(
    `a session variable has a name that PHP's serialize_handler ${serializer} cannot carry: ${problem}`,
  )
}
