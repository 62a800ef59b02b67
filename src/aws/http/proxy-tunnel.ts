import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

import { ConnectionError, ConnectTimeoutError } from '../../errors.ts'
import { ignore, withTimeout } from '../../internal/timers.ts'
import { socketFailed, tlsOptions } from './connect-failure.ts'
import type { Endpoint, Proxy, Route } from './endpoint.ts'
import { type EndpointAddresses, Peer } from './resolver-cache.ts'

/** How to open a tunnel. */
export interface TunnelOptions {
  readonly proxy: Proxy
  /** Addresses of the proxy. */
  readonly addresses: EndpointAddresses
  /** Where the tunnel leads. */
  readonly endpoint: Endpoint
  readonly route: Route
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** As long a head as a proxy may send. */
const MAX_HEAD_BYTES = 16 * 1024
const END_OF_HEAD = '\r\n\r\n'

/**
 * Connects to an endpoint through a proxy.
 *
 * @returns a paused socket, of which every byte goes to the endpoint and comes from there.
 * @throws {ConnectTimeoutError} after `timeoutMs`.
 * @throws {ConnectionError} when the proxy cannot be reached, refuses, or is none, and when it sends anything behind its
 *   response: what that would answer is anyone's guess (G8).
 */
export async function openTunnel(options: TunnelOptions): Promise<Socket> {
  const { proxy, endpoint, timeoutMs, signal } = options
  signal?.throwIfAborted()
  const endsAtMs = performance.now() + timeoutMs
  const peer = new Peer(options.addresses, timeoutMs)
  const inTime = <Value>(work: Promise<Value>, missing: string): Promise<Value> =>
    withTimeout(work, Math.max(0, endsAtMs - performance.now()), signal, () => {
      return new ConnectTimeoutError(
        `no connection to ${endpoint.origin} within ${timeoutMs} ms: ${nameOf(proxy)} ${peer.isLookingUp ? 'has a host name that was not resolved by then' : missing}`,
      )
    })
  const socket = openSocket(options, peer)
  peer.follow(socket)
  // Errors are told by "close" as well, and may come after the socket was given up.
  let failure: Error | undefined
  socket.on('error', error => {
    failure = error
  })
  const lost = new Promise<never>((_, reject) => {
    socket.once('close', () => {
      reject(connectionLost(options, socket, failure))
    })
  })
  lost.catch(ignore)
  try {
    const ready = once(socket, proxy.endpoint.protocol === 'https:' ? 'secureConnect' : 'connect')
    await inTime(Promise.race([ready, lost]), 'did not accept the connection')
    socket.setNoDelay(true)
    socket.write(connectRequest(proxy, endpoint), 'latin1')
    const head = await inTime(Promise.race([readHead(socket, options), lost]), 'did not respond to CONNECT')
    peer.responded()
    checkStatus(head, options)
    return socket
  } catch (error) {
    if (signal?.aborted !== true) peer.failed()
    socket.destroy()
    throw error
  }
}

function openSocket({ proxy: { endpoint }, route: { ca } }: TunnelOptions, { lookup }: Peer): Socket {
  const { protocol, hostname, port } = endpoint
  if (protocol === 'http:') return connectTcp({ host: hostname, port, lookup })
  return connectTls({
    host: hostname,
    port,
    lookup,
    ...tlsOptions(hostname, ca),
  })
}

function connectRequest({ authorization }: Proxy, { hostname, port }: Endpoint): string {
  const authority = `${isIP(hostname) === 6 ? `[${hostname}]` : hostname}:${port}`
  const credentials = authorization === undefined ? '' : `proxy-authorization: ${authorization}\r\n`
  return `CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n${credentials}\r\n`
}

/** Reads the response to `CONNECT` up to its end, and pauses the socket there. */
function readHead(socket: Socket, options: TunnelOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const onData = (bytes: Buffer): void => {
      received += bytes.toString('latin1')
      const end = received.indexOf(END_OF_HEAD)
      if (end === -1 && received.length < MAX_HEAD_BYTES && looksLikeHttp(received)) return
      socket.off('data', onData)
      socket.pause()
      const isWhole = end !== -1 && looksLikeHttp(received)
      if (!isWhole) reject(notAProxy(options))
      else if (isSuccess(received) && received.length > end + END_OF_HEAD.length) {
        reject(refused(options, 'sent bytes behind its response to CONNECT', true))
      } else resolve(received.slice(0, end))
    }
    socket.on('data', onData)
  })
}

function looksLikeHttp(received: string): boolean {
  const start = 'HTTP/1.'
  return received.slice(0, start.length) === start.slice(0, received.length)
}

function isSuccess(head: string): boolean {
  return /^HTTP\/1\.[01] 2\d\d[ \r]/.test(`${head}\r`)
}

function checkStatus(head: string, options: TunnelOptions): void {
  if (isSuccess(head)) return
  const status = /^HTTP\/1\.[01] (\d{3})(?: |\r|$)/.exec(head)?.[1]
  if (status === undefined) throw notAProxy(options)
  const { proxy, endpoint } = options
  throw refused(
    options,
    `refused to connect to ${endpoint.hostname}:${endpoint.port} with HTTP status ${status}; ${remedyFor(status, proxy)}`,
    status === '429' || status.startsWith('5'),
  )
}

function remedyFor(status: string, { authorization, source }: Proxy): string {
  if (status === '407') {
    return authorization === undefined
      ? `put the user name and password that it asks for into ${source}, as in http://user:password@proxy:3128`
      : `check the user name and password in ${source}`
  }
  if (['400', '404', '405', '501'].includes(status)) return `check that ${source} names an HTTP proxy`
  return 'have whoever runs the proxy let it through, or name the host in NO_PROXY'
}

function notAProxy(options: TunnelOptions): ConnectionError {
  return refused(
    options,
    `did not respond as an HTTP proxy does; check that ${options.proxy.source} names one`,
    false,
  )
}

function refused({ proxy }: TunnelOptions, trouble: string, retryable: boolean): ConnectionError {
  return new ConnectionError('CONNECTION_FAILED', `${nameOf(proxy)} ${trouble}`, { retryable })
}

function connectionLost(
  { proxy, route: { trustAdvice = 'have it trusted' } }: TunnelOptions,
  socket: Socket,
  cause: Error | undefined,
): ConnectionError {
  const error = socketFailed(socket, proxy.endpoint, cause, trustAdvice)
  const message = `${nameOf(proxy)} cannot be used: ${error.message}`
  return new ConnectionError(error.code, message, { cause, retryable: error.retryable })
}

function nameOf({ endpoint, source }: Proxy): string {
  return `the proxy ${endpoint.origin} (${source})`
}

function once(socket: Socket, event: string): Promise<void> {
  return new Promise(resolve => {
    socket.once(event, () => {
      resolve()
    })
  })
}
