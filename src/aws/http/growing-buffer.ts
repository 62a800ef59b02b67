const EMPTY: Buffer = Buffer.alloc(0)
const MIN_BYTES = 1024

/**
 * Bytes that come in pieces, in one place: kept as pieces, each single byte would cost as much memory as a hundred.
 *
 * It takes up at most twice what is in it.
 */
export class GrowingBuffer {
  #bytes: Buffer = EMPTY
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Everything so far. It shows what is here, and what is appended later does not change it. */
  get view(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** @param most how many bytes there can be in the end; no more than that is set aside. */
  append(piece: Uint8Array, most: number): void {
    const length = this.#length + piece.byteLength
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, Math.min(most, Math.max(2 * length, MIN_BYTES))))
      grown.set(this.view)
      this.#bytes = grown
    }
    this.#bytes.set(piece, this.#length)
    this.#length = length
  }
}
