import { isUtf8 } from 'node:buffer'

import { SessionCorruptError, SessionDecryptionError } from '../errors.ts'
import type { AttributeValue } from '../types.ts'
import { blobFromBase64, HEAD_BYTES, readHead, writeHead } from './blob-format.ts'
import { deflated, inflated } from './compression.ts'
import { decrypted, encrypted } from './aes-gcm.ts'
import { KeyRing } from './key-ring.ts'
import { type DataSealOptions, DEFAULT_THRESHOLD_BYTES } from './encryption-options.ts'

/**
 * How the text of a session becomes what is stored: plain, compressed, encrypted, or compressed and then encrypted.
 * `docs/encryption.md` describes the bytes as a contract.
 *
 * Whatever any store wrote can be opened, whatever this one's own settings, as long as it has the key. No error
 * carries data, keys or passphrases (G9).
 */
export interface DataSeal {
  /**
   * What has to be done before anything else can be called: deriving keys from passphrases, once for all callers. A
   * failure is not remembered.
   *
   * @returns `undefined` when nothing has to be done (any more).
   * @throws {DynamoDBSessionsError} `KEY_DERIVATION_FAILED`, as a rejection.
   */
  prepare(): Promise<void> | undefined

  /**
   * The attribute value to store.
   *
   * @param itemKey value of the item's partition key. What is encrypted for one item cannot be opened in another.
   * @returns type S when the text is neither encrypted nor compressed, else type B.
   */
  seal(text: string, itemKey: string): AttributeValue

  /**
   * The text of a value of type B.
   *
   * @throws {SessionDecryptionError} when it is encrypted and there is no key for it, or it is not what was encrypted for
   *   this item; and when it is not encrypted, where that is refused.
   * @throws {SessionCorruptError} when it is not a blob that {@link seal} could have made.
   */
  open(value: { readonly B: string }, itemKey: string): string

  /**
   * The text of a value of type S, which is the text itself.
   *
   * @throws {SessionDecryptionError} where unencrypted sessions are refused.
   */
  openText(text: string): string
}

/**
 * Makes a {@link DataSeal}. Without options it stores text as it is, and opens what others have compressed.
 *
 * @param options as `isEncryptionOptions` and `isCompressionOptions` accept them. Keys are copied.
 */
export function dataSeal(options: DataSealOptions): DataSeal {
  return new OptionalSeal(options)
}

class OptionalSeal implements DataSeal {
  readonly #keys: KeyRing | undefined
  readonly #encrypts: boolean
  readonly #refusesUnencrypted: boolean
  readonly #thresholdBytes: number

  constructor({ encryption, compression }: DataSealOptions) {
    this.#keys = encryption && new KeyRing(encryption.keys)
    this.#encrypts = encryption !== undefined && encryption.unencrypted !== 'write'
    this.#refusesUnencrypted = encryption?.unencrypted === 'refuse'
    this.#thresholdBytes = compression ? (compression.thresholdBytes ?? DEFAULT_THRESHOLD_BYTES) : Infinity
  }

  prepare(): Promise<void> | undefined {
    return this.#keys?.prepare()
  }

  seal(text: string, itemKey: string): AttributeValue {
    const keys = this.#encrypts ? this.#keys : undefined
    if (keys === undefined && this.#thresholdBytes === Infinity) return { S: text }
    const data = Buffer.from(text)
    const smaller = data.length < this.#thresholdBytes ? undefined : deflated(data, HEAD_BYTES + 1)
    if (keys === undefined && smaller === undefined) return { S: text }
    const head = writeHead({ compressed: smaller !== undefined, encrypted: keys !== undefined })
    const content = smaller ?? data
    const blob = keys === undefined ? Buffer.concat([head, content]) : encrypted(content, head, keys, itemKey)
    return { B: blob.toString('base64') }
  }

  open({ B: base64 }: { readonly B: string }, itemKey: string): string {
    const blob = blobFromBase64(base64)
    const head = readHead(blob)
    if (!head.encrypted) this.#acceptUnencrypted()
    const content = head.encrypted ? decrypted(blob, this.#keys, itemKey) : blob.subarray(HEAD_BYTES)
    const data = head.compressed ? inflated(content) : content
    if (!isUtf8(data)) {
      throw new SessionCorruptError('the stored data is not text in UTF-8; it was left as it is')
    }
    return data.toString()
  }

  openText(text: string): string {
    this.#acceptUnencrypted()
    return text
  }

  #acceptUnencrypted(): void {
    if (!this.#refusesUnencrypted) return
    throw new SessionDecryptionError(
      'the stored session is not encrypted, which "encryption.unencrypted" refuses: something else than this ' +
        "application's encrypting stores has written it, or it is from before encryption was turned on (then 'read' " +
        'accepts it until it has expired); it was left as it is',
    )
  }
}
