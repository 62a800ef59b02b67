import { isDate, isJsonObject, isObject, LATEST_MS } from '../../internal/core-objects.ts'
import { randomText } from '../../internal/random.ts'
import type { ExpiryOptions } from '../../options/call-options.ts'
import type { LayoutName } from '../../layouts/layout-settings.ts'

/** The properties of a session's cookie. */
export type CookieProperties = Readonly<Record<string, unknown>>

/** Under these names a cookie says when it expires, and for how long it lives. */
const EXPIRES = 'expires'
const LIFETIME = 'originalMaxAge'
/** What is left of the lifetime; of cookies that are not made by a framework it may be the lifetime. */
const REMAINING = 'maxAge'
/** Frameworks compute the lifetime from two looks at the clock, between which it may tick. */
const NEGLIGIBLE_MS = 1000

/** Layouts whose sessions have the cookie of express-session, `@fastify/session` or `koa-generic-session` among their data. */
const COOKIE_LAYOUTS: ReadonlySet<LayoutName> = new Set([
  'native',
  'connect-dynamodb',
  'dynamodb-store',
  'connect-dynamodb-session',
  'pwrdrvr',
  'serverless-dynamodb-session-store',
])

/** Some of which a cookie has, unless it is empty. */
const ATTRIBUTES = [EXPIRES, LIFETIME, REMAINING, 'httpOnly', 'secure', 'sameSite', 'path', 'domain']

/** A session ID that nobody can guess: 256 random bits, 43 characters that a cookie can carry as they are. */
export function newSessionId(): string {
  return randomText(32)
}

/** Whether a value is the cookie of a framework. What else an application keeps as `cookie` is data like any other. */
export function isSessionCookie(value: unknown): value is object {
  if (!isJsonObject(value)) return false
  return ATTRIBUTES.some(name => name in value) || Object.keys(value).length === 0
}

/**
 * Whether what a session stores as `cookie` is the cookie of a framework.
 *
 * The sessions of software of another kind have one only if they were moved there. Their own data have no `originalMaxAge`, but
 * may well have a `path` or a `domain`.
 */
export function isStoredCookie(value: unknown, layout: LayoutName): value is object {
  return isSessionCookie(value) && (mayHaveCookie(layout) || LIFETIME in value)
}

/** Whether new sessions of a layout are stored with their cookie. All other software would take it for data of the application. */
export function mayHaveCookie(layout: LayoutName): boolean {
  return COOKIE_LAYOUTS.has(layout)
}

/** Whether the cookie of a session is stored with it: in a new one where it belongs there, else where it was before. */
export function keepsCookie(stored: object | undefined, layout: LayoutName): boolean {
  return stored === undefined ? mayHaveCookie(layout) : isStoredCookie(Reflect.get(stored, 'cookie'), layout)
}

/**
 * A session as it is stored: with what else is stored as `cookie` where its own cookie is not, and with what the session object
 * could not show.
 *
 * @param data of the session object, or itself.
 * @param stored the data that it was made from; absent when it is new.
 */
export function storedForm<Data extends object>(
  data: Data,
  session: object,
  stored: object | undefined,
  storesCookie: boolean,
): Data {
  const shadowed = shadowedEntries(session, stored)
  if (storesCookie && shadowed.length === 0) return data
  const form: Record<string, unknown> = { ...data, ...Object.fromEntries(shadowed) }
  if (storesCookie) return form as Data
  const { cookie } = (stored ?? {}) as { readonly cookie?: unknown }
  if (cookie === undefined) delete form['cookie']
  else form['cookie'] = cookie
  return form as Data
}

/**
 * The entries of a stored session that the session object of a framework cannot show, because it has other things under
 * their names: PHP's `$_SESSION['id']`, for one. A save must not take them for removed.
 *
 * @param session the framework's object that was made from `stored`; plain objects show everything.
 */
export function shadowedEntries(session: object, stored: object | undefined): [string, unknown][] {
  if (stored === undefined || isPlain(session)) return []
  return Object.entries(stored).filter(
    ([key]) => key in session && !Object.prototype.propertyIsEnumerable.call(session, key),
  )
}

/** The data of a session that is loaded, with a cookie that shows when it expires in fact, if that is the cookie of a framework. */
export function shownForm(data: object, expiresMs: number, layout: LayoutName): Record<string, unknown> {
  const { cookie, ...shown } = data as Record<string, unknown>
  return isStoredCookie(cookie, layout) ? { ...shown, cookie: withStoredExpiry(cookie, expiresMs) } : shown
}

/** The properties of a cookie as they are now. */
export function propertiesOf(cookie: object): CookieProperties {
  const { toJSON } = cookie as { readonly toJSON?: unknown }
  const properties: unknown = typeof toJSON === 'function' ? toJSON.call(cookie) : cookie
  return { ...(properties as object) }
}

/**
 * Whether two cookies differ in nothing but the moment of their expiry, which every request moves.
 *
 * An absent property is the same as one that is `null` or `undefined`.
 */
export function isSameButForExpiry(left: CookieProperties, right: CookieProperties): boolean {
  const names = new Set([...Object.keys(left), ...Object.keys(right)])
  names.delete(REMAINING)
  for (const name of names) {
    const [mine, other] = [asStored(left[name]), asStored(right[name])]
    if (name === EXPIRES) {
      if ((mine === null) !== (other === null)) return false
    } else if (name === LIFETIME && typeof mine === 'number' && typeof other === 'number') {
      if (Math.abs(mine - other) >= NEGLIGIBLE_MS) return false
    } else if (mine !== other && JSON.stringify(mine) !== JSON.stringify(other)) return false
  }
  return true
}

/**
 * When a session is to expire by its cookie: at `expires`, else after `maxAge` (milliseconds).
 *
 * Tolerant, as G5 asks: a cookie that is absent, lasts for the browser's session or holds no usable time says
 * nothing, so that the store's default lifetime applies.
 */
export function expiryOfCookie(cookie: unknown): ExpiryOptions {
  if (!isObject(cookie)) return {}
  const { expires, maxAge } = cookie as { readonly expires?: unknown; readonly maxAge?: unknown }
  const expiresMs = toEpochMs(expires)
  if (expiresMs !== undefined) return { expiresMs }
  if (typeof maxAge !== 'number' || !Number.isFinite(maxAge)) return {}
  return maxAge > 0 ? { ttlSeconds: maxAge / 1000 } : { expiresMs: 0 }
}

/**
 * The cookie of a session that is loaded, with the moment at which the session expires in fact, touches included (G5).
 *
 * A cookie without an expiry lasts for the browser's session and is left as it is: giving it one would make it outlive
 * that. An expiry that is no time is replaced, too.
 */
export function withStoredExpiry(cookie: unknown, expiresMs: number): unknown {
  if (!isObject(cookie) || !('expires' in cookie)) return cookie
  const { expires } = cookie
  if (expires === undefined || expires === null || expires === false) return cookie
  const cookieMs = typeof expires === 'string' ? Date.parse(expires) : Number.NaN
  // No one has touched the session since it was saved; many layouts round up to whole seconds.
  if (cookieMs === expiresMs || Math.ceil(cookieMs / 1000) * 1000 === expiresMs) return cookie
  // A session that never expires by itself says nothing about its cookie.
  if (expiresMs >= LATEST_MS) return cookie
  return { ...cookie, expires: new Date(expiresMs).toISOString() }
}

function toEpochMs(time: unknown): number | undefined {
  if (!isDate(time) && typeof time !== 'string') return undefined
  const epochMs = new Date(time).getTime()
  return Number.isNaN(epochMs) ? undefined : epochMs
}

/** A property as JSON keeps it, which is as `null` where there is nothing, or no time and no number. */
function asStored(property: unknown): unknown {
  const isNothing = property === undefined || JSON.stringify(property) === 'null'
  return isNothing ? null : property
}

function isPlain(session: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(session)
  return prototype === null || prototype === Object.prototype
}
