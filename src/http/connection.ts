import type { Socket } from 'node:net'

import { AttemptTimeoutError, ConnectionError, type TransportError } from '../errors.ts'
import { type Deferred, deferred } from '../internal/deferred.ts'
import { matchesChecksum } from './checksum.ts'
import type { Endpoint } from './endpoint.ts'
import type { RepeatedAnswers } from './repeated-answers.ts'
import { type ParsedResponse, ResponseFormatError, ResponseParser } from './response-parser.ts'
import { because } from './system-error.ts'

/** Limits of one {@link Connection.exchange}. */
export interface ExchangeLimits {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
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
  readonly #repeatedAnswers: RepeatedAnswers
  #answerId: string | undefined
  #failure: TransportError | undefined
  #exchanges = 0

  // The exchange under way. Its parts are fields, and not an object and closures of its own, because there is one
  // for every request.
  #answer: Deferred<ParsedResponse> | undefined
  #parser = new ResponseParser()
  #timer: NodeJS.Timeout | undefined
  #timeoutMs = 0
  #signal: AbortSignal | undefined

  /** Told once when the connection is lost while it carries no request. */
  onLost: (() => void) | undefined
  /** Instant of `performance.now()` since which the connection has been idle. */
  idleSinceMs = 0
  /** The same by the clock on the wall, which goes on while a machine is suspended. */
  idleSinceEpochMs = 0

  constructor(socket: Socket, endpoint: Endpoint, repeatedAnswers: RepeatedAnswers) {
    this.#socket = socket
    this.#endpoint = endpoint
    this.#repeatedAnswers = repeatedAnswers
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
    return this.#failure === undefined && this.#answer === undefined && this.#socket.writable
  }

  /** Whether the connection has carried a request before the latest one. */
  get reused(): boolean {
    return this.#exchanges > 1
  }

  /** Whether any byte of an answer to the latest request has arrived. */
  get answered(): boolean {
    return this.#parser.started
  }

  /**
   * Sends a request and resolves with its response, after which the connection can be used again if
   * `keepAlive` says so and {@link usable} is true.
   *
   * @param encoding how the text goes on the wire; `latin1` is cheaper, and right where all of it is ASCII.
   * @throws {AttemptTimeoutError | ConnectionError} and the reason of `signal`; the connection is destroyed.
   */
  exchange(
    request: string,
    encoding: 'latin1' | 'utf8',
    { timeoutMs, signal }: ExchangeLimits,
  ): Promise<ParsedResponse> {
    this.#exchanges++
    this.#parser = new ResponseParser()
    const answer = deferred<ParsedResponse>()
    if (signal?.aborted === true) {
      answer.reject(signal.reason)
    } else if (this.#failure !== undefined || !this.#socket.writable) {
      answer.reject(this.#failure ?? this.#lost())
    } else {
      this.#answer = answer
      this.#timeoutMs = timeoutMs
      this.#timer = setTimeout(this.#onTimeout, timeoutMs)
      this.#signal = signal
      signal?.addEventListener('abort', this.#onAbort, { once: true })
      this.#socket.write(request, encoding)
    }
    return answer.promise
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

  readonly #onTimeout = (): void => {
    this.#fail(
      new AttemptTimeoutError(
        `no complete answer from ${this.#endpoint.origin} within ${this.#timeoutMs} ms`,
      ),
    )
  }

  readonly #onAbort = (): void => {
    const reason: unknown = this.#signal?.reason
    this.#endExchange()?.reject(reason)
    this.destroy()
  }

  #onData(chunk: Buffer): void {
    if (this.#answer === undefined) {
      this.#fail(this.#invalid('the server sent bytes that nobody had asked for'))
      return
    }
    let response: ParsedResponse | undefined
    try {
      response = this.#parser.push(chunk)
    } catch (error) {
      this.#failOf(error)
      return
    }
    if (response !== undefined) this.#complete(response)
  }

  #onEnd(): void {
    if (this.#answer === undefined || !this.#parser.started) {
      this.#fail(this.#lost())
      return
    }
    let response: ParsedResponse
    try {
      response = this.#parser.end()
    } catch (error) {
      this.#failOf(error)
      return
    }
    this.#complete(response)
  }

  #complete(response: ParsedResponse): void {
    if (!matchesChecksum(response.headers, response.body)) {
      this.#fail(this.#invalid('the body does not match its x-amz-crc32 checksum'))
      return
    }
    const answerId = response.headers.get('x-amzn-requestid')
    if (this.#repeatedAnswers.isCopy(answerId, this.#answerId)) {
      this.#fail(this.#invalid('it is a copy of the answer before it'))
      return
    }
    this.#answerId = answerId
    this.#endExchange()?.resolve(response)
    // The server has answered without reading all of the request: what it does with the rest is anyone's guess.
    if (this.#socket.writableLength > 0) this.destroy()
  }

  /** Forgets the exchange under way; whoever ends it settles what this returns. */
  #endExchange(): Deferred<ParsedResponse> | undefined {
    const answer = this.#answer
    this.#answer = undefined
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#signal = undefined
    return answer
  }

  #failOf(error: unknown): void {
    if (!(error instanceof ResponseFormatError)) throw error
    this.#fail(this.#invalid(error.message))
  }

  #fail(error: TransportError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#socket.destroy()
    this.#endExchange()?.reject(error)
    this.onLost?.()
  }

  #lost(cause?: Error): ConnectionError {
    return new ConnectionError(
      'CONNECTION_LOST',
      `the connection to ${this.#endpoint.origin} was lost${because(cause)}`,
      { cause, retryable: true },
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
