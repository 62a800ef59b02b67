import type { Transport } from './transport.ts'

/** A transport whose code is loaded with the first request, for those that most applications have no use for. */
export function lazyTransport(load: () => Promise<Transport>): Transport {
  let transport: Transport | undefined
  const loaded = async (): Promise<Transport> => {
    const found = await load()
    // Requests that come at the same time share one.
    transport ??= found
    return transport
  }
  return {
    request: async request => (transport ?? (await loaded())).request(request),
    close: async () => (transport ?? (await loaded())).close(),
  }
}

/**
 * The transport that the runtime demands; `undefined` where sockets can be used. In Cloudflare Workers it is `fetch`, because a
 * socket can only be used by the request that has opened it, so that connections cannot be kept open.
 */
export function neededTransport(): Transport | undefined {
  const navigator: unknown = Reflect.get(globalThis, 'navigator')
  if (typeof navigator !== 'object' || navigator === null) return undefined
  if (Reflect.get(navigator, 'userAgent') !== 'Cloudflare-Workers') return undefined
  return lazyTransport(async () => (await import('./fetch-transport.ts')).fetchTransport())
}

/** A transport that the application has made, held to what {@link Transport} promises. */
export function givenTransport(transport: Transport): Transport {
  return lazyTransport(async () => (await import('./bounded-transport.ts')).boundedTransport(transport))
}
