export type { SessionData } from 'express-session'

declare module 'express-session' {
  /** What the apps of the tests keep in a session. */
  interface SessionData {
    user?: string
    visits?: number
  }
}
