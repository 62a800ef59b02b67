import type { SessionStoreOptions } from '../../../src/index.ts'
import type { Jar } from './jar.ts'

/** What the sessions of the scenarios hold. */
export interface ShopData {
  user?: string
  visits?: number
  [key: `key${number}`]: number
}

/** The session of a request, whatever the framework calls its parts. */
export interface ShopSession {
  readonly data: ShopData
  readonly destroy: () => Promise<void>
  /** Moves the session to a new ID; the user stays. */
  readonly regenerate: () => Promise<void>
}

/** Answers the requests of a path. */
export type ShopHandler = (session: ShopSession) => Promise<string> | string

/** How an app is to be. */
export interface ShopSettings {
  /** Lifetime of cookie and session. */
  readonly lifetimeMs?: number
  /** Whether each request extends the session. */
  readonly rolling?: boolean
  readonly routes: Readonly<Record<string, ShopHandler>>
}

/** A running app. */
export interface RunningShop {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string
  /** What reached the app's error handler, in order. */
  readonly errors: readonly unknown[]
  readonly close: () => Promise<void>
}

/** A framework with its session package on our store, so that one list of scenarios can be told of all. */
export interface Framework {
  readonly name: string
  /** Whether it makes a browser forget a cookie without a session behind it. */
  readonly clearsDeadCookies: boolean
  /** Starts an app on a free port of the loopback interface; an error is answered with 500 and its code. */
  readonly start: (storeOptions: SessionStoreOptions, settings: ShopSettings) => Promise<RunningShop>
  /** The session ID, as the store is given it, of a visitor. */
  readonly sessionId: (visitor: Jar) => string
}
