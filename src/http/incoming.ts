import type { OnReadOpts } from 'node:net'

/** As much as the event loop reads from a socket at a time. */
const SHARED_BYTES = 64 * 1024

let shared: Buffer | undefined

/**
 * The bytes that arrive on one socket.
 *
 * All sockets read into one buffer, of which a copy is handed on: the streams of Node make a buffer with memory of its
 * own for every read and lead it through their queue, which costs more than to copy an answer. The socket has no
 * `data` events then; `end`, `error` and `close` are as ever.
 */
export class Incoming {
  /** Takes the bytes; they are its own. */
  onBytes: ((bytes: Buffer) => void) | undefined
  /** To be passed as the option `onread` to `connect` of `node:net` or `node:tls`. */
  readonly onread: OnReadOpts

  /** @param onEarlyBytes told about bytes that come while nobody takes them. */
  constructor(onEarlyBytes: () => void) {
    shared ??= Buffer.allocUnsafeSlow(SHARED_BYTES)
    const buffer = shared
    this.onread = {
      buffer,
      callback: length => {
        if (this.onBytes === undefined) onEarlyBytes()
        else this.onBytes(Buffer.from(buffer.subarray(0, length)))
        return true
      },
    }
  }
}
