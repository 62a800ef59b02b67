import { isUtf8 } from 'node:buffer'
import { deflateRawSync, inflateRawSync } from 'node:zlib'

import { corrupt, SessionDecryptionError } from '../errors.ts'
import { codeOf } from '../internal/core-objects.ts'
import { blobFromBase64, decrypted, encrypted, HEAD_BYTES, readHead, writeHead } from './blob.ts'
import { compresses, encryptsWrites, type PayloadCodecOptions } from './encryption-options.ts'
import { KeyRing } from './key-ring.ts'

/**
 * Largest data that is compressed, and that is decompressed. A full item of compressed data can expand to 422 MB, which
 * would let a small forged item exhaust the memory of whoever reads it.
 */
const MAX_INFLATED_BYTES: number = 16 * 1024 * 1024

/** What a failed decompression says when the data is to blame, rather than, say, a lack of memory. */
const DATA_ERRORS: ReadonlySet<unknown> = new Set(['Z_DATA_ERROR', 'Z_BUF_ERROR'])

/** The value of an attribute of type S or B. */
type Payload = { readonly S: string } | { readonly B: string }

/**
 * How the text of a session becomes what is stored: plain, compressed, encrypted, or compressed and then encrypted.
 * `docs/encryption.md` describes the bytes as a contract.
 *
 * Whatever any store wrote can be decoded, whatever this one's own settings, as long as it has the key. Without options it
 * stores text as it is. No error carries data, keys or passphrases (G9).
 */
export class PayloadCodec {
  readonly #keys: KeyRing | undefined
  readonly #options: PayloadCodecOptions

  /** @param options as the rows of `encryption` and `compression` accept them. Keys are copied. */
  constructor(options: PayloadCodecOptions) {
    this.#options = options
    this.#keys = options.encryption && new KeyRing(options.encryption.keys)
  }

  /**
   * What has to be done before anything else can be called: deriving keys from passphrases, once for all callers. A
   * failure is not remembered.
   *
   * @returns `undefined` when nothing has to be done (any more).
   * @throws {DynamoDBSessionsError} `KEY_DERIVATION_FAILED`, as a rejection.
   */
  prepare(): Promise<void> | undefined {
    return this.#keys?.prepare()
  }

  /**
   * The attribute value to store.
   *
   * @param itemKey value of the item's partition key. What is encrypted for one item cannot be decoded in another.
   * @returns type S when the text is neither encrypted nor compressed, else type B.
   */
  encode(text: string, itemKey: string): Payload {
    const keys = encryptsWrites(this.#options) ? this.#keys : undefined
    const isCompressible = compresses(text, this.#options)
    if (keys === undefined && !isCompressible) return { S: text }
    const data = Buffer.from(text)
    const smaller = isCompressible ? deflated(data, HEAD_BYTES + 1) : undefined
    if (keys === undefined && smaller === undefined) return { S: text }
    const head = writeHead({ compressed: smaller !== undefined, encrypted: keys !== undefined })
    const content = smaller ?? data
    const blob = keys === undefined ? Buffer.concat([head, content]) : encrypted(content, head, keys, itemKey)
    return { B: blob.toString('base64') }
  }

  /**
   * The text of a value that was stored.
   *
   * @throws {SessionDecryptionError} when it is encrypted and there is no key for it, or it is not what was encrypted for
   *   this item; and when it is not encrypted, where that is refused.
   * @throws {SessionCorruptError} when it is not what {@link encode} could have made.
   */
  decode(value: Payload, itemKey: string): string {
    if ('S' in value) {
      this.#acceptUnencrypted()
      return value.S
    }
    const blob = blobFromBase64(value.B)
    const head = readHead(blob)
    if (!head.encrypted) this.#acceptUnencrypted()
    const content = head.encrypted ? decrypted(blob, this.#keys, itemKey) : blob.subarray(HEAD_BYTES)
    const data = head.compressed ? inflated(content) : content
    if (!isUtf8(data)) {
      throw corrupt('the stored data is not text in UTF-8')
    }
    return data.toString()
  }

  #acceptUnencrypted(): void {
    if (this.#options.encryption?.unencrypted !== 'refuse') return
    throw new SessionDecryptionError(
      'the stored session is not encrypted, which "encryption.unencrypted" refuses: something else than this ' +
        "application's encrypting stores has written it, or it is from before encryption was turned on (then 'read' " +
        'accepts it until it has expired); it was left as it is',
    )
  }
}

/**
 * Compresses data with deflate, without a header.
 *
 * @param leastSavedBytes how many bytes have to be saved for compression to be worth it.
 * @returns `undefined` when it is not worth it, and for data that {@link inflated} would refuse.
 */
function deflated(data: Buffer, leastSavedBytes: number): Buffer | undefined {
  if (data.length > MAX_INFLATED_BYTES) return undefined
  // The fastest level: it makes data a tenth larger than the usual one, in half to a third of the time from 4 KB on.
  const compressed = deflateRawSync(data, { level: 1 })
  return compressed.length + leastSavedBytes > data.length ? undefined : compressed
}

/**
 * Decompresses what {@link deflated} returned.
 *
 * @throws {SessionCorruptError} for anything else, and before the result would exceed {@link MAX_INFLATED_BYTES}.
 */
function inflated(compressed: Buffer): Buffer {
  const { buffer, consumedBytes } = inflate(compressed)
  if (consumedBytes !== compressed.length) {
    throw corrupt('the stored data goes on after its compressed part')
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
      throw corrupt(`the stored data expands to more than ${MAX_INFLATED_BYTES} bytes`)
    }
    if (!DATA_ERRORS.has(code)) throw error
    throw corrupt('the stored data cannot be decompressed')
  }
}
