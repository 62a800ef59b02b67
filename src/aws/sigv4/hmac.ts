import { hash } from 'node:crypto'

const BLOCK_BYTES = 64
const DIGEST_BYTES = 32
const INNER_PAD = 0x36
const OUTER_PAD = 0x5c

/**
 * HMAC-SHA-256 (RFC 2104) of many short texts with one key, by two one-shot hashes: half the time that `createHmac`
 * takes, which makes an object with a native half for every text.
 *
 * Printing it shows nothing of the key (G9).
 */
export class HmacSha256 {
  /** The padded key, and behind it room for a text. */
  #inner: Buffer
  /** The padded key, and behind it room for a digest. */
  readonly #outer: Buffer

  /**
   * @param key 64 bytes at most, as derived keys have.
   * @throws {RangeError} when the key is longer.
   */
  constructor(key: Uint8Array) {
    if (key.length > BLOCK_BYTES) throw new RangeError(`the key is longer than ${BLOCK_BYTES} bytes`)
    this.#inner = Buffer.alloc(BLOCK_BYTES, INNER_PAD)
    this.#outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES, OUTER_PAD)
    for (const [index, byte] of key.entries()) {
      this.#inner[index] = byte ^ INNER_PAD
      this.#outer[index] = byte ^ OUTER_PAD
    }
  }

  /** Lower-case hexadecimal HMAC of a text in UTF-8. */
  hex(text: string): string {
    const end = BLOCK_BYTES + Buffer.byteLength(text)
    if (end > this.#inner.length) {
      const larger = Buffer.alloc(2 * end)
      this.#inner.copy(larger, 0, 0, BLOCK_BYTES)
      this.#inner = larger
    }
    this.#inner.write(text, BLOCK_BYTES)
    // As a string, because a string costs less to make than a Buffer.
    this.#outer.write(hash('sha256', this.#inner.subarray(0, end), 'binary'), BLOCK_BYTES, 'binary')
    return hash('sha256', this.#outer, 'hex')
  }
}
