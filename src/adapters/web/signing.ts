import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'

/** A session ID whose signature is right. */
export interface VerifiedId {
  readonly id: string
  /** Whether it was signed with the current secret; otherwise it is due for a new signature. */
  readonly isCurrent: boolean
}

const ID_BYTES = 32
/** Laravel takes IDs of this length alone. */
const PLAIN_ID_CHARACTERS = 40
/** What PHP takes for a session ID, with at least 128 bits in it. */
const PHP_SESSION_ID = /^[A-Za-z\d,-]{22,256}$/
/** 32 bytes as base64url, twice: the ID and its HMAC. */
const SIGNED_ID = /^([\w-]{43})\.([\w-]{43})$/

/** A session ID that nobody can guess: 256 random bits, 43 characters that a cookie can carry as they are. */
export function newSessionId(): string {
  return randomBytes(ID_BYTES).toString('base64url')
}

/** What is in a cookie for a session ID. */
export interface IdScheme {
  /** A new session ID that nobody can guess. */
  newId(): string
  /** What a cookie carries for an ID, in characters that it can carry as they are. */
  sign(id: string): string
  /** The ID in what a cookie carries; `undefined` for anything that {@link sign} did not make. */
  verify(value: string): VerifiedId | undefined
}

/**
 * Session IDs as PHP has them in its cookies: letters, digits, commas and dashes, percent-encoded. With
 * `session.sid_bits_per_character=6` half of them have a comma, which PHP sends as `%2C`.
 *
 * Nothing tells an ID that was made up from a real one before the table is asked.
 */
export const plainIds: IdScheme = {
  // Letters and digits alone: PHP refuses "_", and Laravel "-" as well. Of 86 characters, some 83 are left.
  newId: () => randomBytes(64).toString('base64url').replaceAll(/[-_]/g, '').slice(0, PLAIN_ID_CHARACTERS),
  sign: encodeURIComponent,
  verify: value => {
    const id = percentDecoded(value)
    return id !== undefined && PHP_SESSION_ID.test(id) ? { id, isCurrent: true } : undefined
  },
}

function percentDecoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value)
  } catch {
    return undefined
  }
}

/**
 * Signs session IDs with HMAC-SHA-256, and tells its own from made-up ones without asking the table.
 *
 * The first secret signs and all of them verify, so that secrets can be rotated. What was signed for one purpose
 * is not valid for another.
 */
export class IdSigner implements IdScheme {
  readonly #keys: readonly KeyObject[]
  readonly #purpose: string

  /** @param purpose is signed along: the name of the cookie. */
  constructor(secrets: readonly string[], purpose: string) {
    this.#keys = secrets.map(secret => createSecretKey(secret, 'utf8'))
    this.#purpose = purpose
  }

  newId(): string {
    return newSessionId()
  }

  /** The ID with its signature. */
  sign(id: string): string {
    const [key] = this.#keys
    if (key === undefined) throw new TypeError('there is no secret to sign with')
    return `${id}.${this.#macOf(id, key)}`
  }

  /** The ID in a signed value; `undefined` for anything that none of the secrets has signed. */
  verify(value: string): VerifiedId | undefined {
    const [, id, mac] = SIGNED_ID.exec(value) ?? []
    if (id === undefined || mac === undefined) return undefined
    const given = Buffer.from(mac, 'latin1')
    const index = this.#keys.findIndex(key =>
      timingSafeEqual(given, Buffer.from(this.#macOf(id, key), 'latin1')),
    )
    return index === -1 ? undefined : { id, isCurrent: index === 0 }
  }

  #macOf(id: string, key: KeyObject): string {
    return createHmac('sha256', key).update(`${this.#purpose}=${id}`).digest('base64url')
  }
}
