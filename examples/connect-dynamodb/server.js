// @ts-check
/**
 * An app that used connect-dynamodb: one line has changed, the one that is marked. `node server.js`; README.md lists the
 * settings.
 */
import express from 'express'
import session from 'express-session'

import connect from 'dynamodb-sessions/connect-dynamodb' // was: from 'connect-dynamodb'

const DynamoDBStore = connect({ session })

const port = Number(process.env['PORT'] || 3000)
const host = process.env['HOST'] || '127.0.0.1'
const production = process.env['NODE_ENV'] === 'production'
const secret = process.env['SESSION_SECRET']
if (!secret) throw new Error('set SESSION_SECRET; make one with: openssl rand -base64 32')

const store = new DynamoDBStore({
  table: process.env['SESSIONS_TABLE'] || 'sessions',
  // For the table, if it is not there yet.
  readCapacityUnits: 5,
  writeCapacityUnits: 5,
})

const app = express()
if (production) app.set('trust proxy', 1)
app.use(
  session({
    store,
    secret,
    resave: false,
    saveUninitialized: false,
    cookie: { maxAge: 24 * 60 * 60 * 1000, httpOnly: true, sameSite: 'lax', secure: production },
  }),
)

app.get('/', (request, response) => {
  const visit = visitOf(request)
  visit.visits = (visit.visits ?? 0) + 1
  response.type('text/plain').send(`Visit ${visit.visits} of ${visit.user ?? 'somebody'}\n`)
})

app.post('/sign-in', express.urlencoded({ extended: false }), (request, response, next) => {
  // A new ID: one that somebody knew before the sign-in is worth nothing after it.
  request.session.regenerate(error => {
    if (error) {
      next(error)
      return
    }
    // Without a form there is no body.
    const { user } = /** @type {{ user?: string }} */ (request.body ?? {})
    if (user) visitOf(request).user = user
    response.redirect(303, '/')
  })
})

app.post('/sign-out', (request, response, next) => {
  request.session.destroy(error => {
    if (error) next(error)
    else response.redirect(303, '/')
  })
})

app.use(onError)

const server = app.listen(port, host, error => {
  if (error) throw error
  const address = server.address()
  console.log(`listening on http://${host}:${typeof address === 'object' ? address?.port : port}`)
})

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close(() => {
      store.close().catch(error => console.error(String(error)))
    })
    server.closeIdleConnections()
  })
}

/**
 * What this app keeps in a session.
 *
 * @param {express.Request} request
 * @returns {{ user?: string, visits?: number }}
 */
function visitOf(request) {
  /** @type {unknown} */
  const kept = request.session
  return /** @type {{ user?: string, visits?: number }} */ (kept)
}

/**
 * A session that could not be read or written is a failed request, never an empty session.
 *
 * @param {unknown} error
 * @param {express.Request} _request
 * @param {express.Response} response
 * @param {express.NextFunction} next
 */
function onError(error, _request, response, next) {
  console.error(String(error))
  if (response.headersSent) next(error)
  else response.status(500).type('text/plain').send('Something went wrong\n')
}
