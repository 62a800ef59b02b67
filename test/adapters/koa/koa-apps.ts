import { once } from 'node:events'

import Koa, { type Context, type Middleware } from 'koa'
import genericSession from 'koa-generic-session'
import koaSession, { type CreateSessionOptions } from 'koa-session'

import { DynamoDBStore } from '../../../src/adapters/koa.ts'
import { originOf, stop } from '../../support/loopback.ts'
import { codeOf, type Framework, type RunningShop, type ShopData } from '../scenarios/framework.ts'

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
  start: async (storeOptions, { lifetimeMs, rolling, routes }) => {
    const store = new DynamoDBStore(storeOptions)
    const settings = {
      store,
      ...(lifetimeMs !== undefined && { maxAge: lifetimeMs }),
      rolling: rolling ?? false,
    }
    const handlers = Object.entries(routes).map(
      ([path, handle]) =>
        [
          path,
          (ctx: Context) =>
            handle({
              get data() {
                return sessionOf(ctx)
              },
              destroy: async () => {
                ctx.session = null
              },
              regenerate: () => sessionOf(ctx).regenerate(),
            }),
        ] as const,
    )
    return closingWith(store, await startKoaSession(settings, Object.fromEntries(handlers)))
  },
  sessionId: visitor => visitor.cookie('koa.sess') ?? '',
}

/** Koa with `koa-generic-session`. */
export const koaGenericFramework: Framework = {
  name: 'koa-generic-session',
  start: async (storeOptions, { lifetimeMs, rolling, routes }) => {
    const store = new DynamoDBStore<genericSession.Session>(storeOptions as object)
    const handlers = Object.entries(routes).map(
      ([path, handle]) =>
        [
          path,
          (ctx: Context) =>
            handle({
              get data() {
                return ctx.session as unknown as ShopData
              },
              destroy: async () => {
                ctx.session = null
              },
              regenerate: async () => {
                const { user } = ctx.session as unknown as ShopData
                await ctx.regenerateSession()
                Object.assign(ctx.session ?? {}, { user })
              },
            }),
        ] as const,
    )
    const cookie = { maxAge: lifetimeMs }
    const middleware = genericSession({ store, rolling, cookie })
    return closingWith(store, await startKoa(() => [middleware], Object.fromEntries(handlers)))
  },
  sessionId: visitor => `koa:sess:${visitor.cookie('koa.sid') ?? ''}`,
}

function closingWith(store: { close: () => Promise<void> }, app: RunningShop): RunningShop {
  const close = async (): Promise<void> => {
    await app.close()
    await store.close()
  }
  return { ...app, close }
}
