import { invalidOption } from '../errors.ts'
import { isObject } from '../internal/core-objects.ts'
import type { CallOptions, ExpiryOptions } from '../options/call-options.ts'
import type { SessionRecord } from '../items/session-record.ts'
import type { DestroyByUserOptions } from '../items/session-record.ts'
import type { LayoutName } from '../layouts/layout-settings.ts'
import type { SessionStoreOptions } from '../options/store-options.ts'
import type { SessionStore } from '../store/session-store.ts'
import type { SessionData } from '../types.ts'
import {
  FrameworkSessions,
  type Origin,
  toStoreError,
  unlessNoId,
  warnOf,
} from './shared/framework-sessions.ts'
import { openStore } from './shared/open-store.ts'
import { holdUntilRequestEnd, rememberResponses, responseTo } from './shared/request-end.ts'
import { expiryOfCookie, keepsCookie, shownForm, storedForm } from './shared/session-cookie.ts'
import { defineTellingJson } from '../layouts/json.ts'

/** Options of {@link DynamoDBStore}: those of {@link SessionStore}. */
export type DynamoDBStoreOptions<Data extends object = SessionData> = SessionStoreOptions<Data>

/** What `koa-session` passes to its store along with each call. */
export interface KoaStoreCall {
  /** The context of the request. */
  readonly ctx?: unknown
  readonly rolling?: boolean | undefined
  readonly changed?: boolean | undefined
}

/** What is remembered of a session besides. */
interface KnownTerm {
  /** How long the middleware let sessions live when it was loaded. */
  readonly maxAge?: MaxAge
}

type Entries = Readonly<Record<string, unknown>>

/** How long a session of koa-session lives, in milliseconds or for as long as the browser's; absent: a day. */
type MaxAge = number | 'session' | undefined

/** What tells how a session is shown and stored. */
interface SessionForm {
  readonly layout: LayoutName
  /** Whether the middleware is koa-session, and not koa-generic-session. */
  readonly isKoaSession: boolean
}

const DAY_MS = 86_400_000

/** Shallow copies of a session carry it; JSON and loops over keys leave it out. */
const LOADED_AS = Symbol('dynamodb-sessions')

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

/**
 * Keeps the sessions of `koa-session` (6.2 or newer), or of `koa-generic-session`, in DynamoDB.
 *
 * - Parallel requests that change different top-level keys of one session both keep their changes, and a session
 *   that one request has destroyed is not brought back by the late save of another, nor under a new ID by its
 *   `regenerate`. For `koa-session` the store remembers by the request's context what each session was loaded as; for
 *   `koa-generic-session`, which does not pass the context, by the session object and its shallow copies. `onConflict` can
 *   decide otherwise.
 * - With `locking`, requests of one session take turns instead: a session is locked when it is loaded, until it is saved
 *   or destroyed, or the response is over. `koa-session` only.
 * - A failure reaches the request as an error and is never taken for "no session".
 * - A session expires when its cookie does; sessions whose cookie says nothing live for `ttlSeconds`.
 * - A session that was not changed is not written, and its expiry only when it moves by a worthwhile amount
 *   (`touchAfterSeconds`).
 *
 * @example
 * ```ts
 * import Koa from 'koa'
 * import session from 'koa-session'
 * import { DynamoDBStore } from 'dynamodb-sessions/koa'
 *
 * const secret = process.env['SESSION_SECRET']
 * if (secret === undefined) throw new Error('SESSION_SECRET is not set')
 * const app = new Koa()
 * app.keys = [secret]
 * const store = new DynamoDBStore({ table: 'sessions', region: 'eu-west-1' })
 * app.use(session({ store, maxAge: 86_400_000, rolling: true }, app))
 * ```
 *
 * @typeParam Data what the application keeps in a session. It is the application's word: what is read is not checked.
 */
export class DynamoDBStore<Data extends object = SessionData> {
  /** By the context of the request; by session object for koa-generic-session, which passes copies and no context. */
  readonly #sessions: FrameworkSessions<Data, KnownTerm>
  /** The contexts of requests whose session had just been given a new ID when they came: nothing of them is stored. */
  readonly #late = new WeakSet()
  /** Whether the caller is koa-session, which tells whose request a call belongs to. */
  #servesKoaSession = false

  /**
   * @param options options of a {@link SessionStore}, or a `SessionStore` to use; {@link close} leaves that open.
   * @throws {TypeError} `INVALID_OPTION` for unknown options and wrong values. A missing table, region or credential
   *   shows at the first request.
   */
  constructor(options: DynamoDBStoreOptions<Data> | SessionStore<Data> = {}) {
    this.#sessions = new FrameworkSessions(openStore(options), LOADED_AS)
    if (this.#sessions.store.locksSessions) rememberResponses()
  }

  /**
   * Loads a session; `undefined` when there is none. Does not extend its life.
   *
   * @param call what `koa-session` passes along.
   * @throws {TypeError} `INVALID_OPTION` with `locking`, for a caller that never passes a context: `koa-generic-session`.
   */
  get(key: string, maxAge?: MaxAge, call?: KoaStoreCall): Promise<Data | undefined> {
    return settled(this.#load(key, maxAge, call))
  }

  /**
   * Saves a session. When it was loaded by this request and has been destroyed or has expired since, nothing is written
   * and that is no error. What others have saved meanwhile is merged with it, which the request does not see.
   *
   * @param maxAge lifetime in milliseconds. The `_expire` of `koa-session`, which is more exact, takes precedence.
   * @param call what `koa-session` passes along.
   */
  set(key: string, session: Data, maxAge?: MaxAge, call?: KoaStoreCall): Promise<void> {
    return settled(this.#save(key, session, maxAge, call))
  }

  /**
   * Deletes a session.
   *
   * @param call what `koa-session` passes along.
   */
  destroy(key: string, call?: KoaStoreCall): Promise<void> {
    return settled(this.#destroy(key, call))
  }

  /**
   * Destroys the sessions of a user, as {@link SessionStore.destroyByUser} does: "sign out everywhere". Needs the option
   * `userId`.
   *
   * @param options `except`: the keys of sessions to keep, `ctx.session.externalKey` for example.
   */
  destroyByUser(userId: string, options?: DestroyByUserOptions<Data>): Promise<number> {
    return this.#sessions.store.destroyByUser(userId, options)
  }

  /** Checks at start that sessions can be kept: {@link SessionStore.ready}. Call it before the application listens. */
  ready(options?: CallOptions): Promise<void> {
    return this.#sessions.store.ready(options)
  }

  /** Lets calls under way finish and closes the connections of the store, unless they are somebody else's. */
  close(): Promise<void> {
    return this.#sessions.close()
  }

  async #load(key: string, maxAge: MaxAge, call: KoaStoreCall | undefined): Promise<Data | undefined> {
    const found = await unlessNoId(
      this.#sessions.store.locksSessions ? this.#lock(key, call) : this.#read(key, call),
    )
    if (found === undefined) return undefined
    const origin = { ...found, maxAge }
    const form = this.#formOf(origin.record.data, call)
    const loaded = loadedForm(origin.record, form)
    if (this.#sessions.store.holdsPhpValues) showTellingJson(loaded, form)
    const context = contextOf(call)
    if (context === undefined) this.#sessions.rememberCopies(loaded, origin)
    else this.#sessions.remember(context, origin)
    return loaded
  }

  async #read(id: string, call: KoaStoreCall | undefined): Promise<Origin<Data> | undefined> {
    const record = await this.#sessions.store.readArriving(id, undefined, () => {
      const context = contextOf(call)
      if (context !== undefined) this.#late.add(context)
    })
    return record && { id, record }
  }

  /**
   * Locks a session until its request is over, however that ends, if nothing has ended the lock before. Where there is no
   * response that would end it, for a WebSocket or a job, the session is only read.
   */
  async #lock(key: string, call: KoaStoreCall | undefined): Promise<Origin<Data> | undefined> {
    const context = contextOf(call) ?? {}
    this.#servesKoaSession ||= 'req' in context || 'res' in context
    const { req, res } = context as Readonly<Record<'req' | 'res', unknown>>
    const request = isObject(req) ? req : {}
    const response = responseTo(request, res)
    if (response === undefined) {
      if (this.#servesKoaSession) return this.#read(key, call)
      throw invalidOption(
        'the option "locking" goes with koa-session 6.2 and newer only: other callers do not tell the store when a ' +
          'request ends',
      )
    }
    // The middleware may be mounted twice: it would wait for itself.
    const known = this.#sessions.originOf(context, key)
    if (known?.lock?.isHeld === true) return known
    // The lock is not renewed before it belongs to a request, whose end ends it.
    const lock = await this.#sessions.store.lock(key, { renew: false })
    if (lock === undefined) {
      await this.#read(key, call)
      return undefined
    }
    holdUntilRequestEnd(lock, response, request, error => warnOf(toStoreError(error)))
    return { id: key, record: lock.record, lock }
  }

  async #save(key: string, session: Data, maxAge: MaxAge, call: KoaStoreCall | undefined): Promise<void> {
    const context = contextOf(call)
    const holder = context ?? session
    if (this.#sessions.isGone(holder)) return
    if (context !== undefined && this.#late.has(context)) {
      withholdCookie(context, key)
      return
    }
    const loadedFor = this.#sessions.originOf(holder, key)?.maxAge
    const base = this.#sessions.baseOf(holder, key)
    const form = this.#formOf(session, call)
    const data = savedForm(session, (base.basis ?? base.movedFrom)?.data, form, loadedFor)
    const expiry = expiryOf(session, maxAge, form)
    const known = { maxAge: loadedFor }
    if (context !== undefined && base.movedFrom !== undefined) {
      await this.#sessions.regenerate(holder, key, base.movedFrom, { data, ...expiry }, known)
      return
    }
    const record = await this.#sessions.save(holder, key, data, { ...base, ...expiry }, known)
    // The browser may have been given another one by now.
    if (context !== undefined && record?.hasMoved !== false) withholdCookie(context, key)
  }

  #formOf(data: Data, call: KoaStoreCall | undefined): SessionForm {
    const { layoutName: layout } = this.#sessions.store
    return { layout, isKoaSession: contextOf(call) !== undefined || isOfKoaSession(data, layout) }
  }

  async #destroy(key: string, call: KoaStoreCall | undefined): Promise<void> {
    const context = contextOf(call)
    const origin = this.#sessions.originOf(context, key)
    // With a session still there it is a `regenerate`, which is about to save that under another key: that moves it.
    if (context !== undefined && origin !== undefined && isObject(Reflect.get(context, 'session'))) {
      this.#sessions.setPredecessor(context, origin.record)
      return
    }
    if (context !== undefined) this.#late.delete(context)
    await this.#sessions.store.destroy(origin?.record ?? key)
  }
}

/**
 * Keeps the middleware from sending the cookie of a session that is not stored under this key: it would take the place of the one
 * that a sign-in has set.
 */
function withholdCookie(context: object, key: string): void {
  const cookies: unknown = Reflect.get(context, 'cookies')
  const set: unknown = isObject(cookies) && Reflect.get(cookies, 'set')
  if (!isObject(cookies) || typeof set !== 'function') return
  Reflect.set(cookies, 'set', (...parameters: unknown[]) => {
    const result: unknown = parameters[1] === key ? cookies : Reflect.apply(set, cookies, parameters)
    return result
  })
}

/** The outcome of a call; its failure is one that neither package takes for the absence of a session. */
async function settled<Value>(outcome: Promise<Value>): Promise<Value> {
  try {
    return await outcome
  } catch (error) {
    throw toStoreError(error)
  }
}

/** The context of a call; `undefined` when it has none. */
function contextOf(call: KoaStoreCall | undefined): object | undefined {
  const context: unknown = call?.ctx
  return isObject(context) ? context : undefined
}

/** Whether koa-session has made the data of a session, where no context tells. */
function isOfKoaSession(data: unknown, layout: LayoutName): boolean {
  if (!isObject(data) || !mayHaveTerm(layout)) return false
  const { _expire, _maxAge } = data as Entries
  return typeof _expire === 'number' || typeof _maxAge === 'number'
}

/** A session as the middleware gets it: `_expire` and the cookie say when it expires in fact, touches included. */
function loadedForm<Data extends object>(
  { data, expiresMs }: SessionRecord<Data>,
  { layout, isKoaSession }: SessionForm,
): Data {
  if (!isKoaSession) return shownForm(data, expiresMs, layout) as Data
  const isOwn = mayHaveTerm(layout)
  const shown = Object.entries(data).filter(([key]) => !TAKEN.has(key) && (isOwn || !isTermKey(key)))
  const { _session: lastsForBrowserSession } = data as Entries
  if (!isOwn || lastsForBrowserSession !== true) shown.push(['_expire', expiresMs])
  return Object.fromEntries(shown) as Data
}

/** Lets the middleware see changes that JSON does not show, and take values that are none in JSON. */
function showTellingJson(loaded: object, { isKoaSession }: SessionForm): void {
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
    if (isObject(data)) defineTellingJson(data)
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
function savedForm<Data extends object>(
  session: Data,
  stored: Data | undefined,
  { layout, isKoaSession }: SessionForm,
  loadedFor: MaxAge,
): Data {
  if (!isObject(session)) return session
  if (!isKoaSession) return storedForm(session, session, stored, keepsCookie(stored, layout))
  const { _expire: _, ...entries } = session as Entries
  const kept = Object.entries(stored ?? {}).filter(([key]) => {
    const isShown = !TAKEN.has(key) && !key.startsWith('_')
    return !isShown && !isEnumerable(session, key) && !isTermKey(key)
  })
  const all = { ...entries, ...Object.fromEntries(kept) }
  return (mayStoreTerm(entries, stored, layout, loadedFor) ? all : withStoredTerm(all, stored)) as Data
}

/** When a session is to expire, by what the middleware says. */
function expiryOf(session: object, maxAge: MaxAge, { isKoaSession }: SessionForm): ExpiryOptions {
  const { _expire, cookie } = (session ?? {}) as Entries
  if (isKoaSession && typeof _expire === 'number' && Number.isFinite(_expire)) return { expiresMs: _expire }
  const expiry = expiryOfCookie({ maxAge })
  const isKnown = expiry.ttlSeconds !== undefined || expiry.expiresMs !== undefined
  return isKnown || isKoaSession ? expiry : expiryOfCookie(cookie)
}

/** Whether how long a session lives is stored: not in that of others, unless the application has changed it. */
function mayStoreTerm(
  { _maxAge, _session }: Entries,
  stored: object | undefined,
  layout: LayoutName,
  loadedFor: MaxAge,
): boolean {
  if (!mayHaveTerm(layout)) return false
  if (stored === undefined || '_maxAge' in stored || '_session' in stored) return true
  return _session === true ? loadedFor !== 'session' : _maxAge !== (loadedFor || DAY_MS)
}

/** Data with the keys of the middleware as they are stored. */
function withStoredTerm(data: object, stored: object = {}): object {
  const others = Object.entries(data).filter(([key]) => !isTermKey(key))
  const kept = Object.entries(stored).filter(([key]) => isTermKey(key))
  return Object.fromEntries([...others, ...kept])
}

function isEnumerable(session: object, key: string): boolean {
  return Object.prototype.propertyIsEnumerable.call(session, key)
}

function isTermKey(key: string): boolean {
  return key === '_expire' || key === '_maxAge' || key === '_session'
}

/** Other software would take these keys for data of the application. */
function mayHaveTerm(layout: LayoutName): boolean {
  return layout === 'native' || layout === 'koa-session-dynamodb'
}
