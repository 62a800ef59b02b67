import { deflateRawSync, inflateRawSync } from 'node:zlib'

import { SessionCorruptError } from '../errors.ts'
import { codeOf } from '../internal/core-objects.ts'

/**
 * Largest data that is compressed, and that is decompressed. A full item of compressed data can expand to 422 MB, which
 * would let a small forged item exhaust the memory of whoever reads it.
 */
export const MAX_INFLATED_BYTES: number = 16 * 1024 * 1024

/** What a failed decompression says when the data is to blame, rather than, say, a lack of memory. */
const DATA_ERRORS: ReadonlySet<unknown> = new Set(['Z_DATA_ERROR', 'Z_BUF_ERROR'])

/**
 * Compresses data with deflate, without a header.
 *
 * @param leastSavedBytes how many bytes have to be saved for compression to be worth it.
 * @returns `undefined` when it is not worth it, and for data that {@link inflated} would refuse.
 */
export function deflated(data: Buffer, leastSavedBytes: number): Buffer | undefined {
  if (data.length > MAX_INFLATED_BYTES) return undefined
  const compressed = deflateRawSync(data)
  return compressed.length + leastSavedBytes > data.length ? undefined : compressed
}

/**
 * Decompresses what {@link deflated} returned.
 *
 * @throws {SessionCorruptError} for anything else, and before the result would exceed {@link MAX_INFLATED_BYTES}.
 */
export function inflated(compressed: Buffer): Buffer {
  const { buffer, consumedBytes } = inflate(compressed)
  if (consumedBytes !== compressed.length) {
    throw new SessionCorruptError('the stored data goes on after its compressed part; it was left as it is')
  }
  return buffer
}

function inflate(compressed: Buffer): { buffer: Buffer; consumedBytes: number } {
  try {
    // The types leave out that `info` changes the result.
    const { buffer, engine } = inflateRawSync(compressed, {
      info: true,
      maxOutputLength: MAX_INFLATED_BYTES,
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } }
    return { buffer, consumedBytes: engine.bytesWritten }
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      throw new SessionCorruptError(
        `the stored data expands to more than ${MAX_INFLATED_BYTES} bytes; it was left as it is`,
      )
    }
    if (!DATA_ERRORS.has(code)) throw error
    throw new SessionCorruptError('the stored data cannot be decompressed; it was left as it is')
  }
}
