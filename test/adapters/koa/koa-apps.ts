import { once } from 'node:events'

import Koa, { type Context, type Middleware } from 'koa'
import genericSession from 'koa-generic-session'
import koaSession, { type CreateSessionOptions } from 'koa-session'

import { DynamoDBStore } from '../../../src/adapters/koa.ts'
import { codeOf } from '../../support/failure.ts'
import { originOf, stop } from '../../support/loopback.ts'
import type { Framework, RunningShop, ShopData, ShopSettings } from '../scenarios/framework.ts'

/** What `koa-session` hangs on a context. */
export interface KoaSession extends ShopData {
  readonly externalKey: string
  maxAge: number
  regenerate(): Promise<void>
  save(): Promise<void>
  manuallyCommit(): Promise<void>
}

/** Handlers by path. */
export type KoaRoutes = Readonly<Record<string, (ctx: Context) => Promise<string> | string>>

/** The session that `koa-session` gave a request. */
export function sessionOf(ctx: Context): KoaSession {
  return ctx.session as unknown as KoaSession
}

/** Starts a Koa app on a free port of the loopback interface. */
export async function startKoa(
  mount: (app: Koa) => readonly Middleware[],
  routes: KoaRoutes,
): Promise<RunningShop> {
  const errors: unknown[] = []
  const app = new Koa()
  app.keys = ['a long random text']
  app.on('error', error => errors.push(error))
  app.use(async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      errors.push(error)
      ctx.status = 500
      ctx.body = codeOf(error)
    }
  })
  for (const middleware of mount(app)) app.use(middleware)
  app.use(async ctx => {
    const handle = routes[ctx.path]
    if (handle !== undefined) ctx.body = await handle(ctx)
  })
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { origin: originOf(server), errors, close: async () => stop(server) }
}

/** Starts a Koa app with `koa-session`. */
export async function startKoaSession(
  options: CreateSessionOptions,
  routes: KoaRoutes,
): Promise<RunningShop> {
  return startKoa(app => [koaSession({ ...options }, app)], routes)
}

/** Routes that apps of the tests have. */
export const shopRoutes: KoaRoutes = {
  '/login': ctx => {
    sessionOf(ctx).user = 'ada'
    return 'logged in'
  },
  '/session': ctx => JSON.stringify(ctx.session),
  '/visit': ctx => {
    const session = sessionOf(ctx)
    session.visits = (session.visits ?? 0) + 1
    return String(session.visits)
  },
  '/logout': ctx => {
    ctx.session = null
    return 'logged out'
  },
}

/** Koa with `koa-session`. */
export const koaSessionFramework: Framework = {
  name: 'koa-session',
  clearsDeadCookies: false,
  start: async (storeOptions, { lifetimeMs, rolling, routes }) => {
    const store = new DynamoDBStore(storeOptions)
    const settings = {
      store,
      ...(lifetimeMs !== undefined && { maxAge: lifetimeMs }),
      rolling: rolling ?? false,
    }
    const handlers = handlersOf(routes, ctx => sessionOf(ctx).regenerate())
    return closingWith(store, await startKoaSession(settings, handlers))
  },
  sessionId: visitor => visitor.cookie('koa.sess') ?? '',
}

/** Koa with `koa-generic-session`. */
export const koaGenericFramework: Framework = {
  name: 'koa-generic-session',
  clearsDeadCookies: true,
  start: async (storeOptions, { lifetimeMs, rolling, routes }) => {
    const store = new DynamoDBStore<genericSession.Session>(storeOptions as object)
    const handlers = handlersOf(routes, async ctx => {
      const { user } = dataOf(ctx)
      await ctx.regenerateSession()
      Object.assign(ctx.session ?? {}, { user })
    })
    const cookie = { maxAge: lifetimeMs }
    const middleware = genericSession({ store, rolling, cookie })
    return closingWith(store, await startKoa(() => [middleware], handlers))
  },
  sessionId: visitor => `koa:sess:${visitor.cookie('koa.sid') ?? ''}`,
}

/** The routes of a shop as handlers of Koa. */
function handlersOf(routes: ShopSettings['routes'], regenerate: (ctx: Context) => Promise<void>): KoaRoutes {
  const handlers = Object.entries(routes).map(([path, handle]) => {
    const answer: KoaRoutes[string] = ctx =>
      handle({
        get data() {
          return dataOf(ctx)
        },
        destroy: async () => {
          ctx.session = null
        },
        regenerate: () => regenerate(ctx),
      })
    return [path, answer] as const
  })
  return Object.fromEntries(handlers)
}

function dataOf(ctx: Context): ShopData {
  return ctx.session as unknown as ShopData
}

function closingWith(store: { close: () => Promise<void> }, app: RunningShop): RunningShop {
  const close = async (): Promise<void> => {
    await app.close()
    await store.close()
  }
  return { ...app, close }
}
