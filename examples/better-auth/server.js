// @ts-check
/** Starts the example: `node server.js`. README.md lists the settings. */
import { once } from 'node:events'
import { createServer } from 'node:http'

import { toNodeHandler } from 'better-auth/node'

import { createAuth, secondaryStorage } from './auth.js'
import { page } from './page.js'

const port = Number(process.env['PORT'] || 3000)
const host = process.env['HOST'] || '127.0.0.1'

const server = createServer()
server.listen(port, host)
await once(server, 'listening')
const address = server.address()
const origin = `http://${host}:${typeof address === 'object' && address !== null ? address.port : port}`
const answerAuth = toNodeHandler(createAuth(process.env['BETTER_AUTH_URL'] || origin))

server.on('request', (request, response) => {
  if (request.url?.startsWith('/api/auth/') !== true) {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page)
    return
  }
  // Rate limits count by address. Behind a proxy, it is in a header that the proxy sets.
  request.headers['x-client-address'] = request.socket.remoteAddress
  answerAuth(request, response).catch(error => {
    // A session that could not be read is a failed request, never somebody who is not signed in.
    console.error(error instanceof Error ? `${error.name}: ${error.message}` : error)
    if (!response.headersSent) response.writeHead(500)
    response.end()
  })
})
console.log(`listening on ${origin}`)

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
  await secondaryStorage.close()
}
