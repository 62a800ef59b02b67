// @ts-check
/** Starts the example: `node server.js`. README.md lists the settings. */
import { once } from 'node:events'

import { serve } from '@hono/node-server'
import { createStaticHandler, isRouteErrorResponse } from 'react-router'

import { routes } from './routes.js'
import { sessions } from './sessions.js'

const port = Number(process.env['PORT'] || 3000)
const hostname = process.env['HOST'] || '127.0.0.1'
const handler = createStaticHandler(routes)

const server = serve({ fetch: answer, port, hostname }, address => {
  console.log(`listening on http://${hostname}:${address.port}`)
})

/** @type {Promise<void> | undefined} */
let end
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    end ??= shutDown()
  })
}

/**
 * @param {Request} request
 * @returns {Promise<Response>}
 */
async function answer(request) {
  try {
    /** @type {unknown} */
    const response = await handler.queryRoute(request)
    return response instanceof Response ? response : Response.json(response)
  } catch (error) {
    if (error instanceof Response) return error
    if (isRouteErrorResponse(error)) return new Response(error.statusText, { status: error.status })
    // A session that could not be read or written is a failed request, never an empty session.
    console.error(error instanceof Error ? `${error.name}: ${error.message}` : error)
    return new Response('Something went wrong', { status: 500 })
  }
}

/** Answers what is under way, then lets go of everything that keeps the process alive. */
async function shutDown() {
  const closed = once(server, 'close')
  server.close()
  if ('closeIdleConnections' in server) server.closeIdleConnections()
  await closed
  await sessions.close()
}
