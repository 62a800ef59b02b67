// @ts-check
/** The app. Everything about sessions is in `ctx.session`. */
import Koa from 'koa'
import koaSession from 'koa-session'

import { page } from './page.js'

const LIFETIME_MS = 86_400_000

/**
 * What this app keeps in a session.
 *
 * @typedef {object} Visit
 * @property {string} [user] name given at sign-in
 * @property {number} [visits]
 * @property {string[]} [notes]
 */

/**
 * @param {object} settings
 * @param {import('dynamodb-sessions/koa').DynamoDBStore<Visit>} settings.store
 * @param {string} settings.secret signs the cookies
 * @param {boolean} settings.isSecure whether the app is behind HTTPS
 * @returns the app
 */
export function createApp({ store, secret, isSecure }) {
  const app = new Koa()
  app.keys = [secret]
  app.proxy = isSecure
  app.use(koaSession({ store, maxAge: LIFETIME_MS, rolling: true, secure: isSecure, sameSite: 'lax' }, app))
  app.use(async ctx => {
    const handle = routes[`${ctx.method} ${ctx.path}`]
    if (handle !== undefined) await handle(ctx)
  })
  return app
}

/** @type {Record<string, (ctx: import('koa').Context) => void | Promise<void>>} */
const routes = {
  'GET /': ctx => {
    const session = sessionOf(ctx)
    session.visits = (session.visits ?? 0) + 1
    ctx.type = 'html'
    ctx.body = page(session.user, session.visits, session.notes ?? [])
  },
  'POST /sign-in': async ctx => {
    const user = await field(ctx, 'user')
    if (user !== '') {
      sessionOf(ctx).user = user
      // A new ID: one that somebody knew before the sign-in is worth nothing after it.
      await sessionOf(ctx).regenerate()
    }
    goHome(ctx)
  },
  'POST /notes': async ctx => {
    const session = sessionOf(ctx)
    session.notes = [...(session.notes ?? []), await field(ctx, 'note')]
    goHome(ctx)
  },
  'POST /sign-out': ctx => {
    Object.assign(ctx, { session: null })
    goHome(ctx)
  },
}

/**
 * The session, with the type of this app's data.
 *
 * @param {import('koa').Context} ctx
 * @returns {Visit & { regenerate(): Promise<void> }}
 */
function sessionOf(ctx) {
  /** @type {unknown} */
  const session = ctx['session']
  return /** @type {Visit & { regenerate(): Promise<void> }} */ (session)
}

/** @param {import('koa').Context} ctx */
function goHome(ctx) {
  ctx.redirect('/')
  ctx.status = 303
}

/**
 * @param {import('koa').Context} ctx
 * @param {string} name
 * @returns {Promise<string>}
 */
async function field(ctx, name) {
  let body = ''
  for await (const chunk of ctx.req.setEncoding('utf8')) {
    body += chunk
    if (body.length > 10_000) ctx.throw(413)
  }
  return (new URLSearchParams(body).get(name) ?? '').trim().slice(0, 100)
}
