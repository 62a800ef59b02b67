import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'

import type { Credentials } from '../../types.ts'

/**
 * Derives the key that signs every request of one day to one service in one region.
 *
 * It is a `KeyObject` and not the raw bytes, because an HMAC with raw bytes costs several times as much on some
 * versions of Node.js, and because a `KeyObject` shows nothing of the key when it is printed.
 *
 * @param secretAccessKey Secret access key of the credentials.
 * @param date Day of the signature in UTC as `YYYYMMDD`.
 * @param region Region of the endpoint, for example `eu-west-1`.
 * @param service Signing name of the service, for example `dynamodb`.
 */
export function deriveSigningKey(
  secretAccessKey: string,
  date: string,
  region: string,
  service: string,
): KeyObject {
  const dateKey = hmacSha256(`AWS4${secretAccessKey}`, date)
  const regionKey = hmacSha256(dateKey, region)
  const serviceKey = hmacSha256(regionKey, service)
  return createSecretKey(hmacSha256(serviceKey, 'aws4_request'))
}

/**
 * Remembers derived signing keys, because deriving one costs four HMACs and it stays the same for a day.
 *
 * Holds at most 50 keys; the one that was derived first makes room for the next (G12). A key is only ever
 * returned for the secret it was derived from, so rotated credentials that keep their access key ID are safe.
 * Printing the cache shows neither secrets nor keys (G9).
 */
export class SigningKeyCache {
  readonly #entries = new Map<string, SigningKeyEntry>()

  /**
   * The signing key for these credentials, derived on the first call.
   *
   * @param credentials Only `accessKeyId` and `secretAccessKey` matter.
   * @param date Day of the signature in UTC as `YYYYMMDD`.
   * @param region Region of the endpoint.
   * @param service Signing name of the service.
   */
  get(
    credentials: Pick<Credentials, 'accessKeyId' | 'secretAccessKey'>,
    date: string,
    region: string,
    service: string,
  ): KeyObject {
    const { accessKeyId, secretAccessKey } = credentials
    // A line feed cannot occur in any of the four, since all of them are sent in one header.
    const entryKey = `${date}\n${region}\n${service}\n${accessKeyId}`
    const entry = this.#entries.get(entryKey)
    if (entry?.secretAccessKey === secretAccessKey) return entry.signingKey

    const signingKey = deriveSigningKey(secretAccessKey, date, region, service)
    this.#entries.delete(entryKey)
    if (this.#entries.size >= maxEntries) this.#removeOldest()
    this.#entries.set(entryKey, { secretAccessKey, signingKey })
    return signingKey
  }

  #removeOldest(): void {
    for (const entryKey of this.#entries.keys()) {
      this.#entries.delete(entryKey)
      return
    }
  }
}

interface SigningKeyEntry {
  readonly secretAccessKey: string
  readonly signingKey: KeyObject
}

const maxEntries = 50

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

function hmacSha256(key: string | Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
