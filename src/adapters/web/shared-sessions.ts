import { createHash } from 'node:crypto'

import { isObject } from '../../internal/core-objects.ts'
import type { CallOptions } from '../../options/call-options.ts'
import type { SessionStore } from '../../store/session-store.ts'
import { WebSessions, type WebSessionsOptions } from '../web.ts'
import type { Host, WebSession } from './web-session.ts'

/** What everything in a process uses that has the same options. */
interface OpenedSessions<Data extends object, Session extends WebSession<Data>> {
  readonly web: WebSessions<Data>
  /** By what stands for a request. */
  readonly sessions: WeakMap<object, Promise<Session>>
}

type OpenedByKey<Data extends object, Session extends WebSession<Data>> = Map<
  string,
  OpenedSessions<Data, Session>
>

/**
 * Options that are functions of what a session holds. That they are there is all that counts of them in production, where
 * each bundle has the one function in a text of its own, with other names. In development an edit may have changed them.
 */
const FUNCTIONS_OF_DATA: ReadonlySet<string> = new Set(['userId', 'ttlSeconds', 'onConflict'])

/**
 * Web sessions that are opened when they are first asked for, so that a build needs no secret, and that all users of the same
 * options share: frameworks evaluate a module once for each bundle, and in development once more for each edit.
 */
export abstract class SharedSessions<
  Data extends object,
  Session extends WebSession<Data> = WebSession<Data>,
> {
  readonly #options: WebSessionsOptions<Data>
  readonly #host: Host
  /** For options that nothing else can be known to have. */
  readonly #own: OpenedByKey<Data, Session> = new Map()

  /** @internal */
  constructor(options: WebSessionsOptions<Data>, host: Host) {
    this.#options = options
    this.#host = host
  }

  /** Where the sessions are kept; for `destroyByUser`, for example. */
  get store(): SessionStore<Data> {
    return this.opened.web.store
  }

  /** Name of the cookie, with prefix. */
  get cookieName(): string {
    return this.opened.web.cookieName
  }

  /** Checks at start that sessions can be kept: {@link SessionStore.ready}. Call it before the application listens. */
  ready(options?: CallOptions): Promise<void> {
    return this.opened.web.ready(options)
  }

  /**
   * @throws {TypeError} `INVALID_OPTION`
   * @internal
   */
  protected get opened(): OpenedSessions<Data, Session> {
    const [key, byKey] = this.#place()
    const known = byKey.get(key)
    if (known !== undefined) return known
    const web = new WebSessions(this.#options, this.#host)
    const opened = { web, sessions: new WeakMap<object, Promise<Session>>() }
    byKey.set(key, opened)
    return opened
  }

  /** Closes the connections of the store, for all bundles, unless the store was passed in. It opens again when used. */
  async close(): Promise<void> {
    const [key, byKey] = this.#place()
    const known = byKey.get(key)
    byKey.delete(key)
    await known?.web.close()
  }

  #place(): readonly [key: string, byKey: OpenedByKey<Data, Session>] {
    const key = keyOf(this.#options)
    if (key === undefined) return ['', this.#own]
    const registry = Symbol.for(`dynamodb-sessions/${this.#host.name}`)
    const ofProcess = globalThis as { [registry]?: OpenedByKey<Data, Session> }
    return [key, (ofProcess[registry] ??= new Map())]
  }
}

/** Whether a response says that the server has failed: what frameworks make of an exception of the application. */
export function isServerError({ status }: Response): boolean {
  return status >= 500
}

/** Tells options apart; `undefined` for those that hold something, such as a function or a store, that may differ unseen. */
function keyOf(options: object): string | undefined {
  let isTold = true
  const text = JSON.stringify(options, (name, value: unknown) => {
    if (typeof value === 'function' && FUNCTIONS_OF_DATA.has(name)) {
      return { source: process.env['NODE_ENV'] === 'production' ? '' : String(value) }
    }
    if (isPlain(value)) return value
    isTold = false
    return undefined
  })
  // Secrets are among them.
  return isTold ? createHash('sha256').update(text).digest('base64url') : undefined
}

function isPlain(value: unknown): boolean {
  if (isObject(value)) return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
  return typeof value !== 'function' && typeof value !== 'bigint'
}
