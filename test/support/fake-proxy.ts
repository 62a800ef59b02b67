import { once } from 'node:events'
import { connect, createServer as createTcpServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { onTestFinished } from 'vitest'

/**
 * What a {@link FakeProxy} does with a request: connect it to this port of the loopback interface, send this text and hang up,
 * or nothing.
 */
export type ProxyBehaviour = { readonly port: number; readonly behind?: string } | string | undefined

/** A real HTTP proxy on the loopback interface, which writes down what it was sent. */
export interface FakeProxy {
  readonly url: string
  /** The heads of the requests, line by line. */
  readonly requests: readonly (readonly string[])[]
  /** How many connections have been made. */
  readonly connections: () => number
}

/** Starts one on a free port; it stops when the running test ends. */
export async function startFakeProxy(behaviour: ProxyBehaviour, tls?: TlsOptions): Promise<FakeProxy> {
  const sockets = new Set<Socket>()
  const requests: string[][] = []
  let connections = 0
  const serve = (socket: Socket): void => {
    connections++
    keep(sockets, socket)
    let received = ''
    const onData = (bytes: Buffer): void => {
      received += bytes.toString('latin1')
      if (!received.includes('\r\n\r\n')) return
      socket.off('data', onData)
      requests.push(received.trimEnd().split('\r\n'))
      respond(socket, behaviour, sockets)
    }
    socket.on('data', onData)
  }
  const server = tls === undefined ? createTcpServer(serve) : createTlsServer(tls, serve)
  server.on('tlsClientError', ignore)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${address.port}`
  return { url, requests, connections: () => connections }
}

function respond(socket: Socket, behaviour: ProxyBehaviour, sockets: Set<Socket>): void {
  if (behaviour === undefined) return
  if (typeof behaviour === 'string') {
    socket.end(behaviour, 'latin1')
    return
  }
  const target = connect(behaviour.port, '127.0.0.1')
  keep(sockets, target)
  target.once('connect', () => {
    socket.write(`HTTP/1.1 200 Connection established\r\n\r\n${behaviour.behind ?? ''}`)
    socket.pipe(target).pipe(socket)
  })
  target.once('close', () => socket.destroy())
  socket.once('close', () => target.destroy())
}

function keep(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket)
  socket.on('error', ignore)
}

function ignore(): void {
  // Clients break connections here on purpose.
}
