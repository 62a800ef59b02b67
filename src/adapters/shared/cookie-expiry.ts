import { isDate } from '../../internal/core-objects.ts'
import { LATEST_MS } from '../../internal/date-range.ts'
import type { ExpiryOptions } from '../../items/expiry.ts'

/**
 * When a session is to expire by its cookie: at `expires`, else after `maxAge` (milliseconds).
 *
 * Tolerant, as G5 asks: a cookie that is absent, lasts for the browser's session or holds no usable time says
 * nothing, so that the store's default lifetime applies.
 */
export function expiryOfCookie(cookie: unknown): ExpiryOptions {
  if (typeof cookie !== 'object' || cookie === null) return {}
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
  if (typeof cookie !== 'object' || cookie === null || !('expires' in cookie)) return cookie
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
