import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'

import { invalidOption } from '../../errors.ts'
import { booleanOption, type OptionRows, readOptions, textOption, wordOption } from '../../internal/option.ts'
import { randomText } from '../../internal/random.ts'
import { newSessionId } from '../shared/session-cookie.ts'

/** How the session cookie is set. It is always `HttpOnly`. */
export interface SessionCookieOptions {
  /**
   * Name of the cookie, without prefix.
   *
   * @default 'session'
   */
  readonly name?: string | undefined

  /**
   * What browsers are told by the beginning of the cookie's name:
   *
   * - `'host'` (`__Host-`): they accept the cookie only with `Secure`, `Path=/` and without `Domain`, so that no other
   *   host, a subdomain in somebody else's hands for example, can set or replace it.
   * - `'secure'` (`__Secure-`): they accept it only with `Secure`, over HTTPS.
   * - `'none'`: the name has no prefix.
   *
   * @default 'host'; 'none' with `allowHttp`
   */
  readonly prefix?: 'host' | 'secure' | 'none' | undefined

  /**
   * Domain that gets the cookie, subdomains included. Does not go with the prefix `'host'`.
   *
   * @default none: the host that set it, and no other
   */
  readonly domain?: string | undefined

  /**
   * Path that gets the cookie. Anything but `'/'` does not go with the prefix `'host'`.
   *
   * @default '/'
   */
  readonly path?: string | undefined

  /**
   * Whether the cookie comes along when another site links here (`'lax'`: yes, but not with forms it posts, images or
   * frames; `'strict'`: never; `'none'`: always, which leaves the protection from forged requests to you).
   *
   * @default 'lax'
   */
  readonly sameSite?: 'lax' | 'strict' | 'none' | undefined

  /**
   * Whether a page embedded in other sites gets a cookie jar per embedding site (`Partitioned`, "CHIPS"). Goes with
   * `sameSite: 'none'`.
   *
   * @default false
   */
  readonly partitioned?: boolean | undefined

  /**
   * Whether the cookie lives for as long as the session in the table does (`Max-Age`), also when the browser is closed.
   * `false` leaves the end to the browser: it drops the cookie when it is closed, unless it restores its windows later.
   *
   * Software that shares the cookie must renew it, too. PHP never does: it extends the session but sends the cookie only
   * once, so that a `Max-Age` would sign active visitors out.
   *
   * @default true; false with `signed: false`
   */
  readonly persistent?: boolean | undefined

  /**
   * Whether the session ID in the cookie is signed, so that an ID that was made up is refused without asking the table.
   * `false` is for a cookie that is shared with software which does not sign, such as PHP: IDs are then as PHP makes
   * them, and `secrets` are not needed. An ID without a session is never taken over: what is stored gets a new one.
   *
   * @default true
   */
  readonly signed?: boolean | undefined

  /**
   * Sends the cookie over plain HTTP too: no `Secure` and no prefix. For development on `http://localhost`; whoever sees
   * the traffic elsewhere can take the session over.
   *
   * @default false
   */
  readonly allowHttp?: boolean | undefined
}

/** A cookie that a response has to carry, in the parts that `cookies.set(name, value, options)` of frameworks takes. */
export interface SetCookie {
  /** Name with prefix. */
  readonly name: string
  /** The signed session ID, not percent-encoded yet; empty for a cookie that the browser is to forget. */
  readonly value: string
  readonly options: {
    /** Seconds, whole ones; 0 for a cookie that the browser is to forget, absent for one that ends with the browser. */
    readonly maxAge?: number
    readonly path: string
    readonly domain?: string
    readonly httpOnly: true
    readonly secure: boolean
    readonly sameSite: 'lax' | 'strict' | 'none'
    readonly partitioned?: true
  }
}

/** A session ID that the cookie can carry, and whose signature is right. */
interface VerifiedId {
  readonly id: string
  /** Whether a cookie with the ID should be set again because it was signed with an old secret. */
  readonly isOutdated: boolean
}

/** What a request says about its session. */
export interface PresentedCookie extends Partial<VerifiedId> {
  /** Whether there is a cookie of the session's name at all, good or bad. */
  readonly isThere: boolean
}

/** What is in a cookie for a session ID. */
interface IdScheme {
  /** A new session ID that nobody can guess. */
  newId(): string
  /** What a cookie carries for an ID, before it is percent-encoded. */
  sign(id: string): string
  /** The ID in what a cookie carries; `undefined` for anything that {@link sign} did not make. */
  verify(value: string): VerifiedId | undefined
}

const PREFIXES = { host: '__Host-', secure: '__Secure-', none: '' } as const
const SAME_SITE = { lax: 'Lax', strict: 'Strict', none: 'None' } as const
const NAME = /^[\w!#$%&'*+.^`|~-]{1,64}$/
const RESERVED_NAME = /^__(?:host|secure|http|host-http)-/i
const DOMAIN = /^(?=.{1,253}$)[a-z\d](?:[a-z\d-]*[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]*[a-z\d])?)*$/i
const PATH = /^\/[\x21-\x3a\x3c-\x7e]*$/

/** Laravel takes IDs of this length alone. */
const PLAIN_ID_CHARACTERS = 40
/** What PHP takes for a session ID, with at least 128 bits in it. */
const PHP_SESSION_ID = /^[A-Za-z\d,-]{22,256}$/
/** 32 bytes as base64url, twice: the ID and its HMAC. */
const SIGNED_ID = /^([\w-]{43})\.([\w-]{43})$/

/** The cookie that carries a session ID, signed unless told otherwise: reads it from requests and writes it for responses. */
export class SessionCookie {
  /** Name with prefix. */
  readonly name: string
  /** Whether it is given the lifetime of the session. */
  readonly isPersistent: boolean
  readonly #options: SetCookie['options']
  readonly #ids: IdScheme

  /** @throws {TypeError} `INVALID_OPTION` for wrong options, and for options that contradict each other. */
  constructor(options: SessionCookieOptions, secrets: readonly string[]) {
    const stray = Object.keys(options).find(name => Object.hasOwn(elsewhere, name))
    if (stray !== undefined) throw invalidOption(`there is no cookie option "${stray}": ${elsewhere[stray]}`)
    const checked = readOptions<SessionCookieOptions>(options, cookieOptionSpecs, {})
    const { allowHttp = false, sameSite = 'lax', partitioned = false, path = '/', domain } = checked
    const prefix = checked.prefix ?? (allowHttp ? 'none' : 'host')
    const problem = problemOf({ ...checked, allowHttp, path, prefix })
    if (problem !== undefined) throw invalidOption(problem)
    this.name = PREFIXES[prefix] + (checked.name ?? 'session')
    const isSigned = checked.signed ?? true
    this.isPersistent = checked.persistent ?? isSigned
    this.#options = {
      path,
      ...(domain !== undefined && { domain }),
      httpOnly: true,
      secure: !allowHttp,
      sameSite,
      ...(partitioned && { partitioned }),
    }
    this.#ids = isSigned ? new IdSigner(secrets, this.name) : plainIds
  }

  /** A new session ID for this cookie. */
  newId(): string {
    return this.#ids.newId()
  }

  /** Finds the session ID in a `Cookie` header. A cookie that is malformed, forged or somebody else's has none. */
  read(header: string | null): PresentedCookie {
    const values = valuesOf(this.name, header ?? '')
    const verified = values.map(value => this.#ids.verify(value)).find(found => found !== undefined)
    return { isThere: values.length > 0, ...verified }
  }

  /**
   * The cookie that gives a browser a session.
   *
   * @param remainingMs how long the session will live; used if the cookie is persistent.
   */
  issue(id: string, remainingMs: number): SetCookie {
    // Rounded up as the expiry of the item is: the table decides to the millisecond.
    const maxAge = this.isPersistent && { maxAge: Math.max(1, Math.ceil(remainingMs / 1000)) }
    return { name: this.name, value: this.#ids.sign(id), options: { ...maxAge, ...this.#options } }
  }

  /** The cookie that makes a browser forget its session. */
  clear(): SetCookie {
    return { name: this.name, value: '', options: { maxAge: 0, ...this.#options } }
  }
}

/** The value of the `Set-Cookie` header. */
export function setCookieHeader({ name, value, options }: SetCookie): string {
  const { maxAge, path, domain, secure, sameSite, partitioned } = options
  return [
    `${name}=${encodeURIComponent(value)}`,
    ...(maxAge === undefined ? [] : [`Max-Age=${maxAge}`]),
    `Path=${path}`,
    ...(domain === undefined ? [] : [`Domain=${domain}`]),
    'HttpOnly',
    ...(secure ? ['Secure'] : []),
    `SameSite=${SAME_SITE[sameSite]}`,
    ...(partitioned === true ? ['Partitioned'] : []),
  ].join('; ')
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
    return index === -1 ? undefined : { id, isOutdated: index > 0 }
  }

  #macOf(id: string, key: KeyObject): string {
    return createHmac('sha256', key).update(`${this.#purpose}=${id}`).digest('base64url')
  }
}

/**
 * Session IDs as PHP has them in its cookies: letters, digits, commas and dashes, percent-encoded. With
 * `session.sid_bits_per_character=6` half of them have a comma, which PHP sends as `%2C`.
 *
 * Nothing tells an ID that was made up from a real one before the table is asked.
 */
const plainIds: IdScheme = {
  // Letters and digits alone: PHP refuses "_", and Laravel "-" as well. Of 86 characters, some 83 are left.
  newId: () => randomText(64).replaceAll(/[-_]/g, '').slice(0, PLAIN_ID_CHARACTERS),
  sign: id => id,
  verify: value => {
    const id = percentDecoded(value)
    return id !== undefined && PHP_SESSION_ID.test(id) ? { id, isOutdated: false } : undefined
  },
}

const cookieOptionSpecs: OptionRows<SessionCookieOptions> = {
  name: textOption(
    'a cookie name of 1 to 64 letters, digits and !#$%&\'*+-.^_`|~, without the prefixes "__Host-" and "__Secure-" (see "prefix")',
    text => NAME.test(text) && !RESERVED_NAME.test(text),
  ),
  prefix: wordOption(['host', 'secure', 'none']),
  domain: textOption('a host name such as example.org, without leading dot', text => DOMAIN.test(text)),
  path: textOption('a path that begins with "/" and has no ";" or blanks', text => PATH.test(text)),
  sameSite: wordOption(['lax', 'strict', 'none']),
  partitioned: booleanOption(),
  persistent: booleanOption(),
  signed: booleanOption(),
  allowHttp: booleanOption(),
}

const EXPIRY = 'the cookie lives for as long as the session; set "ttlSeconds" beside "cookie"'

/** What stands here for options that cookies of other packages have. */
const elsewhere: Readonly<Record<string, string>> = {
  maxAge: EXPIRY,
  expires: EXPIRY,
  httpOnly: 'the cookie is always HttpOnly; leave it out',
  secure: 'the cookie is always Secure; for development over plain HTTP set "allowHttp"',
}

/** What contradicts itself in the options, as a sentence. */
function problemOf(options: SessionCookieOptions): string | undefined {
  const { allowHttp, prefix, domain, path, sameSite, partitioned } = options
  if (allowHttp === true && prefix !== 'none') {
    return `the cookie options "prefix: '${prefix}'" and "allowHttp" exclude each other: the prefix needs Secure`
  }
  if (allowHttp === true && (sameSite === 'none' || partitioned === true)) {
    return 'the cookie options "sameSite: \'none\'" and "partitioned" do not go with "allowHttp": they need Secure'
  }
  if (prefix !== 'host' || (domain === undefined && path === '/')) return undefined
  const culprit = domain === undefined ? 'path' : 'domain'
  return (
    `the cookie option "${culprit}" does not go with the prefix "__Host-", which needs Secure, Path=/ and no Domain; ` +
    'set "prefix: \'secure\'" to have one, at the price that other hosts of the domain can set the cookie, too'
  )
}

function valuesOf(name: string, header: string): string[] {
  return header
    .split(';')
    .map(pair => pair.trim())
    .filter(pair => pair.startsWith(`${name}=`))
    .map(pair => pair.slice(name.length + 1))
}

function percentDecoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value)
  } catch {
    return undefined
  }
}
