import { createHash, createSecretKey, type KeyObject, scrypt } from 'node:crypto'

import { DynamoDBSessionsError } from '../errors.ts'
import { KEY_BYTES, keyMaterial } from './encryption-options.ts'

/** A key, and the ID under which blobs name it. */
interface EncryptionKey {
  readonly id: Buffer
  readonly secret: KeyObject
}

/** Derives the bytes of a key from a passphrase. */
type Stretch = (passphrase: string) => Promise<Buffer>

/** Length of the ID of a key. */
export const KEY_ID_BYTES = 8

/** Keeps the ID apart from every other hash of the same key. */
const KEY_ID_DOMAIN = 'dynamodb-sessions key id 1\0'

/*
 * Fixed, because every process has to derive the same key, and a salt in each blob would cost a derivation for each
 * session. The cost is among those that OWASP's advice for scrypt takes for equivalent; this one needs no more than
 * 32 MiB, which the smallest of servers and functions have.
 */
const SCRYPT_SALT = 'dynamodb-sessions passphrase 1'
const SCRYPT_COST = { N: 2 ** 15, r: 8, p: 3, maxmem: 64 * 1024 * 1024 } as const

/**
 * The keys of a store, the first of which encrypts. It copies the bytes it is given, and shows nothing of them in
 * `util.inspect` output (G9).
 */
export class KeyRing {
  readonly #stretch: Stretch
  #given: readonly (KeyObject | string)[]
  #keys: readonly EncryptionKey[] | undefined
  #deriving: Promise<void> | undefined

  /** @param keys as `isEncryptionOptions` accepts them. */
  constructor(keys: readonly (Uint8Array | string)[], stretch: Stretch = stretchPassphrase) {
    this.#stretch = stretch
    this.#given = keys.map(key => {
      const material = keyMaterial(key)
      return typeof material === 'string' ? material : createSecretKey(material)
    })
    const secrets = this.#given.filter(key => typeof key !== 'string')
    if (secrets.length === keys.length) this.#keys = secrets.map(withId)
  }

  /**
   * Derives the keys of passphrases, once for all callers; a failure is not remembered.
   *
   * @returns `undefined` when nothing has to be derived (any more).
   * @throws {DynamoDBSessionsError} `KEY_DERIVATION_FAILED`, as a rejection.
   */
  prepare(): Promise<void> | undefined {
    if (this.#keys !== undefined) return undefined
    this.#deriving ??= this.#derive()
    return this.#deriving
  }

  /** The key that encrypts. */
  get current(): EncryptionKey {
    const [current] = this.#prepared
    if (current === undefined) throw new Error('a key ring has at least one key')
    return current
  }

  /** The key with an ID. */
  find(id: Buffer): EncryptionKey | undefined {
    return this.#prepared.find(key => key.id.equals(id))
  }

  get #prepared(): readonly EncryptionKey[] {
    if (this.#keys === undefined) throw new Error('the keys are used before prepare() has finished')
    return this.#keys
  }

  async #derive(): Promise<void> {
    try {
      const secrets: KeyObject[] = []
      for (const key of this.#given) {
        // One after another, so that many passphrases need no more memory than one.
        secrets.push(typeof key === 'string' ? await this.#secretFrom(key) : key)
      }
      this.#keys = secrets.map(withId)
      this.#given = []
    } catch (cause) {
      throw new DynamoDBSessionsError(
        'KEY_DERIVATION_FAILED',
        'a key of the option "encryption" could not be derived from its passphrase, which takes 32 MiB of memory; ' +
          'see the cause',
        { cause },
      )
    } finally {
      this.#deriving = undefined
    }
  }

  async #secretFrom(passphrase: string): Promise<KeyObject> {
    const bytes = await this.#stretch(passphrase)
    const secret = createSecretKey(bytes)
    bytes.fill(0)
    return secret
  }
}

function withId(secret: KeyObject): EncryptionKey {
  const hash = createHash('sha256').update(KEY_ID_DOMAIN).update(secret.export()).digest()
  return { id: hash.subarray(0, KEY_ID_BYTES), secret }
}

function stretchPassphrase(passphrase: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(passphrase, SCRYPT_SALT, KEY_BYTES, SCRYPT_COST, (error, bytes) => {
      // Bun says undefined where there is none.
      if (error) reject(error)
      else resolve(bytes)
    })
  })
}
