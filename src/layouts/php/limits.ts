import { invalidArgument } from '../../errors.ts'

/** How much may be read or written. */
export interface PhpLimits {
  /**
   * How deep arrays and objects may nest: 1 is a session variable that is an array. From 1 to 1000. PHP's own limit
   * is 4096, which no session comes near.
   *
   * @default 512
   */
  readonly maxDepth?: number
  /**
   * How many bytes may be read or written. An item of DynamoDB holds 409,600.
   *
   * @default 1048576
   */
  readonly maxBytes?: number
}

/** The most that `maxDepth` can be: deeper values would not fit the stack of the functions that walk them. */
export const DEEPEST = 1000

/**
 * The limits, with the defaults filled in.
 *
 * @throws {TypeError} `INVALID_OPTION` when a limit is not a number that it can be.
 * @internal
 */
export function limitsOf(options: PhpLimits): Required<PhpLimits> {
  const { maxDepth = 512, maxBytes = 1_048_576 } = options
  if (!Number.isInteger(maxDepth) || maxDepth < 1 || maxDepth > DEEPEST) {
    throw invalidArgument('INVALID_OPTION', `the option "maxDepth" takes an integer from 1 to ${DEEPEST}`)
  }
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) {
    throw invalidArgument('INVALID_OPTION', 'the option "maxBytes" takes a positive integer')
  }
  return { maxDepth, maxBytes }
}
