/** The shop as an Express app. It keeps nothing in the process. */
import { fileURLToPath } from 'node:url'
import express from 'express'
import { describeError } from './errors.js'
import { experimentRoutes } from './experiments/routes.js'
import { sessionMiddleware } from './sessions.js'
import { shopRoutes } from './shop-routes.js'
import { errorPage } from './views.js'

const STYLES = fileURLToPath(new URL('styles.css', import.meta.url))
const PICTURE_SCRIPT = fileURLToPath(new URL('browser/picture.js', import.meta.url))

// Nothing from other hosts. The page of experiments is the only one with a script.
const PAGE_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
}

/**
 * @typedef {object} AppOptions
 * @property {import('dynamodb-sessions/express').DynamoDBStore} store where the sessions are kept, with the user of each
 * @property {string} table name of the store's table, to show
 * @property {string} secret signs the cookie; the same in every process that shares the table
 * @property {string | undefined} [processName] label of this process, to tell several apart
 * @property {import('./stored-item.js').ItemReader} items reads what the table has for a session, to show
 * @property {import('./experiments/request-log.js').RequestLog} requestLog
 * @property {readonly number[]} [otherPorts] where other processes on the same table listen, to link to
 * @property {boolean} [production] send cookies over HTTPS only, keep error details in the log, have no experiments
 * @property {number} [trustedProxies] how many proxies in front of the app set `X-Forwarded-Proto`
 */

/**
 * @param {AppOptions} options
 * @returns {express.Express}
 */
export function createApp({
  store,
  table,
  secret,
  items,
  requestLog,
  processName,
  otherPorts = [],
  production = false,
  trustedProxies = 0,
}) {
  const app = express()
  app.disable('x-powered-by')
  app.set('trust proxy', trustedProxies)

  // Before the sessions: a style sheet is no reason to read one.
  app.get('/styles.css', (_req, res) => {
    res.sendFile(STYLES)
  })
  app.get('/picture.js', (_req, res) => {
    res.sendFile(PICTURE_SCRIPT)
  })
  app.use((_req, res, next) => {
    res.set(PAGE_HEADERS)
    next()
  })
  // They start processes and write sessions for whoever asks.
  if (!production) app.use('/experiments', experimentRoutes({ table, requestLog }))
  app.use(express.urlencoded({ extended: false, limit: '4kb' }))
  app.use(sessionMiddleware({ store, secret, production }))
  app.use(shopRoutes({ store, table, items, processName, otherPorts, production }))

  app.use((_req, res) => {
    res
      .status(404)
      .send(
        errorPage({ title: 'There is no such page', text: 'The links above lead to those that there are.' }),
      )
  })

  /** @type {express.ErrorRequestHandler} */
  const onError = (error, req, res, _next) => {
    const answer = describeError(error, production)
    if (answer.status >= 500) console.error(answer.logLine)
    // express-session reports a failed write after the page has been sent, and ends the response itself.
    if (res.headersSent) return
    // A request without a session makes express-session leave the store, which may just have failed, alone.
    Reflect.deleteProperty(req, 'session')
    res.status(answer.status).send(errorPage(answer))
  }
  app.use(onError)
  return app
}
