import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net'
import { checkServerIdentity, connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'

import { ConnectionError, ConnectTimeoutError } from '../../errors.ts'
import { codeOf, isPromise, messageOf } from '../../internal/core-objects.ts'
import { deferred, ignore, offAbort, onAbort, withTimeout } from '../../internal/timers.ts'
import { socketFailed, tlsOptions } from './connect-failure.ts'
import { Connection, type ConnectionContext, SharedReadBuffer } from './connection.ts'
import type { Endpoint, Route, RouteFinder } from './endpoint.ts'
import { type EndpointAddresses, Peer, type ResolverCache } from './resolver-cache.ts'
import type { Timed } from './tick-queue.ts'
import type { TransportRequest } from './transport.ts'

/** What {@link openConnection} goes by, besides the request. */
export interface ConnectTerms {
  readonly context: ConnectionContext
  /** Certificates (PEM) to trust instead of the ones Node trusts. */
  readonly ca?: string | readonly string[] | undefined
  /** Finds the way to the endpoint, certificates included. `@default` directly, trusting `ca` */
  readonly route?: RouteFinder | undefined
  /** The addresses that are known, of every endpoint and proxy. */
  readonly resolver: ResolverCache
}

/** How to make a connection, once the way to the endpoint is known. */
interface ConnectOptions {
  readonly context: ConnectionContext
  readonly timeoutMs: number
  /** Instant of `performance.now()` at which the caller gives up. */
  readonly deadlineAtMs: number
  readonly signal: AbortSignal | undefined
  readonly route: Route
  readonly addresses: EndpointAddresses
  /** Addresses to try after the others. */
  readonly avoided: ReadonlySet<string> | undefined
  /** An open connection to the endpoint through a proxy; absent for a direct one. */
  readonly tunnel: Socket | undefined
}

/** How long a connection is idle before the operating system asks whether the other side is still there. */
const KEEP_ALIVE_MS = 60_000

/**
 * Makes a connection for a request: finds the way, opens a tunnel where that leads through a proxy, looks the address up,
 * connects (both address families raced) and, for `https:`, sets up TLS with the host name verified.
 *
 * @throws {ConnectTimeoutError} after `connectTimeoutMs`, and as much later as the event loop was blocked then.
 * @throws {ConnectionError} when the endpoint refuses, cannot be found or has the wrong certificate.
 */
export async function openConnection(
  { connectTimeoutMs, deadlineAtMs, limitAtMs = deadlineAtMs, signal, sentTo: avoided }: TransportRequest,
  { context, ca, route: findRoute, resolver }: ConnectTerms,
): Promise<Connection> {
  const { endpoint } = context
  const endsAtMs = Math.min(performance.now() + connectTimeoutMs, limitAtMs)
  const leftMs = (): number => Math.ceil(Math.max(0, endsAtMs - performance.now()))
  const route = findRoute === undefined ? { ca } : await routeInTime(findRoute, endpoint, leftMs(), signal)
  const { proxy } = route
  const addresses = resolver.of(proxy?.endpoint ?? endpoint)
  context.addresses = addresses
  let tunnel: Socket | undefined
  if (proxy !== undefined) {
    // Few apps need its code.
    const { openTunnel } = await import('./proxy-tunnel.ts')
    tunnel = await openTunnel({ proxy, addresses, endpoint, route, timeoutMs: leftMs(), signal })
  }
  try {
    const timeoutMs = leftMs()
    return await connect({ context, timeoutMs, deadlineAtMs, signal, route, addresses, avoided, tunnel })
  } catch (error) {
    tunnel?.destroy()
    throw error
  }
}

async function routeInTime(
  findRoute: RouteFinder,
  endpoint: Endpoint,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Route> {
  const route = findRoute(endpoint)
  if (!isPromise(route)) return route
  return withTimeout(route, timeoutMs, signal, () => {
    return new ConnectTimeoutError(
      `no connection to ${endpoint.origin} within ${timeoutMs} ms: the files that name certificates to trust ` +
        'could not be read in time',
    )
  })
}

function connect(options: ConnectOptions): Promise<Connection> {
  const { context, signal, timeoutMs, deadlineAtMs } = options
  const { endpoint, timeouts } = context
  const { promise, resolve, reject } = deferred<Connection>()
  if (signal?.aborted === true) {
    reject(signal.reason)
    return promise
  }
  const incoming = new SharedReadBuffer(() => {
    // Nothing has been asked for yet: this is no server to send a request to.
    socket.destroy()
  })
  const { addresses, avoided, tunnel } = options
  const peer = tunnel === undefined ? new Peer(addresses, timeoutMs, avoided) : undefined
  let socket: Socket
  try {
    socket = openSocket(options, incoming, peer)
  } catch (cause) {
    reject(cannotOpen(options, cause))
    return promise
  }
  socket.setNoDelay(true)
  // It matters while look-ups fail, when connections may be idle for longer than routers remember them.
  socket.setKeepAlive(true, KEEP_ALIVE_MS)
  peer?.follow(socket)

  const settle = (): void => {
    timeouts.forget(limit)
    timeouts.end()
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
    const mistaken = wrongHost(socket, endpoint)
    if (mistaken !== undefined) {
      peer?.failed()
      fail(failureOf(options, mistaken, socket))
      return
    }
    settle()
    resolve(new Connection(socket, incoming, context, peer))
  }
  const onError = (cause: Error): void => {
    peer?.failed()
    fail(failureOf(options, cause, socket))
  }
  const onClose = (): void => {
    peer?.failed()
    fail(failureOf(options, undefined, socket))
  }
  const giveUp = (): void => {
    fail(signal?.reason)
  }
  const readyEvent = endpoint.protocol === 'https:' ? 'secureConnect' : 'connect'
  // First, because it throws when the caller has passed something that is no AbortSignal.
  if (signal !== undefined) onAbort(signal, giveUp)
  const limit: Timed = {
    expiresAtMs: performance.now() + timeoutMs,
    deadlineAtMs,
    expire: () => {
      peer?.failed()
      const reason = peer?.isLookingUp === true ? lookupHangs(endpoint) : outageNote(options)
      fail(new ConnectTimeoutError(`no connection to ${endpoint.origin} within ${timeoutMs} ms${reason}`))
    },
  }
  timeouts.watch(limit)
  timeouts.begin(limit.expiresAtMs)
  socket.once('error', onError)
  socket.once('close', onClose)
  socket.once(readyEvent, onReady)
  // What a tunnel connects to is connected already.
  if (socket === options.tunnel) onReady()
  return promise
}

/** How a socket is told to read; see {@link SharedReadBuffer}. */
type Reading = Pick<SharedReadBuffer, 'onread'> | undefined

/** Whether this runtime opens sockets that are told where to read to: Deno before 2.8 throws instead. */
let takesOnread = true

function openSocket(options: ConnectOptions, incoming: SharedReadBuffer, peer: Peer | undefined): Socket {
  const { context, tunnel } = options
  const isSecure = context.endpoint.protocol === 'https:'
  if (tunnel !== undefined) {
    // Over another socket the option "onread" has no effect.
    const socket = isSecure ? openTls(options, undefined, undefined) : tunnel
    incoming.listenTo(socket)
    // Over TLS the tunnel is read by what is above it.
    if (!isSecure) tunnel.resume()
    return socket
  }
  const open = isSecure ? openTls : openTcp
  let socket: Socket
  try {
    socket = open(options, takesOnread ? incoming : undefined, peer)
  } catch (error) {
    if (!takesOnread) throw error
    socket = open(options, undefined, peer)
    takesOnread = false
  }
  incoming.listenTo(socket)
  return socket
}

function openTcp({ context }: ConnectOptions, reading: Reading, peer: Peer | undefined): Socket {
  const { hostname, port } = context.endpoint
  return connectTcp({
    host: hostname,
    port,
    ...(peer && { lookup: peer.lookup }),
    ...(reading && { onread: reading.onread }),
  })
}

function openTls(
  { context, route: { ca }, tunnel }: ConnectOptions,
  reading: Reading,
  peer: Peer | undefined,
): TLSSocket {
  const { hostname, port } = context.endpoint
  const isAddress = isIP(hostname) !== 0
  // The types of Node do not know that connections over TLS take "onread", too.
  const options: ConnectionOptions & { readonly onread?: OnReadOpts } = {
    ...(tunnel === undefined ? { host: hostname, port } : { socket: tunnel }),
    ...(peer && { lookup: peer.lookup }),
    ...(reading && { onread: reading.onread }),
    ...tlsOptions(hostname, ca),
    // A connection that resumes a session shows no certificate, which the address has to be compared with.
    ...(context.tlsSession !== undefined && !isAddress && { session: context.tlsSession }),
  }
  const socket = connectTls(options)
  socket.on('session', session => {
    context.tlsSession = session
  })
  return socket
}

/** The error where there is not even a socket: its options make no sense, or the runtime has no sockets like Node's. */
function cannotOpen({ context, route: { ca } }: ConnectOptions, cause: unknown): ConnectionError {
  const { origin } = context.endpoint
  const remedy =
    ca === undefined
      ? 'pass the option transport: fetchTransport() where the runtime has no sockets like those of Node'
      : 'check the option "ca"; where the runtime takes no "ca", pass the option transport: fetchTransport()'
  const reason = codeOf(cause) ?? messageOf(cause) ?? 'unknown error'
  return new ConnectionError(
    'CONNECTION_FAILED',
    `no socket could be opened to ${origin} (${reason}); ${remedy}`,
    {
      cause,
      retryable: false,
    },
  )
}

/**
 * What is wrong with the certificate of a host that goes by its address, which TLS has no field to ask for: Bun 1.2 does
 * not compare the two.
 */
function wrongHost(socket: Socket, { hostname }: Endpoint): Error | undefined {
  if (isIP(hostname) === 0 || !('getPeerCertificate' in socket)) return undefined
  return checkServerIdentity(hostname, (socket as TLSSocket).getPeerCertificate())
}

function failureOf(options: ConnectOptions, cause: Error | undefined, socket: Socket): ConnectionError {
  const { context, route } = options
  const { trustAdvice = 'pass that as the option "ca"' } = route
  const error = socketFailed(socket, context.endpoint, cause, trustAdvice)
  const note = outageNote(options)
  if (note === '') return error
  return new ConnectionError(error.code, `${error.message}${note}`, { cause, retryable: error.retryable })
}

/** What to add to the message while a connection goes to an address from before. */
function outageNote({ addresses, tunnel, context: { endpoint } }: ConnectOptions): string {
  if (tunnel !== undefined || !addresses.isOutage) return ''
  return `; the host name ${endpoint.hostname} cannot be resolved at present, so an address from before was used: check the name server`
}

function lookupHangs({ hostname }: Endpoint): string {
  return `: the host name ${hostname} was not resolved by then; check that a name server can be reached`
}
