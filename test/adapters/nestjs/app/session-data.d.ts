import 'express-session'
import 'fastify'

interface Visit {
  user?: string
  visits?: number
}

declare module 'express-session' {
  interface SessionData extends Visit {}
}

declare module 'fastify' {
  interface Session extends Visit {}
}
