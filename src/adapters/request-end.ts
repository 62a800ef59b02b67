import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'

import { type Emitter, isEmitter } from '../internal/core-objects.ts'

const REQUEST_STARTED = 'http.server.request.start'

/** The responses of requests, where nothing else leads from one to the other. */
let responses: WeakMap<object, object> | undefined

/**
 * Has the responses of all requests remembered from now on, so that {@link whenOver} knows that of a request which does
 * not have it, as those of plain `node:http` servers.
 */
export function rememberResponses(): void {
  if (responses !== undefined) return
  const known = new WeakMap<object, object>()
  responses = known
  subscribe(REQUEST_STARTED, message => {
    if (!isObject(message)) return
    const { request, response } = message as { readonly request?: unknown; readonly response?: unknown }
    if (isObject(request) && isObject(response)) known.set(request, response)
  })
}

/**
 * Calls back once when a request is over, however it ends: its response is out, or its connection is gone. (The
 * `'close'` of the request itself comes as soon as its body has been read.)
 *
 * @returns whether there is an end to wait for; what only looks like a request has none.
 */
export function whenOver(request: IncomingMessage, callback: () => void): boolean {
  // Express hangs the response on the request, and the HTTP/2 server the stream.
  const end: unknown =
    Reflect.get(request, 'res') ?? Reflect.get(request, 'stream') ?? responses?.get(request)
  const socket: unknown = Reflect.get(request, 'socket')
  if (isEmitter(end)) {
    whenClosed(end, callback, socket)
    return true
  }
  if (!isEmitter(socket)) return false
  whenClosed(socket, callback)
  return true
}

/**
 * Calls back once when a response, or its HTTP/2 stream, is out or its connection is gone.
 *
 * @param socket of the request: a response that waits for its turn on the connection is not told that it is gone.
 */
export function whenClosed(response: Emitter, callback: () => void, socket?: unknown): void {
  const connection = isEmitter(socket) ? socket : undefined
  const isOver = ['closed', 'destroyed', 'writableFinished'].some(
    state => Reflect.get(response, state) === true,
  )
  if (isOver || (connection !== undefined && Reflect.get(connection, 'destroyed') === true)) {
    callback()
    return
  }
  const over = (): void => {
    response.off('close', over)
    connection?.off('close', over)
    callback()
  }
  response.once('close', over)
  connection?.once('close', over)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
