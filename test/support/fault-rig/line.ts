import type { Socket } from 'node:net'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'

import { RawConnection, type RawRequest } from '../raw-server.ts'

const SINGLE_BYTES = 1500

/** The rig's end of a connection to a client: reads requests, and writes bytes in every way that bytes can arrive. */
export class Line {
  readonly #raw: Socket
  readonly #connection: RawConnection
  readonly #stop: AbortSignal
  #mute = false
  /** Done when the next request arrives, before anything is said to it. */
  beforeNextAnswer: (() => void) | undefined
  /** Why the client must not send another request on this connection; `undefined` as long as it may. */
  spoiledBy: string | undefined

  /**
   * @param raw the TCP connection below, which can be reset.
   * @param stop ends every pause: what was to be said after it is not said any more.
   */
  constructor(index: number, socket: Socket | TLSSocket, raw: Socket, stop: AbortSignal) {
    this.#connection = new RawConnection(index, socket)
    this.#raw = raw
    this.#stop = stop
  }

  /** Resolves when the connection is closed on both sides. */
  get closed(): Promise<void> {
    return this.#connection.closed
  }

  /** The next request, or `undefined` when the client has closed. */
  async nextRequest(): Promise<RawRequest | undefined> {
    return this.#connection.nextRequest()
  }

  /** Writes bytes at once. */
  send(bytes: Buffer): void {
    if (!this.#mute) this.#connection.send(bytes)
  }

  /** Writes the bytes one at a time, each in a packet of its own; of a long text, the first 1,500. */
  async sendByteByByte(bytes: Buffer): Promise<void> {
    for (let index = 0; index < Math.min(bytes.length, SINGLE_BYTES); index++) {
      this.send(bytes.subarray(index, index + 1))
      await nextTurn()
    }
    this.send(bytes.subarray(SINGLE_BYTES))
  }

  /** Writes the bytes at a pace. */
  async sendSlowly(bytes: Buffer, bytesPerSecond: number): Promise<void> {
    const tickMs = 10
    const step = Math.max(1, Math.floor((bytesPerSecond * tickMs) / 1000))
    for (let index = 0; index < bytes.length && this.isOpen; index += step) {
      this.send(bytes.subarray(index, index + step))
      await this.pause(tickMs)
    }
  }

  /** Waits; false when the rig wants nothing more to happen. */
  async pause(ms: number): Promise<boolean> {
    try {
      await delay(ms, undefined, { signal: this.#stop })
      return true
    } catch {
      return false
    }
  }

  /** Whether bytes can still be written. */
  get isOpen(): boolean {
    return this.#connection.socket.writable
  }

  /** Says nothing more, and does not close either: to the client, the other end has vanished. */
  mute(): void {
    this.#mute = true
  }

  /** Sends FIN and goes on listening. */
  halfClose(): void {
    if (!this.#mute) this.#connection.end()
  }

  /** Closes the connection in both directions. */
  close(): void {
    this.#connection.socket.destroySoon()
  }

  /** Breaks the connection with RST. */
  reset(): void {
    // Node cannot reset a socket that is being shut down: it would neither close it nor say so.
    if (this.isOpen && this.#raw.writable) this.#raw.resetAndDestroy()
    else this.#raw.destroy()
  }
}
