import { once } from 'node:events'

import express from 'express'
import expressSession from 'express-session'

import { lifetimeMs } from '../lib/cost-plan.mjs'
import { sessionData } from '../lib/fixture.mjs'

/** How long an app works on a request: long enough for parallel requests to overlap. */
const workMs = 5

/** The counters of changes, each with a top-level key of its own. */
export const counters = /** @type {const} */ (['counterA', 'counterB'])
/** @typedef {{ user?: { id: number } } & Partial<Record<typeof counters[number], number>>} Content */

/**
 * Starts an ordinary Express app: `POST /login` makes a session, `GET /page` shows the page, with `?change=<counter>`
 * after changing the session.
 *
 * @param {object} options
 * @param {import('express-session').Store} options.store
 * @param {import('../lib/cost-plan.mjs').CostSetting} options.setting
 * @param {number} options.sessionBytes
 * @returns {Promise<string>} Its address.
 */
export async function startCostApp({ store, setting, sessionBytes }) {
  const app = express()
  app.use(
    expressSession({
      store,
      secret: 'the secret of the benchmark',
      saveUninitialized: false,
      ...setting,
      cookie: { maxAge: lifetimeMs },
    }),
  )
  app.post('/login', (request, response) => {
    const { cookie: _cookie, ...data } = sessionData(sessionBytes)
    Object.assign(request.session, data, Object.fromEntries(counters.map(name => [name, 0])))
    response.json({})
  })
  app.get('/page', (request, response) => {
    const content = /** @type {Content} */ (/** @type {unknown} */ (request.session))
    const change = counters.find(name => name === request.query['change'])
    if (change !== undefined) content[change] = (content[change] ?? 0) + 1
    setTimeout(() => {
      response.json({ userId: content.user?.id, counts: counters.map(name => content[name] ?? 0) })
    }, workMs)
  })

  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the app has no TCP port')
  return `http://127.0.0.1:${address.port}`
}
