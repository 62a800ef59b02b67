/**
 * Starts the example: `node server.js`. Settings come from the environment; README.md lists them. Region,
 * endpoint and credentials are read by the store itself, from the usual `AWS_...` variables.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { DynamoDBStore } from 'dynamodb-sessions/express'
import { createApp } from './app.js'
import { RequestLog } from './experiments/request-log.js'
import { ItemReader } from './stored-item.js'

// Every process that shares the table must sign cookies with the same secret, so this cannot be a random one.
// It is public, so that nothing in production is signed with it.
const DEMO_SECRET = 'a secret for this demo only'

const SHUTDOWN_PATIENCE_MS = 5000

const port = Number(process.env['PORT'] || 3000)
const host = process.env['HOST'] || '127.0.0.1'
const table = process.env['SESSIONS_TABLE'] || 'sessions'
const production = process.env['NODE_ENV'] === 'production'
const secret = process.env['SESSION_SECRET'] || DEMO_SECRET

if (secret === DEMO_SECRET) {
  if (production) throw new Error('set SESSION_SECRET; make one with: openssl rand -base64 32')
  console.warn('SESSION_SECRET is not set: cookies are signed with the secret that is printed in the source')
}

// With the user of each session in its item, a user can be signed out everywhere.
const store = new DynamoDBStore({ table, userId: ({ user }) => user })
const items = new ItemReader(table)
const requestLog = new RequestLog()
const app = createApp({
  store,
  items,
  requestLog,
  table,
  secret,
  production,
  processName: process.env['PROCESS_NAME'],
  otherPorts: (process.env['OTHER_PORTS'] || '').split(',').filter(Boolean).map(Number),
  trustedProxies: Number(process.env['TRUST_PROXY'] || 0),
})
const server = createServer(app)

/** @type {Promise<void> | undefined} */
let end
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    end ??= shutDown().catch(fail)
  })
}

try {
  server.listen(port, host)
  await once(server, 'listening')
  console.log(`listening on ${address()}`)
} catch (error) {
  fail(error)
  await close()
}

/** Answers what is under way, then lets go of everything that keeps the process alive. */
async function shutDown() {
  server.close()
  requestLog.close()
  // A browser may hold a connection open without asking for anything.
  const patience = setTimeout(() => server.closeAllConnections(), SHUTDOWN_PATIENCE_MS)
  await once(server, 'close')
  clearTimeout(patience)
  await close()
}

/** @returns {Promise<void>} */
async function close() {
  requestLog.close()
  await Promise.all([store.close(), items.close()])
}

/** @returns {string} */
function address() {
  const bound = server.address()
  const boundPort = typeof bound === 'object' && bound !== null ? bound.port : port
  return `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`
}

/** @param {unknown} error */
function fail(error) {
  console.error(error instanceof Error ? `${error.name}: ${error.message}` : String(error))
  process.exitCode = 1
}
