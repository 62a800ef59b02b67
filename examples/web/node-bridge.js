// @ts-check
/** Serves a handler of `Request` and `Response` with `node:http`. Deno and Bun bring this along. */
import { createServer } from 'node:http'
import { pipeline } from 'node:stream/promises'

/**
 * @param {(request: Request) => Promise<Response>} handler
 * @returns {import('node:http').Server}
 */
export function serve(handler) {
  return createServer((incoming, outgoing) => {
    answer(handler, incoming, outgoing).catch(error => {
      console.error(error instanceof Error ? error.message : error)
      outgoing.destroy()
    })
  })
}

/**
 * @param {(request: Request) => Promise<Response>} handler
 * @param {import('node:http').IncomingMessage} incoming
 * @param {import('node:http').ServerResponse} outgoing
 * @returns {Promise<void>}
 */
async function answer(handler, incoming, outgoing) {
  const response = await handler(await toRequest(incoming))
  outgoing.statusCode = response.status
  for (const [name, value] of response.headers) if (name !== 'set-cookie') outgoing.setHeader(name, value)
  const cookies = response.headers.getSetCookie()
  if (cookies.length > 0) outgoing.setHeader('set-cookie', cookies)
  if (response.body === null) outgoing.end()
  else await pipeline(response.body, outgoing)
}

/**
 * @param {import('node:http').IncomingMessage} incoming
 * @returns {Promise<Request>}
 */
async function toRequest(incoming) {
  const { method = 'GET', url = '/', headers } = incoming
  const init = { method, headers: new Headers() }
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string' && !name.startsWith(':')) init.headers.set(name, value)
  }
  const target = new URL(url, `http://${headers.host ?? 'localhost'}`)
  if (method === 'GET' || method === 'HEAD') return new Request(target, init)
  const chunks = []
  for await (const chunk of incoming) chunks.push(chunk)
  return new Request(target, { ...init, body: Buffer.concat(chunks) })
}
