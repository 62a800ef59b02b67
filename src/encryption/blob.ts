import { createCipheriv, createDecipheriv } from 'node:crypto'

import { corrupt, SessionDecryptionError } from '../errors.ts'
import { randomBytes } from '../internal/random.ts'
import { KEY_ID_BYTES, type KeyRing } from './key-ring.ts'

/** Length of the head: format version and flags. */
export const HEAD_BYTES = 2

const FORMAT_VERSION = 1
const COMPRESSED = 1
const ENCRYPTED = 2

const ALGORITHM = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16
const NONCE_AT = HEAD_BYTES + KEY_ID_BYTES
const CIPHERTEXT_AT = NONCE_AT + NONCE_BYTES

/**
 * Encrypts data with the current key and a random nonce.
 *
 * @param head the first bytes of the blob.
 * @param itemKey the key of the item that the blob is for; under another key it does not decrypt.
 * @returns the whole blob: head, key ID, nonce, ciphertext, tag.
 */
export function encrypted(data: Buffer, head: Buffer, keys: KeyRing, itemKey: string): Buffer {
  const { id, secret } = keys.current
  const nonce = randomBytes(NONCE_BYTES)
  const header = Buffer.concat([head, id, nonce])
  const cipher = createCipheriv(ALGORITHM, secret, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(additionalData(header, itemKey))
  const ciphertext = cipher.update(data)
  return Buffer.concat([header, ciphertext, cipher.final(), cipher.getAuthTag()])
}

/**
 * Decrypts a blob that {@link encrypted} returned.
 *
 * @throws {SessionDecryptionError} when no key or the wrong ones were given, and when the blob is not what was
 *   encrypted for this item.
 */
export function decrypted(blob: Buffer, keys: KeyRing | undefined, itemKey: string): Buffer {
  if (keys === undefined) {
    throw new SessionDecryptionError(
      'the stored session is encrypted, and this store was given no key: pass the key that it was written with in the ' +
        'option "encryption" ({ keys: [...] }); it was left as it is',
    )
  }
  if (blob.length < CIPHERTEXT_AT + TAG_BYTES) {
    throw new SessionDecryptionError(
      'the stored session is too short to have been encrypted: it has been cut, or something else has written it; it was ' +
        'left as it is',
    )
  }
  const key = keys.find(blob.subarray(HEAD_BYTES, NONCE_AT))
  if (key === undefined) {
    throw new SessionDecryptionError(
      'the stored session is encrypted with a key that this store was not given: add the key that it was written with, ' +
        'an older or a newer one, to "encryption.keys"; it was left as it is',
    )
  }
  const tagAt = blob.length - TAG_BYTES
  const decipher = createDecipheriv(ALGORITHM, key.secret, blob.subarray(NONCE_AT, CIPHERTEXT_AT), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(additionalData(blob.subarray(0, CIPHERTEXT_AT), itemKey))
  decipher.setAuthTag(blob.subarray(tagAt))
  const data = decipher.update(blob.subarray(CIPHERTEXT_AT, tagAt))
  try {
    decipher.final()
  } catch (cause) {
    throw new SessionDecryptionError(
      'the stored session is not what was encrypted for its key: it has been changed, cut or moved from another session ' +
        '(or the table was copied with other keys); it was left as it is',
      { cause },
    )
  }
  return data
}

/** What the tag vouches for besides the data. The header has a fixed length, so that no two pairs look the same. */
function additionalData(header: Buffer, itemKey: string): Buffer {
  return Buffer.concat([header, Buffer.from(itemKey)])
}

/** What the first two bytes of a blob say about the rest. */
interface BlobHead {
  readonly compressed: boolean
  readonly encrypted: boolean
}

/** The head of a blob. */
export function writeHead(head: BlobHead): Buffer {
  return Buffer.of(FORMAT_VERSION, (head.compressed ? COMPRESSED : 0) | (head.encrypted ? ENCRYPTED : 0))
}

/**
 * Reads the head of a blob.
 *
 * @throws {SessionCorruptError} for a version and for flags that {@link writeHead} does not write.
 */
export function readHead(blob: Buffer): BlobHead {
  const [version, flags] = blob
  if (version === undefined || flags === undefined) {
    throw corrupt('the stored data is too short for its head')
  }
  if (version !== FORMAT_VERSION) {
    throw corrupt(
      `the stored data has format version ${version}, and this version of the package reads ${FORMAT_VERSION}`,
    )
  }
  // Data that is neither compressed nor encrypted is stored as text.
  if (flags === 0 || (flags & ~(COMPRESSED | ENCRYPTED)) !== 0) {
    throw corrupt(`the stored data has the flags ${flags}, which this version of the package does not know`)
  }
  return { compressed: (flags & COMPRESSED) !== 0, encrypted: (flags & ENCRYPTED) !== 0 }
}

/**
 * The blob of an attribute value of type B.
 *
 * @throws {SessionCorruptError} for what is not base64 as DynamoDB writes it.
 */
export function blobFromBase64(base64: string): Buffer {
  const blob = Buffer.from(base64, 'base64')
  // `Buffer.from` passes over what is not base64.
  if (blob.toString('base64') !== base64) {
    throw corrupt('the stored data is not valid base64')
  }
  return blob
}
