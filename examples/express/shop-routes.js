/** What the shop does: show itself, sign in and out, fill the cart. */
import { Router } from 'express'
import { changeQuantity, findProduct } from './catalogue.js'
import {
  COOKIE_NAME,
  cookieAttributes,
  destroy,
  hasBegun,
  readDurationMs,
  regenerate,
  save,
} from './sessions.js'
import { errorPage, shopPage } from './views.js'

/**
 * @typedef {import('express').Request} Request
 * @typedef {import('express').Response} Response
 *
 * @typedef {object} ShopOptions
 * @property {import('dynamodb-sessions/express').DynamoDBStore} store
 * @property {string} table
 * @property {import('./stored-item.js').ItemReader} items
 * @property {string | undefined} processName
 * @property {readonly number[]} otherPorts ports of other processes on the same table and host
 * @property {boolean} production
 */

const LONGEST_NAME = 40

/** Carries the notice to the page after the redirect; there is no session any more that could. */
const NOTICE_COOKIE = 'notice'
const NOTICE_PATIENCE_MS = 10_000

/**
 * Every change is a POST that ends in a redirect, so that reloading a page never repeats one. Express passes the
 * rejections of these handlers on to the error page.
 *
 * @param {ShopOptions} options
 * @returns {Router}
 */
export function shopRoutes(options) {
  const router = Router()
  router.get('/', (req, res) => showShop(req, res, options))
  router.post('/sign-in', (req, res) => signIn(req, res, options))
  router.post('/sign-out', (req, res) => signOut(req, res, options))
  router.post('/sign-out-everywhere', (req, res) => signOutEverywhere(req, res, options))
  router.post('/cart/add', (req, res) => changeCart(req, res, 1, options))
  router.post('/cart/remove', (req, res) => changeCart(req, res, -1, options))
  return router
}

/**
 * @param {Request} req
 * @param {Response} res
 * @param {ShopOptions} options
 */
async function showShop(req, res, { table, items, processName, otherPorts }) {
  const leftMs = req.session.cookie.maxAge ?? 0
  let savedInMs
  if (hasBegun(req)) {
    req.session.visits = (req.session.visits ?? 0) + 1
    savedInMs = await save(req)
  }
  const justSignedOut = hasCookie(req, NOTICE_COOKIE)
  if (justSignedOut) res.clearCookie(NOTICE_COOKIE)
  res.send(
    shopPage({
      session: req.session,
      item: savedInMs === undefined ? undefined : await items.read(req.sessionID),
      cookieWasSent: hasCookie(req, COOKIE_NAME),
      readInMs: readDurationMs(req),
      savedInMs,
      leftMs,
      table,
      server: servedBy(req, processName),
      // Of the host that the browser asked for: it sends the cookie to that one only, whatever the port.
      otherProcesses: otherPorts.map(port => `${req.protocol}://${req.hostname}:${port}/`),
      justSignedOut,
    }),
  )
}

/**
 * @param {Request} req
 * @param {Response} res
 * @param {ShopOptions} options
 */
async function signIn(req, res, { processName }) {
  const user = field(req, 'name').trim().slice(0, LONGEST_NAME)
  if (user === '') {
    res
      .status(400)
      .send(errorPage({ title: 'A name is needed', text: 'Any name will do. Go back and enter one.' }))
    return
  }
  const { cart = {}, visits = 0 } = req.session
  // A new ID at sign-in: one that somebody else planted in this browser before is worth nothing after.
  await regenerate(req)
  Object.assign(req.session, { user, cart, visits })
  noteChange(req, `${user} signed in`, processName)
  await save(req)
  res.redirect(303, '/')
}

/**
 * @param {Request} req
 * @param {Response} res
 * @param {ShopOptions} options
 */
async function signOut(req, res, { production }) {
  await destroy(req)
  res.clearCookie(COOKIE_NAME, cookieAttributes(production))
  res.cookie(NOTICE_COOKIE, 'signed-out', { ...cookieAttributes(production), maxAge: NOTICE_PATIENCE_MS })
  res.redirect(303, '/')
}

/**
 * Ends all sessions of the user, or all but this one. What other requests of theirs have under way brings none back.
 *
 * @param {Request} req
 * @param {Response} res
 * @param {ShopOptions} options
 */
async function signOutEverywhere(req, res, options) {
  const { user } = req.session
  if (user === undefined) {
    res.redirect(303, '/')
    return
  }
  if (field(req, 'keep') !== 'this') {
    await options.store.destroyByUser(user)
    // It may be too young for the index of the users.
    await signOut(req, res, options)
    return
  }
  const count = await options.store.destroyByUser(user, { except: req.sessionID })
  noteChange(
    req,
    `${user} was signed out of ${count} other ${count === 1 ? 'session' : 'sessions'}`,
    options.processName,
  )
  await save(req)
  res.redirect(303, '/')
}

/**
 * @param {Request} req
 * @param {Response} res
 * @param {1 | -1} difference
 * @param {ShopOptions} options
 */
async function changeCart(req, res, difference, { processName }) {
  const product = findProduct(field(req, 'product'))
  if (product === undefined) {
    res
      .status(400)
      .send(errorPage({ title: 'There is no such product', text: 'Go back and choose another.' }))
    return
  }
  req.session.cart = changeQuantity(req.session.cart, product, difference)
  noteChange(
    req,
    `one ${product.name.toLowerCase()} was ${difference > 0 ? 'added' : 'removed'}`,
    processName,
  )
  await save(req)
  res.redirect(303, '/#shop')
}

/**
 * @param {Request} req
 * @param {string} what
 * @param {string | undefined} processName
 */
function noteChange(req, what, processName) {
  const { name, pid } = servedBy(req, processName)
  req.session.lastChange = { what, by: `${name} (pid ${pid})`, at: new Date().toISOString() }
}

/**
 * @param {Request} req
 * @param {string | undefined} processName
 * @returns {import('./views.js').ServedBy}
 */
function servedBy(req, processName) {
  const port = req.socket.localPort ?? 0
  return {
    name: processName || `Process on port ${port}`,
    pid: process.pid,
    port,
    uptimeMs: process.uptime() * 1000,
  }
}

/**
 * @param {Request} req
 * @param {string} name
 * @returns {boolean}
 */
function hasCookie(req, name) {
  return req.headers.cookie?.split(/; */).some(cookie => cookie.startsWith(`${name}=`)) ?? false
}

/**
 * @param {Request} req
 * @param {string} name
 * @returns {string} empty when the form does not have exactly one such field
 */
function field(req, name) {
  /** @type {unknown} */
  const fields = req.body
  /** @type {unknown} */
  const value = typeof fields === 'object' && fields !== null ? Reflect.get(fields, name) : undefined
  return typeof value === 'string' ? value : ''
}
