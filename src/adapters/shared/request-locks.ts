import type { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage } from 'node:http'

import type { Session, SessionData } from 'express-session'

import type { SessionLock } from '../../locks/session-lock.ts'
import { deliver } from './callback.ts'
import { hasBegun, rememberResponses, responseTo, whenClosed } from './request-end.ts'

/**
 * The locks that a store of `express-session` takes: each for a request that has a response, or else for one call. The
 * middleware does not tell the store's `get` what it is called for; it makes what it gets the session of a request before
 * the callback returns.
 *
 * @internal
 */
export class RequestLocks {
  readonly #report: (reason: unknown) => void
  readonly #held = new WeakSet<SessionLock<SessionData>>()
  readonly #own: AsyncLocalStorage<SessionLock<SessionData>>

  /** @param report is told of locks that could not be given back. */
  constructor(report: (reason: unknown) => void) {
    this.#report = report
    // A module that stores without locks need not load.
    const { AsyncLocalStorage } = process.getBuiltinModule('node:async_hooks')
    this.#own = new AsyncLocalStorage()
    rememberResponses()
  }

  /** Whether the request that the caller works for holds a lock. */
  get areHeldHere(): boolean {
    return this.#own.getStore()?.isHeld === true
  }

  /**
   * Keeps the lock of a session until its request is over, however that ends, if nothing has ended it before. A response that
   * has begun and goes on, a stream of events for example, keeps it no longer than until the next renewal.
   */
  hold(lock: SessionLock<SessionData>, request: IncomingMessage, session: Session): void {
    const response = responseTo(request)
    if (response === undefined) return
    this.#held.add(lock)
    this.#own.enterWith(lock)
    lock.keepAlive(() => !hasBegun(response))
    whenClosed(response, request, () => this.#release(lock))
    // A request that loads its session again would wait for itself.
    const reload = session.reload.bind(session)
    Object.defineProperty(session, 'reload', {
      configurable: true,
      writable: true,
      value: (callback: (error: unknown) => void) => {
        deliver(lock.release(), error => (error ? callback(error) : reload(callback)), this.#report)
        return session
      },
    })
  }

  /** The callback that got a locked session has returned. */
  endOfCall(lock: SessionLock<SessionData>): void {
    if (!this.#held.has(lock)) this.#release(lock)
  }

  #release(lock: SessionLock<SessionData>): void {
    lock.release().catch(this.#report)
  }
}
