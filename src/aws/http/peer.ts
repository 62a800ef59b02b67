import type { LookupAddress, LookupOptions } from 'node:dns'
import type { LookupFunction, Socket } from 'node:net'

import type { EndpointAddresses } from './resolver-cache.ts'

/** The host at the other end of one connection, from the look-up of its name on. */
export class Peer {
  readonly #addresses: EndpointAddresses
  readonly #timeoutMs: number
  #address: string | undefined
  #hasResponded = false
  #isLookingUp = false

  /** @param timeoutMs the time to connect, of which a look-up may take a share. */
  constructor(addresses: EndpointAddresses, timeoutMs: number) {
    this.#addresses = addresses
    this.#timeoutMs = timeoutMs
  }

  /** Whether the name is still being looked up. */
  get isLookingUp(): boolean {
    return this.#isLookingUp
  }

  /** To be passed as the option `lookup` to `connect` of `node:net` or `node:tls`. */
  readonly lookup: LookupFunction = (_hostname, options, callback) => {
    this.#lookUp(options, callback).catch(ignore)
  }

  /** Takes note of the addresses that the socket tries, one after the other, and of its end. */
  follow(socket: Socket): void {
    const onFailed = (address: string): void => {
      this.#addresses.failed(address)
    }
    socket.on('connectionAttempt', (address: string) => {
      this.#address = address
    })
    socket.on('connectionAttemptFailed', onFailed)
    socket.on('connectionAttemptTimeout', onFailed)
    socket.once('connect', () => {
      this.#address = socket.remoteAddress ?? this.#address
    })
    socket.once('close', () => {
      if (this.#hasResponded && this.#address !== undefined) this.#addresses.closed(this.#address)
    })
  }

  /** The host has brought a response. */
  responded(): void {
    if (this.#hasResponded || this.#address === undefined) return
    this.#hasResponded = true
    this.#addresses.responded(this.#address)
  }

  /** The host did not accept the connection, or did not bring a response. */
  failed(): void {
    if (!this.#hasResponded && this.#address !== undefined) this.#addresses.failed(this.#address)
  }

  async #lookUp(options: LookupOptions, callback: Parameters<LookupFunction>[2]): Promise<void> {
    let found: LookupAddress[]
    this.#isLookingUp = true
    try {
      found = await this.#addresses.resolve(options, this.#timeoutMs)
    } catch (error) {
      callback(error as NodeJS.ErrnoException, '')
      return
    } finally {
      this.#isLookingUp = false
    }
    const [first] = found
    if (options.all === true) callback(null, found)
    else callback(null, first?.address ?? '', first?.family)
  }
}

function ignore(): void {
  // The socket has been told.
}
