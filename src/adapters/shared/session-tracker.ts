import { hiddenField } from '../../internal/weak-property.ts'
import type { SessionRecord } from '../../items/session-record.ts'
import type { SessionLock } from '../../locks/session-lock.ts'
import { contextOf, type KoaStoreCall } from '../koa/koa-request.ts'

/** What a session was loaded or last saved as. */
export interface Origin<Data extends object> {
  readonly record: SessionRecord<Data>
  readonly lock?: SessionLock<Data> | undefined
  /** How long the middleware let sessions live then. */
  readonly maxAge?: number | 'session' | undefined
}

/** What one request has to do with sessions. */
interface RequestState<Data extends object> {
  readonly origins: Map<string, Origin<Data>>
  /** Whether the session that the request goes on with has been destroyed by somebody else. */
  isGone: boolean
  predecessor?: SessionRecord<Data>
}

interface OriginOfObject<Data extends object> {
  readonly key: string
  readonly origin: Origin<Data>
}

/** By which shallow copies of a session object carry what it was loaded as. JSON and loops over keys leave it out. */
const LOADED_AS = Symbol('dynamodb-sessions')

/**
 * Remembers what sessions were loaded or last saved as: by the context of the request where the caller passes one, else
 * by the session object.
 */
export class KnownSessions<Data extends object> {
  readonly #requests = hiddenField<RequestState<Data>>()
  /** By session object, or by the mark that it carries. */
  readonly #objects = hiddenField<OriginOfObject<Data>>()

  /** What a session was loaded or last saved as, provided that it was under this key. */
  originOf(
    key: string,
    session: object | undefined,
    call: KoaStoreCall | undefined,
  ): Origin<Data> | undefined {
    const context = contextOf(call)
    if (context !== undefined) return this.#requests.of(context)?.origins.get(key)
    if (typeof session !== 'object' || session === null) return undefined
    const mark: unknown = Reflect.get(session, LOADED_AS)
    for (const holder of [session, mark]) {
      const found = this.#objects.of(holder)
      if (found !== undefined && found.key === key) return found.origin
    }
    return undefined
  }

  /** What a session was that goes on under a new key: that of the request, or the one that the object is a copy of. */
  predecessorOf(
    session: object | undefined,
    call: KoaStoreCall | undefined,
  ): SessionRecord<Data> | undefined {
    const context = contextOf(call)
    if (context !== undefined) return this.#requests.of(context)?.predecessor
    if (typeof session !== 'object' || session === null) return undefined
    return this.#objects.of(Reflect.get(session, LOADED_AS))?.origin.record
  }

  /** Remembers that the session of a request is about to go on under a new key. */
  isMoving(record: SessionRecord<Data>, call: KoaStoreCall | undefined): void {
    const state = this.#stateOf(call)
    if (state !== undefined) state.predecessor = record
  }

  hasLoaded(key: string, origin: Origin<Data>, loaded: object, call: KoaStoreCall | undefined): void {
    const mark = {}
    if (contextOf(call) === undefined) Reflect.set(loaded, LOADED_AS, mark)
    this.#remember(key, origin, mark, call)
  }

  hasSaved(key: string, origin: Origin<Data>, session: object, call: KoaStoreCall | undefined): void {
    this.#remember(key, origin, session, call)
  }

  /** Remembers that the session which a request goes on with has been destroyed by somebody else. */
  hasGone(call: KoaStoreCall | undefined): void {
    const state = this.#stateOf(call)
    if (state !== undefined) state.isGone = true
  }

  isGone(call: KoaStoreCall | undefined): boolean {
    const context = contextOf(call)
    return context !== undefined && this.#requests.of(context)?.isGone === true
  }

  #remember(key: string, origin: Origin<Data>, holder: object, call: KoaStoreCall | undefined): void {
    const state = this.#stateOf(call)
    if (state !== undefined) state.origins.set(key, origin)
    else this.#objects.set(holder, { key, origin })
  }

  #stateOf(call: KoaStoreCall | undefined): RequestState<Data> | undefined {
    const context = contextOf(call)
    if (context === undefined) return undefined
    const state = this.#requests.of(context) ?? { origins: new Map<string, Origin<Data>>(), isGone: false }
    this.#requests.set(context, state)
    return state
  }
}
