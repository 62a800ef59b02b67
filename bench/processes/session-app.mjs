import { once } from 'node:events'

import express from 'express'
import expressSession from 'express-session'

import { sessionData } from '../lib/fixture.mjs'

/** How long sessions live: as long as their cookies. */
export const lifetimeMs = 86_400_000

/** The counters of changes, each with a top-level key of its own. */
export const counters = /** @type {const} */ (['counterA', 'counterB'])
/** @typedef {{ user?: { id: number } } & Partial<Record<typeof counters[number], number>>} Content */

export const secret = 'the secret of the benchmark'

/**
 * Starts an ordinary Express app: `POST /login` makes a session, `GET /page` shows the page, with `?change=<counter>`
 * after changing the session.
 *
 * @param {object} options
 * @param {import('express-session').Store} options.store
 * @param {{ resave: boolean, rolling: boolean }} options.setting Settings of express-session.
 * @param {number} options.sessionBytes
 * @param {number} options.workMs How long it works on a page.
 * @returns {Promise<string>} Its address.
 */
export async function startSessionApp({ store, setting, sessionBytes, workMs }) {
  const app = express()
  app.use(
    expressSession({
      store,
      secret,
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
    const show = () => {
      response.json({ userId: content.user?.id, counts: counters.map(name => content[name] ?? 0) })
    }
    if (workMs > 0) setTimeout(show, workMs)
    else show()
  })

  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the app has no TCP port')
  return `http://127.0.0.1:${address.port}`
}
