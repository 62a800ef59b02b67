import type { OnReadOpts, Socket } from 'node:net'

/** As much as the event loop reads from a socket at a time. */
const SHARED_BYTES = 64 * 1024

let shared: Buffer | undefined

/**
 * The bytes that arrive on one socket.
 *
 * All sockets read into one buffer, of which a copy is handed on: the streams of Node make a buffer with memory of its
 * own for every read and lead it through their queue, which costs more than to copy an answer. The socket has no
 * `data` events then; `end`, `error` and `close` are as ever.
 *
 * Not every runtime does so: Bun calls back with a buffer of its own, and where the option has no effect there are `data`
 * events.
 */
export class SharedReadBuffer {
  /** Takes the bytes; they are its own. */
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
        this.#handOn(Buffer.from(filled.subarray(0, length)))
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
