import type { SessionData } from 'express-session'

import { isTtl } from '../../items/expiry.ts'
import { DEFAULT_TTL_SECONDS, type SessionStoreOptions } from '../../options/store-options.ts'
import { expiryOfCookie } from '../shared/session-cookie.ts'

/** When a session is to expire by its cookie, else by `ttlSeconds`: epoch seconds, rounded up. */
export function expiresValue(
  session: SessionData,
  ttlSeconds: SessionStoreOptions<SessionData>['ttlSeconds'],
  nowMs: number,
): number {
  const { expiresMs, ttlSeconds: lifetime } = expiryOfCookie(session.cookie)
  if (expiresMs !== undefined) return Math.ceil(expiresMs / 1000)
  const byDefault = typeof ttlSeconds === 'function' ? ttlSeconds(session) : ttlSeconds
  const seconds = lifetime ?? (isTtl(byDefault) ? byDefault : DEFAULT_TTL_SECONDS)
  return Math.ceil(nowMs / 1000 + seconds)
}

/** Whether the cookie of a session says that it is over. */
export function isOver({ cookie }: SessionData, nowMs: number): boolean {
  const { expiresMs } = expiryOfCookie(cookie)
  return expiresMs !== undefined && expiresMs <= nowMs
}
