/*
 * Applications that know nothing of this package. Each counts the visits in the session, tells them and the class of the
 * store, and prints where it listens.
 */

/** How an application loads its packages. */
export type ModuleKind = 'cjs' | 'mjs'

/** An Express application; `store` is the text of a store of its own choice. */
export function expressApp(kind: ModuleKind, store = ''): string {
  return `
${load(kind, 'express', 'express')}
${load(kind, 'session', 'express-session')}
const app = express()
const chosen = { ${store} }
app.use(session({ secret: 'keyboard cat', resave: false, saveUninitialized: false, ...chosen }))
app.get('/', (request, response) => {
  request.session.visits = (request.session.visits ?? 0) + 1
  response.json({
    visits: request.session.visits,
    store: request.sessionStore.constructor.name,
    isStore: request.sessionStore instanceof session.Store,
  })
})
const server = app.listen(0, '127.0.0.1', () => console.log('listening on ' + server.address().port))
`
}

/** A Fastify application; `store` is the text of a store of its own choice. */
export function fastifyApp(kind: ModuleKind, store = ''): string {
  return `
${load(kind, 'Fastify', 'fastify')}
${load(kind, 'cookie', '@fastify/cookie')}
${load(kind, 'session', '@fastify/session')}
const app = Fastify()
app.register(cookie)
const chosen = { ${store} }
app.register(session, { secret: 'a secret of at least 32 characters', cookieName: 'connect.sid', cookie: { secure: false }, ...chosen })
app.get('/', async request => {
  const visits = (request.session.get('visits') ?? 0) + 1
  request.session.set('visits', visits)
  return { visits, store: request.sessionStore.constructor.name }
})
app.listen({ port: 0, host: '127.0.0.1' }).then(() => console.log('listening on ' + app.server.address().port))
`
}

/** A Koa application; `from` is the package of its sessions, `options` the text of their options. */
export function koaApp(
  kind: ModuleKind,
  from = 'koa-generic-session',
  options = "key: 'connect.sid', cookie: { signed: false }",
): string {
  return `
${load(kind, 'Koa', 'koa')}
${load(kind, 'loaded', from)}
const session = loaded.default ?? loaded
const app = new Koa()
app.keys = ['keyboard cat']
app.use(session({ ${options} }, app))
app.use(async context => {
  context.session.visits = (context.session.visits ?? 0) + 1
  context.body = { visits: context.session.visits }
})
const server = app.listen(0, '127.0.0.1', () => console.log('listening on ' + server.address().port))
`
}

/** A Koa application with koa-session, which keeps sessions in the cookie; `more` is the text of further options. */
export function koaSessionApp(kind: ModuleKind, more = ''): string {
  return koaApp(kind, 'koa-session', `key: 'connect.sid', signed: false, ${more}`)
}

/** A Hono application with the sessions in memory that hono-sessions has. */
export function honoApp(kind: ModuleKind): string {
  return `
${kind === 'mjs' ? "import { Hono } from 'hono'" : "const { Hono } = require('hono')"}
${kind === 'mjs' ? "import { serve } from '@hono/node-server'" : "const { serve } = require('@hono/node-server')"}
${kind === 'mjs' ? "import { MemoryStore, sessionMiddleware } from 'hono-sessions'" : "const { MemoryStore, sessionMiddleware } = require('hono-sessions')"}
const store = new MemoryStore()
const app = new Hono()
app.use(sessionMiddleware({ store, sessionCookieName: 'connect.sid', cookieOptions: { path: '/' } }))
app.get('/', context => {
  const session = context.get('session')
  session.set('visits', (session.get('visits') ?? 0) + 1)
  return context.json({ visits: session.get('visits'), store: store.constructor.name })
})
serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => console.log('listening on ' + port))
`
}

/** An application of Connect before 3 or Express before 4, which bring sessions along; `from` is their package. */
export function connectApp(from: string): string {
  return `
process.noDeprecation = true // They are older than what they are run with.
const connect = require('${from}')
const app = connect()
app.use(connect.cookieParser())
app.use(connect.session({ secret: 'keyboard cat' }))
app.use((request, response) => {
  request.session.visits = (request.session.visits ?? 0) + 1
  const answer = {
    visits: request.session.visits,
    store: request.sessionStore.constructor.name,
    isStore: request.sessionStore instanceof connect.session.Store,
  }
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(answer))
})
const server = require('node:http').createServer(app)
server.listen(0, '127.0.0.1', () => console.log('listening on ' + server.address().port))
`
}

/** A NestJS application on one of its platforms. */
export function nestApp(platform: 'express' | 'fastify'): string {
  const setUp = {
    express: `
const session = require('express-session')
const create = () => NestFactory.create(AppModule, { logger: false })
const use = async app => {
  app.use(session({ secret: 'keyboard cat', resave: false, saveUninitialized: false }))
}`,
    fastify: `
const { FastifyAdapter } = require('@nestjs/platform-fastify')
const create = () => NestFactory.create(AppModule, new FastifyAdapter(), { logger: false })
const use = async app => {
  await app.register(require('@fastify/cookie'))
  const secret = 'a secret of at least 32 characters'
  await app.register(require('@fastify/session'), { secret, cookieName: 'connect.sid', cookie: { secure: false } })
}`,
  }
  return `
require('reflect-metadata')
const { Controller, Get, Module, Req } = require('@nestjs/common')
const { NestFactory } = require('@nestjs/core')
class AppController {
  visit({ session, sessionStore }) {
    session.visits = (session.visits ?? 0) + 1
    return { visits: session.visits, store: sessionStore.constructor.name }
  }
}
Controller()(AppController)
Get()(AppController.prototype, 'visit', Object.getOwnPropertyDescriptor(AppController.prototype, 'visit'))
Req()(AppController.prototype, 'visit', 0)
class AppModule {}
Module({ controllers: [AppController] })(AppModule)
${setUp[platform]}
async function run() {
  const app = await create()
  await use(app)
  await app.listen(0, '127.0.0.1')
  console.log('listening on ' + app.getHttpServer().address().port)
}
void run()
`
}

function load(kind: ModuleKind, name: string, from: string): string {
  return kind === 'mjs' ? `import ${name} from '${from}'` : `const ${name} = require('${from}')`
}
