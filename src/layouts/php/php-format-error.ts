import { SessionCorruptError } from '../../errors.ts'

/** The bytes are not what PHP's `serialize()`, or the session handler that was asked for, writes. */
export class PhpFormatError extends SessionCorruptError {
  static {
    this.prototype.name = 'PhpFormatError'
  }

  /** Where in the bytes, counted from 0, reading had to stop. */
  readonly byteOffset: number

  constructor(problem: string, byteOffset: number) {
    super(`PHP session data is malformed at byte ${byteOffset}: ${problem}; it was left as it is`)
    this.byteOffset = byteOffset
  }
}
