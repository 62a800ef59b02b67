import type { LayoutName } from '../../layouts/layout.ts'

/** Keys among the data of a session that belong to a framework, and not to the application. */
export interface FrameworkKeys {
  readonly names: readonly string[]
  /**
   * Layouts whose sessions may have these keys: our own, and those of stores for the same framework. All others belong to
   * software that would take the keys for data of the application.
   */
  readonly layouts: readonly LayoutName[]
}

/** The cookie of express-session, `@fastify/session` and `koa-generic-session`. */
export const COOKIE_KEYS: FrameworkKeys = {
  names: ['cookie'],
  layouts: [
    'native',
    'connect-dynamodb',
    'dynamodb-store',
    'connect-dynamodb-session',
    'pwrdrvr',
    'serverless-dynamodb-session-store',
  ],
}

/** When a session of `koa-session` expires, and for how long it lives. */
export const KOA_SESSION_KEYS: FrameworkKeys = {
  names: ['_expire', '_maxAge', '_session'],
  layouts: ['native', 'koa-session-dynamodb'],
}

/** When a session of `hono-sessions` expires, and when it was last used. */
export const HONO_SESSIONS_KEYS: FrameworkKeys = { names: ['_expire', '_accessed'], layouts: ['native'] }

/** Whether the sessions of a layout may have the keys of a framework. */
export function mayHave({ layouts }: FrameworkKeys, layout: LayoutName): boolean {
  return layouts.includes(layout)
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

function isPlain(session: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(session)
  return prototype === null || prototype === Object.prototype
}
