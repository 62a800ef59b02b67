import { AsyncLocalStorage } from 'node:async_hooks'

import type { CallOptions, ExpiryOptions } from '../options/call-options.ts'
import type { LayoutName } from '../layouts/layout-settings.ts'
import type { SessionRecord } from '../items/session-record.ts'
import { SessionStore } from '../store/session-store.ts'
import { entryRows } from '../options/entry-options.ts'
import type { RowsOf } from '../internal/option.ts'
import type { UnlockedStoreOptions } from '../options/store-options.ts'
import { FrameworkSessions } from './shared/framework-sessions.ts'
import { openStore, readOwnOptions, storeOption } from './shared/open-store.ts'
import { expiryOfCookie } from './shared/session-cookie.ts'
import { tellingJson } from '../layouts/json.ts'

/** A value in a session of `hono-sessions`. */
export interface HonoSessionEntry {
  readonly value: unknown
  /** Whether reading it once removes it. */
  readonly flash: boolean
}

/** A session as `hono-sessions` hands it to stores. */
export interface HonoSessionData {
  _id?: string
  _data: Record<string, HonoSessionEntry>
  /** ISO 8601; `null` while the session does not expire by itself. */
  _expire: string | null
  _delete: boolean
  /** ISO 8601 */
  _accessed: string | null
}

/**
 * A session as it is stored, and as the functions among the options get it: the entries of `_data` by key, so that
 * parallel requests that change different ones both keep their change, next to `_expire` and `_accessed`. Keys that
 * begin with `_`, and `cookie`, have one more `_` in front. The session ID is not in it.
 */
export type StoredHonoSession = Record<string, unknown>

/** The options that are not about the table. */
export interface EmptySessions {
  /**
   * Whether a session is stored although nothing has been put into it. `hono-sessions` begins a session for every visitor
   * without a cookie, bots included. With `false` those cost nothing, and get another session ID at every request until
   * something is kept of them.
   *
   * @default true
   */
  readonly storeEmptySessions?: boolean | undefined
}

/**
 * Options of {@link DynamoDBStore}: `storeEmptySessions`, and either those of a `SessionStore` without `locking` or, as `store`, a
 * `SessionStore` to use.
 */
export type DynamoDBStoreOptions = EmptySessions &
  (
    | (UnlockedStoreOptions<StoredHonoSession> & { readonly store?: undefined })
    | {
        /** Keeps the sessions. {@link DynamoDBStore.close} leaves it open. */
        readonly store: SessionStore<StoredHonoSession>
      }
  )

const ownRows: RowsOf<EmptySessions> = { ...storeOption, storeEmptySessions: entryRows.storeEmptySessions }

/** What is remembered of a session besides. */
interface KnownData {
  /** What was in `_data`, as text. */
  readonly dataText: string
  /** Whether the stored session has values instead of entries, as other software keeps them. */
  readonly isPlain: boolean
}

/** What is known about one request of `hono-sessions`. */
interface RequestState {
  failure: { readonly error: unknown } | undefined
}

/**
 * Keeps the sessions of the package `hono-sessions` in DynamoDB.
 *
 * - Parallel requests that change different keys of a session both keep their change; a session that one has
 *   deleted is not brought back by the late save of another. The store remembers what each session object was
 *   loaded as.
 * - `hono-sessions` takes a failed read for "no session" and begins another. This store refuses that one with the error
 *   of the read, so that the failure reaches `app.onError` and the visitor keeps the session.
 * - A session expires at its `_expire`; without one it lives for `ttlSeconds` from its last save.
 *
 * What the package's design does not allow: locks (`locking` is refused), and sessions that end at the same time as
 * their cookie by themselves. `dynamodb-sessions/hono` has both.
 *
 * @example
 * ```ts
 * import { Hono } from 'hono'
 * import { type Session, sessionMiddleware } from 'hono-sessions'
 * import { DynamoDBStore } from 'dynamodb-sessions/hono-sessions'
 *
 * const secret = process.env['SESSION_SECRET']
 * if (secret === undefined) throw new Error('SESSION_SECRET is not set')
 * const app = new Hono<{ Variables: { session: Session<{ user: string }> } }>()
 * app.use(
 *   sessionMiddleware({
 *     store: new DynamoDBStore({ table: 'sessions', region: 'eu-west-1' }),
 *     encryptionKey: secret, // at least 32 characters
 *     expireAfterSeconds: 86_400,
 *     cookieOptions: { path: '/', httpOnly: true, sameSite: 'Lax', secure: true, maxAge: 86_400 },
 *   }),
 * )
 * ```
 */
export class DynamoDBStore {
  readonly #sessions: FrameworkSessions<StoredHonoSession, KnownData>
  readonly #storesEmpty: boolean
  readonly #requests = new AsyncLocalStorage<RequestState>()

  /**
   * @param options options of a `SessionStore`, or a `SessionStore` to use; {@link close} leaves that open.
   * @throws {TypeError} `INVALID_OPTION` for unknown options, wrong values and `locking`.
   */
  constructor(options: DynamoDBStoreOptions | SessionStore<StoredHonoSession> = {}) {
    const given = options instanceof SessionStore ? { store: options } : options
    const { settings, forStore } = readOwnOptions<StoredHonoSession, EmptySessions>(given, ownRows)
    const opened = openStore(
      forStore,
      'hono-sessions, which does not tell its store when a request ends; dynamodb-sessions/hono supports it',
    )
    this.#sessions = new FrameworkSessions(opened)
    this.#storesEmpty = settings.storeEmptySessions ?? true
  }

  /** Loads a session; `null` when there is none, or the ID is none. */
  getSessionById(sessionId?: string): Promise<HonoSessionData | null> {
    const state: RequestState = { failure: undefined }
    // Set before anything is awaited, it is seen by what hono-sessions calls next for the same request.
    this.#requests.enterWith(state)
    return this.#load(sessionId, state)
  }

  /**
   * Stores a session that begins.
   *
   * @throws what the read that came before it in the same request has failed with.
   */
  async createSession(sessionId: string, initialData: HonoSessionData): Promise<void> {
    const state = this.#requests.getStore()
    const failure = state?.failure
    if (state !== undefined) state.failure = undefined
    if (failure !== undefined) throw failure.error
    await this.#create(sessionId, initialData)
  }

  /**
   * Saves a session. When `sessionData` was loaded from this store, or saved by it before, and has been deleted or has
   * expired since, nothing is written and that is no error.
   */
  async persistSessionData(sessionId: string, sessionData: HonoSessionData): Promise<void> {
    const origin = this.#sessions.originOf(sessionData, sessionId)
    if (origin === undefined) {
      await this.#create(sessionId, sessionData)
      return
    }
    const dataText = textOf(sessionData)
    const expiry = expiryOf(sessionData)
    // That a session was accessed is in its expiry; writing it for that alone would make every page view a write.
    if (dataText !== undefined && dataText === origin.dataText) {
      await this.#sessions.store.touch(origin.record, expiry)
      return
    }
    const stored = toStored(sessionData, origin.isPlain)
    const known = { dataText: dataText ?? '', isPlain: origin.isPlain }
    await this.#sessions.save(sessionData, sessionId, stored, { basis: origin.record, ...expiry }, known)
  }

  /** Deletes a session. */
  async deleteSession(sessionId: string): Promise<void> {
    await this.#sessions.store.destroy(sessionId)
  }

  /** Checks at start that sessions can be kept: {@link SessionStore.ready}. Call it before the application listens. */
  ready(options?: CallOptions): Promise<void> {
    return this.#sessions.store.ready(options)
  }

  /** Lets calls under way finish and closes the connections of the store, unless they are somebody else's. */
  close(): Promise<void> {
    return this.#sessions.close()
  }

  async #load(sessionId: string | undefined, state: RequestState): Promise<HonoSessionData | null> {
    try {
      const record = await this.#sessions.read(sessionId)
      if (sessionId === undefined || record === undefined) return null
      const isPlain = isPlainSession(record.data, this.#sessions.store.layoutName)
      const data = fromStored(record, sessionId, isPlain)
      this.#sessions.remember(data, { id: sessionId, record, dataText: textOf(data) ?? '', isPlain })
      return data
    } catch (error) {
      state.failure = { error }
      throw error
    }
  }

  async #create(id: string, data: HonoSessionData): Promise<void> {
    const dataText = textOf(data) ?? ''
    const isPlain = this.#sessions.store.layoutName !== 'native'
    if (!this.#storesEmpty && dataText === '{}') return
    await this.#sessions.save(data, id, toStored(data, isPlain), expiryOf(data), { dataText, isPlain })
  }
}

function expiryOf({ _expire }: HonoSessionData): ExpiryOptions {
  return expiryOfCookie({ expires: _expire })
}

function textOf({ _data }: HonoSessionData): string | undefined {
  return tellingJson(_data)
}

function toStored({ _data, _expire, _accessed }: HonoSessionData, isPlain: boolean): StoredHonoSession {
  const entries = Object.entries(_data)
  if (isPlain) return Object.fromEntries<unknown>(entries.map(([key, entry]) => [key, plainValue(entry)]))
  return {
    ...Object.fromEntries<unknown>(entries.map(([key, entry]) => [storedKey(key), entry])),
    _expire,
    _accessed,
  }
}

function fromStored(
  { data, expiresMs }: SessionRecord<StoredHonoSession>,
  sessionId: string,
  isPlain: boolean,
): HonoSessionData {
  const { _expire, _accessed, ...entries } = data
  const known = isPlain
    ? Object.entries(data).map(([key, value]) => [key, entryOf(value)] as const)
    : Object.entries(entries).map(([key, entry]) => [keyOfStored(key), entry] as const)
  return {
    _id: sessionId,
    _data: Object.fromEntries(known) as HonoSessionData['_data'],
    // What is stored may have been extended since by a touch. Without an expiry the framework is to see none.
    _expire: !isPlain && typeof _expire === 'string' ? new Date(expiresMs).toISOString() : null,
    _delete: false,
    _accessed: !isPlain && typeof _accessed === 'string' ? _accessed : null,
  }
}

/**
 * Whether a stored session has not all of what this store adds. Sessions of other software, whose own keys may be called like
 * those of the framework, have it only if they were moved there.
 */
function isPlainSession(data: StoredHonoSession, layout: LayoutName): boolean {
  if (!Object.hasOwn(data, '_expire') || !Object.hasOwn(data, '_accessed')) return true
  const { _expire, _accessed, ...entries } = data
  return layout !== 'native' && !Object.values(entries).every(isEntry)
}

function isEntry(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'flash') === 'boolean'
}

/** An entry where others keep values. Only that it is read once has to be stored with it. */
function plainValue(entry: HonoSessionEntry): unknown {
  return entry.flash ? entry : entry.value
}

function entryOf(value: unknown): HonoSessionEntry {
  const isFlash = typeof value === 'object' && value !== null && 'flash' in value && value.flash === true
  return isFlash && 'value' in value ? { value: value.value, flash: true } : { value, flash: false }
}

/** Keeps the keys of the application apart from `_expire` and `_accessed`, and from `cookie`, which merges differently. */
function storedKey(key: string): string {
  return key.startsWith('_') || key === 'cookie' ? `_${key}` : key
}

function keyOfStored(key: string): string {
  return key.startsWith('_') ? key.slice(1) : key
}
