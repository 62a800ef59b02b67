// @ts-check
/** Starts the example: `node server.js`. README.md lists the settings. */
import { once } from 'node:events'

import { serve } from '@hono/node-server'
import { dynamoDBSessions } from 'dynamodb-sessions/hono'

import { createApp } from './app.js'

const port = Number(process.env['PORT'] || 3000)
const hostname = process.env['HOST'] || '127.0.0.1'
const production = process.env['NODE_ENV'] === 'production'

// Table, region, endpoint and credentials come from the environment, and so do the secrets.
const session = dynamoDBSessions({ cookie: { allowHttp: !production } })

const server = serve({ fetch: createApp(session).fetch, port, hostname }, address => {
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
  await session.close()
}
