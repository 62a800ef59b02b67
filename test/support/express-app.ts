import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'

import express from 'express'
import type { Express, NextFunction, Request, Response } from 'express'
import session from 'express-session'
import type { SessionOptions } from 'express-session'

import { codeOf } from './failure.ts'
import { listen, stop } from './loopback.ts'

/** A running Express app with sessions. */
export interface RunningApp {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string
  /** What reached the app's error handler, in order. */
  readonly errors: readonly unknown[]
  readonly close: () => Promise<void>
}

/** Options of `express-session`, but for the secret, and with the defaults that its documentation recommends. */
export type AppSessionOptions = Omit<SessionOptions, 'secret'>

const SECRET = 'a long random text'

/** The session cookie that {@link startApp}'s apps give to the session of an ID. */
export function sessionCookie(sessionId: string): string {
  const signature = createHmac('sha256', SECRET).update(sessionId).digest('base64').replace(/=+$/, '')
  return encodeURIComponent(`s:${sessionId}.${signature}`)
}

/**
 * Starts an Express app on a free port of the loopback interface. Its error handler answers with 500 and the
 * error's `code`.
 */
export async function startApp(
  options: AppSessionOptions,
  addRoutes: (app: Express) => void,
): Promise<RunningApp> {
  const errors: unknown[] = []
  const app = express()
  app.disable('x-powered-by')
  app.use(session({ secret: SECRET, resave: false, saveUninitialized: false, ...options }))
  addRoutes(app)
  app.use((error: unknown, _request: Request, response: Response, next: NextFunction) => {
    errors.push(error)
    if (response.headersSent) next(error)
    else response.status(500).send(codeOf(error))
  })
  const server = createServer(app)
  return { origin: await listen(server), errors, close: async () => stop(server) }
}
