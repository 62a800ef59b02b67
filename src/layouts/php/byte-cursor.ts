import { PhpFormatError } from './php-format-error.ts'
import { latin1Of } from './values.ts'

/** Characters that the format is made of. */
export const QUOTE = 0x22
export const COLON = 0x3a
export const SEMICOLON = 0x3b
export const OPEN = 0x7b
export const CLOSE = 0x7d
export const ZERO = 0x30
const NINE = 0x39

/**
 * A position in bytes, and the pieces that serialised text is made of.
 *
 * @internal
 */
export class ByteCursor {
  readonly bytes: Uint8Array
  /** Offset of the next byte. */
  position = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.position >= this.bytes.length
  }

  /** The next byte; `undefined` at the end. */
  get next(): number | undefined {
    return this.bytes[this.position]
  }

  /** The error for what is wrong at the current position. */
  malformed(problem: string, offset: number = this.position): PhpFormatError {
    return new PhpFormatError(problem, offset)
  }

  /** The text between `x:` and the next semicolon, which it goes behind. */
  untilSemicolon(): string {
    this.skip(1)
    this.expect(COLON)
    const start = this.position
    const end = this.bytes.indexOf(SEMICOLON, start)
    if (end === -1) throw this.malformed('a semicolon is missing')
    // No number that PHP writes is longer, and what is not a number may go on for long.
    if (end - start > 400) throw this.malformed('a number is too long')
    this.position = end + 1
    return latin1Of(this.bytes.subarray(start, end))
  }

  /** Digits. What they count is at least a byte each, so more than there are bytes cannot be. */
  count(what: string): number {
    const start = this.position
    let count = 0
    for (;;) {
      const digit = this.bytes[this.position]
      if (digit === undefined || digit < ZERO || digit > NINE) break
      count = count * 10 + digit - ZERO
      if (count > this.bytes.length) throw this.malformed(`${what} is higher than the bytes allow`, start)
      this.position += 1
    }
    if (this.position === start) throw this.malformed(`${what} has to be here`)
    return count
  }

  /** Goes over bytes that have to be there. */
  skipContent(length: number, what: string): void {
    if (length > this.bytes.length - this.position) throw this.malformed(`${what} is cut short`)
    this.skip(length)
  }

  /** Goes over bytes that have been looked at. */
  skip(count: number): void {
    this.position += count
  }

  /** Goes over one byte that has to be this one. */
  expect(byte: number): void {
    if (this.bytes[this.position] !== byte) {
      throw this.malformed(`${JSON.stringify(String.fromCharCode(byte))} has to be here`)
    }
    this.position += 1
  }
}
