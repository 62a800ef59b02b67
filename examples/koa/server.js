// @ts-check
/** Starts the example: `node server.js`. README.md lists the settings. */
import { once } from 'node:events'

import { DynamoDBStore } from 'dynamodb-sessions/koa'

import { createApp } from './app.js'

const port = Number(process.env['PORT'] || 3000)
const host = process.env['HOST'] || '127.0.0.1'
const isProduction = process.env['NODE_ENV'] === 'production'
const secret = process.env['SESSION_SECRET']
if (!secret) throw new Error('set SESSION_SECRET; make one with: openssl rand -base64 32')

// Table, region, endpoint and credentials come from the environment.
/** @type {DynamoDBStore<import('./app.js').Visit>} */
const store = new DynamoDBStore()
const server = createApp({ store, secret, isSecure: isProduction }).listen(port, host)
await once(server, 'listening')
const address = server.address()
console.log(`listening on http://${host}:${typeof address === 'object' ? address?.port : port}`)

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
  server.closeIdleConnections()
  await closed
  await store.close()
}
