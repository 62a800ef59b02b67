import { createCipheriv, createHash, scryptSync } from 'node:crypto'
import { inspect } from 'node:util'

import { SessionCorruptError, SessionDecryptionError } from '../../../src/errors.ts'
import type { PayloadCodec } from '../../../src/encryption/payload-codec.ts'

/*
 * The format of docs/encryption.md once more, written with calls of node:crypto alone: what the codec is compared with.
 */

/** What a made blob differs in from an ordinary encrypted one. */
export interface BlobParts {
  readonly version?: number
  readonly flags?: number
  readonly keyId?: Buffer
  readonly nonce?: Buffer
}

/** Makes the blob of a text or of bytes that have been compressed already. */
export function madeBlob(
  content: string | Buffer,
  key: Uint8Array,
  itemKey: string,
  parts: BlobParts = {},
): Buffer {
  const nonce = parts.nonce ?? Buffer.alloc(12, 7)
  const header = Buffer.concat([
    Buffer.of(parts.version ?? 1, parts.flags ?? 2),
    parts.keyId ?? keyIdOf(key),
    nonce,
  ])
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(Buffer.concat([header, Buffer.from(itemKey, 'utf8')]))
  const ciphertext = Buffer.concat([cipher.update(Buffer.from(content)), cipher.final()])
  return Buffer.concat([header, ciphertext, cipher.getAuthTag()])
}

/** The key ID that a blob names. */
export function keyIdOf(key: Uint8Array): Buffer {
  const hashed = Buffer.concat([Buffer.from('dynamodb-sessions key id 1\0', 'latin1'), key])
  return createHash('sha256').update(hashed).digest().subarray(0, 8)
}

/** The key of a passphrase. */
export function keyOfPassphrase(passphrase: string): Buffer {
  return scryptSync(Buffer.from(passphrase, 'utf8'), Buffer.from('dynamodb-sessions passphrase 1'), 32, {
    N: 32_768,
    r: 8,
    p: 3,
    maxmem: 2 ** 27,
  })
}

/** A blob as an attribute value. */
export function valueOf(blob: Buffer): { readonly B: string } {
  return { B: blob.toString('base64') }
}

/** The bytes that a codec writes; fails when it writes text. */
export function encodedBytes(codec: PayloadCodec, text: string, itemKey: string): Buffer {
  const value = codec.encode(text, itemKey)
  if (!('B' in value)) throw new Error('the text was not encoded')
  return Buffer.from(value.B, 'base64')
}

/** What opening does: the text, which of the two typed errors, or an error that quotes; other errors are thrown on. */
export function opening(
  codec: PayloadCodec,
  blob: Buffer,
  itemKey: string,
  secrets: readonly string[],
): string {
  try {
    return `opened: ${codec.decode(valueOf(blob), itemKey)}`
  } catch (error) {
    const printed = inspect(error, { depth: Infinity, showHidden: true })
    if (secrets.some(secret => printed.includes(secret))) return `quotes a secret: ${printed}`
    if (error instanceof SessionCorruptError) return 'corrupt'
    if (error instanceof SessionDecryptionError) return 'not decrypted'
    throw error
  }
}
