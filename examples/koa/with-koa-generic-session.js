// @ts-check
/** The same store under the package `koa-generic-session`, for apps that use it already. */
import { once } from 'node:events'

import { DynamoDBStore } from 'dynamodb-sessions/koa'
import Koa from 'koa'
import genericSession from 'koa-generic-session'

/** @typedef {import('koa-generic-session').Session & { visits?: number }} Visit */

const port = Number(process.env['PORT'] || 3000)
const host = process.env['HOST'] || '127.0.0.1'
const secret = process.env['SESSION_SECRET']
if (!secret) throw new Error('set SESSION_SECRET; make one with: openssl rand -base64 32')

// Table, region, endpoint and credentials come from the environment.
/** @type {DynamoDBStore<Visit>} */
const store = new DynamoDBStore()

const app = new Koa()
app.keys = [secret]
app.use(genericSession({ store, rolling: true }))
app.use(ctx => {
  /** @type {Visit | null} */
  const session = ctx.session
  if (session === null) return
  // Changed, not replaced: the store knows by the object what it was loaded as.
  session.visits = (session.visits ?? 0) + 1
  ctx.body = `Visit ${session.visits} of this session.`
})

const server = app.listen(port, host)
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
