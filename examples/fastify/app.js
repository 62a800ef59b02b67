// @ts-check
/** The app. Everything about sessions is in `request.session`. */
import fastifyCookie from '@fastify/cookie'
import fastifySession from '@fastify/session'
import Fastify from 'fastify'

import { page } from './page.js'

const LIFETIME_MS = 86_400_000

/**
 * @param {object} settings
 * @param {import('dynamodb-sessions/fastify').DynamoDBStore} settings.store
 * @param {string} settings.secret signs the cookies; at least 32 characters
 * @param {boolean} settings.isSecure whether the app is behind HTTPS
 * @returns the app
 */
export function createApp({ store, secret, isSecure }) {
  const app = Fastify({ trustProxy: isSecure })
  app.register(fastifyCookie)
  app.register(fastifySession, {
    store,
    secret,
    // Visitors who put nothing into their session, bots for example, get none.
    saveUninitialized: false,
    cookie: { secure: isSecure, httpOnly: true, sameSite: 'lax', maxAge: LIFETIME_MS },
  })
  app.addHook('onClose', () => store.close())
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => {
      done(null, new URLSearchParams(String(body)))
    },
  )

  // A session that could not be read or written is a failed request, never an empty session.
  app.setErrorHandler((error, request, reply) => {
    console.error(String(error))
    // The plugin would save the session once more before this answer, and fail once more.
    Object.assign(request, { session: null })
    reply.status(500).send('Something went wrong')
  })

  app.route({
    method: 'GET',
    url: '/',
    handler: async (request, reply) => {
      const { session } = request
      session.visits = (session.visits ?? 0) + 1
      reply.type('text/html')
      return page(session.user, session.visits, session.notes ?? [])
    },
  })
  app.route({
    method: 'POST',
    url: '/sign-in',
    handler: async (request, reply) => {
      const user = field(request.body, 'user')
      if (user !== '') {
        // A new ID: one that somebody knew before the sign-in is worth nothing after it. These two go along.
        await request.session.regenerate(['visits', 'notes'])
        request.session.user = user
      }
      return reply.redirect('/', 303)
    },
  })
  app.route({
    method: 'POST',
    url: '/notes',
    handler: async (request, reply) => {
      request.session.notes = [...(request.session.notes ?? []), field(request.body, 'note')]
      return reply.redirect('/', 303)
    },
  })
  app.route({
    method: 'POST',
    url: '/sign-out',
    handler: async (request, reply) => {
      await request.session.destroy()
      reply.clearCookie('sessionId', { path: '/' })
      return reply.redirect('/', 303)
    },
  })
  return app
}

/**
 * @param {unknown} body
 * @param {string} name
 */
function field(body, name) {
  const value = body instanceof URLSearchParams ? body.get(name) : null
  return (value ?? '').trim().slice(0, 100)
}
