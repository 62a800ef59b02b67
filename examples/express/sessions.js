/** How this app uses express-session: the cookie, and calls on the session as promises. */
import session from 'express-session'

/** @typedef {import('express').Request} Request */

const LIFETIME_MS = 30 * 60 * 1000

/** Name of the session cookie. */
export const COOKIE_NAME = 'connect.sid'

/**
 * Attributes of the session cookie. `sameSite: 'lax'` keeps it out of forms that other sites post, which is what
 * protects the forms of this app.
 *
 * @param {boolean} production
 * @returns {{ path: string, httpOnly: boolean, sameSite: 'lax', secure: boolean }}
 */
export function cookieAttributes(production) {
  return { path: '/', httpOnly: true, sameSite: 'lax', secure: production }
}

/** @type {WeakMap<Request, number>} */
const readDurationsMs = new WeakMap()

/**
 * express-session with the settings of this app. It notes how long each request waited for its session.
 *
 * @param {{ store: session.Store, secret: string, production: boolean }} options
 * @returns {import('express').RequestHandler}
 */
export function sessionMiddleware({ store, secret, production }) {
  const middleware = session({
    store,
    secret,
    name: COOKIE_NAME,
    resave: false,
    saveUninitialized: false,
    // The browser's copy of the expiry moves with the stored one.
    rolling: true,
    cookie: { ...cookieAttributes(production), maxAge: LIFETIME_MS },
  })
  return (req, res, next) => {
    const startedAt = performance.now()
    middleware(req, res, error => {
      readDurationsMs.set(req, performance.now() - startedAt)
      next(error)
    })
  }
}

/**
 * @param {Request} req
 * @returns {number} milliseconds that {@link sessionMiddleware} took to find the session
 */
export function readDurationMs(req) {
  return readDurationsMs.get(req) ?? 0
}

/**
 * A session has begun once something was put into it; before that nothing is stored for the visitor.
 *
 * @param {Request} req
 * @returns {boolean}
 */
export function hasBegun({ session: { user, cart } }) {
  return user !== undefined || cart !== undefined
}

/**
 * Saves the session now, so that a failure can still become an error page, and the browser cannot follow a
 * redirect before the write. express-session by itself saves while the response ends.
 *
 * @param {Request} req
 * @returns {Promise<number>} milliseconds it took
 */
export async function save(req) {
  const startedAt = performance.now()
  req.session.touch()
  await called(done => req.session.save(done))
  return performance.now() - startedAt
}

/**
 * Replaces the session by an empty one with a new ID, and deletes the old one.
 *
 * @param {Request} req
 * @returns {Promise<void>}
 */
export function regenerate(req) {
  return called(done => req.session.regenerate(done))
}

/**
 * Deletes the session.
 *
 * @param {Request} req
 * @returns {Promise<void>}
 */
export function destroy(req) {
  return called(done => req.session.destroy(done))
}

/**
 * @param {(done: (error?: unknown) => void) => void} start
 * @returns {Promise<void>}
 */
function called(start) {
  return new Promise((resolve, reject) => {
    start(error => (error ? reject(error) : resolve()))
  })
}
