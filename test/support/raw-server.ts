import { once } from 'node:events'
import { createServer as createTcpServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions, type TLSSocket } from 'node:tls'

/** One request as it came over the wire. */
export interface RawRequest {
  readonly requestLine: string
  /** Header lines as they were sent, in order. */
  readonly headerLines: readonly string[]
  readonly body: string
}

/** What a server does on one of its connections. */
export type ConnectionScript = (connection: RawConnection) => Promise<void> | void

/** How a {@link RawServer} listens. */
export interface RawServerOptions {
  /** Address to listen on. @default '127.0.0.1' */
  readonly host?: string
  /** Speaks TLS with these options. */
  readonly tls?: TlsOptions
  /** How many of the first connections get a TCP connection and then nothing, not even a TLS handshake. */
  readonly silentConnections?: number
}

/** The server's end of one connection, driven by hand. */
export class RawConnection {
  /** 0 for the first connection that the server accepted, and so on. */
  readonly index: number
  readonly socket: Socket | TLSSocket
  /** Resolves when the connection is closed on both sides. */
  readonly closed: Promise<void>
  #unread: Buffer = Buffer.alloc(0)
  #reading = false
  #isClosed = false
  #wake: () => void = ignore

  constructor(index: number, socket: Socket | TLSSocket) {
    this.index = index
    this.socket = socket
    socket.on('error', ignore)
    this.closed = new Promise(resolve => {
      socket.once('close', () => {
        this.#isClosed = true
        this.#wake()
        resolve()
      })
    })
  }

  /** The next request, or `undefined` when the connection is closed before it is complete. */
  async nextRequest(): Promise<RawRequest | undefined> {
    this.#startReading()
    for (;;) {
      const request = this.#takeRequest()
      if (request !== undefined || this.#isClosed) return request
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  /** The next request; a client that sends none fails the test. */
  async request(): Promise<RawRequest> {
    const request = await this.nextRequest()
    if (request === undefined) throw new Error(`connection ${this.index} was closed without a request`)
    return request
  }

  /** Answers every request with what `answer` makes of it, until the connection is closed. */
  async answerAll(answer: (request: RawRequest) => string | Buffer): Promise<void> {
    for (let request = await this.nextRequest(); request !== undefined; request = await this.nextRequest()) {
      this.send(answer(request))
    }
  }

  /** Sends bytes; text goes out as latin1, one byte per character. */
  send(bytes: string | Buffer): void {
    if (this.socket.writable)
      this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** Sends FIN, which says that nothing more will come. */
  end(): void {
    this.socket.end()
  }

  /** Breaks the connection with RST; after {@link end} it is closed, which then cannot be more than a FIN. */
  reset(): void {
    // Node 20 neither resets nor closes a socket that is shutting down.
    if (this.socket.writableEnded) this.socket.destroy()
    else this.socket.resetAndDestroy()
  }

  #startReading(): void {
    if (this.#reading) return
    this.#reading = true
    this.socket.on('data', (chunk: Buffer) => {
      this.#unread = Buffer.concat([this.#unread, chunk])
      this.#wake()
    })
  }

  #takeRequest(): RawRequest | undefined {
    const endOfHead = this.#unread.indexOf('\r\n\r\n')
    if (endOfHead === -1) return undefined
    const head = this.#unread.toString('latin1', 0, endOfHead)
    const length = Number(/^content-length: (\d+)$/m.exec(head.replaceAll('\r', ''))?.[1] ?? 0)
    const end = endOfHead + 4 + length
    if (this.#unread.length < end) return undefined
    const [requestLine = '', ...headerLines] = head.split('\r\n')
    const body = this.#unread.toString('utf8', endOfHead + 4, end)
    this.#unread = this.#unread.subarray(end)
    return { requestLine, headerLines, body }
  }
}

/** A server on loopback that says exactly what a test tells it to, on sockets without any HTTP in between. */
export interface RawServer {
  readonly url: string
  readonly port: number
  /** Every connection so far, in the order of arrival; silent ones are not among them. */
  readonly connections: readonly RawConnection[]
  /** The next connection that no earlier call has returned. */
  accept(): Promise<RawConnection>
  /** Resolves when the server has accepted this many TCP connections, silent ones included. */
  untilConnected(count: number): Promise<void>
  /** Resolves when the first of the silent connections is closed. */
  silentClosed(): Promise<void>
  /** Refuses connections from now on; those that are open stay. */
  stopListening(): Promise<void>
  /** Breaks every connection and stops. Fails when a script has failed. */
  close(): Promise<void>
}

/** Starts a {@link RawServer} on a free port; `script` runs for each connection. */
export async function startRawServer(
  script?: ConnectionScript,
  { host = '127.0.0.1', tls, silentConnections = 0 }: RawServerOptions = {},
): Promise<RawServer> {
  const sockets: Socket[] = []
  const connections: RawConnection[] = []
  const failures: unknown[] = []
  let closing = false
  const waiting = new Set<() => void>()
  let accepted = 0

  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) {
      await new Promise<void>(resolve => {
        waiting.add(resolve)
      })
    }
  }
  const changed = (): void => {
    for (const wake of waiting) wake()
    waiting.clear()
  }
  const begin = (socket: Socket | TLSSocket): void => {
    const connection = new RawConnection(connections.length, socket)
    connections.push(connection)
    if (script !== undefined) {
      runScript(script, connection, error => {
        if (!closing) failures.push(error)
      })
    }
    changed()
  }
  const tlsServer = tls === undefined ? undefined : createTlsServer(tls, begin)
  tlsServer?.on('tlsClientError', ignore)
  const server = createTcpServer(socket => {
    sockets.push(socket)
    socket.on('error', ignore)
    changed()
    // A socket that is not read does not notice that the other side has closed.
    if (sockets.length <= silentConnections) socket.resume()
    else if (tlsServer === undefined) begin(socket)
    else tlsServer.emit('connection', socket)
  })
  server.listen(0, host)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')

  return {
    url: `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    port: address.port,
    connections,
    async accept() {
      const index = accepted++
      await until(() => connections.length > index)
      const connection = connections[index]
      if (connection === undefined) throw new Error('the connection is gone')
      return connection
    },
    untilConnected: async count => until(() => sockets.length >= count),
    async silentClosed() {
      const [first] = sockets
      if (first?.closed === false) await once(first, 'close')
    },
    async stopListening() {
      server.close()
      await until(() => !server.listening)
    },
    async close() {
      closing = true
      const closed = server.listening ? once(server, 'close') : undefined
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
      if (failures.length > 0) throw failures[0]
    },
  }
}

/** An HTTP/1.1 response with a `Content-Length`. */
export function httpResponse(
  body: string | Buffer = '{}',
  { statusCode = 200, headers = {} }: { statusCode?: number; headers?: Record<string, string | number> } = {},
): Buffer {
  const bytes = Buffer.from(body)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `HTTP/1.1 ${statusCode} \r\ncontent-length: ${bytes.length}\r\n${lines.join('')}\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), bytes])
}

function runScript(
  script: ConnectionScript,
  connection: RawConnection,
  onError: (error: unknown) => void,
): void {
  const run = async (): Promise<void> => script(connection)
  run().catch(onError)
}

function ignore(): void {
  // Clients break connections here on purpose.
}
