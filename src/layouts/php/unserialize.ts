import { invalidArgument } from '../../errors.ts'
import { limitsOf } from './limits.ts'
import type { PhpLimits } from './limits.ts'
import type { PhpNode } from './node.ts'
import { NodeReader } from './node-reader.ts'
import type { EmptyArray } from './node-reader.ts'
import { PhpParser } from './parser.ts'
import { PhpFormatError } from './php-format-error.ts'

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
 * Reads what PHP's `serialize()` wrote, without ever making an instance of anything.
 *
 * `docs/php-serialisation.md` says what becomes of which PHP value.
 *
 * @throws {PhpFormatError} when the bytes are not one serialised value and nothing else, or break a limit.
 * @throws {TypeError} `INVALID_OPTION` when an option is not what it can be.
 */
export function phpUnserialize(bytes: Uint8Array, options: PhpUnserializeOptions = {}): unknown {
  const emptyArray = emptyArrayOf(options)
  return new NodeReader(emptyArray).read(parseOne(bytes, limitsOf(options)))
}

/**
 * The node of bytes that are one value.
 *
 * @throws {PhpFormatError} when they are not.
 * @internal
 */
export function parseOne(bytes: Uint8Array, limits: Required<PhpLimits>): PhpNode {
  const parser = new PhpParser(bytes, limits)
  const node = parser.value()
  if (!parser.isAtEnd) throw new PhpFormatError('there is something behind the value', parser.position)
  parser.keepBytes()
  return node
}

/**
 * The option `emptyArray`.
 *
 * @throws {TypeError} `INVALID_OPTION` when it is neither of the two.
 * @internal
 */
export function emptyArrayOf({ emptyArray = 'list' }: { readonly emptyArray?: EmptyArray }): EmptyArray {
  if (emptyArray !== 'list' && emptyArray !== 'map') {
    throw invalidArgument('INVALID_OPTION', 'the option "emptyArray" takes "list" or "map"')
  }
  return emptyArray
}
