import { invalidArgument } from '../../errors.ts'
import type { SessionData } from '../../types.ts'
import { unwrap } from './js-values.ts'
import { limitsOf } from './limits.ts'
import type { PhpLimits } from './limits.ts'
import { NodeReader, setOwn } from './node-reader.ts'
import type { EmptyArray } from './node-reader.ts'
import { phpKey } from './php-array.ts'
import { namePrefix, parseSession } from './session-variables.ts'
import type { ParsedSession, PhpSerializer, SessionVariable } from './session-variables.ts'
import { emptyArrayOf } from './unserialize.ts'
import { UnchangedValues, ValueWriter } from './value-writer.ts'

/** Options of {@link phpSessionCodec}. */
export interface PhpCodecOptions extends PhpLimits {
  /**
   * PHP's setting `session.serialize_handler`.
   *
   * @default 'php'
   */
  readonly serializer?: PhpSerializer
  /**
   * What the empty PHP array becomes, of which PHP does not say whether it is a list: `[]` or `{}`. Both are written
   * as the same empty array.
   *
   * @default 'list'
   */
  readonly emptyArray?: EmptyArray
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

/**
 * Makes a codec for the sessions of PHP, in one of PHP's three formats.
 *
 * @throws {TypeError} `INVALID_OPTION` when an option is not what it can be.
 */
export function phpSessionCodec(options: PhpCodecOptions = {}): PhpSessionCodec {
  const { serializer = 'php' } = options
  if (!SERIALIZERS.includes(serializer)) {
    throw invalidArgument(
      'INVALID_OPTION',
      'the option "serializer" takes "php", "php_serialize" or "php_binary"',
    )
  }
  const limits = limitsOf(options)
  const emptyArray = emptyArrayOf(options)
  const decode = (bytes: Uint8Array, keepsFloats: boolean): SessionData => {
    const { variables, root } = parseSession(bytes, serializer, limits)
    const reader = new NodeReader(emptyArray, root, keepsFloats)
    const data: SessionData = {}
    for (const { name, value } of variables) {
      if (name !== undefined) setOwn(data, name, reader.read(value))
    }
    return data
  }
  return {
    decode: bytes => decode(bytes, false),
    decodeExactly: bytes => decode(bytes, true),
    encode: (data, basis) => {
      const values = valuesOf(data)
      const session = parseSession(basis ?? new Uint8Array(0), serializer, limits)
      const unchanged = new UnchangedValues(emptyArray, session.root)
      if (basis !== undefined && areUnchanged(values, session, unchanged)) return new Uint8Array(basis)
      const writer = new ValueWriter(limits, unchanged, session.source)
      writeSession(values, session, serializer, writer)
      return writer.nodes.out.toBytes()
    },
  }
}

/** What is to be written for each key of session data. */
type Values = ReadonlyMap<string, unknown>

function valuesOf(data: unknown): Values {
  const written = unwrap(data, '')
  if (typeof written !== 'object' || written === null || Array.isArray(written)) {
    throw invalidArgument('INVALID_SESSION_DATA', 'session data has to be an object')
  }
  const values = new Map<string, unknown>()
  for (const key of Object.keys(written)) {
    const value = unwrap(Reflect.get(written, key), key)
    if (value !== undefined) values.set(key, value)
  }
  return values
}

function areUnchanged(values: Values, { variables }: ParsedSession, unchanged: UnchangedValues): boolean {
  const old = lastOfEachName(variables)
  if (values.size !== old.size) return false
  for (const [name, { value }] of old) {
    if (!values.has(name) || !unchanged.has(values.get(name), value)) return false
  }
  return true
}

function writeSession(
  values: Values,
  { variables, root }: ParsedSession,
  serializer: PhpSerializer,
  writer: ValueWriter,
): void {
  const { nodes } = writer
  const old = lastOfEachName(variables)
  const kept = variables.filter(
    variable =>
      variable.name === undefined || (values.has(variable.name) && old.get(variable.name) === variable),
  )
  const added = [...values].filter(([name]) => !old.has(name))
  if (serializer === 'php_serialize') {
    const slot = nodes.takeSlot()
    if (root !== undefined) nodes.markRewritten(root, slot)
    writer.openArray(kept.length + added.length)
  }
  const depth = serializer === 'php_serialize' ? 2 : 1
  for (const { name, start, value } of kept) {
    nodes.subject = subjectOf(name)
    nodes.out.bytes(value.source.bytes.subarray(start, value.start))
    if (name === undefined) nodes.writeVariable(value, depth)
    else writer.write(values.get(name), value, depth)
  }
  for (const [name, value] of added) {
    nodes.subject = subjectOf(name)
    if (serializer === 'php_serialize') writer.key(phpKey(name))
    else nodes.out.bytes(namePrefix(name, serializer))
    writer.write(value, undefined, depth)
  }
  if (serializer === 'php_serialize') nodes.out.ascii('}')
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
