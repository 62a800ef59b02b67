import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

import type { RawRequest } from '../raw-server.ts'
import type { Answer } from './answer.ts'
import { EngineSide } from './engine-side.ts'
import { Exchange } from './exchange.ts'
import type { ConnectionFault, ExchangeFault } from './fault.ts'
import { Line } from './line.ts'
import type { FaultPlan } from './plan.ts'
import { RequestLog } from './request-log.ts'
import type { RigCertificates } from './rig-certificates.ts'

/** What a {@link FaultRig} stands in front of, and what it does to the traffic. */
export interface FaultRigOptions {
  /** URL of the engine. */
  readonly engine: string
  readonly plan: FaultPlan
  /** Speaks TLS with these. @default plain TCP */
  readonly certificates?: RigCertificates | undefined
  /** Longer than a client waits for an answer. Milliseconds. @default 1000 */
  readonly overlongMs?: number
}

/** What is done to the connections that are open. */
export type Breakage = 'close' | 'reset' | 'black-hole'

/**
 * A TCP proxy in front of a real engine that does to connections, requests and answers what a plan says, and counts
 * what it has done.
 *
 * Whatever happens to an answer happens after the engine has given it, so that the order in which the engine does
 * things is known: {@link settled} waits for it.
 */
export class FaultRig {
  readonly #options: FaultRigOptions
  readonly #engine: EngineSide
  readonly #log = new RequestLog()
  readonly #stop = new AbortController()
  readonly #sockets = new Set<Socket>()
  readonly #lines = new Set<Line>()
  readonly #injected = new Map<string, number>()
  readonly #violations: string[] = []
  #server: Server | undefined
  #port = 0
  #connections = 0
  #peak = 0
  #calm = false
  #closed = false
  #gate: { readonly count: number; readonly held: Map<Line, () => void> } | undefined
  #reopening: Promise<void> | undefined

  private constructor(options: FaultRigOptions) {
    this.#options = options
    this.#engine = new EngineSide(options.engine)
  }

  /** Starts a rig on a free port. */
  static async start(options: FaultRigOptions): Promise<FaultRig> {
    const rig = new FaultRig(options)
    await rig.#listen()
    return rig
  }

  /** Where clients connect to. */
  get url(): string {
    return this.#options.certificates === undefined
      ? `http://127.0.0.1:${this.#port}`
      : `https://localhost:${this.#port}`
  }

  /** Connections that are open now. */
  get openConnections(): number {
    return this.#sockets.size
  }

  /** Most connections that were open at a time. */
  get peakConnections(): number {
    return this.#peak
  }

  /** Connections that were ever accepted. */
  get connections(): number {
    return this.#connections
  }

  /** How often each fault was injected. */
  get injected(): ReadonlyMap<string, number> {
    return this.#injected
  }

  /** Requests that arrived. */
  get requests(): number {
    return this.#log.requests
  }

  /** What a client must never do: send a request on a connection that it had to give up. */
  get violations(): readonly string[] {
    return this.#violations
  }

  /**
   * Draws a line under a call that the client has settled: resolves when the engine is done with all of its requests.
   * Those that arrive late, from connections that the client has given up, are dropped.
   */
  async settled(key: string, call: number): Promise<void> {
    return this.#log.settled(key, call)
  }

  /** Injects nothing more, and forgets what is still to come of earlier faults. */
  calm(): void {
    this.#calm = true
    this.#stop.abort()
    for (const line of this.#lines) line.beforeNextAnswer = undefined
  }

  /** Holds answers back until this many requests are waiting for one. */
  holdUntil(count: number): void {
    this.#gate = { count, held: new Map() }
  }

  /** Does the same to every connection that is open; later ones are not concerned. */
  breakConnections(breakage: Breakage): void {
    for (const line of this.#lines) {
      if (breakage === 'close') line.close()
      else if (breakage === 'reset') line.reset()
      else line.mute()
    }
  }

  /** Resolves when no connection is open any more. */
  async untilUnused(): Promise<void> {
    for (const socket of this.#sockets) await once(socket, 'close')
  }

  /** Breaks every connection and stops. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stop.abort()
    await this.#reopening
    const closed = this.#server?.listening === true ? once(this.#server, 'close') : undefined
    this.#server?.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
    this.#engine.close()
  }

  async #listen(): Promise<void> {
    const server = createServer(socket => {
      this.#accept(socket)
    })
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('the rig has no port')
    this.#port = address.port
    this.#server = server
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    this.#peak = Math.max(this.#peak, this.#sockets.size)
    socket.on('error', ignore)
    socket.setNoDelay(true)
    const index = this.#connections++
    const fault = this.#calm ? undefined : this.#options.plan.forConnection(index)
    if (fault !== undefined) this.#count(fault)
    if (fault === 'refuse') this.#refuseForAWhile(index)
    socket.once('close', () => this.#sockets.delete(socket))
    if (fault === 'silent') {
      // A socket that is not read does not notice that the other side has closed.
      socket.resume()
    } else if (fault === 'close-at-once') {
      socket.destroy()
    } else if (fault === 'reset-at-once' || fault === 'refuse') {
      socket.resetAndDestroy()
    } else {
      this.#serve(index, socket, fault)
    }
  }

  #serve(index: number, raw: Socket, fault: ConnectionFault | undefined): void {
    const { certificates } = this.#options
    const socket =
      certificates === undefined
        ? raw
        : new TLSSocket(raw, { isServer: true, secureContext: certificates.contextFor(fault) })
    const line = new Line(index, socket, raw, this.#stop.signal)
    this.#lines.add(line)
    raw.once('close', () => this.#lines.delete(line))
    this.#converse(line).catch(() => {
      // The engine did not answer, which only happens when it or the rig is being stopped.
      line.reset()
    })
  }

  async #converse(line: Line): Promise<void> {
    for (let request = await line.nextRequest(); request !== undefined; request = await line.nextRequest()) {
      if (line.spoiledBy !== undefined) {
        this.#violations.push(`another request came on a connection after ${line.spoiledBy}`)
      }
      line.beforeNextAnswer?.()
      line.beforeNextAnswer = undefined
      await this.#answer(line, request)
    }
  }

  async #answer(line: Line, request: RawRequest): Promise<void> {
    const entry = this.#log.arrived(request)
    if (entry.isLate) {
      line.reset()
      return
    }
    const { plan, overlongMs = 1000 } = this.#options
    const fault = this.#calm ? undefined : plan.forRequest(entry.key, entry.count)
    const exchange = new Exchange(line, plan.randomFor(entry.key, entry.count), overlongMs, entry.tag)
    if (fault !== undefined) this.#count(fault.kind)
    if (fault?.aftermath === 'ends') line.spoiledBy = fault.kind
    if (fault?.stage === 'request') {
      await fault.act(exchange)
      return
    }
    const answer = await this.#log.during(entry, this.#engine.forward(request))
    await this.#passGate(line)
    await deliver(exchange, answer, fault)
  }

  async #passGate(line: Line): Promise<void> {
    const gate = this.#gate
    if (gate === undefined) return
    await new Promise<void>(resolve => {
      gate.held.set(line, resolve)
      // A client that gives up takes its place with it.
      line.closed.then(
        () => gate.held.delete(line),
        () => undefined,
      )
      if (gate.held.size < gate.count) return
      this.#gate = undefined
      for (const release of gate.held.values()) release()
    })
  }

  /** A connection that has been accepted cannot be refused any more, but those after it can. */
  #refuseForAWhile(index: number): void {
    if (this.#reopening !== undefined) return
    this.#server?.close()
    const forMs = this.#options.plan.randomFor('refuse', index).between(5, 50)
    this.#reopening = new Promise<void>(resolve => {
      setTimeout(resolve, forMs)
    }).then(async () => {
      if (!this.#closed) await this.#listen()
      this.#reopening = undefined
    })
  }

  #count(kind: string): void {
    this.#injected.set(kind, (this.#injected.get(kind) ?? 0) + 1)
  }
}

async function deliver(exchange: Exchange, answer: Answer, fault: ExchangeFault | undefined): Promise<void> {
  if (fault?.stage === 'answer') await fault.act(exchange, answer)
  else exchange.send(answer)
}

function ignore(): void {
  // Clients break connections here, and so does the rig.
}
