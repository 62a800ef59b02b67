import { invalidArgument } from '../../errors.ts'
import { unwrap } from './js-values.ts'
import { limitsOf, type PhpLimits } from './node.ts'
import { type EmptyArray, NodeReader } from './node-reader.ts'
import { parseOne } from './parser.ts'
import { UnchangedValues, ValueWriter } from './value-writer.ts'
import { bytesOf, byteText } from './values.ts'

/** Options of {@link phpUnserialize}. */
export interface PhpUnserializeOptions extends PhpLimits {
  /**
   * What the empty PHP array becomes, of which PHP does not say whether it is a list: `[]` or `{}`.
   *
   * @default 'list'
   */
  readonly emptyArray?: EmptyArray
}

/**
 * Writes a value as PHP's `serialize()` does.
 *
 * `docs/php-serialisation.md` says what is written for which JavaScript value; what JSON leaves out, `undefined`, is
 * `N;` here.
 *
 * @throws {TypeError} `INVALID_SESSION_DATA` for what PHP has nothing for, such as a `Map` or a value that contains
 *   itself, and for what breaks a limit; `INVALID_OPTION` when an option is not what it can be.
 */
export function phpSerialize(value: unknown, options: PhpLimits = {}): Uint8Array {
  const writer = new ValueWriter(limitsOf(options), new UnchangedValues('list'))
  writer.write(unwrap(value, ''), undefined)
  return bytesOf(writer.text)
}

/**
 * Reads what PHP's `serialize()` wrote, without ever making an instance of anything.
 *
 * `docs/php-serialisation.md` says what becomes of which PHP value.
 *
 * @throws {PhpFormatError} when the bytes are not one serialised value and nothing else, or break a limit.
 * @throws {TypeError} `INVALID_OPTION` when an option is not what it can be.
 */
export function phpUnserialize(bytes: Uint8Array, options: PhpUnserializeOptions = {}): unknown {
  return new NodeReader(emptyArrayOf(options)).read(parseOne(byteText(bytes), limitsOf(options)))
}

/**
 * The option `emptyArray`.
 *
 * @throws {TypeError} `INVALID_OPTION` when it is neither of the two.
 * @internal
 */
export function emptyArrayOf({
  emptyArray = 'list',
}: {
  readonly emptyArray?: EmptyArray | undefined
}): EmptyArray {
  if (emptyArray !== 'list' && emptyArray !== 'map') {
    throw invalidArgument('INVALID_OPTION', 'the option "emptyArray" takes "list" or "map"')
  }
  return emptyArray
}
