import fastifyCookie from '@fastify/cookie'
import fastifySession, { type FastifySessionOptions } from '@fastify/session'
import Fastify, { type FastifyInstance } from 'fastify'

import { DynamoDBStore, type DynamoDBStoreOptions } from '../../../src/adapters/fastify.ts'
import { codeOf } from '../../support/failure.ts'
import type { Framework, RunningShop, ShopData } from '../scenarios/framework.ts'

declare module 'fastify' {
  /** What the apps of the tests keep in a session. */
  interface Session extends ShopData {}
}

const SECRET = 'a long random text that nobody knows'

/** Starts a Fastify app with sessions on a free port of the loopback interface. */
export async function startFastify(
  options: Omit<FastifySessionOptions, 'secret'>,
  addRoutes: (app: FastifyInstance) => void,
): Promise<RunningShop> {
  const errors: unknown[] = []
  const app = Fastify()
  await app.register(fastifyCookie)
  await app.register(fastifySession, {
    secret: SECRET,
    saveUninitialized: false,
    ...options,
    cookie: { secure: false, ...options.cookie },
  })
  app.setErrorHandler(async (error, request, reply) => {
    errors.push(error)
    // The plugin would save the session again before this answer, and fail again.
    Object.assign(request, { session: null })
    return reply.status(500).send(codeOf(error))
  })
  addRoutes(app)
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  return { origin, errors, close: () => app.close() }
}

/** Fastify with `@fastify/session`. */
export const fastifyFramework: Framework = {
  name: '@fastify/session',
  clearsDeadCookies: true,
  start: async (storeOptions, { lifetimeMs, rolling, routes }) => {
    const store = new DynamoDBStore(storeOptions as DynamoDBStoreOptions)
    const cookie = lifetimeMs === undefined ? {} : { maxAge: lifetimeMs }
    const app = await startFastify({ store, cookie, ...(rolling !== undefined && { rolling }) }, instance => {
      for (const [path, handle] of Object.entries(routes)) {
        instance.route({
          method: 'GET',
          url: path,
          handler: async request =>
            handle({
              get data() {
                return request.session
              },
              destroy: () => request.session.destroy(),
              regenerate: () => request.session.regenerate(['user']),
            }),
        })
      }
    })
    const close = async (): Promise<void> => {
      await app.close()
      await store.close()
    }
    return { ...app, close }
  },
  sessionId: visitor => decodeURIComponent(visitor.cookie('sessionId') ?? '').replace(/\.[^.]*$/, ''),
}
