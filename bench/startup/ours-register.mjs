import 'dynamodb-sessions/register'

import { sessionId, table } from '../lib/session-names.mjs'
import { getSession } from './get-session.mjs'

/**
 * Reads one session from the default store of express-session; region and credentials come from the environment.
 *
 * @param {string} endpoint
 */
export async function firstRead(endpoint) {
  Object.assign(process.env, { DYNAMODB_SESSIONS_TABLE: table, DYNAMODB_SESSIONS_ENDPOINT: endpoint })
  // After the preload, as in an application.
  const { default: expressSession } = await import('express-session')
  const middleware = expressSession({ secret: 'secret', resave: false, saveUninitialized: false })
  await getSession(storeOf(middleware), sessionId)
}

/**
 * The store of a middleware, as it shows it to a request.
 *
 * @param {import('express').RequestHandler} middleware
 * @returns {import('express-session').Store}
 */
function storeOf(middleware) {
  const request = /** @type {import('express').Request} */ ({ url: '/', headers: {} })
  /** @type {unknown} */
  const response = { end: noop, writeHead: noop }
  void middleware(request, /** @type {import('express').Response} */ (response), noop)
  return request.sessionStore
}

function noop() {
  return undefined
}
