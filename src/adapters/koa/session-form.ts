import type { ExpiryOptions } from '../../items/expiry.ts'
import type { SessionRecord } from '../../items/session-record.ts'
import { expiryOfCookie, withStoredExpiry } from '../shared/cookie-expiry.ts'
import { COOKIE_KEYS, type FrameworkKeys, KOA_SESSION_KEYS, mayHave } from '../shared/framework-keys.ts'
import { isStoredCookie } from '../shared/session-cookie.ts'
import { defineTellingJson } from '../shared/telling-json.ts'

type LayoutName = Parameters<typeof mayHave>[1]
type Entries = Readonly<Record<string, unknown>>

/** How long a session of koa-session lives, in milliseconds or for as long as the browser's; absent: a day. */
export type MaxAge = number | 'session' | undefined

/** What tells how a session is shown and stored. */
export interface SessionForm {
  readonly layout: LayoutName
  /** Whether the middleware is koa-session, and not koa-generic-session. */
  readonly isKoaSession: boolean
}

const DAY_MS = 86_400_000

/** What the session objects of koa-session have under these names is theirs. */
const TAKEN: ReadonlySet<string> = new Set([
  '_requireSave',
  'commit',
  'externalKey',
  'isNew',
  'length',
  'manuallyCommit',
  'maxAge',
  'populated',
  'regenerate',
  'save',
  'toJSON',
])

/** Whether koa-session has made the data of a session, where no context tells. */
export function isOfKoaSession(data: unknown, layout: LayoutName): boolean {
  if (typeof data !== 'object' || data === null || !mayHave(KOA_SESSION_KEYS, layout)) return false
  const { _expire, _maxAge } = data as Entries
  return typeof _expire === 'number' || typeof _maxAge === 'number'
}

/** A session as the middleware gets it: `_expire` and the cookie say when it expires in fact, touches included (G5). */
export function loadedForm<Data extends object>(
  { data, expiresMs }: SessionRecord<Data>,
  { layout, isKoaSession }: SessionForm,
): Data {
  if (!isKoaSession) {
    const { cookie, ...others } = data as Entries
    const shown = isStoredCookie(cookie, layout) ? { cookie: withStoredExpiry(cookie, expiresMs) } : {}
    return { ...others, ...shown } as Data
  }
  const isOwn = mayHave(KOA_SESSION_KEYS, layout)
  const shown = Object.entries(data).filter(
    ([key]) => !TAKEN.has(key) && (isOwn || !isKeyOf(KOA_SESSION_KEYS, key)),
  )
  const { _session: lastsForBrowserSession } = data as Entries
  if (!isOwn || lastsForBrowserSession !== true) shown.push(['_expire', expiresMs])
  return Object.fromEntries(shown) as Data
}

/** Lets the middleware see changes that JSON does not show, and take values that are none in JSON. */
export function showTellingJson(loaded: object, { isKoaSession }: SessionForm): void {
  if (!isKoaSession) {
    defineTellingJson(loaded)
    return
  }
  // koa-session copies this to its session object, where it takes the place of the method that makes what is saved.
  Reflect.set(loaded, 'toJSON', function toJSON(this: object): unknown {
    const data: unknown = Reflect.apply(
      Reflect.get(Object.getPrototypeOf(this) as object, 'toJSON') as () => unknown,
      this,
      [],
    )
    if (typeof data === 'object' && data !== null) defineTellingJson(data)
    return data
  })
}

/**
 * A session as it is stored: without `_expire`, which is the item's expiry, and would make every extension a change; with other
 * keys of the middleware only where they belong; and with what the middleware could not show, as it is stored.
 *
 * @param stored the data that it was made from; absent when it is new.
 * @param loadedFor how long the middleware lets sessions live, when it was loaded.
 */
export function storedForm<Data extends object>(
  session: Data,
  stored: Data | undefined,
  { layout, isKoaSession }: SessionForm,
  loadedFor: MaxAge,
): Data {
  if (typeof session !== 'object' || session === null) return session
  if (!isKoaSession) {
    return mayStoreCookie(stored, layout) ? session : (without(COOKIE_KEYS, session, stored) as Data)
  }
  const { _expire: _, ...entries } = session as Entries
  const kept = Object.entries(stored ?? {}).filter(([key]) => {
    const isShown = !TAKEN.has(key) && !key.startsWith('_')
    return !isShown && !isEnumerable(session, key) && !isKeyOf(KOA_SESSION_KEYS, key)
  })
  const all = { ...entries, ...Object.fromEntries(kept) }
  return (
    mayStoreTerm(entries, stored, layout, loadedFor) ? all : without(KOA_SESSION_KEYS, all, stored)
  ) as Data
}

/** When a session is to expire, by what the middleware says. */
export function expiryOf(session: object, maxAge: MaxAge, { isKoaSession }: SessionForm): ExpiryOptions {
  const { _expire, cookie } = (session ?? {}) as Entries
  if (isKoaSession && typeof _expire === 'number' && Number.isFinite(_expire)) return { expiresMs: _expire }
  const expiry = expiryOfCookie({ maxAge })
  const isKnown = expiry.ttlSeconds !== undefined || expiry.expiresMs !== undefined
  return isKnown || isKoaSession ? expiry : expiryOfCookie(cookie)
}

function mayStoreCookie(stored: object | undefined, layout: LayoutName): boolean {
  if (stored === undefined) return mayHave(COOKIE_KEYS, layout)
  return isStoredCookie(Reflect.get(stored, 'cookie'), layout)
}

/** Whether how long a session lives is stored: not in that of others, unless the application has changed it. */
function mayStoreTerm(
  { _maxAge, _session }: Entries,
  stored: object | undefined,
  layout: LayoutName,
  loadedFor: MaxAge,
): boolean {
  if (!mayHave(KOA_SESSION_KEYS, layout)) return false
  if (stored === undefined || '_maxAge' in stored || '_session' in stored) return true
  return _session === true ? loadedFor !== 'session' : _maxAge !== (loadedFor || DAY_MS)
}

/** Data with the keys of a framework as they are stored. */
function without(keys: FrameworkKeys, data: object, stored: object = {}): object {
  const others = Object.entries(data).filter(([key]) => !isKeyOf(keys, key))
  const kept = Object.entries(stored).filter(([key]) => isKeyOf(keys, key))
  return Object.fromEntries([...others, ...kept])
}

function isEnumerable(session: object, key: string): boolean {
  return Object.prototype.propertyIsEnumerable.call(session, key)
}

function isKeyOf({ names }: FrameworkKeys, key: string): boolean {
  return names.includes(key)
}
