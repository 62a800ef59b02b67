import { unwrap } from './js-values.ts'
import { limitsOf } from './limits.ts'
import type { PhpLimits } from './limits.ts'
import { UnchangedValues, ValueWriter } from './value-writer.ts'

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
  return writer.nodes.out.toBytes()
}
