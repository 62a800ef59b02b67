// @ts-check
/** The same store under the package `hono-sessions`, for apps that use it already: `node with-hono-sessions.js`. */
import { once } from 'node:events'

import { serve } from '@hono/node-server'
import { DynamoDBStore } from 'dynamodb-sessions/hono-sessions'
import { Hono } from 'hono'
import { sessionMiddleware } from 'hono-sessions'

const LIFETIME_SECONDS = 86_400

const port = Number(process.env['PORT'] || 3000)
const hostname = process.env['HOST'] || '127.0.0.1'
const production = process.env['NODE_ENV'] === 'production'
const encryptionKey = process.env['SESSION_SECRET']
if (!encryptionKey) throw new Error('set SESSION_SECRET; make one with: openssl rand -base64 32')

// Table, region, endpoint and credentials come from the environment.
const store = new DynamoDBStore({ storeEmptySessions: false })

/** @type {Hono<{ Variables: { session: import('hono-sessions').Session<{ visits: number }> } }>} */
const app = new Hono()
app.use(
  sessionMiddleware({
    store,
    encryptionKey,
    expireAfterSeconds: LIFETIME_SECONDS,
    cookieOptions: {
      path: '/',
      httpOnly: true,
      sameSite: 'Lax',
      secure: production,
      maxAge: LIFETIME_SECONDS,
    },
  }),
)
app.get('/', c => {
  const session = c.get('session')
  const visits = (session.get('visits') ?? 0) + 1
  session.set('visits', visits)
  return c.text(`Visit ${visits} of this session.`)
})
app.onError((error, c) => {
  console.error(`${error.name}: ${error.message}`)
  return c.text('Something went wrong', 500)
})

const server = serve({ fetch: app.fetch, port, hostname }, address => {
  console.log(`listening on http://${hostname}:${address.port}`)
})

/** @type {Promise<void> | undefined} */
let end
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    end ??= shutDown()
  })
}

/** Answers what is under way, then lets go of everything that keeps the process alive. */
async function shutDown() {
  const closed = once(server, 'close')
  server.close()
  if ('closeIdleConnections' in server) server.closeIdleConnections()
  await closed
  await store.close()
}
