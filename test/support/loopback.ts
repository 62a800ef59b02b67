import { once } from 'node:events'
import type { Server as HttpServer } from 'node:http'
import type { Server } from 'node:net'

/** Starts a server on a free port of the loopback interface; returns its origin, `http://127.0.0.1:<port>`. */
export async function listen(server: Server, host: '127.0.0.1' | '::1' = '127.0.0.1'): Promise<string> {
  server.listen(0, host)
  await once(server, 'listening')
  return originOf(server)
}

/** Origin of a server that listens. */
export function originOf(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no TCP port')
  return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`
}

/** Drops every connection and stops; a server that has stopped stays so. */
export async function stop(server: HttpServer): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
