// @ts-check
/**
 * Short links that expire: `node server.js`. README.md lists the settings.
 *
 *   curl -d https://example.com/a/long/address http://127.0.0.1:3000/     makes one
 *   curl -i http://127.0.0.1:3000/<code>                                  follows it
 *   curl http://127.0.0.1:3000/                                           lists them
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'

import { dynamoDBDriver } from 'dynamodb-sessions/unstorage'
import { createStorage } from 'unstorage'

const LIFETIME_SECONDS = 3600

const port = Number(process.env['PORT'] || 3000)
const hostname = process.env['HOST'] || '127.0.0.1'

// Table, region, endpoint and credentials come from the environment.
const storage = createStorage()
storage.mount('links', dynamoDBDriver({ prefix: 'links:' }))

const server = createServer((request, response) => {
  answer(request)
    .then(({ status, headers = {}, body }) => response.writeHead(status, headers).end(`${body}\n`))
    .catch(error => {
      // A failed read is never an absent value.
      console.error(error instanceof Error ? `${error.name}: ${error.message}` : error)
      response.writeHead(500).end('Something went wrong\n')
    })
})
server.listen(port, hostname, () => {
  const address = server.address()
  console.log(
    `listening on http://${hostname}:${typeof address === 'object' && address !== null ? address.port : port}`,
  )
})

/** @type {Promise<void> | undefined} */
let end
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    end ??= shutDown()
  })
}

/**
 * @param {import('node:http').IncomingMessage} request
 * @returns {Promise<{ status: number, headers?: Record<string, string>, body: string }>}
 */
async function answer(request) {
  const code = (request.url ?? '/').slice(1)
  if (request.method === 'POST') {
    const given = await text(request)
    if (!URL.canParse(given)) return { status: 400, body: 'Send an address to make a link of' }
    // As it can stand in a header: without blanks around it, and in ASCII.
    const target = new URL(given).href
    const made = randomBytes(6).toString('base64url')
    await storage.setItem(`links:${made}`, { target }, { ttl: LIFETIME_SECONDS })
    return { status: 201, body: made }
  }
  if (code === '') return { status: 200, body: (await storage.getKeys('links')).join('\n') }
  if (!/^[\w-]+$/.test(code)) return { status: 404, body: 'No such link' }
  const link = /** @type {{ target: string } | null} */ (await storage.getItem(`links:${code}`))
  return link === null
    ? { status: 404, body: 'No such link' }
    : { status: 302, headers: { location: link.target }, body: link.target }
}

/** Answers what is under way, then lets go of everything that keeps the process alive. */
async function shutDown() {
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  await closed
  await storage.dispose()
}
