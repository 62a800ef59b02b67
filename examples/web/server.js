// @ts-check
/** Starts the example: `node server.js`. README.md lists the settings. */
import { once } from 'node:events'

import { webSessions } from 'dynamodb-sessions/web'

import { createHandler } from './app.js'
import { serve } from './node-bridge.js'

const port = Number(process.env['PORT'] || 3000)
const host = process.env['HOST'] || '127.0.0.1'
const production = process.env['NODE_ENV'] === 'production'

// Table, region, endpoint and credentials come from the environment, and so do the secrets.
const sessions = webSessions({ cookie: { allowHttp: !production } })

const server = serve(createHandler(sessions))
server.listen(port, host)
await once(server, 'listening')
const bound = server.address()
console.log(`listening on http://${host}:${typeof bound === 'object' && bound !== null ? bound.port : port}`)

/** @type {Promise<void> | undefined} */
let end
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    end ??= shutDown()
  })
}

/** Answers what is under way, then lets go of everything that keeps the process alive. */
async function shutDown() {
  server.close()
  server.closeIdleConnections()
  await once(server, 'close')
  await sessions.close()
}
