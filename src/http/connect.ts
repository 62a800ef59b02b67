import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'

import { ConnectionError, ConnectTimeoutError } from '../errors.ts'
import { deferred } from '../internal/deferred.ts'
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
    signal?.removeEventListener('abort', onAbort)
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
    fail(connectFailed(endpoint, cause, socket))
  }
  const onClose = (): void => {
    fail(connectFailed(endpoint, undefined, socket))
  }
  const onAbort = (): void => {
    fail(signal?.reason)
  }
  const readyEvent = endpoint.protocol === 'https:' ? 'secureConnect' : 'connect'
  // First, because it throws when the caller has passed something that is no AbortSignal.
  signal?.addEventListener('abort', onAbort, { once: true })
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

function connectFailed(endpoint: Endpoint, cause: Error | undefined, socket: Socket): ConnectionError {
  const { origin, hostname } = endpoint
  const code = errorCode(cause)
  if ('authorizationError' in socket && typeof socket.authorizationError === 'string') {
    return new ConnectionError(
      'CERTIFICATE_REJECTED',
      `the TLS certificate of ${origin} was rejected${because(cause)}; ` +
        'if it is signed by a certificate authority of your own, pass that as the option "ca"',
      { cause, retryable: false },
    )
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new ConnectionError(
      'CONNECTION_FAILED',
      `the host name ${hostname} could not be resolved${because(cause)}; check the region and the endpoint`,
      { cause, retryable: true },
    )
  }
  return new ConnectionError(
    'CONNECTION_FAILED',
    `could not connect to ${origin}${cause === undefined ? ' (it closed the connection)' : because(cause)}`,
    {
      cause,
      // Without a code the server hung up in the middle of the handshake.
      retryable: code === undefined || isTransientCode(code),
    },
  )
}

function ignore(): void {
  // Nobody is left to tell.
}
