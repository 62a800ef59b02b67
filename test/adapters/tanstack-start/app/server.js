import { createServer } from 'node:http'

import app from './dist/server/server.js'

const server = createServer(async (incoming, outgoing) => {
  const chunks = await incoming.toArray()
  const hasBody = !['GET', 'HEAD'].includes(incoming.method)
  const request = new Request(new URL(incoming.url, `http://${incoming.headers.host}`), {
    method: incoming.method,
    headers: incoming.headers,
    ...(hasBody && { body: Buffer.concat(chunks) }),
  })
  try {
    const response = await app.fetch(request)
    const headers = [...response.headers].filter(([name]) => name !== 'set-cookie')
    outgoing.writeHead(response.status, [
      ...headers.flat(),
      ...response.headers.getSetCookie().flatMap(cookie => ['set-cookie', cookie]),
    ])
    outgoing.end(Buffer.from(await response.arrayBuffer()))
  } catch {
    outgoing.writeHead(500).end('Internal Server Error')
  }
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
