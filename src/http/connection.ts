import type { Socket } from 'node:net'

import { AttemptTimeoutError, ConnectionError, type TransportError } from '../errors.ts'
import { deferred } from '../internal/deferred.ts'
import { matchesChecksum } from './checksum.ts'
import type { Endpoint } from './endpoint.ts'
import { because } from './system-error.ts'
import { type ParsedResponse, ResponseFormatError, ResponseParser } from './response-parser.ts'

/** Limits of one {@link Connection.exchange}. */
export interface ExchangeLimits {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

interface Exchange {
  readonly parser: ResponseParser
  readonly resolve: (response: ParsedResponse) => void
  readonly reject: (error: unknown) => void
}

/**
 * One TCP or TLS connection that carries one request at a time.
 *
 * G8: a response is handed only to the exchange under way. Whatever casts doubt on the connection (bytes that
 * nobody asked for, a broken frame, a checksum that does not match, a timeout, an abort) destroys it.
 */
export class Connection {
  readonly #socket: Socket
  readonly #endpoint: Endpoint
  #exchange: Exchange | undefined
  #failure: TransportError | undefined
  #exchanges = 0
  #answered = false

  /** Told once when the connection is lost while it carries no request. */
  onLost: (() => void) | undefined
  /** Instant of `performance.now()` since which the connection has been idle. */
  idleSinceMs = 0

  constructor(socket: Socket, endpoint: Endpoint) {
    this.#socket = socket
    this.#endpoint = endpoint
    socket.on('data', chunk => {
      this.#onData(chunk)
    })
    socket.on('end', () => {
      this.#onEnd()
    })
    socket.on('error', cause => {
      this.#fail(this.#lost(cause))
    })
    socket.on('close', () => {
      this.#fail(this.#lost())
    })
  }

  /** Whether the connection can carry a request. */
  get usable(): boolean {
    return this.#failure === undefined && this.#exchange === undefined && this.#socket.writable
  }

  /** Whether the connection has carried a request before the latest one. */
  get reused(): boolean {
    return this.#exchanges > 1
  }

  /** Whether any byte of an answer to the latest request has arrived. */
  get answered(): boolean {
    return this.#answered
  }

  /**
   * Sends a request and resolves with its response, after which the connection can be used again if
   * `keepAlive` says so and {@link usable} is true.
   *
   * @throws {AttemptTimeoutError | ConnectionError} and the reason of `signal`; the connection is destroyed.
   */
  exchange(request: string, { timeoutMs, signal }: ExchangeLimits): Promise<ParsedResponse> {
    this.#exchanges++
    this.#answered = false
    const { promise, resolve, reject } = deferred<ParsedResponse>()
    if (signal?.aborted === true) {
      reject(signal.reason)
      return promise
    }
    if (this.#failure !== undefined || !this.#socket.writable) {
      reject(this.#failure ?? this.#lost())
      return promise
    }
    const settle = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      this.#exchange = undefined
    }
    const onAbort = (): void => {
      this.#abandon(signal?.reason)
    }
    const timer = setTimeout(() => {
      this.#fail(
        new AttemptTimeoutError(`no complete answer from ${this.#endpoint.origin} within ${timeoutMs} ms`),
      )
    }, timeoutMs)
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#exchange = {
      parser: new ResponseParser(),
      resolve: response => {
        settle()
        resolve(response)
      },
      reject: error => {
        settle()
        reject(error)
      },
    }
    this.#socket.write(request)
    return promise
  }

  /** Lets the process end although the connection is open. */
  unref(): void {
    this.#socket.unref()
  }

  /** Undoes {@link unref}. */
  ref(): void {
    this.#socket.ref()
  }

  /** Closes the connection at once. */
  destroy(): void {
    this.onLost = undefined
    this.#fail(this.#lost())
  }

  #onData(chunk: Buffer): void {
    const exchange = this.#exchange
    if (exchange === undefined) {
      this.#fail(this.#invalid('the server sent bytes that nobody had asked for'))
      return
    }
    this.#answered = true
    this.#advance(exchange, () => exchange.parser.push(chunk))
  }

  #onEnd(): void {
    const exchange = this.#exchange
    if (exchange === undefined || !exchange.parser.started) {
      this.#fail(this.#lost())
    } else {
      this.#advance(exchange, () => exchange.parser.end())
    }
  }

  #advance(exchange: Exchange, parse: () => ParsedResponse | undefined): void {
    let response: ParsedResponse | undefined
    try {
      response = parse()
    } catch (error) {
      if (!(error instanceof ResponseFormatError)) throw error
      this.#fail(this.#invalid(error.message))
      return
    }
    if (response === undefined) return
    if (!matchesChecksum(response.headers, response.body)) {
      this.#fail(this.#invalid('the body does not match its x-amz-crc32 checksum'))
      return
    }
    exchange.resolve(response)
    // The server has answered without reading all of the request: what it does with the rest is anyone's guess.
    if (this.#socket.writableLength > 0) this.destroy()
  }

  #fail(error: TransportError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#socket.destroy()
    this.#exchange?.reject(error)
    this.onLost?.()
  }

  #abandon(reason: unknown): void {
    this.#exchange?.reject(reason)
    this.destroy()
  }

  #lost(cause?: Error): ConnectionError {
    return new ConnectionError(
      'CONNECTION_LOST',
      `the connection to ${this.#endpoint.origin} was lost${because(cause)}`,
      {
        cause,
        retryable: true,
      },
    )
  }

  #invalid(reason: string): ConnectionError {
    return new ConnectionError(
      'INVALID_RESPONSE',
      `unusable answer from ${this.#endpoint.origin}: ${reason}`,
      {
        retryable: true,
      },
    )
  }
}
