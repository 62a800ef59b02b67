// @ts-check
/** Starts the example: `node server.js`. README.md lists the settings. */
import { DynamoDBStore } from 'dynamodb-sessions/fastify'

import { createApp } from './app.js'

const port = Number(process.env['PORT'] || 3000)
const host = process.env['HOST'] || '127.0.0.1'
const isProduction = process.env['NODE_ENV'] === 'production'
const secret = process.env['SESSION_SECRET']
if (!secret) throw new Error('set SESSION_SECRET; make one with: openssl rand -base64 32')

// Table, region, endpoint and credentials come from the environment.
const app = createApp({ store: new DynamoDBStore(), secret, isSecure: isProduction })
console.log(`listening on ${await app.listen({ host, port })}`)

/** @type {Promise<void> | undefined} */
let end
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    // Answers what is under way, then closes the store.
    end ??= app.close()
  })
}
