import { isUint8Array } from '../internal/core-objects.ts'

/** How session data is encrypted: AES-256-GCM, as `docs/encryption.md` describes it. */
export interface EncryptionOptions {
  /**
   * The keys: the current one first, which encrypts, then older ones, which only decrypt. Each is 32 random bytes (as bytes,
   * or as a string `base64:...` or `hex:...`), or a passphrase of at least 16 characters, from which scrypt derives the key
   * (about 0.3 s of CPU time each, once, before the first read or write of data). Unicode forms of the same passphrase are
   * the same. `passphrase:...` is a passphrase, too, whatever it looks like.
   *
   * Security: take 32 random bytes from a secret manager where you can. A passphrase is only as good as it is hard to
   * guess, by whoever can read the table. A string that looks like 32 bytes without saying so (64 hexadecimal digits, or 44
   * characters of base64) is refused. The bytes are copied; nothing shows in errors or `util.inspect` output.
   */
  readonly keys: readonly (Uint8Array | string)[]

  /**
   * What happens with sessions that are not encrypted. `'read'`: they are read, and every write encrypts. `'write'`:
   * writes do not encrypt, and what is encrypted is still read, for the time before all processes know the keys, and for
   * giving encryption up. `'refuse'`: reading one is a `SessionDecryptionError`, so that somebody who can write to the table
   * cannot make up a session; for tables without unencrypted sessions.
   *
   * @default 'read'
   */
  readonly unencrypted?: 'write' | 'read' | 'refuse' | undefined
}

/** How data is compressed: with deflate at its fastest, where that makes it smaller. */
export interface CompressionOptions {
  /**
   * Data of fewer bytes, as UTF-8, is not compressed. Bytes, from 0 to 409600.
   *
   * @default 1024
   */
  readonly thresholdBytes?: number | undefined
}

/** Options of a `PayloadCodec`, checked. */
export interface PayloadCodecOptions {
  /**
   * How data is encrypted.
   *
   * @default not at all
   */
  readonly encryption?: EncryptionOptions | undefined

  /**
   * How data is compressed, before it is encrypted; `false`: not at all.
   *
   * @default from 1024 bytes on; with `encryption` not at all, because then lengths would tell something of the content
   */
  readonly compression?: CompressionOptions | false | undefined
}

/** Length of a key that is given as bytes. */
export const KEY_BYTES = 32

/** Fewest characters of a passphrase. */
export const MIN_PASSPHRASE_CHARACTERS = 16

/** What a string of bytes looks like without the prefix that says so: its form and its prefix. */
const LOOKALIKES = [
  [/^[\da-f]{64}$/i, 'hex:', '64 hexadecimal digits'],
  [/^[\w+/-]{43}=$/, 'base64:', '44 characters of base64'],
] as const

const ENCODED = /^(base64|hex):\s*(.*?)\s*$/s
const EXPLICIT_PASSPHRASE = 'passphrase:'

/** A key as it is used: its bytes; of a passphrase, which they are derived from, the string. */
export function keyMaterial(key: Uint8Array | string): Uint8Array | string {
  if (typeof key !== 'string') return key
  const [, encoding, text] = ENCODED.exec(key) ?? []
  if (text !== undefined) return Buffer.from(text, encoding === 'hex' ? 'hex' : 'base64')
  return normalizedPassphrase(
    key.startsWith(EXPLICIT_PASSPHRASE) ? key.slice(EXPLICIT_PASSPHRASE.length) : key,
  )
}

/** What is wrong with a key, as a clause without its subject; `undefined` when nothing is. */
export function keyProblem(key: unknown): string | undefined {
  if (isUint8Array(key)) {
    return key.length === KEY_BYTES
      ? undefined
      : `has ${key.length} bytes, expected ${KEY_BYTES} or a passphrase`
  }
  if (key === undefined) return 'is undefined: the variable that it comes from is not set'
  if (typeof key !== 'string') return `is neither ${KEY_BYTES} bytes nor a string`
  return encodingProblem(key) ?? passphraseProblem(key)
}

function encodingProblem(key: string): string | undefined {
  const [, encoding, text = ''] = ENCODED.exec(key) ?? []
  if (encoding === undefined) {
    const [, prefix, form] = LOOKALIKES.find(([pattern]) => pattern.test(key.trim())) ?? []
    return (
      prefix &&
      `is ${form}, which may be bytes or a passphrase: write ${prefix} in front of it for the ${KEY_BYTES} bytes, ` +
        `${EXPLICIT_PASSPHRASE} for the passphrase`
    )
  }
  const isRight = encoding === 'hex' ? /^(?:[\da-f]{2})*$/i : /^[\w+/-]*={0,2}$/
  if (!isRight.test(text)) return `is not what ${encoding}: says that it is`
  const { length } = keyMaterial(key)
  return length === KEY_BYTES ? undefined : `has ${length} bytes behind ${encoding}:, expected ${KEY_BYTES}`
}

function passphraseProblem(key: string): string | undefined {
  const passphrase = keyMaterial(key)
  if (typeof passphrase !== 'string') return undefined
  const { length } = Array.from(passphrase)
  if (length < MIN_PASSPHRASE_CHARACTERS) {
    return (
      `has ${length} characters, expected a passphrase of at least ${MIN_PASSPHRASE_CHARACTERS}, or ${KEY_BYTES} bytes ` +
      'as base64:... or hex:...'
    )
  }
  // It has no UTF-8 form: all of them would become the same character.
  return /\p{Cs}/u.test(passphrase) ? 'has a lone surrogate, which is no character' : undefined
}

/** Threshold of compression when nothing else says, in bytes. */
export const DEFAULT_THRESHOLD_BYTES = 1024

/** Whether everything that is written is encrypted. Then a `PayloadCodec` is needed for whatever is read, too. */
export function encryptsWrites({ encryption }: PayloadCodecOptions): boolean {
  return encryption !== undefined && encryption.unencrypted !== 'write'
}

/**
 * Whether text is compressed, if that makes it smaller. By default it is, because that pays: a page view that saves 2 to
 * 4 KB costs less than half of the write units, which cost a thousand times the CPU time that it takes.
 */
export function compresses(text: string, { encryption, compression }: PayloadCodecOptions): boolean {
  if (compression === false || (compression === undefined && encryption !== undefined)) return false
  const { thresholdBytes = DEFAULT_THRESHOLD_BYTES } = compression ?? {}
  // No UTF-16 code unit takes more than three bytes: most sessions are not measured.
  return text.length * 3 >= thresholdBytes && Buffer.byteLength(text) >= thresholdBytes
}

/**
 * The form of a passphrase that keys are derived from: Unicode NFC, because the same characters can arrive as different
 * code points from different keyboards and files.
 */
export function normalizedPassphrase(passphrase: string): string {
  return passphrase.normalize('NFC')
}
