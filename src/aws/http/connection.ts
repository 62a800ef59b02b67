import type { OnReadOpts, Socket } from 'node:net'

import { AttemptTimeoutError, ConnectionError, type TransportError } from '../../errors.ts'
import { offAbort, onAbort } from '../../internal/timers.ts'
import { because } from './connect-failure.ts'
import type { Endpoint } from './endpoint.ts'
import { type ParsedResponse, ResponseFormatError, ResponseParser } from './response-parser.ts'
import type { EndpointAddresses, Peer } from './resolver-cache.ts'
import { atEndOfTick, type TickTask, type Timed, type Timeouts } from './tick-queue.ts'
import type { TransportResponse } from './transport.ts'

/** What all connections to an endpoint have in common. */
export interface ConnectionContext {
  readonly endpoint: Endpoint
  readonly duplicates: DuplicateResponseDetector
  readonly timeouts: Timeouts
  /** Told when a connection is lost while it carries no request, unless somebody closed it. */
  readonly onIdleLost: (connection: Connection) => void
  /** The addresses that the latest connection was made to: those of the endpoint or of a proxy. */
  addresses: EndpointAddresses | undefined
  /** TLS session of an earlier connection, which saves a round trip and most of the handshake's CPU. */
  tlsSession: Buffer | undefined
}

/** A request as it goes on the wire, and who waits for its answer. */
export interface Exchange {
  readonly text: string
  /** `latin1` is cheaper, and right where all of the text is ASCII. */
  readonly encoding: 'latin1' | 'utf8'
  readonly signal: AbortSignal | undefined
  /** Longest time to the last byte of the answer, in milliseconds. */
  readonly attemptTimeoutMs: number
  /** Instant of `performance.now()` at which the caller gives up. */
  readonly deadlineAtMs: number
  /** Instant of `performance.now()` until which the exchange has time; later where the event loop is blocked meanwhile. */
  readonly limitAtMs: number
  /**
   * Judges a complete response, before the connection is free.
   *
   * @returns whether the connection can be trusted with another request.
   * @throws what the exchange is to fail with, when the response is not the one to its request.
   */
  accept(response: TransportResponse): boolean
  /** The response was accepted; the connection is free, and of use if `isReusable` says so. */
  answered(response: TransportResponse, isReusable: boolean): void
  /** There will be no answer; the connection is of no use any more. */
  failed(error: unknown): void
}

/**
 * A response on its way to whoever has asked: its body is text, because the bytes are in a buffer that the next read of any
 * connection overwrites.
 */
interface ReceivedResponse extends Omit<ParsedResponse, 'body'> {
  readonly body: string
}

/** As much of a request surely fits into the buffers of the operating system. */
const SURELY_WRITTEN = 8 * 1024

/**
 * One TCP or TLS connection that carries one request at a time.
 *
 * A response is handed only to the exchange under way, and only when that accepts it. Whatever casts doubt on the
 * connection (bytes that nobody asked for, a broken frame, a checksum that does not match, a response that is refused, a
 * timeout, an abort) destroys it.
 */
export class Connection implements Timed, TickTask {
  readonly #socket: Socket
  readonly #context: ConnectionContext
  readonly #peer: Peer | undefined
  readonly #recentIds = new RecentIds()
  #failure: TransportError | undefined
  #exchanges = 0
  #isProven = false
  #isReferenced = true
  #awaitsEndOfTurn = false
  /** Whether the event loop has yet to look for bytes behind the latest response. */
  #mayHaveUnread = false

  // The exchange under way. Its parts are fields, and not an object and closures of its own, because there is one
  // for every request.
  #exchange: Exchange | undefined
  #isSent = false
  #isAnswered = false
  #parser: ResponseParser | undefined
  /** A response that came before all of its request was written, as far as is known. */
  #earlyResponse: ReceivedResponse | undefined
  #timeoutMs = 0
  expiresAtMs: number = Infinity
  deadlineAtMs: number = Infinity

  /** Instant of `performance.now()` since which the connection has been idle. */
  idleSinceMs = 0
  /** The same by the clock on the wall, which goes on while a machine is suspended. */
  idleSinceEpochMs = 0

  /** @param peer told whether the host responds; absent where a proxy has chosen it. */
  constructor(socket: Socket, incoming: SharedReadBuffer, context: ConnectionContext, peer?: Peer) {
    this.#socket = socket
    this.#context = context
    this.#peer = peer
    context.timeouts.watch(this)
    incoming.onBytes = bytes => {
      this.#onData(bytes)
    }
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

  /** Address of the host; `undefined` where a proxy has chosen it. */
  get address(): string | undefined {
    return this.#peer?.address
  }

  /** Whether the connection can carry a request. */
  get usable(): boolean {
    return this.#failure === undefined && this.#exchange === undefined && this.#socket.writable
  }

  /** Whether the connection had carried a request before the latest one, to which no byte of an answer has come. */
  get mayHaveBeenStale(): boolean {
    return this.#exchanges > 1 && !this.#isAnswered
  }

  /** Whether the latest request has been handed to the socket. */
  get isSent(): boolean {
    return this.#isSent
  }

  /**
   * Carries out an exchange: tells it once, possibly before this returns, that it was answered or that it failed, with
   * an {@link AttemptTimeoutError}, a {@link ConnectionError}, the reason of its signal or what it refuses the response
   * with.
   *
   * The request leaves when the event loop has looked for bytes that nobody had asked for: behind a response there can be
   * another one, which would be taken for the one to this request.
   *
   * @param nowMs the time by `performance.now()`.
   */
  carry(exchange: Exchange, nowMs: number): void {
    const { signal } = exchange
    this.#exchanges++
    this.#isSent = false
    this.#isAnswered = false
    this.#earlyResponse = undefined
    this.#parser = undefined
    if (signal?.aborted === true) {
      exchange.failed(signal.reason)
      return
    }
    if (this.#failure !== undefined || !this.#socket.writable) {
      exchange.failed(this.#failure ?? this.#lost())
      return
    }
    this.#exchange = exchange
    this.#timeoutMs = Math.ceil(Math.max(0, Math.min(exchange.attemptTimeoutMs, exchange.limitAtMs - nowMs)))
    this.expiresAtMs = nowMs + this.#timeoutMs
    this.deadlineAtMs = exchange.deadlineAtMs
    this.#context.timeouts.begin(this.expiresAtMs)
    if (signal !== undefined) onAbort(signal, this.#onAbort)
    if (!this.#isReferenced) {
      this.#socket.ref()
      this.#isReferenced = true
    }
    this.#runAtEndOfTurn()
  }

  /** Marks the connection as idle: from the end of this turn on it lets the process end although it is open. */
  rest(nowMs: number, nowEpochMs: number): void {
    this.idleSinceMs = nowMs
    this.idleSinceEpochMs = nowEpochMs
    this.#runAtEndOfTurn()
  }

  /** Closes the connection at once. */
  destroy(): void {
    this.#fail(this.#lost(), false)
  }

  expire(): void {
    const { origin } = this.#context.endpoint
    this.#fail(new AttemptTimeoutError(`no complete response from ${origin} within ${this.#timeoutMs} ms`))
  }

  endTick(): void {
    this.#awaitsEndOfTurn = false
    if (this.#failure !== undefined) return
    if (this.#earlyResponse !== undefined) {
      this.#judgeEarly(this.#earlyResponse)
      return
    }
    if (this.#exchange !== undefined && this.#isSent) return
    const mayHaveUnread = this.#mayHaveUnread
    this.#mayHaveUnread = false
    // The server has answered without reading all of the request before: what it does with the rest is anyone's guess.
    if (this.#socket.writableLength > 0) {
      this.#fail(this.#lost())
    } else if (this.#exchange !== undefined) {
      if (mayHaveUnread) this.#runAtEndOfTurn()
      else this.#send(this.#exchange)
    } else {
      this.#socket.unref()
      this.#isReferenced = false
    }
  }

  #runAtEndOfTurn(): void {
    if (this.#awaitsEndOfTurn) return
    this.#awaitsEndOfTurn = true
    atEndOfTick(this)
  }

  #send({ text, encoding }: Exchange): void {
    this.#isSent = true
    this.#socket.write(text, encoding)
  }

  readonly #onAbort = (): void => {
    const exchange = this.#endExchange()
    this.destroy()
    exchange?.failed(exchange.signal?.reason)
  }

  #onData(chunk: Buffer): void {
    if (this.#exchange === undefined || !this.#isSent || this.#earlyResponse !== undefined) {
      this.#fail(this.#invalid('the server sent bytes that nobody had asked for'))
      return
    }
    this.#isAnswered = true
    this.#parser ??= new ResponseParser()
    this.#read(this.#parser, chunk)
  }

  #onEnd(): void {
    if (this.#exchange === undefined || this.#parser === undefined || this.#earlyResponse !== undefined) {
      this.#fail(this.#lost())
      return
    }
    this.#read(this.#parser)
  }

  /** @param chunk absent when the server has closed its side. */
  #read(parser: ResponseParser, chunk?: Buffer): void {
    let response: ParsedResponse | undefined
    try {
      response = chunk === undefined ? parser.end() : parser.push(chunk)
    } catch (error) {
      if (!(error instanceof ResponseFormatError)) throw error
      this.#fail(this.#invalid(error.message))
      return
    }
    if (response !== undefined) this.#complete(response)
  }

  #complete({ statusCode, headers, body, keepAlive, requestId }: ParsedResponse): void {
    if (this.#context.duplicates.isDuplicate(requestId, this.#recentIds)) {
      this.#fail(
        this.#invalid('it is a copy of an earlier response, or the endpoint repeats its x-amzn-requestid'),
      )
      return
    }
    const response: ReceivedResponse = { statusCode, headers, body: body.toString(), keepAlive, requestId }
    const isLarge = (this.#exchange?.text.length ?? 0) > SURELY_WRITTEN
    if (isLarge && this.#socket.writableLength > 0) {
      // TLS reports only at the end of the turn what has been written.
      this.#earlyResponse = response
      this.#runAtEndOfTurn()
      return
    }
    this.#hand(response)
  }

  /** Nobody carries out a request before having read it; to refuse it, some do not need all of it. */
  #judgeEarly(response: ReceivedResponse): void {
    this.#earlyResponse = undefined
    if (this.#socket.writableLength > 0 && response.statusCode < 300) {
      this.#fail(this.#invalid('it came before all of the request had been sent'))
    } else {
      this.#hand(response)
    }
  }

  /** Hands a response to the exchange under way, which has the last word on it. */
  #hand(response: ReceivedResponse): void {
    let isTrusted: boolean
    try {
      isTrusted = this.#exchange?.accept(response) === true
    } catch (error) {
      this.#fail(this.#lost(), true, error)
      return
    }
    this.#mayHaveUnread = true
    if (!this.#isProven && response.statusCode < 500) {
      this.#isProven = true
      this.#peer?.responded()
    }
    const isUnmarked = this.#context.duplicates.isUnmarked(response.requestId)
    this.#endExchange()?.answered(response, isTrusted && response.keepAlive && !isUnmarked)
  }

  /** Forgets the exchange under way; whoever ends it tells it how it ended. */
  #endExchange(): Exchange | undefined {
    const exchange = this.#exchange
    if (exchange === undefined) return undefined
    this.#exchange = undefined
    this.expiresAtMs = Infinity
    this.#context.timeouts.end()
    if (exchange.signal !== undefined) offAbort(exchange.signal, this.#onAbort)
    return exchange
  }

  /** @param reason what the exchange under way fails with. */
  #fail(failure: TransportError, isNews = true, reason: unknown = failure): void {
    if (this.#failure !== undefined) return
    this.#failure = failure
    this.#context.timeouts.forget(this)
    // It takes a turn to close the socket, for which the process need not wait.
    this.#socket.unref()
    this.#socket.destroy()
    const exchange = this.#endExchange()
    if (exchange !== undefined && !this.#isProven) this.#peer?.failed()
    if (exchange !== undefined) exchange.failed(reason)
    else if (isNews) this.#context.onIdleLost(this)
  }

  #lost(cause?: Error): ConnectionError {
    return new ConnectionError(
      'CONNECTION_LOST',
      `the connection to ${this.#context.endpoint.origin} was lost${because(cause)}`,
      { cause, retryable: true },
    )
  }

  #invalid(reason: string): ConnectionError {
    return new ConnectionError(
      'INVALID_RESPONSE',
      `unusable response from ${this.#context.endpoint.origin}: ${reason}`,
      { retryable: true },
    )
  }
}

/** As much as the event loop reads from a socket at a time. */
const SHARED_BYTES = 64 * 1024

let shared: Buffer | undefined

/**
 * The bytes that arrive on one socket.
 *
 * All sockets read into one buffer, from which each response is taken before the next read: the streams of Node make a
 * buffer with memory of its own for every read and lead it through their queue. The socket has no `data` events then;
 * `end`, `error` and `close` are as ever.
 *
 * Not every runtime does so: Bun calls back with a buffer of its own, and where the option has no effect there are `data`
 * events.
 */
export class SharedReadBuffer {
  /** Takes the bytes, which are there only while it runs. */
  onBytes: ((bytes: Buffer) => void) | undefined
  /** To be passed as the option `onread` to `connect` of `node:net` or `node:tls`. */
  readonly onread: OnReadOpts
  readonly #onEarlyBytes: () => void
  #isReadInto = false

  /** @param onEarlyBytes told about bytes that come while nobody takes them. */
  constructor(onEarlyBytes: () => void) {
    this.#onEarlyBytes = onEarlyBytes
    shared ??= Buffer.allocUnsafeSlow(SHARED_BYTES)
    this.onread = {
      buffer: shared,
      callback: (length, filled) => {
        this.#isReadInto = true
        const all = filled === shared ? shared : Buffer.from(filled.buffer, filled.byteOffset)
        this.#handOn(all.subarray(0, length))
        return true
      },
    }
  }

  /** Takes the bytes of a socket also where it makes nothing of {@link onread}. */
  listenTo(socket: Socket): void {
    socket.on('data', bytes => {
      if (!this.#isReadInto) this.#handOn(bytes)
    })
  }

  #handOn(bytes: Buffer): void {
    if (this.onBytes === undefined) this.#onEarlyBytes()
    else this.onBytes(bytes)
  }
}

/** How many answers a connection remembers: whatever repeats one does so soon. */
const REMEMBERED_IDS = 16

/** The IDs of the latest answers on one connection. */
export class RecentIds {
  readonly #ids: string[] = []
  /** A number for each ID, the same for the same, because numbers are cheaper to compare: most IDs differ. */
  readonly #marks = new Int32Array(REMEMBERED_IDS)
  #oldest = 0

  /** Whether one of the latest answers had this ID. */
  has(id: string): boolean {
    const index = this.#marks.indexOf(markOf(id))
    // Where the numbers of different IDs are the same, all are compared.
    return index !== -1 && this.#ids.includes(id, index)
  }

  /** Remembers the ID of an answer instead of the oldest one. */
  add(id: string): void {
    this.#ids[this.#oldest] = id
    this.#marks[this.#oldest] = markOf(id)
    this.#oldest = (this.#oldest + 1) % REMEMBERED_IDS
  }
}

/** The first four characters of an ID in one number. */
function markOf(id: string): number {
  return id.charCodeAt(0) | (id.charCodeAt(1) << 8) | (id.charCodeAt(2) << 16) | (id.charCodeAt(3) << 24)
}

/**
 * Recognises an answer that comes a second time (G8): something in between has sent it twice, and the copy would be
 * taken for the answer to a later request on the connection.
 *
 * AWS gives every answer an ID of its own (`x-amzn-requestid`), so that two with one ID on a connection are one and its
 * copy. Stand-ins for AWS may give all answers the same ID, or a few in turns: that shows when an ID that was taken for
 * a copy's comes on a connection that had not had it, and from then on IDs mean nothing. One instance watches all
 * connections to an endpoint.
 */
export class DuplicateResponseDetector {
  #suspect: string | undefined
  #idsMeanNothing = false
  #givesIds = false

  /**
   * Whether an answer is the copy of an earlier one; if it is not, its ID is remembered.
   *
   * @param id the ID of the answer.
   * @param recent the IDs of the answers before it on the same connection.
   */
  isDuplicate(id: string | undefined, recent: RecentIds): boolean {
    if (id === undefined) return false
    this.#givesIds = true
    if (this.#idsMeanNothing) return false
    if (recent.has(id)) {
      this.#suspect = id
      return true
    }
    if (id === this.#suspect) this.#idsMeanNothing = true
    recent.add(id)
    return false
  }

  /** Whether an answer has no ID although the endpoint gives its answers one: something in between may have made it. */
  isUnmarked(id: string | undefined): boolean {
    return id === undefined && this.#givesIds
  }
}
