import type { Cart } from './catalogue.js'

declare module 'express-session' {
  /** What this app keeps in a session, next to the cookie that express-session adds. */
  interface SessionData {
    /** Name given at sign-in; absent for a visitor who only has a cart. */
    user: string
    cart: Cart
    /** How often the page was opened since the session began. */
    visits: number
    lastChange: LastChange
  }

  /** The most recent thing the visitor did, and where it was done. */
  interface LastChange {
    what: string
    /** Process that handled it, in words. */
    by: string
    /** ISO 8601 */
    at: string
  }
}
