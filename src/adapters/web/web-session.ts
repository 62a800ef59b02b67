/// <reference lib="esnext.disposable" preserve="true" />

import { isDeepStrictEqual } from 'node:util'

import { invalidArgument } from '../../errors.ts'
import { isTypeError } from '../../internal/core-objects.ts'
import { type CallOptions, callRows } from '../../options/call-options.ts'
import { validateCallOptions } from '../../internal/option.ts'
import { kindOf } from '../../internal/option-mistakes.ts'
import type { SessionRecord } from '../../items/session-record.ts'
import type { SessionLock } from '../../locks/lease.ts'
import type { SessionStore } from '../../store/session-store.ts'
import type { SessionData } from '../../types.ts'
import { tellingJson } from '../../layouts/json.ts'
import { type PresentedCookie, type SessionCookie, type SetCookie, setCookieHeader } from './cookie.ts'

/**
 * How a session stands:
 *
 * - `'new'`: nothing is stored; it begins when something is set and committed.
 * - `'stored'`: it is in the table, as far as this request knows.
 * - `'destroyed'`: this request has destroyed it. What is set from then on begins another one, under a new ID.
 * - `'gone'`: on saving it turned out that somebody else has destroyed it, or that it has expired. This request cannot
 *   store anything any more; the next one begins anew.
 * - `'moved'`: another request has given it a new ID, at a sign-in for example, and its response brings the visitor that one. This
 *   request sets no cookie. What it changes is saved if it had read the session before, else not. `regenerate` and `destroy`
 *   begin a session of its own.
 */
export type WebSessionStatus = 'new' | 'stored' | 'destroyed' | 'gone' | 'moved'

/** What sessions have to know of the framework that they are for. */
export interface Host {
  /** Keeps what is shared in a process apart from that of other frameworks. */
  readonly name: string
  /** Says that it does not tell when a request ends, if it does not: `locking` is then refused. */
  readonly withoutLocking?: string
  /** What the option `isFailure` is by default. */
  readonly isFailure?: (response: Response) => boolean
}

/** What the sessions of one `webSessions` have in common. */
export interface SessionContext<Data extends object> {
  readonly store: SessionStore<Data>
  readonly cookie: SessionCookie
  readonly isRolling: boolean
  /** Whether a response says that the handler has failed. */
  readonly isFailure: (response: Response) => boolean
  /** Epoch milliseconds. */
  readonly now: () => number
}

/** What a request came with. */
export interface OpenedSession<Data extends object> {
  readonly presented: PresentedCookie
  /** The stored session; absent when there is none, or it has expired. */
  readonly record: SessionRecord<Data> | undefined
  /** The lock that it was read under. */
  readonly lock: SessionLock<Data> | undefined
  /** Whether there is none because it has just been given a new ID. */
  readonly hasMoved: boolean
}

/** What a session asks of the response to its request. */
interface ResponseMarks {
  /** The `Set-Cookie` value, if there is one to send. */
  readonly setCookie: string | undefined
  /** Whether what the handler did depended on the session. */
  readonly isUsed: boolean
}

const NOT_FOR_SHARED_CACHES = /(?:^|[\s,])(?:private|no-store)(?:$|[\s,])/i

/**
 * The session of one request.
 *
 * Values are read and changed in memory; {@link commit} stores what has changed, all at once. Values are what JSON can
 * carry. Changes inside of a value that `get` returned count as well.
 *
 * - Requests that change one session in parallel both keep their changes, by key.
 * - A session that another request has destroyed stays destroyed; {@link status} is then `'gone'`.
 * - A failed write is an error, and `commit` may be called again.
 *
 * @typeParam Data what the session holds, by key. It is the application's word: what is read is not checked.
 */
export class WebSession<Data extends object = SessionData> {
  readonly #context: SessionContext<Data>
  readonly #presented: PresentedCookie
  readonly #lock: SessionLock<Data> | undefined
  #record: SessionRecord<Data> | undefined
  #id: string | undefined
  #data: Data
  /** What `#data` was when it was read or last written, as text. */
  #knownText: string | undefined
  #status: WebSessionStatus
  #isRegenerating = false
  /** The ID to move the session to: a second try after a failure takes the same. */
  #nextId: string | undefined
  #isUsed = false
  /** Whether this request needs to write nothing more to extend the session. */
  #isExtended: boolean
  /** Whether the cookie is to be signed anew. */
  #isOutdated: boolean
  #isCookieDue = false
  #setCookie: SetCookie | undefined
  #turn: Promise<unknown> = Promise.resolve()

  /** @internal */
  constructor(context: SessionContext<Data>, { presented, record, lock, hasMoved }: OpenedSession<Data>) {
    this.#context = context
    this.#presented = presented
    this.#lock = lock
    this.#record = record
    this.#id = record && presented.id
    this.#data = record?.data ?? ({} as Data)
    this.#knownText = tellingJson(this.#data)
    if (record === undefined) this.#status = hasMoved ? 'moved' : 'new'
    else this.#status = 'stored'
    this.#isExtended = !context.isRolling
    this.#isOutdated = presented.isOutdated === true
  }

  /**
   * The session ID, once the session is stored; whoever knows it is the visitor. It changes when a commit carries out
   * {@link regenerate}.
   */
  get id(): string | undefined {
    this.#isUsed = true
    return this.#status === 'moved' ? undefined : this.#record && this.#id
  }

  /** How the session stands. */
  get status(): WebSessionStatus {
    this.#isUsed = true
    return this.#status
  }

  /**
   * Whether the response depends on the session.
   *
   * @internal
   */
  get isUsed(): boolean {
    return this.#isUsed
  }

  /**
   * The cookie that the response has to carry after a {@link commit} or {@link destroy}, in parts, for frameworks that set cookies by
   * name: `cookies.set(name, value, options)`. What `commit` returns is the same as a header. `undefined` when it needs none.
   */
  get setCookie(): SetCookie | undefined {
    return this.#setCookie
  }

  /** The keys that have a value. */
  keys(): (keyof Data & string)[] {
    this.#isUsed = true
    return Object.keys(this.#data) as (keyof Data & string)[]
  }

  /** The value of a key; `undefined` when there is none. Changes inside of it are stored by {@link commit}. */
  get<Key extends keyof Data & string>(key: Key): Data[Key] | undefined {
    return this.has(key) ? this.#data[key] : undefined
  }

  /** Whether there is a value for a key. */
  has(key: keyof Data & string): boolean {
    this.#isUsed = true
    return Object.hasOwn(this.#data, key)
  }

  /** Sets the value of a key: anything that JSON can carry. `undefined` deletes it. */
  set<Key extends keyof Data & string>(key: Key, value: Data[Key]): void {
    this.#isUsed = true
    // Without types: sessions of other packages take an object.
    if (typeof key !== 'string') {
      throw invalidArgument(`a value is set by its key, set(key, value); received ${kindOf(key)} as the key`)
    }
    if (value === undefined) Reflect.deleteProperty(this.#data, key)
    else define(this.#data, key, value)
  }

  /** Deletes a key. */
  delete(key: keyof Data & string): void {
    this.#isUsed = true
    Reflect.deleteProperty(this.#data, key)
  }

  /**
   * A message for the next page: with a value it sets the key, without one it returns the value of the key and deletes it, so that
   * it is read once. Requests that read it in parallel may all get it.
   */
  flash<Key extends keyof Data & string>(key: Key): Data[Key] | undefined
  flash<Key extends keyof Data & string>(key: Key, value: Data[Key]): void
  flash<Key extends keyof Data & string>(
    key: Key,
    ...values: [value: Data[Key]] | []
  ): Data[Key] | undefined {
    const message = this.get(key)
    const [value] = values
    if (value !== undefined) this.set(key, value)
    else this.delete(key)
    return values.length === 0 ? message : undefined
  }

  /**
   * Makes the next {@link commit} move the session to a new ID. Call it when a visitor signs in or gains rights: an ID that
   * somebody has planted or seen before is then worth nothing.
   *
   * The data and the age (`absoluteTimeoutSeconds`) are kept, nothing new is ever stored under the old ID, and a session that
   * somebody else has destroyed meanwhile does not live on under the new one. Requests of the visitor that know the old ID still
   * do not sign the visitor out: see {@link WebSessionStatus}.
   */
  regenerate(): void {
    this.#isUsed = true
    this.#isRegenerating = true
  }

  /**
   * Destroys the session now, and makes the browser forget it. What is set afterwards begins another session, under a
   * new ID.
   */
  destroy(options: CallOptions = {}): Promise<void> {
    this.#isUsed = true
    return this.#inTurn(async () => {
      const wasKnown = this.#presented.isThere || this.#setCookie !== undefined || this.#record !== undefined
      if (this.#record !== undefined) await this.#context.store.destroy(this.#record, options)
      this.#record = undefined
      this.#id = undefined
      this.#data = {} as Data
      this.#isRegenerating = false
      this.#isCookieDue = false
      this.#status = 'destroyed'
      this.#setCookie = wasKnown ? this.#context.cookie.clear() : undefined
    })
  }

  /**
   * Stores what has changed, or extends the session when nothing has and sessions are `rolling`, and gives a lock back.
   * A new session is stored only if something has been set. Doing it again without further changes writes nothing.
   *
   * @returns the value of the `Set-Cookie` header that the response has to carry; `undefined` when it needs none. For a
   *   session that somebody else has destroyed ({@link status} `'gone'`) it makes the browser forget the cookie.
   * @throws {SessionConflictError | LockLostError | SessionTooLargeError | TypeError} and whatever a write may fail with;
   *   see `SessionStore.write`.
   */
  commit(options: CallOptions = {}): Promise<string | undefined> {
    return this.#inTurn(async () => {
      validateCallOptions(options, callRows)
      await this.#store(options)
      if (this.#isCookieDue && this.#record !== undefined) this.#issueCookie(this.#record)
      return this.#setCookie && setCookieHeader(this.#setCookie)
    })
  }

  /**
   * {@link commit}, and the response with the cookie: the same response, or a copy where its headers cannot be changed.
   *
   * It also keeps caches from giving the response to others: a response that sets the cookie gets
   * `Cache-Control: no-store`, unless it says `private` or `no-store` itself; one whose handler used the session gets
   * `Vary: Cookie`.
   *
   * For a response that is a failure, by the option `isFailure`, it only gives a lock back.
   *
   * @throws {TypeError} `INVALID_ARGUMENT` for what is no response; the session is not committed then.
   */
  async commitTo(response: Response, options: CallOptions = {}): Promise<Response> {
    const { headers } = Object(response) as Partial<Response>
    if (typeof headers?.append !== 'function') {
      throw invalidArgument(`the handler must return a Response; received ${kindOf(response)}`)
    }
    await (this.#context.isFailure(response) ? this.release() : this.commit(options))
    const setCookie = this.#setCookie && setCookieHeader(this.#setCookie)
    return markedResponse(response, { setCookie, isUsed: this.#isUsed })
  }

  /**
   * Gives a lock back without storing anything; does nothing when there is none. For requests that end without a
   * {@link commit}.
   */
  release(): Promise<void> {
    return this.#inTurn(async () => this.#lock?.release())
  }

  /** The same as {@link release}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  async #store(options: CallOptions): Promise<void> {
    if (this.#status === 'gone') return
    if (this.#record === undefined) await this.#begin(options)
    else if (this.#isRegenerating) await this.#move(this.#record, options)
    else await this.#save(this.#record, options)
  }

  async #begin(options: CallOptions): Promise<void> {
    if (this.#status === 'moved' && !this.#isRegenerating) return
    this.#isRegenerating = false
    if (Object.keys(this.#data).length === 0) return
    // A second try after a failure must not leave two sessions behind.
    this.#id ??= this.#context.cookie.newId()
    const text = tellingJson(this.#data)
    const record = await this.#context.store.write(this.#id, this.#data, { signal: options.signal })
    this.#hasStored(record, text)
    this.#isCookieDue = true
  }

  async #save(basis: SessionRecord<Data>, { signal }: CallOptions): Promise<void> {
    const text = tellingJson(this.#data)
    const isChanged = text === undefined || text !== this.#knownText
    const isLocked = this.#lock?.isHeld === true
    if (!isChanged && this.#isExtended && !isLocked && !this.#isOutdated) return
    const expiresMs = isChanged || !this.#isExtended ? undefined : basis.expiresMs
    const { cookie, store } = this.#context
    const record = await store.write(this.#id ?? '', this.#data, { basis, signal, expiresMs })
    if (record === undefined) {
      this.#isGone()
      return
    }
    this.#hasStored(record, text)
    if (record.hasMoved) return
    const isExtended = record.expiresMs !== basis.expiresMs
    // A cookie that ends with the browser does not know when the session expires.
    if (cookie.isPersistent && isExtended) this.#isCookieDue = true
    if (!this.#isOutdated) return
    // Where nothing was written, another request may have moved the session since it was read.
    const isThere =
      isExtended ||
      record.revision !== basis.revision ||
      (await store.read(this.#id ?? '', { signal })) !== undefined
    if (isThere) this.#isCookieDue = true
  }

  /** Moves the session to a new ID. Nothing is written under the old one, which others may know. */
  async #move(old: SessionRecord<Data>, { signal }: CallOptions): Promise<void> {
    this.#nextId ??= this.#context.cookie.newId()
    const record = await this.#context.store.regenerate(old, this.#nextId, { data: this.#data, signal })
    if (record === undefined) {
      this.#isGone()
      return
    }
    this.#id = this.#nextId
    this.#nextId = undefined
    this.#isRegenerating = false
    this.#isCookieDue = true
    this.#takeOver(record.data)
    this.#hasStored(record, tellingJson(this.#data))
  }

  /** Shows what others have changed since the session was read. */
  #takeOver(latest: Data): void {
    if (latest === this.#data) return
    for (const key of new Set([...Object.keys(this.#data), ...Object.keys(latest)])) {
      const value: unknown = Reflect.get(latest, key)
      if (!Object.hasOwn(latest, key)) Reflect.deleteProperty(this.#data, key)
      else if (!isDeepStrictEqual(value, Reflect.get(this.#data, key))) define(this.#data, key, value)
    }
  }

  #hasStored(record: SessionRecord<Data>, text: string | undefined): void {
    // What others changed does not show in this session.
    this.#record = record.asWritten()
    this.#knownText = text
    this.#isExtended = true
    this.#status = record.hasMoved ? 'moved' : 'stored'
    if (record.hasMoved) this.#setCookie = undefined
  }

  #isGone(): void {
    this.#record = undefined
    this.#isCookieDue = false
    this.#status = 'gone'
    // Where it may have moved, the browser may have another cookie by now.
    this.#setCookie = this.#context.store.tellsMoves ? this.#context.cookie.clear() : undefined
  }

  #issueCookie({ expiresMs }: SessionRecord<Data>): void {
    const { cookie, now } = this.#context
    this.#setCookie = cookie.issue(this.#id ?? '', expiresMs - now())
    this.#isCookieDue = false
    this.#isOutdated = false
  }

  /** Calls of one session take turns, so that none works with what another is about to change. */
  #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const outcome = this.#turn.then(work)
    this.#turn = outcome.catch(() => undefined)
    return outcome
  }
}

/**
 * Writes the cookie of a session into the headers of a response, and keeps caches from handing one visitor's response to
 * another: `Vary: Cookie` where the session was used, and `Cache-Control: no-store` with the cookie unless the
 * application has said `private` or `no-store` itself.
 *
 * @throws {TypeError} when the headers cannot be changed; nothing has been changed then.
 */
function markResponse(headers: Headers, { setCookie, isUsed }: ResponseMarks): void {
  if (setCookie !== undefined) {
    if (!headers.getSetCookie().includes(setCookie)) headers.append('set-cookie', setCookie)
    if (!NOT_FOR_SHARED_CACHES.test(headers.get('cache-control') ?? '')) {
      headers.set('cache-control', 'no-store')
    }
  }
  if (isUsed && !variesByCookie(headers)) headers.append('vary', 'Cookie')
}

/** The response with the marks of {@link markResponse}: itself, or a copy where its headers cannot be changed. */
export function markedResponse(response: Response, marks: ResponseMarks): Response {
  try {
    markResponse(response.headers, marks)
    return response
  } catch (error) {
    if (!isTypeError(error)) throw error
    const copy = new Response(response.body, response)
    markResponse(copy.headers, marks)
    return copy
  }
}

function variesByCookie(headers: Headers): boolean {
  const names = (headers.get('vary') ?? '').split(',').map(name => name.trim().toLowerCase())
  return names.some(name => name === 'cookie' || name === '*')
}

/** Sets a property, also one that is called `__proto__`. */
function define(data: object, key: string, value: unknown): void {
  Object.defineProperty(data, key, { value, writable: true, enumerable: true, configurable: true })
}
