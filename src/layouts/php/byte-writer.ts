import { invalidArgument } from '../../errors.ts'
import { encodeUtf8 } from './utf8.ts'

/**
 * Bytes that grow, up to a limit.
 *
 * @internal
 */
export class ByteWriter {
  readonly #maxBytes: number
  #bytes = new Uint8Array(256)
  #length = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get length(): number {
    return this.#length
  }

  /** A copy of what was written. */
  toBytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length)
  }

  /** Whether what was written is how other bytes start. */
  isStartOf(other: Uint8Array, length: number): boolean {
    if (length !== this.#length) return false
    for (let index = 0; index < length; index += 1) {
      if (this.#bytes[index] !== other[index]) return false
    }
    return true
  }

  /** @throws {TypeError} `INVALID_SESSION_DATA` when it gets too much. */
  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** Text of which every character is ASCII. */
  ascii(text: string): void {
    this.#reserve(text.length)
    for (let index = 0; index < text.length; index += 1) {
      this.#bytes[this.#length + index] = text.charCodeAt(index)
    }
    this.#length += text.length
  }

  /** A PHP string. */
  string(value: string | Uint8Array): void {
    const bytes = typeof value === 'string' ? encodeUtf8(value) : value
    this.ascii(`s:${bytes.length}:"`)
    this.bytes(bytes)
    this.ascii('";')
  }

  #reserve(count: number): void {
    const needed = this.#length + count
    if (needed > this.#maxBytes) {
      throw invalidArgument('INVALID_SESSION_DATA', 'the session data takes more than maxBytes in PHP')
    }
    if (needed <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}
