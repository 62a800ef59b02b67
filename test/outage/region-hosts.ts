import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createServer, type Server } from 'node:tls'

import type { KeyPair } from '../support/certificates.ts'

interface Host {
  readonly server: Server
  readonly sockets: Set<Socket>
  connections: number
}

/** The hosts of a Region: servers with TLS on several addresses and one port, with one engine behind them. */
export class RegionHosts {
  readonly #hosts = new Map<string, Host>()
  /** How long a request takes to the engine, in milliseconds; `Infinity` for ever. */
  delayMs = 0
  readonly #engine: URL
  readonly #certificate: KeyPair
  #port = 0

  constructor(engineEndpoint: string, certificate: KeyPair) {
    this.#engine = new URL(engineEndpoint)
    this.#certificate = certificate
  }

  /** The port of all of them, from the first start on. */
  get port(): number {
    return this.#port
  }

  async start(...addresses: readonly string[]): Promise<void> {
    for (const address of addresses) {
      const server = createServer(this.#certificate, socket => {
        this.#serve(host, socket)
      })
      const host: Host = { server, sockets: new Set(), connections: 0 }
      server.on('tlsClientError', ignore)
      server.listen(this.#port, address)
      await once(server, 'listening')
      const bound = server.address()
      if (bound === null || typeof bound === 'string') throw new Error('the host has no port')
      this.#port = bound.port
      this.#hosts.set(address, host)
    }
  }

  /** Breaks every connection; returns how many there were. */
  cut(): number {
    let count = 0
    for (const { sockets } of this.#hosts.values()) {
      count += sockets.size
      for (const socket of sockets) socket.destroy()
    }
    return count
  }

  /** Breaks the connections to some of the hosts, and refuses new ones. */
  async stop(...addresses: readonly string[]): Promise<void> {
    for (const address of addresses) {
      const host = this.#hosts.get(address)
      if (host === undefined) continue
      this.#hosts.delete(address)
      const closed = once(host.server, 'close')
      host.server.close()
      for (const socket of host.sockets) socket.destroy()
      await closed
    }
  }

  async close(): Promise<void> {
    await this.stop(...this.#hosts.keys())
  }

  /** How many connections a host has accepted. */
  connectionsTo(address: string): number {
    return this.#hosts.get(address)?.connections ?? 0
  }

  #serve(host: Host, socket: Socket): void {
    host.connections++
    host.sockets.add(socket)
    const engine = connect(Number(this.#engine.port), this.#engine.hostname)
    socket.on('data', bytes => {
      const { delayMs } = this
      if (delayMs === 0) engine.write(bytes)
      else if (delayMs < Infinity) setTimeout(() => engine.write(bytes), delayMs)
    })
    engine.pipe(socket)
    for (const [one, other] of [
      [socket, engine],
      [engine, socket],
    ] as const) {
      one.on('error', ignore)
      one.once('close', () => {
        other.destroy()
      })
    }
    socket.once('close', () => {
      host.sockets.delete(socket)
    })
  }
}

function ignore(): void {
  // Connections are broken on purpose.
}
