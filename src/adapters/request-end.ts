import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'

const RESPONSE_FINISHED = 'http.server.response.finish'

/**
 * Calls back once when a request is over, however it ends: its response is out, or its connection is gone. (The
 * `'close'` of the request itself comes as soon as its body has been read.)
 *
 * @returns whether there is an end to wait for; what only looks like a request has none.
 */
export function whenOver(request: IncomingMessage, callback: () => void): boolean {
  // Express hangs the response on the request, the HTTP/2 server the stream; without either, Node's channel tells.
  const end: unknown = Reflect.get(request, 'res') ?? Reflect.get(request, 'stream')
  if (end instanceof EventEmitter) {
    whenClosed(end, callback)
    return true
  }
  if (!(request.socket instanceof EventEmitter)) return false
  const { socket } = request
  const over = (): void => {
    unsubscribe(RESPONSE_FINISHED, onFinished)
    socket.off('close', over)
    callback()
  }
  const onFinished = (message: unknown): void => {
    if (typeof message === 'object' && message !== null && Reflect.get(message, 'request') === request) over()
  }
  if (socket.destroyed) {
    callback()
    return true
  }
  socket.once('close', over)
  subscribe(RESPONSE_FINISHED, onFinished)
  return true
}

/** A response, or the stream that stands for it. */
interface Closing {
  once(event: 'close', listener: () => void): unknown
}

/** Calls back once when a response, or its HTTP/2 stream, is out or its connection is gone. */
export function whenClosed(response: Closing, callback: () => void): void {
  if (Reflect.get(response, 'destroyed') === true) callback()
  else response.once('close', callback)
}
