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

/** A Koa application. */
export function koaApp(kind: ModuleKind): string {
  return `
${load(kind, 'Koa', 'koa')}
${load(kind, 'session', 'koa-generic-session')}
const app = new Koa()
app.keys = ['keyboard cat']
app.use(session({ key: 'connect.sid', cookie: { signed: false } }))
app.use(async context => {
  context.session.visits = (context.session.visits ?? 0) + 1
  context.body = { visits: context.session.visits }
})
const server = app.listen(0, '127.0.0.1', () => console.log('listening on ' + server.address().port))
`
}

function load(kind: ModuleKind, name: string, from: string): string {
  return kind === 'mjs' ? `import ${name} from '${from}'` : `const ${name} = require('${from}')`
}
