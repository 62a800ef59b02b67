import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'

import { type ConnectionError, ConnectTimeoutError } from '../errors.ts'
import { offAbort, onAbort } from '../internal/abort-listeners.ts'
import { deferred } from '../internal/deferred.ts'
import { certificateRejected, connectFailed, type ConnectFailure } from './connect-failure.ts'
import { Connection, type ConnectionContext } from './connection.ts'
import type { Endpoint } from './endpoint.ts'
import { Incoming } from './incoming.ts'
import { because, errorCode, isTransientCode } from './system-error.ts'

/** How to make a connection. */
export interface ConnectOptions {
  readonly context: ConnectionContext
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** Certificates (PEM) to trust instead of the ones Node trusts. */
  readonly ca?: string | readonly string[] | undefined
  /** TLS session of an earlier connection, which saves a round trip and most of the handshake's CPU. */
  readonly tlsSession?: Buffer | undefined
  /** Told about each TLS session that can be resumed later. */
  readonly onTlsSession?: (session: Buffer) => void
}

/**
 * Makes a connection: address lookup, TCP (both address families raced) and, for `https:`, TLS with the host
 * name verified.
 *
 * @throws {ConnectTimeoutError} after `timeoutMs`.
 * @throws {ConnectionError} when the endpoint refuses, cannot be found or has the wrong certificate.
 */
export function openConnection(options: ConnectOptions): Promise<Connection> {
  const { context, signal, timeoutMs } = options
  const { endpoint } = context
  const { promise, resolve, reject } = deferred<Connection>()
  if (signal?.aborted === true) {
    reject(signal.reason)
    return promise
  }
  const incoming = new Incoming(() => {
    // Nothing has been asked for yet: this is no server to send a request to.
    socket.destroy()
  })
  const socket = endpoint.protocol === 'https:' ? openTls(options, incoming) : openTcp(endpoint, incoming)
  socket.setNoDelay(true)

  const settle = (): void => {
    clearTimeout(timer)
    if (signal !== undefined) offAbort(signal, giveUp)
    socket.off('error', onError)
    socket.off('close', onClose)
    socket.off(readyEvent, onReady)
  }
  const fail = (error: unknown): void => {
    settle()
    // A socket that is given up may still report errors; without a listener they would end the process.
    socket.on('error', ignore)
    socket.destroy()
    reject(error)
  }
  const onReady = (): void => {
    settle()
    resolve(new Connection(socket, incoming, context))
  }
  const onError = (cause: Error): void => {
    fail(failureOf(endpoint, cause, socket))
  }
  const onClose = (): void => {
    fail(failureOf(endpoint, undefined, socket))
  }
  const giveUp = (): void => {
    fail(signal?.reason)
  }
  const readyEvent = endpoint.protocol === 'https:' ? 'secureConnect' : 'connect'
  // First, because it throws when the caller has passed something that is no AbortSignal.
  if (signal !== undefined) onAbort(signal, giveUp)
  const timer = setTimeout(() => {
    fail(new ConnectTimeoutError(`no connection to ${endpoint.origin} within ${timeoutMs} ms`))
  }, timeoutMs)
  socket.once('error', onError)
  socket.once('close', onClose)
  socket.once(readyEvent, onReady)
  return promise
}

function openTcp({ hostname, port }: Endpoint, { onread }: Incoming): Socket {
  return connectTcp({ host: hostname, port, onread })
}

function openTls({ context, ca, tlsSession, onTlsSession }: ConnectOptions, { onread }: Incoming): TLSSocket {
  const { hostname, port } = context.endpoint
  // The types of Node do not know that connections over TLS take "onread", too.
  const options: ConnectionOptions & { readonly onread: OnReadOpts } = {
    host: hostname,
    port,
    onread,
    ALPNProtocols: ['http/1.1'],
    ...(isIP(hostname) === 0 && { servername: hostname }),
    ...(ca !== undefined && { ca: typeof ca === 'string' ? ca : [...ca] }),
    ...(tlsSession !== undefined && { session: tlsSession }),
  }
  const socket = connectTls(options)
  if (onTlsSession !== undefined) socket.on('session', onTlsSession)
  return socket
}

function failureOf(endpoint: Endpoint, cause: Error | undefined, socket: Socket): ConnectionError {
  const code = errorCode(cause)
  const failure: ConnectFailure = {
    endpoint,
    code,
    cause,
    otherwise: `could not connect to ${endpoint.origin}${cause === undefined ? ' (it closed the connection)' : because(cause)}`,
    // Without a code the server hung up in the middle of the handshake.
    retryable: code === undefined || isTransientCode(code),
    trustAdvice: 'pass that as the option "ca"',
  }
  const isRejected = 'authorizationError' in socket && typeof socket.authorizationError === 'string'
  return isRejected ? certificateRejected(failure) : connectFailed(failure)
}

function ignore(): void {
  // Nobody is left to tell.
}
