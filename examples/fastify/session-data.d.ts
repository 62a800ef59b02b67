import 'fastify'

declare module 'fastify' {
  /** What this app keeps in a session. */
  interface Session {
    /** Name given at sign-in. */
    user?: string
    visits?: number
    notes?: string[]
  }
}
