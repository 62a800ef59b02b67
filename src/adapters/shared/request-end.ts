import { subscribe } from 'node:diagnostics_channel'

import { type Emitter, isEmitter, isObject } from '../../internal/core-objects.ts'
import type { SessionLock } from '../../locks/lease.ts'

const REQUEST_STARTED = 'http.server.request.start'

/** The responses of requests, where nothing else leads from one to the other. */
let responses: WeakMap<object, object> | undefined
/** Whether this runtime tells of the requests that its servers get. */
let tellsOfRequests = false

/**
 * Has the responses of all requests remembered from now on, so that {@link responseTo} knows that of a request which does
 * not have it, as those of plain `node:http` servers.
 */
export function rememberResponses(): void {
  if (responses !== undefined) return
  const known = new WeakMap<object, object>()
  responses = known
  subscribe(REQUEST_STARTED, message => {
    tellsOfRequests = true
    if (!isObject(message)) return
    const { request, response } = message as { readonly request?: unknown; readonly response?: unknown }
    if (isObject(request) && isObject(response)) known.set(request, response)
  })
}

/**
 * What ends a request: its response, the stream of its response in HTTP/2, or the connection where neither is known.
 *
 * @param response what the framework says it is, unless it says so in the request.
 * @returns `undefined` for a request that has no response of its own. A WebSocket has none, whatever stands in for it; nor has
 *   an object that an application has made to look like a request. The requests of Engine.IO (Socket.IO) count as such, too:
 *   one of them waits for what another brings.
 */
export function responseTo(
  request: object,
  response: unknown = Reflect.get(request, 'res'),
): Emitter | undefined {
  if (isEngineIo(request)) return undefined
  // Express hangs the response on the request, and the HTTP/2 server the stream.
  const known: unknown = responses?.get(request) ?? Reflect.get(request, 'stream')
  if (isEmitter(known)) return known
  if (isUpgrade(request)) return undefined
  if (isEmitter(response)) return response
  const socket = socketOf(request)
  return tellsOfRequests ? undefined : socket
}

/** Whether a request asks for another protocol on its connection. */
function isUpgrade(request: object): boolean {
  if (Reflect.get(request, 'upgrade') === true) return true
  const headers: unknown = Reflect.get(request, 'headers')
  return isObject(headers) && Reflect.get(headers, 'upgrade') !== undefined
}

/** Whether a response has begun, and goes on for as long as it likes. */
export function hasBegun(response: Emitter): boolean {
  return Reflect.get(response, 'headersSent') === true
}

/**
 * Calls back once when a response, or its HTTP/2 stream, is out or its connection is gone. (The `'close'` of the request
 * itself comes as soon as its body has been read.)
 *
 * @param request a response that waits for its turn on the connection is not told that the connection is gone.
 */
export function onRequestEnd(response: Emitter, request: object, callback: () => void): void {
  const socket = socketOf(request)
  const connection = socket === response ? undefined : socket
  const isOver = ['closed', 'destroyed', 'writableFinished'].some(
    state => Reflect.get(response, state) === true,
  )
  if (isOver || (connection !== undefined && Reflect.get(connection, 'destroyed') === true)) {
    callback()
    return
  }
  const over = (): void => {
    response.off('close', over)
    response.off('finish', over)
    connection?.off('close', over)
    callback()
  }
  response.once('close', over)
  // Responses that are made without a server, from the event of a function for example, may not close.
  response.once('finish', over)
  connection?.once('close', over)
}

/**
 * Keeps a lock until its request is over, however that ends, if nothing ends it before. A response that has begun and goes on,
 * a stream of events for example, keeps it no longer than until the next renewal.
 *
 * @param report is told of a lock that could not be given back.
 */
export function holdUntilRequestEnd(
  lock: Pick<SessionLock, 'keepAlive' | 'release'>,
  response: Emitter,
  request: object,
  report: (reason: unknown) => void,
): void {
  lock.keepAlive(() => !hasBegun(response))
  onRequestEnd(response, request, () => {
    lock.release().catch(report)
  })
}

/** Engine.IO keeps the parameters of a request there, and has done so before it calls a middleware. */
function isEngineIo(request: object): boolean {
  const query: unknown = Reflect.get(request, '_query')
  return isObject(query) && typeof Reflect.get(query, 'EIO') === 'string'
}

function socketOf(request: object): Emitter | undefined {
  const socket: unknown = Reflect.get(request, 'socket')
  return isEmitter(socket) ? socket : undefined
}
